//! The load of all nodes at a moment.

use std::time::Instant;

use serde::{Serialize, Serializer};

use iridium_net::Endpoint;
use iridium_node::NodeReport;
use iridium_node::control::Client;
use iridium_proto::{NodeAlias, ViewState};

use crate::commands::members;
use crate::failure::Failure;

/// All members at a moment, sorted by alias.
pub(super) struct Sample {
    pub(super) at: Instant,
    pub(super) nodes: Vec<Node>,
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
    pub(super) fn take(client: &mut Client, at: &Endpoint) -> Result<Self, Failure> {
        let mut loads = client.loads()?;
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
        Ok(Self { at: taken, nodes: nodes.collect() })
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
        let rate = |new: u64, old: u64| (new.saturating_sub(old) as f64 / seconds).round() as u64;
        Some(Rates {
            fuel: rate(new.fuel, old.fuel),
            received: rate(new.received_bytes, old.received_bytes),
            sent: rate(new.sent_bytes, old.sent_bytes),
        })
    }
}
