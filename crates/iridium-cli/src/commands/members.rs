//! `iridium members`: what a running node sees.

use serde::Serialize;

use iridium_proto::{ControlReply, ControlRequest, MemberView, NodeAlias};

use super::{ask, json, unexpected_reply};
use crate::args::ClientFlags;
use crate::failure::Failure;
use crate::output;

/// Asks a node for its members and prints them, by alias.
pub(crate) fn run(client: &ClientFlags, as_json: bool) -> Result<(), Failure> {
    let mut members = match ask(client, ControlRequest::Members)? {
        ControlReply::Members(members) => members,
        other => return Err(unexpected_reply(client, &other)),
    };
    let Some(node) = members.first().map(Node::of) else {
        return Err(Failure::failed(format!("the node at {} is leaving", client.at)));
    };
    members.sort_by(|a, b| a.info.alias.cmp(&b.info.alias));
    let text = if as_json { to_json(node, &members)? } else { output::members(&members) };
    Ok(output::print_table(&text)?)
}

/// The documented shape of `members --json`; fields may be added, not changed.
#[derive(Debug, Serialize)]
struct MembersJson {
    /// The node that answers.
    node: Node,
    members: Vec<Member>,
}

#[derive(Debug, Serialize)]
struct Node {
    alias: NodeAlias,
    ip: String,
    port: u16,
    incarnation: u64,
}

#[derive(Debug, Serialize)]
struct Member {
    #[serde(flatten)]
    node: Node,
    state: &'static str,
    rtt_us: Option<u64>,
}

impl Node {
    fn of(member: &MemberView) -> Self {
        Self {
            alias: member.info.alias.clone(),
            ip: member.info.ip.to_string(),
            port: member.info.port.number(),
            incarnation: member.id.incarnation,
        }
    }
}

fn to_json(node: Node, members: &[MemberView]) -> Result<String, Failure> {
    let member = |view: &MemberView| Member {
        node: Node::of(view),
        state: view.state.as_str(),
        rtt_us: view.rtt_us,
    };
    let answer = MembersJson { node, members: members.iter().map(member).collect() };
    json(&answer)
}

#[cfg(test)]
mod tests {
    use iridium_proto::{NodeId, NodeInfo, NodeIp, NodeNumber, NodePort, ViewState};

    use super::*;

    fn view(alias: &str, state: ViewState, rtt_us: Option<u64>) -> MemberView {
        let alias = NodeAlias::new(alias).unwrap();
        MemberView {
            info: NodeInfo {
                alias: alias.clone(),
                ip: NodeIp([127, 0, 0, 1].into()),
                port: NodePort::new(2254).unwrap(),
            },
            id: NodeId { alias, incarnation: 9, number: NodeNumber::new(1).unwrap() },
            state,
            rtt_us,
        }
    }

    #[test]
    fn the_json_is_as_documented() {
        let members = [view("a", ViewState::Alive, Some(210)), view("b", ViewState::Myself, None)];
        assert_eq!(
            to_json(Node::of(&members[1]), &members).unwrap(),
            r#"{"node":{"alias":"b","ip":"127.0.0.1","port":2254,"incarnation":9},"members":[{"alias":"a","ip":"127.0.0.1","port":2254,"incarnation":9,"state":"alive","rtt_us":210},{"alias":"b","ip":"127.0.0.1","port":2254,"incarnation":9,"state":"self","rtt_us":null}]}"#
        );
    }
}
