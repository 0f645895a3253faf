//! Which dials run. Each has a thread for as long as it takes, so only so many run at a time: a list of
//! members that are not there, whoever has told it, must not exhaust the machine; and where all nodes
//! dial all others at once, each dial would take longer than it may.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use crate::ids::DialId;

/// How many dials run at a time.
const MOST: usize = 128;
/// How many of them have begun within the last [`SLOW`].
const MOST_NEW: usize = 16;
/// A dial that takes longer does not keep others from beginning: most likely nobody is there.
const SLOW: Duration = Duration::from_secs(1);

/// The dials that run, and those that wait for their turn. The core has one under way for each member
/// and seed at most.
#[derive(Debug, Default)]
pub(super) struct Dials {
    /// When each has begun.
    running: HashMap<DialId, Duration>,
    waiting: VecDeque<(DialId, SocketAddr)>,
}

impl Dials {
    pub(super) fn add(&mut self, dial: DialId, to: SocketAddr) {
        self.waiting.push_back((dial, to));
    }

    pub(super) fn ended(&mut self, dial: DialId) {
        self.running.remove(&dial);
    }

    /// The next one that may run, which counts as running from now on.
    pub(super) fn next(&mut self, now: Duration) -> Option<(DialId, SocketAddr)> {
        if self.waiting.is_empty() || self.running.len() >= MOST {
            return None;
        }
        let new = self.running.values().filter(|begun| now < **begun + SLOW).count();
        let next = if new < MOST_NEW { self.waiting.pop_front() } else { None }?;
        self.running.insert(next.0, now);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn many() -> Dials {
        let mut dials = Dials::default();
        let to = "192.0.2.1:2254".parse().unwrap();
        for number in 0..1000 {
            dials.add(DialId(number), to);
        }
        dials
    }

    fn begin(dials: &mut Dials, now: Duration) -> Vec<DialId> {
        std::iter::from_fn(|| dials.next(now)).map(|(dial, _)| dial).collect()
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
            dials.ended(DialId(number));
        }
        assert_eq!(dials.next(Duration::ZERO), None);
    }

    #[test]
    fn those_that_take_long_let_others_begin_up_to_a_number() {
        let mut dials = many();
        for second in 0..20 {
            let before = dials.running.len();
            let begun = begin(&mut dials, SLOW * second).len();
            assert_eq!(begun, MOST_NEW.min(MOST - before));
        }
        dials.ended(DialId(0));
        assert_eq!(begin(&mut dials, SLOW * 20), [DialId(MOST as u64)]);
    }
}
