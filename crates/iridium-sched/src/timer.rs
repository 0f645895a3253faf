//! Deadlines of processes.
//!
//! A process has one deadline here at most. It is left standing when what the process waited for
//! comes in time, because the next wait mostly ends later: then there is nothing to do until it
//! comes, and the process is asked when its wait ends now. So a process that receives with a
//! time-out over and over again costs next to nothing here.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use super::clock::Clock;
use super::sync::lock;

/// Deadlines, and the thread that waits for them.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Times with the serials of those who wait for them.
    deadlines: BTreeSet<(u64, u64)>,
    /// Whether some were taken out and those who wait for them are being told.
    telling: bool,
    stopped: bool,
}

impl Timers {
    /// Adds a deadline.
    pub(crate) fn insert(&self, time: u64, serial: u64) {
        let mut state = lock(&self.state);
        let first = state.deadlines.first().is_none_or(|first| (time, serial) < *first);
        state.deadlines.insert((time, serial));
        drop(state);
        if first {
            self.changed.notify_one();
        }
    }

    /// Removes a deadline.
    pub(crate) fn remove(&self, time: u64, serial: u64) {
        lock(&self.state).deadlines.remove(&(time, serial));
    }

    /// Whether there is none, and all who waited for one have been told.
    pub(crate) fn is_empty(&self) -> bool {
        let state = lock(&self.state);
        state.deadlines.is_empty() && !state.telling
    }

    /// Takes out the deadlines up to a time.
    fn due(state: &mut State, now: u64) -> Vec<(u64, u64)> {
        let later = state.deadlines.split_off(&(now, u64::MAX));
        std::mem::replace(&mut state.deadlines, later).into_iter().collect()
    }

    /// Where time is virtual, takes out the first deadlines, all those of one time, and puts the
    /// clock there.
    pub(crate) fn jump(&self, clock: &Clock) -> Vec<(u64, u64)> {
        let mut state = lock(&self.state);
        let Some((time, _)) = state.deadlines.first().copied() else { return Vec::new() };
        clock.jump_to(time);
        Self::due(&mut state, time)
    }

    /// Waits for deadlines and tells of each, until stopped. Calls `told` when all that were due have
    /// been told of.
    pub(crate) fn run(&self, clock: &Clock, tell: impl Fn(u64, u64), told: impl Fn()) {
        let mut state = lock(&self.state);
        while !state.stopped {
            let due = Self::due(&mut state, clock.mono());
            if !due.is_empty() {
                state.telling = true;
                drop(state);
                due.into_iter().for_each(|(time, serial)| tell(time, serial));
                lock(&self.state).telling = false;
                told();
                state = lock(&self.state);
                continue;
            }
            let next = state.deadlines.first().and_then(|(time, _)| clock.instant(*time));
            state = match next {
                Some(next) => {
                    let left = next.saturating_duration_since(Instant::now());
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    /// Ends [`run`](Self::run).
    pub(crate) fn stop(&self) {
        lock(&self.state).stopped = true;
        self.changed.notify_all();
    }
}
