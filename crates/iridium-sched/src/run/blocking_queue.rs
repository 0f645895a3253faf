//! The queue of calls to blocking host functions, and how many threads serve it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::process::entry::ProcessEntry;
use crate::sync::lock;

/// Most blocking host functions that run at a time; further ones wait for a thread.
const MAX_THREADS: usize = 64;
/// How long a thread waits for another call before it ends.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// The calls that run or wait for a thread.
#[derive(Debug, Default)]
pub(crate) struct BlockingCalls {
    state: Mutex<State>,
    changed: Condvar,
    finished: Condvar,
}

#[derive(Debug, Default)]
struct State {
    calls: VecDeque<Box<ProcessEntry>>,
    running: usize,
    threads: usize,
    idle_threads: usize,
    stopped: bool,
}

impl State {
    fn is_idle(&self) -> bool {
        self.running == 0 && self.calls.is_empty()
    }
}

impl BlockingCalls {
    /// Whether no call runs or waits.
    pub(crate) fn is_idle(&self) -> bool {
        lock(&self.state).is_idle()
    }

    /// Waits until no call runs or waits, or the time is over; whether none does.
    pub(crate) fn wait_until_idle(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = lock(&self.state);
        while !state.is_idle() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.finished.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Adds the call of a process. `true` when a further thread is to be started for it, which counts
    /// as started from now on.
    pub(crate) fn push(&self, entry: Box<ProcessEntry>) -> bool {
        let mut state = lock(&self.state);
        state.calls.push_back(entry);
        let missing = state.calls.len() > state.idle_threads && state.threads < MAX_THREADS;
        state.threads += usize::from(missing);
        drop(state);
        self.changed.notify_one();
        missing
    }

    /// A thread that counted as started could not be.
    pub(crate) fn thread_not_started(&self) {
        lock(&self.state).threads -= 1;
    }

    /// Waits for a call, which counts as running until it is [finished](Self::finish). `None` when
    /// the thread that asks is to end.
    pub(crate) fn next(&self) -> Option<Box<ProcessEntry>> {
        let mut state = lock(&self.state);
        loop {
            if let Some(entry) = state.calls.pop_front() {
                state.running += 1;
                return Some(entry);
            }
            if state.stopped {
                break;
            }
            state.idle_threads += 1;
            let waited = self.changed.wait_timeout(state, KEEP_ALIVE);
            let (returned, time) = waited.unwrap_or_else(PoisonError::into_inner);
            state = returned;
            state.idle_threads -= 1;
            if time.timed_out() && state.calls.is_empty() {
                break;
            }
        }
        state.threads -= 1;
        None
    }

    /// A call has returned, and its process is scheduled again.
    pub(crate) fn finish(&self) {
        lock(&self.state).running -= 1;
        self.finished.notify_all();
    }

    /// Ends the threads, each after the call that it is in; the other calls are dropped.
    pub(crate) fn stop(&self) {
        let mut state = lock(&self.state);
        state.stopped = true;
        state.calls.clear();
        drop(state);
        self.changed.notify_all();
    }
}
