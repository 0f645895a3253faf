//! One file for each command, or for those that belong together.

pub(crate) mod against;
pub(crate) mod apps;
pub(crate) mod assemble;
pub(crate) mod document;
pub(crate) mod events;
pub(crate) mod forget;
pub(crate) mod format;
pub(crate) mod language_server;
pub(crate) mod leave;
pub(crate) mod manual;
pub(crate) mod members;
pub(crate) mod new;
pub(crate) mod node;
mod node_pages;
pub(crate) mod process_commands;
pub(crate) mod ps;
pub(crate) mod run;
pub(crate) mod run_app;
mod run_json;
mod run_session;
mod run_stats;
mod run_tree;
pub(crate) mod secret;
pub(crate) mod speak;
pub(crate) mod test;
pub(crate) mod top;

use std::time::Duration;

use iridium_net::{ControlClient, Endpoint};
use iridium_node::control::Client;
use iridium_proto::{ControlReply, ControlRequest, MemberView, NodeAlias};

use crate::args::ClientFlags;
use crate::failure::Failure;
use crate::{config, output};

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

/// Connects to a running node.
pub(crate) fn connect(client: &ClientFlags) -> Result<Client, Failure> {
    let security = config::security_of_client(client)?;
    Ok(Client::connect(&client.at, &security, ANSWER_WITHIN)?)
}

/// The members that a node sees, by alias.
pub(crate) fn members(client: &mut Client, at: &Endpoint) -> Result<Vec<MemberView>, Failure> {
    match client.mesh().request(ControlRequest::Members)? {
        ControlReply::Members(mut members) => {
            members.sort_by(|a, b| a.info.alias.cmp(&b.info.alias));
            Ok(members)
        }
        ControlReply::Failed(why) => Err(Failure::failed(format!("{at}: {why}"))),
        reply => {
            Err(Failure::failed(format!("{at} gave an answer to another question: {reply:?}")))
        }
    }
}

/// Has a node forget a member.
pub(crate) fn forget_member(
    client: &mut Client,
    at: &Endpoint,
    alias: &NodeAlias,
) -> Result<(), Failure> {
    match client.mesh().request(ControlRequest::Forget(alias.clone()))? {
        ControlReply::Forgotten => Ok(()),
        ControlReply::Failed(why) => Err(Failure::failed(format!("{at}: {why}"))),
        reply => {
            Err(Failure::failed(format!("{at} gave an answer to another question: {reply:?}")))
        }
    }
}

/// The line that `--json` prints.
fn json(answer: &impl serde::Serialize) -> Result<String, Failure> {
    output::json(answer).map_err(|error| Failure::failed(error.to_string()))
}

/// The failure of a node that answers a question other than the one it was asked.
fn unexpected_reply(client: &ClientFlags, reply: &ControlReply) -> Failure {
    Failure::failed(format!("{} gave an answer to another question: {reply:?}", client.at))
}
