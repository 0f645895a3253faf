//! One connection as the core sees it, and what a dial is for.

use std::net::SocketAddr;

use iridium_proto::{Introduction, NodeAlias, NodeInfo, NodeIp};

use crate::ids::JoinId;

use super::interface::Time;

/// The stage of a connection.
#[derive(Debug)]
pub(super) enum Stage {
    /// This node dialled and sent `Hello` or `Join`.
    Greeting(DialPurpose),
    /// The other end has introduced itself and waits while the incumbent is asked.
    Candidate { intro: Introduction, wants_list: bool },
    /// A link. An accepted one is confirmed by the first message after the introduction:
    /// until then the dialler may have chosen another connection.
    Linked { alias: NodeAlias, confirmed: bool },
}

/// A connection as the core sees it.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) stage: Stage,
    pub(super) remote: NodeIp,
    pub(super) last_heard: Time,
    /// When the last heartbeat was sent.
    pub(super) pinged_at: Option<Time>,
    /// The heartbeat whose round trip is being measured.
    pub(super) pinged: Option<(u64, Time)>,
    /// Since when it is silent although it was asked for a sign of life; `None` when it is not.
    pub(super) silent_since: Option<Time>,
    /// Whether a timer looks after that.
    pub(super) silence_timed: bool,
    /// Whether the others know of it.
    pub(super) silence_told: bool,
    /// When it became known.
    pub(super) since: Time,
    /// When the whole list was last sent because the digests differed, and which they were.
    pub(super) exchanged: Option<(Time, [u64; 2])>,
    /// When the other end was last answered with the whole list.
    pub(super) answered: Option<Time>,
}

/// What a dial is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum DialPurpose {
    /// A member that this node knows of.
    Member(NodeAlias),
    /// An address of a seed, or of a peer from an earlier run.
    Join(JoinId, SocketAddr),
    /// The address of a member that has dialled this node, to find out whether it can be
    /// dialled there.
    Check(NodeInfo),
}
