//! What a supervisor knows of its children, and what it is about.

use serde::{Deserialize, Serialize};

use crate::Reason;
use iridium_vm::Pid;

/// A child as far as its supervisor knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Slot {
    pub(super) state: State,
    /// Why its last process has ended.
    pub(super) ended: Option<Reason>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum State {
    /// It does not live. A restart of its group starts it.
    Idle,
    /// It is to be started when it is its turn.
    Wanted,
    /// [`Action::Start`] is not answered.
    Starting,
    /// It lives.
    Alive(Pid),
    /// It was temporary and has ended.
    Gone,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Mode {
    /// Nothing was started.
    Fresh,
    /// Children that are wanted are started, the first one first. None before `next` is wanted.
    Up { next: usize },
    /// Children are stopped, the last one first, down to `from`. None from `below` on lives.
    Stopping { from: usize, below: usize, victim: Option<Victim>, then: Then },
    /// It is over.
    Ended,
}

/// What comes when children have been stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Then {
    /// They start again.
    Restart,
    /// The supervisor ends.
    End(Reason),
}

/// The child that is being stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Victim {
    pub(super) index: usize,
    /// When it is killed if it has not ended.
    pub(super) deadline: Option<u64>,
}
