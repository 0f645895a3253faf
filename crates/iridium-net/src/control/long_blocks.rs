//! Long blocks of control clients come one at a time: each may take as much memory as the longest message, and
//! whoever holds the secret can be many clients.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::threads::lock;

/// Up to so many bytes, blocks come at any time.
pub(crate) const SHORT: usize = 256 * 1024;
/// How long a block may take to come while others wait: this, and time by what has come, as on links.
const GRACE: Duration = Duration::from_secs(5);
const BYTES_A_SECOND: u64 = 512 * 1024;

/// Whose long block comes, and who waits.
#[derive(Debug, Default)]
pub(crate) struct LongBlocks {
    turns: Mutex<Turns>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Turns {
    last: u64,
    /// The first of them has its turn.
    waiting: VecDeque<u64>,
}

/// The turn of a client. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Turn {
    blocks: Arc<LongBlocks>,
    number: u64,
    began: Instant,
}

impl LongBlocks {
    /// Waits for a turn, after all who came before. `None` when it does not come until the deadline.
    pub(crate) fn wait(self: &Arc<Self>, deadline: Instant) -> Option<Turn> {
        let mut turns = lock(&self.turns);
        turns.last += 1;
        let number = turns.last;
        turns.waiting.push_back(number);
        // It leaves the queue when it is dropped, also without having had its turn.
        let mut turn = Turn { blocks: Arc::clone(self), number, began: Instant::now() };
        while turns.waiting.front() != Some(&number) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(turns);
                return None;
            }
            let waited = self.changed.wait_timeout(turns, left);
            turns = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(turns);
        turn.began = Instant::now();
        Some(turn)
    }
}

impl Turn {
    /// Whether a block, of which so much has come, keeps others waiting for too long.
    pub(crate) fn is_late(&self, come: usize, now: Instant) -> bool {
        let time = GRACE + Duration::from_millis(come as u64 * 1000 / BYTES_A_SECOND);
        now > self.began + time && lock(&self.blocks.turns).waiting.len() > 1
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        lock(&self.blocks.turns).waiting.retain(|waiting| *waiting != self.number);
        self.blocks.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_has_its_turn_and_is_late_only_where_others_wait() {
        let (blocks, now) = (Arc::new(LongBlocks::default()), Instant::now());
        let first = blocks.wait(now).unwrap();
        let late = first.began + GRACE + Duration::from_secs(3);
        assert!(!first.is_late(0, late), "nobody waits");
        assert!(blocks.wait(Instant::now()).is_none(), "it is not its turn");
        std::thread::scope(|scope| {
            let next = scope.spawn(|| blocks.wait(now + Duration::from_secs(60)));
            while lock(&blocks.turns).waiting.len() < 2 {
                std::thread::yield_now();
            }
            assert!(first.is_late(0, late) && !first.is_late(2 << 20, late));
            drop(first);
            assert!(next.join().unwrap().is_some());
        });
        assert!(lock(&blocks.turns).waiting.is_empty());
    }
}
