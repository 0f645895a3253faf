//! Processes that wait until there is room for their output.
//!
//! What takes the output tells when it has room again, which wakes one process. One that finds room
//! wakes the next, so that no more are woken than can write: `Context::may_write`.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};
use std::sync::Mutex;

use crate::sync::lock;
use iridium_vm::Pid;

/// The processes that wait for room.
#[derive(Debug, Default)]
pub(crate) struct AwaitingOutput(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    pids: BTreeSet<Pid>,
    /// The one that was woken last: those after it are next, so that each has its turn.
    last: Option<Pid>,
}

impl AwaitingOutput {
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).pids.is_empty()
    }

    pub(crate) fn insert(&self, pid: Pid) {
        lock(&self.0).pids.insert(pid);
    }

    /// Whether it was still there.
    pub(crate) fn remove(&self, pid: Pid) -> bool {
        lock(&self.0).pids.remove(&pid)
    }

    /// Takes the next one that is to be woken.
    pub(crate) fn next(&self) -> Option<Pid> {
        let mut waiting = lock(&self.0);
        let after = waiting.last.map_or(Unbounded, Excluded);
        let next = waiting.pids.range((after, Unbounded)).next();
        let next = next.or_else(|| waiting.pids.first()).copied()?;
        waiting.pids.remove(&next);
        waiting.last = Some(next);
        Some(next)
    }
}
