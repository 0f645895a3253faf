//! Workers that have nothing to do, and how they are woken.
//!
//! A worker that finds no work says that it is going to sleep, looks once more, and only then
//! sleeps. Whoever adds work looks for sleepers after adding it. Of these two looks at least one
//! sees what the other has done, so there is never work while all who could do it sleep.

use super::sync::model::{AtomicUsize, Mutex, Ordering, fence, lock};

/// The sleeping workers. `U` wakes one.
#[derive(Debug)]
pub(crate) struct Idle<U> {
    sleepers: Mutex<Vec<usize>>,
    count: AtomicUsize,
    wakers: Vec<U>,
}

/// What wakes a worker, also one that is only about to sleep.
pub(crate) trait Waker {
    /// The worker's next sleep ends, or the one it is in.
    fn wake(&self);
}

impl Waker for crossbeam_utils::sync::Unparker {
    fn wake(&self) {
        self.unpark();
    }
}

impl<U: Waker> Idle<U> {
    pub(crate) fn new(wakers: Vec<U>) -> Self {
        Self { sleepers: Mutex::new(Vec::new()), count: AtomicUsize::new(0), wakers }
    }

    /// Wakes a sleeper, if there is one. To be called after work was added.
    pub(crate) fn wake_one(&self) {
        fence(Ordering::SeqCst);
        if self.count.load(Ordering::SeqCst) > 0 {
            self.wake_some();
        }
    }

    #[cold]
    fn wake_some(&self) {
        let mut sleepers = lock(&self.sleepers);
        let sleeper = sleepers.pop();
        self.count.store(sleepers.len(), Ordering::SeqCst);
        drop(sleepers);
        if let Some(waker) = sleeper.and_then(|worker| self.wakers.get(worker)) {
            waker.wake();
        }
    }

    /// Wakes all workers, sleeping or not.
    pub(crate) fn wake_all(&self) {
        let mut sleepers = lock(&self.sleepers);
        sleepers.clear();
        self.count.store(0, Ordering::SeqCst);
        drop(sleepers);
        self.wakers.iter().for_each(Waker::wake);
    }

    /// Puts a worker to sleep with `sleep`, unless `has_work` sees something to do.
    pub(crate) fn sleep(
        &self,
        worker: usize,
        has_work: impl FnOnce() -> bool,
        sleep: impl FnOnce(),
    ) {
        self.set_out(worker);
        fence(Ordering::SeqCst);
        if !has_work() {
            sleep();
        }
        // One who was woken for work is no sleeper any more; one who found work itself still is.
        self.come_back(worker);
    }

    fn set_out(&self, worker: usize) {
        let mut sleepers = lock(&self.sleepers);
        sleepers.push(worker);
        self.count.store(sleepers.len(), Ordering::SeqCst);
    }

    fn come_back(&self, worker: usize) {
        let mut sleepers = lock(&self.sleepers);
        sleepers.retain(|sleeper| *sleeper != worker);
        self.count.store(sleepers.len(), Ordering::SeqCst);
    }

    /// Whether all workers sleep.
    pub(crate) fn all_asleep(&self) -> bool {
        self.count.load(Ordering::SeqCst) == self.wakers.len()
    }
}
