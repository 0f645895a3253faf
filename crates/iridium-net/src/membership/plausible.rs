//! What is believed of that which would cost a node its links, or its name for good. Incarnations only
//! grow, so one that was told at its end could never be replaced by a larger one: they are believed in
//! steps that no honest node exceeds, and that a liar would have to take for longer than clusters live.
//! How often a node has contradicted rumours is believed of nobody but itself.

use iridium_proto::{MemberRecord, RecordState};

use super::conn::DialPurpose;
use super::core::Membership;
use super::interface::Time;
use super::member::Member;

/// Incarnations are microseconds since 1970, or follow such a one. A hundred years is more than any
/// clock is wrong.
const INCARNATIONS: u64 = 100 * 365 * 24 * 3600 * 1_000_000;
/// How long a node that has links keeps an identity at least, whoever says that it is outdated: with a
/// new one it loses them, and its processes theirs.
const IDENTITY_KEPT: Time = Time::from_secs(3600);
/// How often it may take another soon after its start, when it has not much to lose: several nodes may
/// know of different later incarnations.
const EARLY_IDENTITIES: u32 = 8;
/// A member that has refused this node does so again in that time, in longest pauses between dials.
const REFUSES_FOR: u32 = 2;

impl Membership {
    /// Whether one that refuses this node is believed that it needs another identity: always, where
    /// there is nobody else; if a seed has named it, soon after the start; and otherwise now and then,
    /// if more members refuse this node than are linked to it. Others may be made up.
    pub(super) fn believes(&self, purpose: &DialPurpose, now: Time) -> bool {
        if self.is_alone() {
            return true;
        }
        let (named, is_seed) = match purpose {
            DialPurpose::Member(alias) => {
                (self.members.get(alias).is_some_and(|m| m.named_by_seed), false)
            }
            DialPurpose::Join(..) | DialPurpose::Check(..) => (true, true),
        };
        let early = now < self.timing.redial_max && self.rebirths < EARLY_IDENTITIES;
        let rested = self.rebirths == 0 || now >= self.reborn + IDENTITY_KEPT;
        let lately = |at| now < at + self.timing.redial_max * REFUSES_FOR;
        let refuses = |m: &&Member| m.met && m.link.is_none() && m.refused.is_some_and(lately);
        let refusing = self.members.values().filter(refuses).count() + usize::from(is_seed);
        (named && early) || (rested && refusing > self.links().count())
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
