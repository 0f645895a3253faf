//! Waiting until a process and all that it was linked to have ended.
//!
//! A process of the group carries a token. Before its exit signals go out, an ending process passes
//! the token to its links, so a wait for the group covers them too. Nothing is ever sent: the
//! channel closes when no process carries a token any more.

use std::convert::Infallible;

use crossbeam_channel::{Receiver, Sender, bounded};

/// Carried by each process of a group.
#[derive(Debug, Clone)]
pub(crate) struct GroupToken(Sender<Infallible>);

impl GroupToken {
    /// A token, and what is disconnected once it and all its copies are dropped.
    pub(crate) fn new() -> (Self, Receiver<Infallible>) {
        let (token, ended) = bounded(0);
        (Self(token), ended)
    }

    /// Whether both are of one group.
    pub(crate) fn is_same_group(&self, other: &Self) -> bool {
        self.0.same_channel(&other.0)
    }
}
