//! How a process has ended.

use crate::process::{Pid, Process, Reason, Trap};

/// The end of a process, for those who look at it from outside.
#[derive(Debug, Clone)]
pub struct Ending {
    /// Which process.
    pub pid: Pid,
    /// The reason that others are told.
    pub reason: Reason,
    /// The trap that ended it, if it was one.
    pub trap: Option<Box<Trap>>,
    /// The state in which the machine was left; `None` for a supervisor.
    pub process: Option<Box<Process>>,
    /// The processes that it was linked to.
    pub links: Vec<Pid>,
}
