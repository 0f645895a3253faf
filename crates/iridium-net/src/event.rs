//! What the mesh tells those who listen.

use iridium_proto::{NodeAlias, NodeId, NodeInfo, RejectReason};

use crate::error::JoinError;
use crate::ids::LinkId;

/// What observers are told. For each incarnation of a member, `Up` and `Down`
/// alternate, and nothing follows `Left`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A member is linked to this node and answers.
    Up {
        /// Which life of which node.
        id: NodeId,
        /// Where it listens.
        info: NodeInfo,
        /// The connection by which it is linked.
        link: LinkId,
    },
    /// A member has fallen silent or its connection is gone.
    Suspect {
        /// The member.
        id: NodeId,
    },
    /// A suspect member is there after all.
    Recovered {
        /// The member.
        id: NodeId,
        /// Whether the connection is another one, so that messages which were
        /// under way on the old one may be lost.
        reconnected: bool,
        /// The connection that it has now.
        link: LinkId,
    },
    /// A member was given up, or replaced by a later life of the same alias.
    Down {
        /// The member.
        id: NodeId,
    },
    /// A member said goodbye.
    Left {
        /// The member.
        id: NodeId,
    },
    /// A node does not take this one in.
    Refused {
        /// Who refused.
        by: String,
        /// Why.
        reason: RejectReason,
        /// Whether this node is linked to nobody: it cannot do its work.
        alone: bool,
    },
    /// A seed of the configuration was joined.
    Joined(JoinReport),
    /// A seed of the configuration will not be joined: it refused, or it is no
    /// node of this cluster. One that cannot be reached is tried again instead.
    JoinFailed(JoinError),
    /// A control client asks this node to leave and stop.
    LeaveRequested,
    /// Others cannot dial this node at the address that it publishes.
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
