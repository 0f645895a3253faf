//! Indirect probes: what this node has asked others, and what others have asked it.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use crate::ids::ConnId;

/// The indirect probes of a suspect member.
#[derive(Debug)]
pub(super) struct Suspicion {
    /// The token of the current round of probes.
    pub(super) token: u64,
    /// The links on which others were asked who have not answered yet.
    pub(super) asked: BTreeSet<ConnId>,
    /// How many of those that were asked in this round reach it, and how many do not.
    pub(super) reached: usize,
    pub(super) unreached: usize,
    /// Its machine answered that nobody listens at its port.
    pub(super) refused: bool,
}

impl Suspicion {
    /// Whether the answers of this round say that it is reached, whatever is still answered. One that
    /// lies must not keep a dead member alive against others; where it is word against word, it counts
    /// whether the machine of the member refuses this node.
    pub(super) fn is_reached(&self) -> bool {
        let Self { asked, reached, unreached, refused, .. } = self;
        match reached.cmp(&(unreached + asked.len())) {
            Ordering::Greater => true,
            Ordering::Equal => *reached > 0 && !refused,
            Ordering::Less => false,
        }
    }
}

/// An indirect probe that this node carries out for another. It stands until its time is over, also
/// when it was answered: the same question is answered in the same way meanwhile, so that nobody can
/// have a member pinged faster.
#[derive(Debug)]
pub(super) struct Relay {
    /// The token to answer with.
    pub(super) asked: u64,
    /// The token with which the target was pinged.
    pub(super) ping: u64,
    /// Whether the target has answered, once that is known.
    pub(super) reached: Option<bool>,
}
