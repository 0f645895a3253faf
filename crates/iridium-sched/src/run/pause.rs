//! Stopping all workers for a moment, each between two turns.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sync::lock;

/// Who is held, and who must not be interrupted.
#[derive(Debug, Default)]
struct Held {
    /// Workers at the barrier.
    workers: usize,
    /// Inline workers that run a process at this moment.
    inline: usize,
}

/// A barrier at which workers can be held.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    wanted: AtomicBool,
    held: Mutex<Held>,
    changed: Condvar,
    /// Held while the workers are; others who want to hold them wait.
    holder: Mutex<()>,
}

impl Pause {
    /// Whether workers are to come to the barrier.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }

    /// Holds a worker here, as long as that is wanted.
    pub(crate) fn pass(&self) {
        let mut held = lock(&self.held);
        held.workers += 1;
        self.changed.notify_all();
        while self.is_wanted() {
            held = self.changed.wait(held).unwrap_or_else(PoisonError::into_inner);
        }
        held.workers -= 1;
        self.changed.notify_all();
    }

    /// Whether an inline worker may run a process, which it may unless the workers are to be held. It
    /// is to [leave](Self::leave) then.
    pub(crate) fn enter(&self) -> bool {
        let mut held = lock(&self.held);
        let enters = !self.is_wanted();
        held.inline += usize::from(enters);
        enters
    }

    /// An inline worker that has [entered](Self::enter) is done.
    pub(crate) fn leave(&self) {
        let mut held = lock(&self.held);
        held.inline -= 1;
        if self.is_wanted() {
            self.changed.notify_all();
        }
    }

    /// Does something while all workers are held. `None` when they did not all come in time.
    pub(crate) fn hold<R>(
        &self,
        workers: usize,
        patience: Duration,
        wake: impl FnOnce(),
        act: impl FnOnce() -> R,
    ) -> Option<R> {
        let _holder = lock(&self.holder);
        self.wanted.store(true, Ordering::SeqCst);
        wake();
        let result = self.await_all(workers, patience).then(act);
        self.wanted.store(false, Ordering::SeqCst);
        drop(lock(&self.held));
        self.changed.notify_all();
        result
    }

    fn await_all(&self, workers: usize, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut held = lock(&self.held);
        while held.workers < workers || held.inline > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.changed.wait_timeout(held, left);
            held = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
