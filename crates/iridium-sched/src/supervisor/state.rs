//! What a supervisor knows of its children, and what it is doing.

use serde::{Deserialize, Serialize};

use crate::numbered::numbered;
use crate::process::reason::Reason;
use iridium_vm::Pid;

/// A child, as far as its supervisor knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ChildState {
    pub(super) status: ChildStatus,
    /// Why its last process has ended.
    pub(super) ended: Option<Reason>,
}

numbered! {
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum ChildStatus {
        /// It does not run. A restart of its group starts it.
        0 = Idle,
        /// It is to be started when those before it are.
        1 = Wanted,
        /// [`Action::Start`] is not answered.
        2 = Starting,
        /// It runs.
        3 = Alive(Pid),
        /// It was temporary and has ended.
        4 = Gone,
    }
}

numbered! {
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub(super) enum Mode {
        /// Nothing was started.
        0 = New,
        /// Children that are wanted are started, the first one first. None before `next` is wanted.
        1 = Running { next: usize },
        /// Children are stopped, the last one first, down to `from`. None from `below` on runs.
        2 = Stopping { from: usize, below: usize, terminating: Option<Terminating>, then: Then },
        /// The supervisor has ended.
        3 = Ended,
    }
}

numbered! {
    /// What follows when children have been stopped.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Then {
        /// They start again.
        0 = Restart,
        /// The supervisor ends.
        1 = End(Reason),
    }
}

/// The child that is being terminated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terminating {
    pub(super) index: usize,
    /// When it is killed if it has not ended.
    pub(super) deadline: Option<u64>,
}
