//! Indirect probes: what this node has asked others, and what others have asked it.

use crate::ids::ConnId;

/// An inquiry into whether a member still lives.
#[derive(Debug)]
pub(super) struct Doubt {
    /// Of the current round of questions.
    pub(super) token: u64,
    /// How many of those asked have yet to answer.
    pub(super) unanswered: usize,
    /// Its machine answered that nobody listens at its port.
    pub(super) refused: bool,
}

/// A question that this node was asked: does `target` answer you?
#[derive(Debug)]
pub(super) struct Relay {
    /// Who asked.
    pub(super) conn: ConnId,
    /// The token to answer with.
    pub(super) asked: u64,
    /// The link on which the target was pinged, and with what.
    pub(super) target: ConnId,
    pub(super) ping: u64,
}
