//! What the nodes report about each other, and whether that makes one complete cluster.

use std::collections::BTreeSet;
use std::process::Stdio;

use serde::Deserialize;

use super::folder::Cluster;
use super::state::{Node, State};

/// The answer of `iridium members --json`.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Members {
    pub(crate) members: Vec<Member>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Member {
    pub(crate) alias: String,
    pub(crate) ip: String,
    pub(crate) port: u16,
    pub(crate) incarnation: u64,
    pub(crate) state: String,
    pub(crate) rtt_us: Option<u64>,
}

/// What a node answers, or why it does not.
pub(super) type Seen = Result<Members, String>;

/// Asks every node at the same time, in their order.
pub(super) fn ask_all(cluster: &Cluster, state: &State) -> Vec<Seen> {
    std::thread::scope(|scope| {
        let ask = |node| scope.spawn(move || ask(cluster, state, node));
        let asked: Vec<_> = state.nodes.iter().map(ask).collect();
        let answer = |asked: std::thread::ScopedJoinHandle<'_, Seen>| {
            asked.join().unwrap_or_else(|_| Err("was not asked".into()))
        };
        asked.into_iter().map(answer).collect()
    })
}

fn ask(cluster: &Cluster, state: &State, node: &Node) -> Seen {
    if !node.process.is_running() {
        return Err(format!("process {} has ended", node.process.pid));
    }
    let output = cluster
        .command(&state.iridium)
        .args(["members", "--json", "--at", &node.addr().to_string()])
        .stdin(Stdio::null())
        .output()
        .map_err(|error| format!("cannot run {}: {error}", state.iridium.display()))?;
    if !output.status.success() {
        let complaint = String::from_utf8_lossy(&output.stderr);
        return Err(complaint.trim().trim_start_matches("error: ").to_string());
    }
    serde_json::from_slice(&output.stdout)
        .map_err(|error| format!("gives an answer that is not understood: {error}"))
}

/// Why this is not a complete cluster: no reasons when every node lists all others as alive,
/// with a link to each, and all agree.
pub(super) fn reasons(state: &State, seen: &[Seen]) -> Vec<String> {
    let mut reasons = Vec::new();
    for (node, seen) in state.nodes.iter().zip(seen) {
        match seen {
            Err(why) => reasons.push(format!("{} does not answer: {why}", node.alias)),
            Ok(seen) => reasons.extend(gaps(state, node, seen)),
        }
    }
    let lists: Vec<_> = seen.iter().flatten().map(identities).collect();
    if reasons.is_empty() && lists.windows(2).any(|pair| pair[0] != pair[1]) {
        reasons.push("the nodes differ on addresses or incarnations".into());
    }
    reasons
}

/// What `node` does not see as it should. Members that were not started by us, such as a node
/// that was added by hand, are ignored.
fn gaps(state: &State, node: &Node, seen: &Members) -> Vec<String> {
    let mut gaps = Vec::new();
    for other in &state.nodes {
        let found = seen.members.iter().find(|member| member.alias == other.alias);
        let wanted = if other.alias == node.alias { "self" } else { "alive" };
        match found {
            None => gaps.push(format!("{} does not know {}", node.alias, other.alias)),
            Some(member) if member.port != other.port => gaps.push(format!(
                "{} takes {} to be at port {}, not {}",
                node.alias, other.alias, member.port, other.port
            )),
            Some(member) if member.state != wanted => {
                gaps.push(format!("{} sees {} as {}", node.alias, other.alias, member.state));
            }
            Some(member) if wanted == "alive" && member.rtt_us.is_none() => {
                gaps.push(format!("{} has not heard from {} yet", node.alias, other.alias));
            }
            Some(_) => {}
        }
    }
    gaps
}

fn identities(seen: &Members) -> BTreeSet<(&str, &str, u16, u64)> {
    let alive = seen.members.iter().filter(|m| matches!(m.state.as_str(), "self" | "alive"));
    alive.map(|m| (m.alias.as_str(), m.ip.as_str(), m.port, m.incarnation)).collect()
}

#[cfg(test)]
mod tests {
    use super::super::process::Process;
    use super::*;

    fn state(n: u16) -> State {
        let node = |i| Node {
            alias: format!("node{i}"),
            port: 2253 + i,
            process: Process::of(std::process::id()).unwrap(),
        };
        State { iridium: "iridium".into(), nodes: (1..=n).map(node).collect() }
    }

    fn view(of: u16, n: u16) -> Members {
        let member = |i| Member {
            alias: format!("node{i}"),
            ip: "127.0.0.1".into(),
            port: 2253 + i,
            incarnation: 7,
            state: if i == of { "self".into() } else { "alive".into() },
            rtt_us: (i != of).then_some(100),
        };
        Members { members: (1..=n).map(member).collect() }
    }

    #[test]
    fn a_whole_cluster_has_no_reasons() {
        let seen = [Ok(view(1, 2)), Ok(view(2, 2))];
        assert_eq!(reasons(&state(2), &seen), Vec::<String>::new());
    }

    #[test]
    fn every_gap_is_named() {
        type Change = (fn(&mut Members), &'static str);
        let changes: [Change; 4] = [
            (|m| m.members.truncate(1), "node1 does not know node2"),
            (|m| m.members[1].state = "suspect".into(), "node1 sees node2 as suspect"),
            (|m| m.members[1].rtt_us = None, "node1 has not heard from node2 yet"),
            (|m| m.members[1].incarnation = 8, "the nodes differ on addresses or incarnations"),
        ];
        for (change, reason) in changes {
            let mut first = view(1, 2);
            change(&mut first);
            assert_eq!(reasons(&state(2), &[Ok(first), Ok(view(2, 2))]), [reason]);
        }
        let seen = [Ok(view(1, 2)), Err("no".to_string())];
        assert_eq!(reasons(&state(2), &seen), ["node2 does not answer: no"]);
    }
}
