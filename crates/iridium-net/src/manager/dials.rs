//! Which dials run. Each has a thread for as long as it takes, so only so many run at a time: a list of
//! members that are not there, whoever has told it, must not exhaust the machine.

use std::collections::{HashSet, VecDeque};
use std::net::SocketAddr;

use crate::ids::DialId;

/// How many dials run at a time.
const MOST: usize = 128;

/// The dials that run, and those that wait for their turn. The core has one under way for each member
/// and seed at most.
#[derive(Debug, Default)]
pub(super) struct Dials {
    running: HashSet<DialId>,
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
    pub(super) fn next(&mut self) -> Option<(DialId, SocketAddr)> {
        if self.running.len() >= MOST {
            return None;
        }
        let next = self.waiting.pop_front()?;
        self.running.insert(next.0);
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_so_many_run_and_all_have_their_turn() {
        let mut dials = Dials::default();
        let to = "192.0.2.1:2254".parse().unwrap();
        for number in 0..1000 {
            dials.add(DialId(number), to);
        }
        let mut running = VecDeque::new();
        for number in 0..1000 {
            running.extend(std::iter::from_fn(|| dials.next()).map(|(dial, _)| dial));
            assert!(running.len() <= MOST);
            let oldest = running.pop_front();
            assert_eq!(oldest, Some(DialId(number)), "in their order");
            dials.ended(DialId(number));
        }
        assert_eq!(dials.next(), None);
    }
}
