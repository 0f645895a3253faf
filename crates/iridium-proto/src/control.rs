//! What a control client (`iridium members`, `iridium leave`) may ask of a node.

use serde::{Deserialize, Serialize};

use crate::node::{NodeAlias, NodeId, NodeInfo};
use crate::numbered::{numbered_bodies, numbered_states};

numbered_bodies! {
    /// A question or an order to a running node. One that it does not know is answered with
    /// [`ControlReply::NotUnderstood`].
    pub enum ControlRequest {
        /// List the members as you see them.
        0 Members plain;
        /// Leave the cluster and stop.
        1 Leave plain;
        /// A request to the application on top of the mesh, in a format of its own. It opens a
        /// stream: each end sends `ControlData` as often as it likes, then `ControlEnd`; after
        /// both have, the client may make its next request.
        2 Application counted (Vec<u8>);
        /// Forget the member of that alias, which is down or has left, at all nodes.
        3 Forget coded (NodeAlias);
    }
}

numbered_bodies! {
    /// The answer to a [`ControlRequest`].
    pub enum ControlReply {
        /// The members, the answering node first.
        0 Members coded (Vec<MemberView>);
        /// The node is leaving.
        1 Leaving plain;
        /// The request could not be carried out, and why.
        2 Failed coded (String);
        /// The node does not know the request of that number.
        3 NotUnderstood coded (u32);
        /// The member is forgotten at the node that answers, which tells the others.
        4 Forgotten plain;
    }
}

/// One line of a node's member list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// The alias of the member, and the address that it listens on.
    pub info: NodeInfo,
    /// The id of this incarnation of the member.
    pub id: NodeId,
    /// The state in which the node that answers sees the member.
    pub state: ViewState,
    /// The last heartbeat's round trip in microseconds; `None` without a link.
    pub rtt_us: Option<u64>,
}

numbered_states! {
    /// How a node sees a member, itself included.
    pub enum ViewState {
        /// The node that answers.
        0 Myself;
        /// Linked and answering.
        1 Alive;
        /// Known or reachable through others, but not answering this node.
        2 Suspect;
        /// Neither the node that answers nor those it asked reach it.
        3 Down;
        /// It has left the cluster.
        4 Left;
    }
}

impl ViewState {
    /// The word shown to people and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Myself => "self",
            Self::Alive => "alive",
            Self::Suspect => "suspect",
            Self::Down => "down",
            Self::Left => "left",
            Self::Unknown(_) => "unknown",
        }
    }
}
