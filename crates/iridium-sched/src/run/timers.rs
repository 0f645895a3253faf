//! Deadlines of processes.
//!
//! A process has one deadline here at most. It stays when what the process waited for comes in time,
//! because the next wait mostly ends later: when the old deadline fires, the process is armed again
//! for its present one. So a process that receives with a time-out over and over again costs next to
//! nothing here.

use std::collections::BTreeSet;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::clock::Clock;
use crate::sync::lock;

/// Deadlines, and what the thread that waits for them needs.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Times, each with the serial of the process that waits for it.
    deadlines: BTreeSet<(u64, u64)>,
    /// Whether some were taken out, and their processes have not all been told.
    firing: bool,
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

    /// Whether there is none, and none is being fired.
    pub(crate) fn is_empty(&self) -> bool {
        let state = lock(&self.state);
        state.deadlines.is_empty() && !state.firing
    }

    /// Takes out the deadlines up to a time.
    fn due(state: &mut State, now: u64) -> Vec<(u64, u64)> {
        let later = state.deadlines.split_off(&(now, u64::MAX));
        std::mem::replace(&mut state.deadlines, later).into_iter().collect()
    }

    /// Advances a virtual clock to the first deadline. Takes out all deadlines of that time.
    pub(crate) fn advance(&self, clock: &Clock) -> Vec<(u64, u64)> {
        let mut state = lock(&self.state);
        let Some((time, _)) = state.deadlines.first().copied() else { return Vec::new() };
        clock.jump_to(time);
        Self::due(&mut state, time)
    }

    /// Waits for deadlines and calls `fire` for each, until stopped, and `fired` after all that were
    /// due.
    pub(crate) fn run(&self, clock: &Clock, fire: impl Fn(u64, u64), fired: impl Fn()) {
        let mut state = lock(&self.state);
        while !state.stopped {
            let due = Self::due(&mut state, clock.mono());
            if !due.is_empty() {
                state.firing = true;
                drop(state);
                due.into_iter().for_each(|(time, serial)| fire(time, serial));
                lock(&self.state).firing = false;
                fired();
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
