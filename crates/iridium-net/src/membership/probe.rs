//! Indirect probes: what this node has asked others, and what others have asked it.

use crate::ids::ConnId;

/// The indirect probes of a suspect member.
#[derive(Debug)]
pub(super) struct Suspicion {
    /// The token of the current round of probes.
    pub(super) token: u64,
    /// How many of the nodes that were asked have not answered.
    pub(super) unanswered: usize,
    /// A node that was asked in this round reaches it.
    pub(super) reached: bool,
    /// Its machine answered that nobody listens at its port.
    pub(super) refused: bool,
}

/// An indirect probe that this node carries out for another.
#[derive(Debug)]
pub(super) struct Relay {
    /// The link on which it was asked for.
    pub(super) conn: ConnId,
    /// The token to answer with.
    pub(super) asked: u64,
    /// The link on which the target was pinged, and the token of that ping.
    pub(super) target: ConnId,
    pub(super) ping: u64,
}
