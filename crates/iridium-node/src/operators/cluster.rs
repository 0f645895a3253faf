//! What may be done at another node: starting a process, finding a name. And how other nodes are
//! asked.

use std::sync::Arc;
use std::time::{Duration, Instant};

use iridium_isa::ModuleId;
use iridium_proto::NodeAlias;
use iridium_vm::{Limits, Pid, Process, Program, Start};

use super::Operators;
use super::held::Held;
use super::queries::PendingQuery;
use crate::code::spawn_named;
use crate::error::NodeError;
use crate::links::{Lane, Peer};
use crate::wire::{NodeMessage, Query, Response};

/// How long other nodes may take to answer an operator.
pub(super) const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How long another node may take to start a process, which may have to get the code first.
const SPAWN_WITHIN: Duration = Duration::from_secs(35);

impl Operators {
    /// As [`Node::spawn_on`](crate::Node::spawn_on).
    pub(crate) fn spawn_on(
        &self,
        alias: Option<&NodeAlias>,
        module: ModuleId,
        start: Start,
        limits: Limits,
        name: Option<String>,
    ) -> Result<Pid, NodeError> {
        let alias = match alias {
            Some(alias) if !self.this.is_called(alias) => alias,
            _ => {
                let program = self.this.running()?.program(module);
                let none = || NodeError::Refused(format!("module {module} is not loaded"));
                let program = program.ok_or_else(none)?;
                return self.spawn_here(&program, &start, limits, name.as_deref());
            }
        };
        let query = Query::Spawn { module, start, limits, name };
        match self.ask(alias, query, SPAWN_WITHIN, &self.held())? {
            Response::Spawned(outcome) => outcome.map_err(NodeError::Refused),
            _ => Err(NodeError::NoAnswer(alias.clone())),
        }
    }

    /// Starts a process on this node.
    pub(super) fn spawn_here(
        &self,
        program: &Arc<Program>,
        start: &Start,
        limits: Limits,
        name: Option<&str>,
    ) -> Result<Pid, NodeError> {
        let scheduler = self.this.running()?;
        let process = Process::spawned(program, start, limits.within(&self.this.limits));
        spawn_named(&scheduler, process, program, name).map_err(NodeError::Refused)
    }

    /// As [`Node::find`](crate::Node::find).
    pub(crate) fn find(
        &self,
        name: &str,
        alias: Option<&NodeAlias>,
    ) -> Result<Option<Pid>, NodeError> {
        let alias = match alias {
            Some(alias) if !self.this.is_called(alias) => alias,
            _ => return Ok(self.this.running()?.find(name)),
        };
        let query = Query::WhereIs(name.to_string());
        match self.ask(alias, query, ANSWER_WITHIN, &self.held())? {
            Response::Found(pid) => Ok(pid),
            _ => Err(NodeError::NoAnswer(alias.clone())),
        }
    }

    /// Asks a node and waits for its answer.
    pub(super) fn ask(
        &self,
        alias: &NodeAlias,
        query: Query,
        within: Duration,
        held: &Arc<Held>,
    ) -> Result<Response, NodeError> {
        let peer = self.links.peers.named(alias.as_str());
        let peer = peer.ok_or_else(|| NodeError::NoNode(alias.clone()))?;
        match self.send_query(&peer, query, held).wait(Instant::now() + within) {
            Some(Response::NotUnderstood) => Err(NodeError::NotUnderstood(alias.clone())),
            Some(response) => Ok(response),
            None => Err(NodeError::NoAnswer(alias.clone())),
        }
    }

    /// Asks all peers at once.
    pub(super) fn ask_all(
        &self,
        query: &Query,
        held: &Arc<Held>,
    ) -> Vec<(NodeAlias, PendingQuery)> {
        let ask =
            |peer: Arc<Peer>| (peer.id.alias.clone(), self.send_query(&peer, query.clone(), held));
        self.links.peers.all().into_iter().map(ask).collect()
    }

    fn send_query(&self, peer: &Peer, query: Query, held: &Arc<Held>) -> PendingQuery {
        let pending = self.queries.note(peer.number(), held);
        let message = NodeMessage::Query { number: pending.number, query };
        let sent = self.links.send(peer, Lane::Process(Pid::NOBODY), &message);
        if sent.is_err() || peer.is_lost() {
            self.queries.forget(pending.number);
        }
        pending
    }
}
