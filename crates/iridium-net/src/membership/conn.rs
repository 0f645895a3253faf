//! One connection as the core sees it, and what a dial is for.

use iridium_proto::{Introduction, NodeAlias, NodeInfo, NodeIp};

use crate::ids::{ConnId, JoinId};

use super::interface::Time;

/// What a connection is to the core.
#[derive(Debug)]
pub(super) enum Stage {
    /// This node dialled and said `Hello` or `Join`.
    Greeting(Target),
    /// The other end introduced itself and waits while the incumbent is asked.
    Candidate { intro: Introduction, wants_list: bool },
    /// A link. An accepted one counts only when the dialler has said more than
    /// its introduction: until then the dialler may have chosen another.
    Linked { alias: NodeAlias, confirmed: bool },
}

/// A connection as the core sees it.
#[derive(Debug)]
pub(super) struct Conn {
    pub(super) stage: Stage,
    pub(super) remote: NodeIp,
    pub(super) heard: Time,
    /// The heartbeat whose round trip is being measured.
    pub(super) pinged: Option<(u64, Time)>,
    pub(super) exchanged: Option<Time>,
}

/// What a dial is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// A member that this node knows of.
    Member(NodeAlias),
    /// A seed, or a peer of an earlier life.
    Join(JoinId),
    /// The address under which a newcomer is seen, to find out whether others
    /// can dial it there; `ConnId` is its link.
    Check(ConnId, NodeInfo),
}
