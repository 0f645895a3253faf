//! Stopping all workers for a moment, each between two turns.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::sync::lock;

/// Who is where.
#[derive(Debug, Default)]
struct Held {
    /// Workers at the barrier.
    workers: usize,
    /// Others who let a process run at this moment.
    visitors: usize,
}

/// A barrier at which workers can be held.
#[derive(Debug, Default)]
pub(crate) struct Pause {
    wanted: AtomicBool,
    held: Mutex<Held>,
    changed: Condvar,
    /// Whoever has this holds the workers; the others wait.
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

    /// Lets somebody in who is no worker and wants to let a process run, unless the workers are to
    /// be held.
    pub(crate) fn enter(&self) -> bool {
        let mut held = lock(&self.held);
        let enters = !self.is_wanted();
        held.visitors += usize::from(enters);
        enters
    }

    /// Whoever was let in is done.
    pub(crate) fn leave(&self) {
        let mut held = lock(&self.held);
        held.visitors -= 1;
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
        while held.workers < workers || held.visitors > 0 {
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
