//! How often children were restarted lately.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

/// The times of the last restarts, the oldest first, in ns. They are signed: under the clock of
/// another machine they may lie before its start.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Intensity(VecDeque<i64>);

impl Intensity {
    /// Counts a restart. `false` when there were more than `most` within `within_ms` now.
    pub(super) fn allows(&mut self, most: u32, within_ms: u64, now: u64) -> bool {
        let now = signed(now);
        let oldest = now.saturating_sub(signed(within_ms.saturating_mul(1_000_000)));
        while self.0.front().is_some_and(|time| *time < oldest) {
            self.0.pop_front();
        }
        self.0.push_back(now);
        self.0.len() <= usize::try_from(most).unwrap_or(usize::MAX)
    }

    /// Keeps the ages on a clock that stands at `there` when the present one stands at `here`.
    pub(super) fn rebase(&mut self, here: u64, there: u64) {
        let (here, there) = (signed(here), signed(there));
        for time in &mut self.0 {
            *time = there.saturating_sub(here.saturating_sub(*time));
        }
    }
}

fn signed(time: u64) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    #[test]
    fn counts_what_is_young_enough() {
        let mut intensity = Intensity::default();
        assert!(intensity.allows(2, 10, 0));
        assert!(intensity.allows(2, 10, 5 * MS));
        // The first one is just too old.
        assert!(intensity.allows(2, 10, 10 * MS + 1));
        // The second one is just young enough.
        assert!(!intensity.allows(2, 10, 15 * MS));
        assert!(!Intensity::default().allows(0, 10, 0), "none is allowed");
    }

    #[test]
    fn ages_survive_a_move_to_a_younger_clock() {
        let mut intensity = Intensity::default();
        intensity.allows(9, 10, 100 * MS);
        intensity.allows(9, 10, 104 * MS);
        intensity.rebase(105 * MS, 2 * MS);
        assert!(intensity.allows(2, 10, 8 * MS), "the first is 11 ms old, the second 7 ms");
        assert!(!intensity.allows(2, 10, 9 * MS));
    }
}
