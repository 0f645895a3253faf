//! How long the other end of a link may do nothing that others wait for.
//!
//! A network that is silent for a while takes nobody's link as long as its members are not taken for dead. So
//! it is the time after which they are, within bounds: it is no shorter where they are taken for dead sooner,
//! since who does not run for a moment is not to lose its link for it; and not so long that those who are kept
//! waiting meanwhile lose theirs (`backlog`).

use std::time::Duration;

use crate::membership::Timing;

pub(super) const LEAST: Duration = Duration::from_secs(5);
pub(super) const MOST: Duration = Duration::from_secs(25);

/// The time for nodes with such timing: [`Timing::down_after`], but from 5 to 25 s.
pub(crate) fn grace(timing: &Timing) -> Duration {
    timing.down_after.clamp(LEAST, MOST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_time_after_which_a_silent_member_is_down_within_bounds() {
        let after = |down_after| grace(&Timing { down_after, ..Timing::lan() });
        assert_eq!(grace(&Timing::lan()), LEAST);
        assert_eq!(grace(&Timing::wan()), Timing::wan().down_after);
        assert_eq!(after(Duration::ZERO), LEAST);
        assert_eq!(after(Duration::MAX), MOST);
    }
}
