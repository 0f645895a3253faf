//! What a simulated cluster comes to: whether those who are honest are one mesh, and whom they believe in.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use iridium_net::Event;
use iridium_net::membership::ConnId;
use iridium_proto::{NodeAlias, NodeId, ViewState};

use crate::wire::Wire;
use crate::world::{Machine, World};

/// How long a connection that becomes no link may last.
const PASSING: Duration = Duration::from_secs(10);

impl World {
    /// Whether an event is about a liar. A node that is reported as up is one, in that incarnation and
    /// with that number.
    pub fn is_by_a_liar(&self, event: &Event) -> bool {
        let Event::Up { id, .. } = event else { return false };
        let lies = self.is_a_liar(id);
        let honest = self.nodes.iter().any(|node| node.ids.contains(id));
        assert!(lies || honest, "nobody is or was {id:?}");
        lies
    }

    /// Whether that is the alias of a machine that is not a liar.
    pub fn is_honest(&self, alias: &NodeAlias) -> bool {
        self.honest().any(|honest| honest == alias)
    }

    /// Whether a node knows of any other that is honest.
    pub fn knows_others(&self, machine: Machine) -> bool {
        let own = &self.nodes[machine].alias;
        let view = self.view(machine);
        view.iter().any(|m| m.info.alias != *own && self.is_honest(&m.info.alias))
    }

    /// The aliases of all machines that are not liars.
    fn honest(&self) -> impl Iterator<Item = &NodeAlias> {
        let machines = self.nodes.iter().enumerate();
        machines.filter(|(m, _)| !self.liars.contains_key(m)).map(|(_, node)| &node.alias)
    }

    /// Those that a node knows of and that have never been there.
    pub fn made_up(&self, machine: Machine) -> Vec<NodeAlias> {
        let known = self.view(machine).into_iter().map(|m| m.id);
        known
            .filter(|id| !self.is_honest(&id.alias) && !self.is_a_liar(id))
            .map(|id| id.alias)
            .collect()
    }

    /// Why the running nodes are not one mesh, if they are not: each sees exactly
    /// the others alive, in their present incarnations, over one connection a pair that
    /// both ends agree on, and no other connection is left.
    pub fn flaw(&self) -> Option<String> {
        self.disagreement().or_else(|| self.surplus())
    }

    /// The same, but for connections that are no links.
    pub fn disagreement(&self) -> Option<String> {
        let up = self.up();
        let mut all: Vec<NodeId> = up.iter().map(|&a| self.id(a)).collect();
        all.sort();
        let honest: BTreeSet<_> = self.honest().collect();
        let is_honest = |id: &NodeId| honest.contains(&id.alias);
        for &a in &up {
            let alive = self.view(a).into_iter().filter(|m| m.state == ViewState::Alive);
            let alive: Vec<NodeId> = alive.map(|m| m.id).filter(is_honest).collect();
            let me = self.id(a);
            let others: Vec<NodeId> = all.iter().filter(|id| **id != me).cloned().collect();
            if alive != others {
                return Some(format!("{} sees {alive:?}, not {others:?}", self.nodes[a].alias));
            }
            let mut reported = self.nodes[a].observer.present();
            reported.retain(is_honest);
            if reported != others {
                return Some(format!("{} has reported otherwise", self.nodes[a].alias));
            }
            for &b in up.iter().filter(|&&b| b > a) {
                let there = self.nodes[a].links.get(&self.nodes[b].alias);
                let back = self.nodes[b].links.get(&self.nodes[a].alias);
                let wire = |conn: Option<&ConnId>| conn.map(|conn| conn.0 / 2);
                if there.is_none() || wire(there) != wire(back) {
                    return Some(format!("{a} and {b} use {there:?} and {back:?}"));
                }
            }
        }
        None
    }

    fn surplus(&self) -> Option<String> {
        let links = self.up().into_iter().flat_map(|machine| self.nodes[machine].links.values());
        let linked: BTreeSet<u64> = links.map(|conn| conn.0 / 2).collect();
        let lies = |wire: &Wire| wire.ends.iter().any(|e| self.liars.contains_key(&e.machine));
        // Who lies makes the others dial each other to no purpose.
        let passes = |wire: &Wire| !self.liars.is_empty() && self.now < wire.since + PASSING;
        let open = self.wires.iter().filter(|(_, wire)| wire.ends.iter().any(|e| e.open));
        let idle = open.filter(|(id, w)| !linked.contains(id) && !lies(w) && !passes(w)).count();
        (idle > 0).then(|| format!("{idle} connections that are no links"))
    }

    /// Which connection each running node uses for each other.
    pub fn links(&self) -> Vec<BTreeMap<NodeAlias, ConnId>> {
        let honest = |(alias, conn): (&NodeAlias, &ConnId)| {
            self.is_honest(alias).then(|| (alias.clone(), *conn))
        };
        let links =
            |machine: Machine| self.nodes[machine].links.iter().filter_map(honest).collect();
        self.up().into_iter().map(links).collect()
    }

    pub fn is_one_mesh(&self) -> bool {
        self.flaw().is_none()
    }
}
