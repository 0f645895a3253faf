//! Threads for host functions that take their time.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::shared::Shared;
use super::sync::lock;
use super::task::{Body, Task};
use crate::actor::Wait;

/// Most host functions that run at a time; further ones wait for a thread.
const MAX_THREADS: usize = 64;
/// How long a thread waits for another call before it ends.
const PATIENCE: Duration = Duration::from_secs(10);

/// The calls that run or wait for a thread.
#[derive(Debug, Default)]
pub(crate) struct Blocking {
    state: Mutex<State>,
    changed: Condvar,
    finished: Condvar,
}

#[derive(Debug, Default)]
struct State {
    calls: VecDeque<Box<Task>>,
    running: usize,
    threads: usize,
    idle: usize,
    stopped: bool,
}

impl Blocking {
    /// Whether no call runs or waits.
    pub(crate) fn is_idle(&self) -> bool {
        let state = lock(&self.state);
        state.running == 0 && state.calls.is_empty()
    }

    /// Waits until no call runs or waits, or the time is over; whether none does.
    pub(crate) fn wait_until_idle(&self, patience: Duration) -> bool {
        let deadline = Instant::now() + patience;
        let mut state = lock(&self.state);
        while state.running > 0 || !state.calls.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.finished.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Takes a process whose host function is to be called. It is made ready when that has returned.
    pub(crate) fn call(shared: &Arc<Shared>, task: Box<Task>) {
        let this = &shared.blocking;
        let mut state = lock(&this.state);
        state.calls.push_back(task);
        let missing = state.calls.len() > state.idle && state.threads < MAX_THREADS;
        state.threads += usize::from(missing);
        drop(state);
        this.changed.notify_one();
        if missing {
            let on_thread = Arc::clone(shared);
            let serve = move || on_thread.blocking.serve(&on_thread);
            let started = shared.threads.spawn("iridium-blocking", serve);
            if started.is_err() {
                // The threads that there are will see to it. Without any the process waits until
                // another call finds that the system has a thread again.
                lock(&this.state).threads -= 1;
            }
        }
    }

    fn serve(&self, shared: &Arc<Shared>) {
        let mut state = lock(&self.state);
        loop {
            if let Some(mut task) = state.calls.pop_front() {
                state.running += 1;
                drop(state);
                call(&mut task);
                shared.context().ready(task);
                lock(&self.state).running -= 1;
                self.finished.notify_all();
                // Time has stood still for it.
                if shared.has_time() {
                    shared.idle.wake_one();
                }
                // The process may have ended by now, and could not say that all is at rest.
                shared.tell_of_rest();
                state = lock(&self.state);
                continue;
            }
            if state.stopped {
                break;
            }
            state.idle += 1;
            let waited = self.changed.wait_timeout(state, PATIENCE);
            let (returned, time) = waited.unwrap_or_else(PoisonError::into_inner);
            state = returned;
            state.idle -= 1;
            if time.timed_out() && state.calls.is_empty() {
                break;
            }
        }
        state.threads -= 1;
    }

    /// Ends the threads, each after the call that it is in; the others are dropped.
    pub(crate) fn stop(&self) {
        let mut state = lock(&self.state);
        state.stopped = true;
        state.calls.clear();
        drop(state);
        self.changed.notify_all();
    }
}

fn call(task: &mut Task) {
    // What came meanwhile, an order to end say, is taken in before it goes on.
    task.has_letters = true;
    if let (Some(Wait::Host { import, window }), Body::Program(process, program)) =
        (task.actor.wait.take(), &mut task.body)
    {
        // A process from outside that does not wait for this is ended when it is to run.
        if let Ok(Err(error)) = program.call_host(process, import, window) {
            task.failure = Some(error.0);
        }
    }
}
