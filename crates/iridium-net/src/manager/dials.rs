//! Which dials run. Each has a thread for as long as it takes, so only so many run at a time: a list of
//! members that are not there, whoever has told it, must not exhaust the machine; and where all nodes
//! dial all others at once, each dial would take longer than it may.

use std::collections::{HashMap, VecDeque};
use std::iter;
use std::net::SocketAddr;
use std::time::Duration;

use crate::ids::DialId;

/// How many dials run at a time.
const MOST: usize = 128;
/// How many of them have begun within the last [`SLOW`]: at first, at least and at most.
const FIRST_NEW: usize = 8;
const LEAST_NEW: usize = 2;
const MOST_NEW: usize = 16;
/// A dial that takes longer does not keep others from beginning: most likely nobody is there.
const SLOW: Duration = Duration::from_secs(1);

/// The dials that run, and those that wait for their turn. The core has one under way for each member
/// and seed at most.
#[derive(Debug)]
pub(super) struct Dials {
    /// When each has begun.
    running: HashMap<DialId, Duration>,
    waiting: VecDeque<(DialId, SocketAddr)>,
    /// How many may be new: one more after each that was answered soon, and half as many after one that was
    /// not, as TCP does it. Where all nodes of a busy machine greet all others, greetings would otherwise
    /// wait for each other until their time is over, and begin anew.
    most_new: usize,
    /// An answer within this time comes soon.
    soon: Duration,
}

impl Dials {
    /// `timeout` is how long a dial may take.
    pub(super) fn new(timeout: Duration) -> Self {
        let (running, waiting) = Default::default();
        Self { running, waiting, most_new: FIRST_NEW, soon: timeout / 4 }
    }

    pub(super) fn add(&mut self, dial: DialId, to: SocketAddr) {
        self.waiting.push_back((dial, to));
    }

    /// A dial has ended, with an answer or without. What is not answered may not be there.
    pub(super) fn ended(&mut self, dial: DialId, answered: bool, now: Duration) {
        let Some(begun) = self.running.remove(&dial).filter(|_| answered) else { return };
        self.most_new = match now < begun + self.soon {
            true => (self.most_new + 1).min(MOST_NEW),
            false => (self.most_new / 2).max(LEAST_NEW),
        };
    }

    /// The next one that may run and is still wanted, which counts as running from now on.
    pub(super) fn next(
        &mut self,
        now: Duration,
        wanted: impl Fn(DialId) -> bool,
    ) -> Option<(DialId, SocketAddr)> {
        if self.waiting.is_empty() || self.running.len() >= MOST {
            return None;
        }
        let new = self.running.values().filter(|begun| now < **begun + SLOW).count();
        if new >= self.most_new {
            return None;
        }
        let next = iter::from_fn(|| self.waiting.pop_front()).find(|(dial, _)| wanted(*dial))?;
        self.running.insert(next.0, now);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOON: Duration = Duration::from_millis(500);

    fn many() -> Dials {
        let mut dials = Dials::new(4 * SOON);
        let to = "192.0.2.1:2254".parse().unwrap();
        for number in 0..1000 {
            dials.add(DialId(number), to);
        }
        dials
    }

    fn begin(dials: &mut Dials, now: Duration) -> Vec<DialId> {
        iter::from_fn(|| dials.next(now, |_| true)).map(|(dial, _)| dial).collect()
    }

    #[test]
    fn only_so_many_run_and_all_have_their_turn() {
        let mut dials = many();
        let mut running = VecDeque::new();
        for number in 0..1000 {
            running.extend(begin(&mut dials, Duration::ZERO));
            assert!(running.len() <= MOST_NEW);
            let oldest = running.pop_front();
            assert_eq!(oldest, Some(DialId(number)), "in their order");
            dials.ended(DialId(number), true, Duration::ZERO);
        }
        assert_eq!(dials.next(Duration::ZERO, |_| true), None);
    }

    #[test]
    fn one_that_is_no_longer_wanted_does_not_begin() {
        let mut dials = many();
        let next = dials.next(Duration::ZERO, |dial| dial.0 >= 7);
        assert_eq!(next.map(|(dial, _)| dial), Some(DialId(7)));
        assert_eq!(dials.running.len(), 1);
        assert_eq!(dials.next(Duration::ZERO, |_| false), None);
        assert!(dials.waiting.is_empty());
    }

    #[test]
    fn those_that_take_long_let_others_begin_up_to_a_number() {
        let mut dials = many();
        for second in 0..20 {
            let before = dials.running.len();
            let begun = begin(&mut dials, SLOW * second).len();
            assert_eq!(begun, FIRST_NEW.min(MOST - before));
        }
        assert_eq!(dials.running.len(), MOST);
    }

    #[test]
    fn more_run_where_answers_come_soon_and_fewer_where_they_do_not() {
        let mut dials = many();
        for (took, most) in [(SOON / 2, MOST_NEW), (SOON, LEAST_NEW), (SOON / 2, MOST_NEW)] {
            for _ in 0..20 {
                for dial in begin(&mut dials, Duration::ZERO) {
                    dials.ended(dial, true, took);
                }
            }
            let running = begin(&mut dials, Duration::ZERO);
            assert_eq!(running.len(), most, "after answers within {took:?}");
            running.into_iter().for_each(|dial| dials.ended(dial, false, SLOW));
        }
    }
}
