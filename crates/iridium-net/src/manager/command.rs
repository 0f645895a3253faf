//! What the owner is asked to do.

use std::sync::Arc;

use crossbeam_channel::Sender;
use iridium_proto::{ControlReply, ControlRequest, MemberView};

use crate::endpoint::Endpoint;
use crate::error::JoinError;
use crate::event::JoinReport;
use crate::link::ClusterClient;
use crate::membership::Input;

/// Where a caller waits for the outcome of its join.
pub(super) type JoinReply = Sender<Result<JoinReport, JoinError>>;

/// What the owner is told.
pub(super) enum Command {
    /// Something for the membership core.
    Input(Input),
    /// A connection has threads of its own now; what it is for comes with it.
    Opened(Arc<ClusterClient>, Input),
    /// A caller wants to join.
    Join { to: Endpoint, reply: JoinReply },
    /// A caller wants the members.
    Members { reply: Sender<Vec<MemberView>> },
    /// A control client wants something.
    Control { request: ControlRequest, reply: Sender<ControlReply> },
    /// Say goodbye and stop.
    Stop { forget: bool },
}
