//! A host call that waits for its answer, as its process knows it.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::sync::lock;

/// How many host calls wait for their answers.
pub(crate) type DeferredCalls = Arc<AtomicUsize>;

/// What a process and whoever is to answer it know of a call.
#[derive(Default)]
pub(crate) struct ReplyState {
    /// Whether it has its answer, or was cancelled.
    is_over: bool,
    on_cancel: Vec<Box<dyn FnOnce() + Send>>,
}

/// A host call that waits for its answer, kept by its process. Dropped without an answer, it is
/// cancelled.
pub(crate) struct PendingReply {
    /// Tells the call from earlier ones of the process.
    pub(crate) number: u64,
    state: Arc<Mutex<ReplyState>>,
    calls: DeferredCalls,
}

impl PendingReply {
    /// A call with this number, and what is shared with whoever answers it.
    pub(crate) fn new(number: u64, calls: &DeferredCalls) -> (Self, Arc<Mutex<ReplyState>>) {
        calls.fetch_add(1, Ordering::SeqCst);
        let state = Arc::<Mutex<ReplyState>>::default();
        (Self { number, state: Arc::clone(&state), calls: Arc::clone(calls) }, state)
    }

    /// The answer has come: nothing is cancelled.
    pub(crate) fn answered(self) {
        lock(&self.state).on_cancel.clear();
    }
}

impl ReplyState {
    pub(crate) fn is_over(&self) -> bool {
        self.is_over
    }

    /// Keeps an action for the case that the call is cancelled; gives it back when that has happened.
    pub(crate) fn on_cancel<A: FnOnce() + Send + 'static>(&mut self, action: A) -> Option<A> {
        if self.is_over {
            return Some(action);
        }
        self.on_cancel.push(Box::new(action));
        None
    }
}

impl Drop for PendingReply {
    fn drop(&mut self) {
        let actions = {
            let mut state = lock(&self.state);
            state.is_over = true;
            std::mem::take(&mut state.on_cancel)
        };
        actions.into_iter().for_each(|action| action());
        self.calls.fetch_sub(1, Ordering::SeqCst);
    }
}

impl fmt::Debug for PendingReply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingReply").field("number", &self.number).finish_non_exhaustive()
    }
}
