//! Memory that many processes have left behind, given back to the system.
//!
//! The allocator of the C library keeps what is freed, unless it lies at the very end of its heap;
//! between blocks that are still in use it stays, and after a hundred thousand processes that is
//! nearly all. A node that was busy once would be large for ever. So when most of many processes
//! have exited, and no others have come for a while, the allocator is asked to trim.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use crate::sync::lock;
use crate::table::Table;

/// How many processes must have lived at a time for their memory to matter: some megabytes.
const MANY: usize = 1 << 12;
/// How long there must be few, so that a node whose load comes in waves keeps its memory.
const QUIET_TIME: Duration = Duration::from_secs(5);

/// Decides when memory is trimmed.
#[derive(Debug, Default)]
pub(crate) struct MemoryTrim {
    /// Whether a thread runs for it.
    is_running: AtomicBool,
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl MemoryTrim {
    /// Whether most of many processes have exited, and no thread sees to it yet. The caller is to
    /// start one for [`run`](Self::run), and to say when it has [ended](Self::end).
    pub(crate) fn begin(&self, table: &Table) -> bool {
        let peak = table.peak();
        peak >= MANY && table.live() < peak / 2 && !self.is_running.swap(true, Ordering::SeqCst)
    }

    /// Waits for a while, and trims if there are still few processes then.
    pub(crate) fn run(&self, table: &Table) {
        let before = table.reset_peak();
        let stopped = lock(&self.stopped);
        let waited = self.changed.wait_timeout_while(stopped, QUIET_TIME, |stopped| !*stopped);
        let stopped = *waited.unwrap_or_else(PoisonError::into_inner).0;
        if !stopped && table.peak() < before / 2 {
            trim_memory();
        }
    }

    /// The thread has ended, or could not be started.
    pub(crate) fn end(&self) {
        self.is_running.store(false, Ordering::SeqCst);
    }

    /// Has a thread that runs end soon.
    pub(crate) fn stop(&self) {
        *lock(&self.stopped) = true;
        self.changed.notify_all();
    }
}

/// Asks the allocator to give back to the system what it does not need, which takes milliseconds for
/// each hundred megabytes. It does so by itself only with what lies at the end of its heaps.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub fn trim_memory() {
    // SAFETY: the function may be called at any time and by any thread (malloc_trim(3): MT-Safe), and
    // takes no memory away that is in use. Where Rust's memory comes from another allocator, it
    // finds nothing to do.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators do so by themselves, or cannot be asked.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn trim_memory() {}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Blocks of all sizes are made, looked at and freed while memory is given back all the time.
    #[test]
    fn nothing_is_taken_away_that_is_in_use() {
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                while !done.load(Ordering::SeqCst) {
                    trim_memory();
                }
            });
            let users: Vec<_> =
                (0..4_u8).map(|user| scope.spawn(move || use_memory(user))).collect();
            let results: Vec<_> = users.into_iter().map(|user| user.join().is_ok()).collect();
            done.store(true, Ordering::SeqCst);
            assert_eq!(results, [true; 4]);
        });
    }

    fn use_memory(mark: u8) {
        let mut blocks: Vec<Vec<u8>> = Vec::new();
        for round in 0..3_000_usize {
            let size = 1 << (round % 17);
            blocks.push(vec![mark; size]);
            if round % 3 == 0 {
                let block = blocks.swap_remove(round * 7 % blocks.len());
                assert!(block.iter().all(|byte| *byte == mark));
            }
        }
        assert!(blocks.iter().flatten().all(|byte| *byte == mark));
    }
}
