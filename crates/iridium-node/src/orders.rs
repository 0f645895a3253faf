//! What other nodes want of one thread of this node. Each has its own part of the queue, which is
//! bounded, and its turn: one that wants very much waits for itself alone.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Instant;

use crate::share::Bounds;
use crate::sync::lock;

/// Orders that may wait.
const MOST: Bounds = Bounds { of_each: 64, of_one: 4096, of_all: 4 * 4096 };

/// Orders, by the number of the node that has given them.
#[derive(Debug)]
pub(crate) struct Orders<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    /// Those of a node in the order in which they came. No part is empty.
    waiting: BTreeMap<u32, VecDeque<T>>,
    /// How many there are.
    all: usize,
    /// Whose turn was last.
    last: u32,
    woken: bool,
    stopped: bool,
}

/// What the thread does next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next<T> {
    Order(T),
    /// Look around: somebody has woken it, or the time is over.
    Nothing,
    /// End.
    Stop,
}

impl<T> Default for Orders<T> {
    fn default() -> Self {
        let (waiting, last) = Default::default();
        let state = State { waiting, all: 0, last, woken: false, stopped: false };
        Self { state: Mutex::new(state), changed: Condvar::new() }
    }
}

impl<T> Orders<T> {
    /// Gives an order of a node.
    ///
    /// # Errors
    /// The order, when the node has given too many, or the thread is to end.
    pub(crate) fn give(&self, node: u32, order: T) -> Result<(), T> {
        let mut state = lock(&self.state);
        if state.stopped {
            return Err(order);
        }
        let own = state.waiting.get(&node).map_or(0, VecDeque::len);
        if !MOST.allow_more(own, state.all) {
            return Err(order);
        }
        state.waiting.entry(node).or_default().push_back(order);
        state.all += 1;
        drop(state);
        self.changed.notify_one();
        Ok(())
    }

    /// Has the thread look around before its next order.
    pub(crate) fn wake(&self) {
        lock(&self.state).woken = true;
        self.changed.notify_one();
    }

    /// Has the thread end, and drops what it has not done.
    pub(crate) fn stop(&self) {
        let mut state = lock(&self.state);
        state.stopped = true;
        let undone = std::mem::take(&mut state.waiting);
        drop(state);
        self.changed.notify_one();
        drop(undone);
    }

    /// What the thread is to do next; waits for it until `deadline`, or for ever.
    pub(crate) fn next(&self, deadline: Option<Instant>) -> Next<T> {
        let mut state = lock(&self.state);
        loop {
            if let Some(next) = state.next() {
                return next;
            }
            state = match deadline {
                None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
                Some(deadline) => {
                    let left = deadline.saturating_duration_since(Instant::now());
                    if left.is_zero() {
                        return Next::Nothing;
                    }
                    let waited = self.changed.wait_timeout(state, left);
                    waited.unwrap_or_else(PoisonError::into_inner).0
                }
            };
        }
    }
}

impl<T> State<T> {
    fn next(&mut self) -> Option<Next<T>> {
        if self.stopped {
            return Some(Next::Stop);
        }
        if std::mem::take(&mut self.woken) {
            return Some(Next::Nothing);
        }
        let after = (Bound::Excluded(self.last), Bound::Unbounded);
        let next = self.waiting.range(after).next().or_else(|| self.waiting.first_key_value());
        let node = *next?.0;
        self.last = node;
        let part = self.waiting.get_mut(&node)?;
        let order = part.pop_front()?;
        if part.is_empty() {
            self.waiting.remove(&node);
        }
        self.all -= 1;
        Some(Next::Order(order))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_that_wants_much_waits_for_itself_alone() {
        let orders = Orders::default();
        for number in 0..MOST.of_one {
            assert_eq!(orders.give(7, (7, number)), Ok(()));
        }
        assert_eq!(orders.give(7, (7, MOST.of_one)), Err((7, MOST.of_one)));
        assert_eq!(orders.give(3, (3, 0)), Ok(()));
        assert_eq!(orders.give(9, (9, 0)), Ok(()));
        assert_eq!(orders.give(9, (9, 1)), Ok(()));
        let done: Vec<_> = (0..7)
            .map(|_| match orders.next(None) {
                Next::Order(order) => order,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(done, [(3, 0), (7, 0), (9, 0), (7, 1), (9, 1), (7, 2), (7, 3)]);
        assert_eq!(orders.give(7, (7, MOST.of_one)), Ok(()), "there is room again");
        let crowd = (100..200).flat_map(|node| (0..1000).map(move |number| (node, number)));
        let given = crowd.filter(|order| orders.give(order.0, *order).is_ok()).count();
        assert!(given <= MOST.of_all + 100 * MOST.of_each, "{given} of many nodes");
        assert_eq!(orders.give(200, (200, 0)), Ok(()), "there is some for one more");
    }

    #[test]
    fn the_thread_is_woken_once_and_ends_before_all_orders() {
        let orders = Orders::default();
        assert_eq!(orders.next(Some(Instant::now())), Next::Nothing);
        assert_eq!(orders.give(1, 5), Ok(()));
        orders.wake();
        orders.wake();
        assert_eq!(orders.next(None), Next::Nothing);
        assert_eq!(orders.next(None), Next::Order(5));
        assert_eq!(orders.give(1, 6), Ok(()));
        std::thread::scope(|scope| {
            scope.spawn(|| while orders.next(None) != Next::Stop {});
            scope.spawn(|| orders.stop());
        });
        assert_eq!(orders.give(1, 7), Err(7));
        let soon = Instant::now() + Duration::from_secs(60);
        assert_eq!(orders.next(Some(soon)), Next::Stop);
    }
}
