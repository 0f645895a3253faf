//! Workers that have nothing to do, and how they are woken.
//!
//! A worker that finds no work says that it is going to sleep, looks once more, and only then
//! sleeps. Whoever adds work looks for sleepers after adding it. Of these two looks at least one
//! sees what the other has done, so there is never work while all who could do it sleep.
//!
//! One worker is woken at a time: while one that was woken has not found work yet, it is *searching*,
//! and whoever adds work leaves the waking of more to it. When it has [found
//! work](Idle::found_work) it looks whether there is more, in which case it wakes the next one; when
//! it has found none it goes to sleep as above, which looks once more too. So a burst of work costs
//! the one who adds it a single wake-up and not one for each piece. Source of the idea: the
//! schedulers of Go and Tokio, which have one searching worker.

use crate::sync::model::{AtomicUsize, Mutex, Ordering, fence, lock};

/// The sleeping workers. `U` wakes one.
#[derive(Debug)]
pub(crate) struct Idle<U> {
    state: Mutex<State>,
    /// How many sleep; 0 while one is searching. Written under the lock only.
    wakeable: AtomicUsize,
    /// How often a worker has woken up; counted once it is no sleeper any more.
    wake_ups: AtomicUsize,
    wakers: Vec<U>,
}

#[derive(Debug)]
struct State {
    sleepers: Vec<usize>,
    /// The worker that was woken last, until it has found work or sleeps again.
    searching: Option<usize>,
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
        let state = State { sleepers: Vec::new(), searching: None };
        let (wakeable, wake_ups) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Self { state: Mutex::new(state), wakeable, wake_ups, wakers }
    }

    /// Wakes a sleeper, if there is one and none is searching. To be called after work was added.
    pub(crate) fn wake_one(&self) {
        fence(Ordering::SeqCst);
        if self.wakeable.load(Ordering::SeqCst) > 0 {
            self.wake_some();
        }
    }

    #[cold]
    fn wake_some(&self) {
        let sleeper = self.change(|state| {
            if state.searching.is_none() {
                state.searching = state.sleepers.pop();
                state.searching
            } else {
                None
            }
        });
        if let Some(waker) = sleeper.and_then(|worker| self.wakers.get(worker)) {
            waker.wake();
        }
    }

    /// Wakes all workers, sleeping or not. None of them counts as searching then.
    pub(crate) fn wake_all(&self) {
        self.change(|state| state.sleepers.clear());
        self.wakers.iter().for_each(Waker::wake);
    }

    /// Puts a worker to sleep with `sleep`, unless `has_work` sees something to do. Answers whether
    /// it is searching: then it is to [found_work](Self::found_work) or to sleep again.
    #[must_use]
    pub(crate) fn sleep(
        &self,
        worker: usize,
        has_work: impl FnOnce() -> bool,
        sleep: impl FnOnce(),
    ) -> bool {
        self.change(|state| {
            state.sleepers.push(worker);
            state.searching.take_if(|searching| *searching == worker);
        });
        fence(Ordering::SeqCst);
        if !has_work() {
            sleep();
        }
        // One who was woken for work is no sleeper any more; one who found work itself still is.
        let is_searching = self.change(|state| {
            state.sleepers.retain(|sleeper| *sleeper != worker);
            state.searching == Some(worker)
        });
        self.wake_ups.fetch_add(1, Ordering::SeqCst);
        is_searching
    }

    /// Ends the searching of a worker that has found work. `has_work` tells whether there is more, also
    /// work whose wake-up was left to this worker: then the next one is woken.
    pub(crate) fn found_work(&self, worker: usize, has_work: impl FnOnce() -> bool) {
        self.change(|state| state.searching.take_if(|searching| *searching == worker));
        fence(Ordering::SeqCst);
        if has_work() {
            self.wake_one();
        }
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let mut state = lock(&self.state);
        let result = change(&mut state);
        let wakeable = if state.searching.is_some() { 0 } else { state.sleepers.len() };
        self.wakeable.store(wakeable, Ordering::SeqCst);
        result
    }

    /// Whether all workers sleep and none wakes up during a check, so that all that is seen holds at one
    /// time. A worker that does wake up will sleep again, and can check then.
    pub(crate) fn all_asleep_throughout(&self, check: impl FnOnce() -> bool) -> bool {
        let wake_ups = self.wake_ups.load(Ordering::SeqCst);
        self.all_asleep()
            && check()
            && self.all_asleep()
            && self.wake_ups.load(Ordering::SeqCst) == wake_ups
    }

    /// Whether all workers sleep at this moment.
    pub(crate) fn all_asleep(&self) -> bool {
        self.wakeable.load(Ordering::SeqCst) == self.wakers.len()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;
    use std::time::{Duration, Instant};

    use crossbeam_utils::sync::Parker;

    use super::*;

    #[test]
    fn a_worker_that_wakes_up_and_sleeps_again_is_noticed() {
        let parker = Parker::new();
        let idle = Idle::new(vec![parker.unparker().clone()]);
        let stop = AtomicBool::new(false);
        let asleep = || {
            let deadline = Instant::now() + Duration::from_secs(30);
            while !idle.all_asleep() && Instant::now() < deadline {
                thread::yield_now();
            }
            idle.all_asleep()
        };
        let (undisturbed, disturbed) = thread::scope(|scope| {
            let (idle, stop) = (&idle, &stop);
            scope.spawn(move || {
                while !stop.load(Ordering::SeqCst) {
                    let _ = idle.sleep(0, || stop.load(Ordering::SeqCst), || parker.park());
                }
            });
            let undisturbed = asleep() && idle.all_asleep_throughout(|| true);
            let look = || {
                idle.wake_one();
                asleep()
            };
            let disturbed = !idle.all_asleep_throughout(look);
            stop.store(true, Ordering::SeqCst);
            idle.wake_all();
            (undisturbed, disturbed)
        });
        assert!(undisturbed && disturbed, "{undisturbed} {disturbed}");
    }
}
