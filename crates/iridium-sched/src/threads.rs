//! The threads of a scheduler: all have names, and all are waited for.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::sync::lock;

/// Threads that run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Threads(Arc<Running>);

#[derive(Debug, Default)]
struct Running {
    count: Mutex<usize>,
    changed: Condvar,
}

/// Says that a thread has ended, however it did.
struct Present(Arc<Running>);

impl Drop for Present {
    fn drop(&mut self) {
        *lock(&self.0.count) -= 1;
        self.0.changed.notify_all();
    }
}

impl Threads {
    /// Starts a thread.
    ///
    /// # Errors
    /// When the system has none.
    pub(crate) fn spawn(
        &self,
        name: impl Into<String>,
        run: impl FnOnce() + Send + 'static,
    ) -> io::Result<()> {
        *lock(&self.0.count) += 1;
        let present = Present(Arc::clone(&self.0));
        let run = move || {
            let _present = present;
            run();
        };
        thread::Builder::new().name(name.into()).spawn(run).map(drop)
    }

    /// Waits until all have ended, or the time is over; whether they have.
    pub(crate) fn wait(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut count = lock(&self.0.count);
        while *count > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.0.changed.wait_timeout(count, left);
            count = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}
