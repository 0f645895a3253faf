//! How a process has ended.

use std::sync::Arc;

use super::reason::Reason;
use iridium_vm::{Pid, Process, Trap};

/// How a process has ended, for the embedder.
#[derive(Debug, Clone)]
pub struct ExitInfo {
    /// Which process.
    pub pid: Pid,
    /// The reason that others are told.
    pub reason: Reason,
    /// The trap that ended it, if it was one.
    pub trap: Option<Box<Trap>>,
    /// The state in which the machine was left, shared by all who are told; `None` for a supervisor.
    pub process: Option<Arc<Process>>,
    /// The processes that it was linked to.
    pub links: Vec<Pid>,
}
