//! What a counter that another node tells may be. Incarnations and refutations only grow, so one that
//! was told at its end could never be replaced by a larger one: a single lie would keep a node out for
//! good. So they are believed in steps that no honest node exceeds, and that a liar would have to take
//! for longer than clusters live. What would cost a node its links is not taken from just anyone.

use iridium_proto::{MemberRecord, RecordState};

use super::conn::DialPurpose;
use super::core::Membership;
use super::interface::Time;

/// Incarnations are microseconds since 1970, or follow such a one. A hundred years is more than any
/// clock is wrong.
const INCARNATIONS: u64 = 100 * 365 * 24 * 3600 * 1_000_000;
/// A node refutes once for each time that it was suspected.
const REFUTATIONS: u32 = 1024;

/// How long a node that has links keeps an identity at least, whoever says that it is outdated: with a
/// new one it loses them, and its processes theirs.
const IDENTITY_KEPT: Time = Time::from_secs(3600);
/// How often it may take another soon after its start, when it has not much to lose: several nodes may
/// know of different later incarnations.
const EARLY_IDENTITIES: u32 = 8;

impl Membership {
    /// Whether one that refuses this node is believed that it needs another identity: always, where
    /// there is nobody else; if a seed has named it, soon after the start; and otherwise now and then,
    /// if it is a seed or was linked to this node before. Others may be made up.
    pub(super) fn believes(&self, purpose: &DialPurpose, now: Time) -> bool {
        if self.is_alone() {
            return true;
        }
        let (named, known) = match purpose {
            DialPurpose::Member(alias) => {
                self.members.get(alias).map_or((false, false), |m| (m.named_by_seed, m.met))
            }
            DialPurpose::Join(..) | DialPurpose::Check(..) => (true, true),
        };
        let early = now < self.timing.redial_max && self.rebirths < EARLY_IDENTITIES;
        let rested = self.rebirths == 0 || now >= self.reborn + IDENTITY_KEPT;
        (named && early) || (known && rested)
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

/// A refutation that was told, as far as it is believed by one that knows of an earlier one.
pub(super) fn believed(told: u32, known: u32) -> u32 {
    told.min(known.saturating_add(REFUTATIONS))
}
