//! Servers of programs: where they listen, and the requests that nobody has taken yet.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use iridium_vm::{Pid, Reply};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot, watch};

use crate::arguments::{answer, put};
use crate::tls::Identity;

/// There is no such request or server, or not any more: in place of a number for programs.
pub(crate) const OVER: i64 = -1;

/// All servers of programs.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Mutex<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    last: i64,
    all: HashMap<i64, Arc<Listener>>,
}

/// A server. It belongs to the process that started it, and ends with that.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) owner: Pid,
    /// What it shows with TLS.
    pub(crate) identity: Option<Arc<Identity>>,
    queue: Mutex<Queue>,
    /// How many requests it may have, and places for them.
    most: usize,
    places: Arc<Semaphore>,
    /// Closed when the server is to end.
    stopping: Mutex<Option<watch::Sender<()>>>,
}

#[derive(Debug, Default)]
struct Queue {
    /// The numbers of requests that nobody has taken.
    ready: VecDeque<i64>,
    /// Who waits for some.
    taker: Option<Taker>,
    is_over: bool,
}

/// A call that waits for requests: their numbers are written to where there is room for them.
#[derive(Debug)]
pub(crate) struct Taker {
    pub(crate) reply: Reply,
    pub(crate) address: i64,
    /// For so many.
    pub(crate) room: usize,
    /// Dropped when it does not wait any more.
    pub(crate) _waits: oneshot::Sender<()>,
}

impl Listeners {
    pub(crate) fn add(&self, listener: Arc<Listener>) -> i64 {
        let mut numbered = self.lock();
        numbered.last += 1;
        let number = numbered.last;
        numbered.all.insert(number, listener);
        number
    }

    pub(crate) fn find(&self, number: i64) -> Option<Arc<Listener>> {
        self.lock().all.get(&number).cloned()
    }

    pub(crate) fn remove(&self, number: i64) {
        let removed = self.lock().all.remove(&number);
        if let Some(listener) = removed {
            listener.stop();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Numbered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Listener {
    pub(crate) fn new(
        owner: Pid,
        identity: Option<Arc<Identity>>,
        most: usize,
    ) -> (Arc<Self>, watch::Receiver<()>) {
        let (stopping, told) = watch::channel(());
        let (queue, stopping) = (Mutex::default(), Mutex::new(Some(stopping)));
        let places = Arc::new(Semaphore::new(most));
        (Arc::new(Self { owner, identity, queue, most, places, stopping }), told)
    }

    /// A place for one more request, if there is one.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// A request has come. Returns whether it may wait: there are not too many, also of those whose clients
    /// have gone since.
    pub(crate) fn push(&self, number: i64) -> bool {
        let mut queue = self.lock();
        if queue.ready.len() >= self.most {
            return false;
        }
        queue.ready.push_back(number);
        let answer = queue.answer();
        drop(queue);
        give(answer, OVER);
        true
    }

    /// Waits for requests.
    pub(crate) fn take(&self, taker: Taker) {
        let mut queue = self.lock();
        let before = queue.taker.replace(taker);
        let answer = queue.answer();
        drop(queue);
        // Only the owner takes, and does one thing at a time: it does not wait any more.
        drop(before);
        give(answer, OVER);
    }

    /// Whoever waits for requests waits no longer, and gets none.
    pub(crate) fn give_none(&self) {
        let taker = self.lock().taker.take();
        give(taker.map(|taker| (taker, Vec::new())), 0);
    }

    /// Accepts nobody any more. Those who have asked are still answered.
    pub(crate) fn stop(&self) {
        self.stopping.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut queue = self.lock();
        queue.is_over = true;
        let answer = queue.answer();
        drop(queue);
        give(answer, OVER);
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queue {
    /// Who gets which requests, if somebody waits and there are some, or will never be.
    fn answer(&mut self) -> Option<(Taker, Vec<i64>)> {
        if self.ready.is_empty() && !self.is_over {
            return None;
        }
        let taker = self.taker.take()?;
        let taken = self.ready.len().min(taker.room);
        Some((taker, self.ready.drain(..taken).collect()))
    }
}

/// Gives somebody the numbers of requests, or, when there are none, word of that.
fn give(given: Option<(Taker, Vec<i64>)>, none: i64) {
    let Some((Taker { reply, address, .. }, numbers)) = given else { return };
    reply.answer(move |caller| {
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        put(caller, address, &bytes)?;
        answer(caller, [bytes.len() as i64, if bytes.is_empty() { none } else { 0 }])
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_requests_wait_that_nobody_takes() {
        let (listener, _told) = Listener::new(Pid::from_bits(1), None, 2);
        assert_eq!([1, 2, 3].map(|number| listener.push(number)), [true, true, false]);
    }
}
