//! Named threads that are waited for at the end.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Instant;

/// Bytes of stack of each thread. The mesh needs little, the applications that it
/// calls may need more. A node has two threads for each of its first links; stack
/// that is not used takes no memory.
const STACK: usize = 1024 * 1024;

/// The threads of one node: named, counted, and waited for when it stops.
#[derive(Clone, Default)]
pub(crate) struct Threads {
    running: Arc<(Mutex<usize>, Condvar)>,
}

impl Threads {
    /// Starts a thread.
    pub(crate) fn spawn(&self, name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
        *lock(&self.running.0) += 1;
        let running = Running(self.clone());
        // On failure the closure is dropped, and `running` with it.
        thread::Builder::new()
            .name(name.into())
            .stack_size(STACK)
            .spawn(move || {
                let _running = running;
                run();
            })
            .map(drop)
    }

    /// Waits until all threads have ended. Returns whether they did in time.
    pub(crate) fn wait(&self, deadline: Instant) -> bool {
        let mut count = lock(&self.running.0);
        while *count > 0 {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.running.1.wait_timeout(count, left);
            count = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }
}

/// Counts a thread for as long as it runs, also when it panics.
struct Running(Threads);

impl Drop for Running {
    fn drop(&mut self) {
        *lock(&self.0.running.0) -= 1;
        self.0.running.1.notify_all();
    }
}

/// Locks, also when another thread panicked while it held the lock: everything
/// kept behind a lock here is valid after each single change.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn waiting_ends_when_all_have_ended_or_time_is_up() {
        let threads = Threads::default();
        let (release, held) = crossbeam_channel::bounded::<()>(0);
        threads.spawn("held", move || assert!(held.recv().is_err())).unwrap();
        assert!(!threads.wait(Instant::now() + Duration::from_millis(10)));
        drop(release);
        assert!(threads.wait(Instant::now() + Duration::from_secs(10)));
    }
}
