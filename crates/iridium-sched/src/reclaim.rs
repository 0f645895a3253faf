//! Memory that many processes have left behind, given back to the system.
//!
//! The allocator of the C library keeps what is freed, unless it lies at the very end of what it has;
//! between blocks that are still in use it stays, and after a hundred thousand processes that is
//! nearly all. A node that was busy once would be large for ever. So when most of many processes
//! have ended, and no others have come for a while, the allocator is asked to give back all that it
//! does not need.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use super::shared::Shared;
use super::sync::lock;

/// How many processes must have lived at a time for their memory to matter: some megabytes.
const MANY: usize = 1 << 12;
/// How long there must be few, so that a node whose load comes in waves keeps its memory.
const PAUSE: Duration = Duration::from_secs(5);

/// The giving back.
#[derive(Debug, Default)]
pub(crate) struct Reclaim {
    /// Whether a thread sees to it.
    under_way: AtomicBool,
    stopped: Mutex<bool>,
    changed: Condvar,
}

impl Reclaim {
    /// Starts a thread that sees to it, if most of many processes have ended.
    pub(crate) fn look(shared: &Arc<Shared>) {
        let (most, this) = (shared.table.most(), &shared.reclaim);
        let few = most >= MANY && shared.table.live() < most / 2;
        if !few || this.under_way.swap(true, Ordering::SeqCst) {
            return;
        }
        let on_thread = Arc::clone(shared);
        let started = shared.threads.spawn("iridium-reclaim", move || {
            on_thread.reclaim.run(&on_thread);
            on_thread.reclaim.under_way.store(false, Ordering::SeqCst);
            // More may have ended meanwhile, and no worker need be awake to see it.
            Self::look(&on_thread);
        });
        if started.is_err() {
            // Another time.
            this.under_way.store(false, Ordering::SeqCst);
        }
    }

    fn run(&self, shared: &Shared) {
        let most = shared.table.start_counting_anew();
        let stopped = lock(&self.stopped);
        let waited = self.changed.wait_timeout_while(stopped, PAUSE, |stopped| !*stopped);
        let stopped = *waited.unwrap_or_else(PoisonError::into_inner).0;
        if !stopped && shared.table.most() < most / 2 {
            give_back();
        }
    }

    /// Ends the thread, if there is one.
    pub(crate) fn stop(&self) {
        *lock(&self.stopped) = true;
        self.changed.notify_all();
    }
}

/// Asks the allocator to give back what it does not need.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn give_back() {
    // SAFETY: the function may be called at any time and by any thread (malloc_trim(3): MT-Safe), and
    // takes no memory away that is in use. Where Rust's memory comes from another allocator, it
    // finds nothing to do.
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators do so by themselves, or cannot be asked.
#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn give_back() {}

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
                    give_back();
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
