//! `iridium leave`: makes a running node leave the cluster and end.

use iridium_proto::{ControlReply, ControlRequest};

use super::{ask, unexpected_reply};
use crate::args::ClientFlags;
use crate::failure::Failure;
use crate::output;

/// Asks the node to leave. It answers before it goes.
pub(crate) fn run(client: &ClientFlags) -> Result<(), Failure> {
    match ask(client, ControlRequest::Leave)? {
        ControlReply::Leaving => {
            Ok(output::print_line(&format!("the node at {} is leaving the cluster", client.at))?)
        }
        other => Err(unexpected_reply(client, &other)),
    }
}
