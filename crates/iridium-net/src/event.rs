//! What the mesh reports.

use iridium_proto::{NodeAlias, NodeId, NodeInfo, RejectReason};

use crate::error::JoinError;
use crate::ids::LinkId;

/// What has happened in the mesh. For each incarnation of a member, `Up` and `Down`
/// alternate, and nothing follows `Left`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A member is linked to this node and answers.
    Up {
        /// The member.
        id: NodeId,
        /// The alias of the member, and the address that it listens on.
        info: NodeInfo,
        /// The connection by which it is linked.
        link: LinkId,
    },
    /// A member is silent, or its connection has ended.
    Suspect {
        /// The member.
        id: NodeId,
    },
    /// A suspect member answers again.
    Recovered {
        /// The member.
        id: NodeId,
        /// Whether the connection is a new one, so that messages which were on their
        /// way on the old one may be lost.
        reconnected: bool,
        /// The connection that it has now.
        link: LinkId,
    },
    /// A member is down, or was replaced by a later incarnation of its alias.
    Down {
        /// The member.
        id: NodeId,
    },
    /// A member has left the cluster.
    Left {
        /// The member.
        id: NodeId,
    },
    /// A node refuses this one.
    Refused {
        /// The node that refused, or its address.
        by: String,
        /// Why it refused.
        reason: RejectReason,
    },
    /// A seed of the configuration was joined.
    Joined(JoinReport),
    /// A seed of the configuration has refused this node for good: it has another secret, no
    /// protocol version in common, knows a live node of this alias, or is no node at all. The
    /// others are tried all the same. A seed that cannot be reached, does not answer in time, or
    /// whose name cannot be looked up is tried again instead.
    JoinFailed(JoinError),
    /// No node takes this one: it is linked to none, and every seed has refused it for good, or the
    /// members that it was linked to have. The error is the first. A program may end the node, which
    /// otherwise goes on alone.
    Excluded(JoinError),
    /// A control client asks this node to leave and stop.
    LeaveRequested,
    /// Others cannot dial this node at the address that it publishes. It is reported once, until
    /// another node has dialled this one.
    NotDialable {
        /// The published address.
        info: NodeInfo,
    },
}

/// How a join ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JoinReport {
    /// The node that was dialled.
    pub seed: NodeAlias,
    /// Members linked, this node included.
    pub members: usize,
    /// Members that the seed named and that could not be linked yet. They go
    /// on being dialled.
    pub unreachable: Vec<NodeAlias>,
}
