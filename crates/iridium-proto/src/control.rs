//! What a control client (`iridium members`, `iridium leave`) may ask of a node.

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::node::{NodeId, NodeInfo};

/// Longest [`ControlRequest::Application`]: as the first message of a
/// connection it must fit in a frame of a peer that is not yet admitted. What is
/// longer is sent over the stream that the request opens.
pub const MAX_CONTROL_REQUEST: usize = 60 * 1024;

/// A question or an order to a running node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ControlRequest {
    /// List the members as you see them.
    Members,
    /// Leave the cluster and stop.
    Leave,
    /// Something for the application on top of the mesh, in a language of its
    /// own. It opens a stream: each end says `ControlData` as often as it likes,
    /// then `ControlEnd`; after both have, the client may make its next request.
    Application(#[serde(with = "codec::bytes")] Vec<u8>),
}

/// The answer to a [`ControlRequest`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum ControlReply {
    /// The members, the answering node first.
    Members(Vec<MemberView>),
    /// The node is leaving.
    Leaving,
    /// The request could not be carried out, and why.
    Failed(String),
}

/// One line of a node's member list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberView {
    /// Where it listens.
    pub info: NodeInfo,
    /// Which life of it.
    pub id: NodeId,
    /// How the node that answers sees it.
    pub state: ViewState,
    /// The last heartbeat's round trip in microseconds; `None` without a link.
    pub rtt_us: Option<u64>,
}

/// How a node sees a member, itself included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ViewState {
    /// The node that answers.
    #[serde(rename = "self")]
    Myself,
    /// Linked and answering.
    Alive,
    /// Known or reachable through others, but not answering this node.
    Suspect,
    /// Given up.
    Down,
    /// It said goodbye.
    Left,
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
        }
    }
}
