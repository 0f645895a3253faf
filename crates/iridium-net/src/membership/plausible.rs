//! What is believed of that which would cost a node its links, or its name for good. Incarnations only
//! grow, so one that was told at its end could never be replaced by a larger one: they are believed in
//! steps that no honest node exceeds, and that a liar would have to take for longer than clusters live.
//! How often a node has contradicted rumours is believed of nobody but itself.

use iridium_proto::{MemberRecord, RecordState};

use super::conn::DialPurpose;
use super::core::Membership;
use super::interface::Time;

/// Incarnations are microseconds since 1970, or follow such a one. A hundred years is more than any
/// clock is wrong.
const INCARNATIONS: u64 = 100 * 365 * 24 * 3600 * 1_000_000;
/// How often a node that has links may take another identity soon after its start, when it has not much
/// to lose: several nodes may know of different later incarnations.
const EARLY_IDENTITIES: u32 = 8;

impl Membership {
    /// Whether one that refuses this node is believed that it needs another identity, with which it loses
    /// its links, and its processes theirs: where there is nobody else, or soon after the start, if a seed
    /// says so or one that a seed has named. Anybody else may be made up, however many there are.
    pub(super) fn believes(&self, purpose: &DialPurpose, now: Time) -> bool {
        let is_named = match purpose {
            DialPurpose::Member(alias) => self.members.get(alias).is_some_and(|m| m.named_by_seed),
            DialPurpose::Join(..) | DialPurpose::Check(..) => true,
        };
        let is_early = now < self.timing.redial_max && self.rebirths < EARLY_IDENTITIES;
        self.is_alone() || (is_named && is_early)
    }

    /// Whether an incarnation of any node may be true.
    pub(super) fn is_plausible(&self, incarnation: u64) -> bool {
        incarnation <= self.me.id.incarnation.saturating_add(INCARNATIONS) && incarnation < u64::MAX
    }

    /// Whether a record may be true. What only says that somebody is forgotten needs no incarnation.
    pub(super) fn is_plausible_record(&self, record: &MemberRecord) -> bool {
        record.state == RecordState::Forgotten || self.is_plausible(record.id.incarnation)
    }
}
