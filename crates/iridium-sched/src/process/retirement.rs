//! What is left to do when a process has exited.

use std::vec;

use super::exit_info::ExitInfo;
use super::reason::Reason;
use super::signal::Signal;

/// What is left to do when a process has exited: to tell all those that are related to it, and to
/// drop what it has not received. It is done in slices when it is much.
#[derive(Debug)]
pub(crate) struct Retirement {
    pub(crate) reason: Reason,
    /// The signals that it will not read.
    pub(crate) unread: vec::IntoIter<Signal>,
    /// For those who want to know how it has ended.
    pub(crate) info: Option<ExitInfo>,
    /// Whether its slot was given back, and all is done that is to be done before.
    pub(crate) is_gone: bool,
}

impl Retirement {
    pub(crate) fn new(reason: Reason, unread: Vec<Signal>) -> Self {
        Self { reason, unread: unread.into_iter(), info: None, is_gone: false }
    }
}
