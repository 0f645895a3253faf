//! The load of all nodes at a moment.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::time::Instant;

use serde::{Serialize, Serializer};

use iridium_net::Endpoint;
use iridium_node::control::Client;
use iridium_node::{NodeProcesses, NodeReport, ProcessRow};
use iridium_proto::{NodeAlias, ViewState};
use iridium_vm::Pid;

use crate::commands::members;
use crate::failure::Failure;

/// All members at a moment, sorted by alias.
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) nodes: Vec<Node>,
    /// Their processes, when they were asked for and are not too many.
    pub(super) processes: Vec<NodeProcesses>,
}

/// A member at a moment, as `--json` prints it; fields may be added, not changed.
#[derive(Debug, Serialize)]
pub(super) struct Node {
    pub(super) alias: NodeAlias,
    #[serde(serialize_with = "state_name")]
    pub(super) state: ViewState,
    pub(super) rtt_us: Option<u64>,
    /// `None` when it did not answer.
    pub(super) load: Option<NodeReport>,
}

/// The JSON has names of states; the number of one is for the wire.
fn state_name<S: Serializer>(state: &ViewState, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(state.as_str())
}

/// What a sample is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    Nodes,
    /// Their processes too.
    Processes,
}

/// So many processes can be listed each second without anybody noticing.
const MOST_LISTED: u64 = 2_000;

/// The documented shape of `top --json`.
#[derive(Debug, Serialize)]
pub(super) struct TopJson<'a> {
    nodes: &'a [Node],
}

/// What a node does in a second: fuel spent, bytes received and sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rates {
    pub(super) fuel: u64,
    pub(super) received: u64,
    pub(super) sent: u64,
}

impl Sample {
    /// Asks a node, which asks the others.
    pub(super) fn take(client: &mut Client, at: &Endpoint, what: What) -> Result<Self, Failure> {
        let mut loads = client.loads()?;
        let count: u64 = loads.iter().flat_map(|load| &load.report).map(|it| it.processes).sum();
        let processes = match what {
            What::Processes if count <= MOST_LISTED => client.processes(true)?,
            _ => Vec::new(),
        };
        let taken = Instant::now();
        let mut load_of = |alias: &NodeAlias| {
            let found = loads.iter_mut().find(|load| load.alias == *alias);
            found.and_then(|load| load.report.take())
        };
        let nodes = members(client, at)?.into_iter().map(|member| Node {
            load: load_of(&member.info.alias),
            alias: member.info.alias,
            state: member.state,
            rtt_us: member.rtt_us,
        });
        Ok(Self { at: taken, nodes: nodes.collect(), processes })
    }

    /// The processes with the fuel that each has spent in a second since an earlier sample, and the
    /// aliases of their nodes; those that have spent the most come first, then the largest.
    pub(super) fn busiest(&self, before: Option<&Self>) -> Vec<(&NodeAlias, &ProcessRow, u64)> {
        let spent: HashMap<Pid, u64> = before
            .iter()
            .flat_map(|before| before.rows())
            .map(|(_, row)| (row.pid, row.fuel))
            .collect();
        let seconds = before.map_or(0.0, |before| self.at.duration_since(before.at).as_secs_f64());
        let rate = |row: &ProcessRow| match spent.get(&row.pid) {
            Some(old) if seconds > 0.0 => per_second(row.fuel, *old, seconds),
            _ => 0,
        };
        let mut busiest: Vec<_> = self.rows().map(|(alias, row)| (alias, row, rate(row))).collect();
        busiest.sort_by_key(|(_, row, rate)| (Reverse(*rate), Reverse(row.memory), row.pid));
        busiest
    }

    fn rows(&self) -> impl Iterator<Item = (&NodeAlias, &ProcessRow)> {
        self.processes.iter().flat_map(|NodeProcesses { alias, processes, .. }| {
            processes.iter().flatten().map(move |row| (alias, row))
        })
    }

    pub(super) fn answer(&self) -> TopJson<'_> {
        TopJson { nodes: &self.nodes }
    }

    /// The rates of a node since an earlier sample; `None` when there is none, or the node was
    /// started again in between.
    pub(super) fn rates(&self, node: &Node, before: Option<&Self>) -> Option<Rates> {
        let before = before?;
        let old = before.nodes.iter().find(|old| old.alias == node.alias)?.load.as_ref()?;
        let new = node.load.as_ref()?;
        let seconds = self.at.duration_since(before.at).as_secs_f64();
        if seconds <= 0.0 || new.number != old.number || new.uptime < old.uptime {
            return None;
        }
        let rate = |new: u64, old: u64| per_second(new, old, seconds);
        Some(Rates {
            fuel: rate(new.fuel, old.fuel),
            received: rate(new.received_bytes, old.received_bytes),
            sent: rate(new.sent_bytes, old.sent_bytes),
        })
    }
}

fn per_second(new: u64, old: u64, seconds: f64) -> u64 {
    (new.saturating_sub(old) as f64 / seconds).round() as u64
}
