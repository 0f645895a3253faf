//! Named threads that are waited for at the end.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};

/// Bytes of stack of each thread. The mesh needs little, the applications that it
/// calls may need more. A node has two threads for each of its first links; stack
/// that is not used takes no memory.
const STACK: usize = 1024 * 1024;

/// How long a thread that has done its work waits for other work. When many nodes meet there is some at
/// once, and a greeting takes little more than it takes to start a thread for it.
const SPARE: Duration = Duration::from_millis(100);

type Work = Box<dyn FnOnce() + Send>;

/// The threads of one node: named, counted, and waited for when it stops.
#[derive(Clone)]
pub(crate) struct Threads {
    running: Arc<(Mutex<usize>, Condvar)>,
    /// To those that have nothing to do. `None` ends one.
    spare: (Sender<Option<Work>>, Receiver<Option<Work>>),
}

impl Default for Threads {
    fn default() -> Self {
        // Without room: what is sent has a thread that waits for it.
        Self { running: Arc::default(), spare: bounded(0) }
    }
}

impl Threads {
    /// Does some work on a thread that has just done other work, or on a new one.
    pub(crate) fn run(&self, work: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let Err(refused) = self.spare.0.try_send(Some(Box::new(work))) else { return Ok(()) };
        let (mut next, spare) = (refused.into_inner(), self.spare.1.clone());
        self.spawn("iridium-peer", move || {
            while let Some(work) = next {
                work();
                next = spare.recv_timeout(SPARE).ok().flatten();
            }
        })
    }

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
        while self.spare.0.try_send(None).is_ok() {}
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
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_thread_that_has_nothing_to_do_is_used_again_and_ends_when_it_is_waited_for() {
        let threads = Threads::default();
        let (say, said) = bounded(1);
        let work = || {
            let say = say.clone();
            move || say.send(thread::current().id()).unwrap()
        };
        // One that has just said something may not wait for work yet.
        let mut seen = HashSet::new();
        let again = (0..1000).any(|_| {
            threads.run(work()).unwrap();
            let is_new = seen.insert(said.recv().unwrap());
            thread::sleep(Duration::from_millis(1));
            !is_new
        });
        assert!(again);
        assert!(threads.wait(Instant::now() + Duration::from_secs(10)));
    }

    #[test]
    fn each_work_that_takes_long_has_a_thread_of_its_own() {
        let threads = Threads::default();
        let (release, held) = bounded::<()>(0);
        let (say, said) = bounded(0);
        for _ in 0..3 {
            let (say, held) = (say.clone(), held.clone());
            let work = move || {
                say.send(()).unwrap();
                assert!(held.recv().is_err());
            };
            threads.run(work).unwrap();
        }
        said.iter().take(3).for_each(drop);
        drop(release);
        assert!(threads.wait(Instant::now() + Duration::from_secs(10)));
    }

    #[test]
    fn waiting_ends_when_all_have_ended_or_time_is_up() {
        let threads = Threads::default();
        let (release, held) = bounded::<()>(0);
        threads.spawn("held", move || assert!(held.recv().is_err())).unwrap();
        assert!(!threads.wait(Instant::now() + Duration::from_millis(10)));
        drop(release);
        assert!(threads.wait(Instant::now() + Duration::from_secs(10)));
    }
}
