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
        /// Whether this node is linked to no other.
        alone: bool,
    },
    /// A seed of the configuration was joined.
    Joined(JoinReport),
    /// A seed of the configuration cannot be joined: it refused, or it is no node of
    /// this cluster. A seed that cannot be reached is tried again instead.
    JoinFailed(JoinError),
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
