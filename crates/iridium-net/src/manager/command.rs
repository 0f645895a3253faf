//! What the owner is asked to do.

use std::sync::Arc;

use crossbeam_channel::Sender;
use iridium_proto::{ControlReply, ControlRequest, MemberView, NodeAlias};

use crate::endpoint::Endpoint;
use crate::error::{ForgetError, JoinError};
use crate::event::JoinReport;
use crate::link::ClusterClient;
use crate::membership::Input;

/// Where a caller waits for the outcome of its join.
pub(super) type JoinReply = Sender<Result<JoinReport, JoinError>>;

/// What is sent to the owner.
pub(super) enum Command {
    /// An input of the membership core.
    Input(Input),
    /// A connection has threads of its own now. The input says what it is for.
    Opened(Arc<ClusterClient>, Input),
    /// Join the cluster of the node at `to`.
    Join { to: Endpoint, reply: JoinReply },
    /// List the members.
    Members { reply: Sender<Vec<MemberView>> },
    /// Forget a member that is down or has left.
    Forget { alias: NodeAlias, reply: Sender<Result<(), ForgetError>> },
    /// Answer a control client.
    Control { request: ControlRequest, reply: Sender<ControlReply> },
    /// Leave the cluster and stop; `forget` the peers for the next start.
    Stop { forget: bool },
}
