//! One file for each command, or for those that belong together.

pub(crate) mod app;
pub(crate) mod assemble;
pub(crate) mod leave;
pub(crate) mod manual;
pub(crate) mod members;
pub(crate) mod node;
mod outcome;
pub(crate) mod run;
pub(crate) mod secret;
mod whole;

use std::time::Duration;

use iridium_net::ControlClient;
use iridium_proto::{ControlReply, ControlRequest};

use crate::args::ClientFlags;
use crate::config;
use crate::failure::Failure;

/// How long a running node may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// Asks a running node.
fn ask(client: &ClientFlags, request: ControlRequest) -> Result<ControlReply, Failure> {
    let security = config::security_of_client(client)?;
    let mut link = ControlClient::connect(&client.at, &security, ANSWER_WITHIN)?;
    match link.request(request)? {
        ControlReply::Failed(why) => Err(Failure::failed(format!("{}: {why}", client.at))),
        reply => Ok(reply),
    }
}

/// The node gave an answer to another question, which no version does.
fn odd_answer(client: &ClientFlags, reply: &ControlReply) -> Failure {
    Failure::failed(format!("{} gave an answer to another question: {reply:?}", client.at))
}
