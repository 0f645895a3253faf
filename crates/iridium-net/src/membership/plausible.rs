//! What a counter that another node tells may be. Incarnations and refutations only grow, so one that
//! was told at its end could never be replaced by a larger one: a single lie would keep a node out for
//! good. So they are believed in steps that no honest node exceeds, and that a liar would have to take
//! for longer than clusters live.

use iridium_proto::{MemberRecord, RecordState};

use super::core::Membership;

/// Incarnations are microseconds since 1970, or follow such a one. A hundred years is more than any
/// clock is wrong.
const INCARNATIONS: u64 = 100 * 365 * 24 * 3600 * 1_000_000;
/// A node refutes once for each time that it was suspected.
const REFUTATIONS: u32 = 1024;

impl Membership {
    /// Whether an incarnation of any node may be true.
    pub(super) fn is_plausible(&self, incarnation: u64) -> bool {
        incarnation <= self.me.id.incarnation.saturating_add(INCARNATIONS) && incarnation < u64::MAX
    }

    /// Whether a record may be true. What only says that somebody is forgotten needs no incarnation.
    pub(super) fn is_plausible_record(&self, record: &MemberRecord) -> bool {
        record.state == RecordState::Forgotten || self.is_plausible(record.id.incarnation)
    }
}

/// A refutation that was told, as far as it is believed by one that knows of an earlier one.
pub(super) fn believed(told: u32, known: u32) -> u32 {
    told.min(known.saturating_add(REFUTATIONS))
}
