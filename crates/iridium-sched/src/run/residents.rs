//! Processes that live here under pids that name another node as their home.
//!
//! A process has a slot of this node, which is found by a serial of this node. For nearly all
//! processes that is the serial in their pid; for a resident it is looked up.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::sync::lock;
use iridium_vm::Pid;

/// The residents of a node, with the serials of their slots.
#[derive(Debug, Default)]
pub(crate) struct Residents {
    serials: Mutex<HashMap<Pid, u64>>,
    /// How many there are, so that nobody locks while there are none.
    count: AtomicUsize,
}

impl Residents {
    /// Adds a resident; `false` when its pid lives here already.
    pub(crate) fn add(&self, pid: Pid, serial: u64) -> bool {
        let mut serials = lock(&self.serials);
        let is_new = !serials.contains_key(&pid);
        if is_new {
            serials.insert(pid, serial);
            self.count.store(serials.len(), Ordering::SeqCst);
        }
        is_new
    }

    /// Removes a resident that has exited or moved on.
    pub(crate) fn remove(&self, pid: Pid) {
        if self.count.load(Ordering::SeqCst) > 0 {
            let mut serials = lock(&self.serials);
            serials.remove(&pid);
            self.count.store(serials.len(), Ordering::SeqCst);
        }
    }

    /// The serial of the slot of a resident.
    #[inline]
    pub(crate) fn serial_of(&self, pid: Pid) -> Option<u64> {
        if self.count.load(Ordering::SeqCst) == 0 { None } else { self.look_up(pid) }
    }

    #[cold]
    #[inline(never)]
    fn look_up(&self, pid: Pid) -> Option<u64> {
        lock(&self.serials).get(&pid).copied()
    }
}
