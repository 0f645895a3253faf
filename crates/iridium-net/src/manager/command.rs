//! What the owner is asked to do.

use std::sync::Arc;

use crossbeam_channel::Sender;
use iridium_proto::{ControlReply, ControlRequest, IridiumMessage, MemberView, NodeAlias};

use crate::endpoint::Endpoint;
use crate::error::{ForgetError, JoinError};
use crate::event::JoinReport;
use crate::ids::ConnId;
use crate::link::{ClusterClient, Place};
use crate::membership::Input;

/// Where a caller waits for the outcome of its join.
pub(super) type JoinReply = Sender<Result<JoinReport, JoinError>>;

/// What is sent to the owner. Nobody waits to send it, least of all the thread that reads for many links,
/// so each kind has a bound of its own: messages by their places, dials by their number, what is asked
/// by those who wait for the answer, and the rest comes once for each connection.
pub(super) enum Command {
    /// An input of the membership core, which is no message.
    Input(Input),
    /// A message of a connection. Its place is given back when it is handled.
    Message { conn: ConnId, message: IridiumMessage, place: Place },
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
