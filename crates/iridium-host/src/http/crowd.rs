//! Memory that many connections have left behind, given back to the system.
//!
//! As with processes (`memory_trim` of iridium-sched): what lies between blocks that are in use stays with
//! the allocator, so a server that ten thousand clients visited once would be large for ever.

use std::time::{Duration, Instant};

/// How many connections must have been open at a time for their memory to matter: some tens of megabytes.
const MANY: usize = 1 << 12;
/// How long there must be few, so that a server whose clients come in waves keeps its memory.
const QUIET_TIME: Duration = Duration::from_secs(5);

/// How many connections a server has had at a time.
#[derive(Debug, Default)]
pub(super) struct Crowd {
    most: usize,
    /// When memory is to be given back, if there are still few then.
    due: Option<Instant>,
}

impl Crowd {
    /// So many connections are open.
    pub(super) fn count(&mut self, connections: usize, now: Instant) {
        self.most = self.most.max(connections);
        let has_left = self.most >= MANY && connections < self.most / 2;
        self.due = if has_left { self.due.or(Some(now + QUIET_TIME)) } else { None };
    }

    /// Waits until most of many have left and have not come back; for ever, if they do not.
    pub(super) async fn has_left(&mut self) {
        match self.due {
            Some(due) => tokio::time::sleep_until(due.into()).await,
            None => std::future::pending().await,
        }
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_crowd_has_left_when_few_of_many_are_there_for_a_while() {
        let start = Instant::now();
        let mut crowd = Crowd::default();
        // Few: nothing is worth it.
        for connections in [MANY - 1, 0] {
            crowd.count(connections, start);
            assert_eq!(crowd.due, None);
        }
        for connections in [MANY, MANY / 2] {
            crowd.count(connections, start);
            assert_eq!(crowd.due, None);
        }
        crowd.count(MANY / 2 - 1, start);
        let due = Some(start + QUIET_TIME);
        assert_eq!(crowd.due, due);
        // It counts from when they left, and those that come and go put nothing off.
        crowd.count(10, start + QUIET_TIME / 2);
        assert_eq!(crowd.due, due);
        // They are back.
        crowd.count(MANY / 2, start + QUIET_TIME / 2);
        assert_eq!(crowd.due, None);
    }

    #[tokio::test]
    async fn each_crowd_leaves_once() {
        let long_ago = Instant::now() - QUIET_TIME;
        let mut crowd = Crowd::default();
        crowd.count(MANY, long_ago);
        crowd.count(0, long_ago);
        crowd.has_left().await;
        crowd.count(0, Instant::now());
        assert_eq!(crowd.due, None);
    }
}
