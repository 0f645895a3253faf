//! What operators can do with a node, whether they are in its own process or talk to it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::Receiver;
use iridium_isa::{Module, ModuleId};
use iridium_proto::NodeAlias;
use iridium_sched::supervisor::Spec;
use iridium_sched::{ExitInfo, Scheduler, StartSupervisorError};
use iridium_vm::{Limits, Pid, Process, Program, Start};

use crate::code::start_named;
use crate::desk;
use crate::error::SpawnError;
use crate::report::{NodeLoad, NodeProcesses, NodeReport};
use crate::router::{Errand, Findings, Query, Router};
use crate::sync::lock;

/// How long other nodes may take to answer an operator.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// How long another node may take to start a process, which may have to get the code first.
const SPAWN_WITHIN: Duration = Duration::from_secs(35);

/// Programs from elsewhere that are kept in memory although nothing uses them.
const MAX_UNUSED: usize = 256;

impl Router {
    /// As [`Node::load`](crate::Node::load).
    pub(crate) fn load(&self, module: Module) -> Result<Arc<Program>, SpawnError> {
        let scheduler = self.running()?;
        // However it came to be known, it stays from now on.
        lock(&self.brought).retain(|id| *id != module.id());
        if let Some(known) = scheduler.program(module.id()) {
            return Ok(known);
        }
        let program = Arc::new(Program::new(module, &self.hosts)?);
        scheduler.add_program(&program);
        Ok(program)
    }

    /// As [`load`](Self::load), for what a client has brought: it is kept as code from other nodes
    /// is.
    pub(crate) fn borrow(&self, module: Module) -> Result<Arc<Program>, SpawnError> {
        let scheduler = self.running()?;
        if let Some(known) = scheduler.program(module.id()) {
            return Ok(known);
        }
        let program = Arc::new(Program::new(module, &self.hosts)?);
        self.keep_for_now(&scheduler, &program);
        Ok(program)
    }

    /// Makes a program known that came from elsewhere, and forgets the oldest of those that nothing
    /// uses, when they are too many.
    pub(crate) fn keep_for_now(&self, scheduler: &Scheduler, program: &Arc<Program>) {
        let id = program.module().id();
        if scheduler.program(id).is_some() {
            return;
        }
        scheduler.add_program(program);
        let mut brought = lock(&self.brought);
        brought.push_back(id);
        let many = brought.len().saturating_sub(MAX_UNUSED);
        let oldest: Vec<_> = brought.drain(..many).collect();
        scheduler.forget_unused(&oldest);
        // Those that are in use are looked at again: one day they are not.
        brought.extend(oldest.into_iter().filter(|id| scheduler.program(*id).is_some()));
    }

    /// As [`Node::spawn_on`](crate::Node::spawn_on).
    pub(crate) fn spawn_on(
        &self,
        alias: Option<&NodeAlias>,
        module: ModuleId,
        start: Start,
        limits: Limits,
        name: Option<String>,
    ) -> Result<Pid, SpawnError> {
        let alias = match alias {
            Some(alias) if !self.is_me(alias) => alias,
            _ => return self.spawn_here(module, &start, limits, name.as_deref()),
        };
        let errand = self.errand(alias, Query::Spawn { module, start, limits, name })?;
        match errand.wait(Instant::now() + SPAWN_WITHIN) {
            Some(Findings::Spawned(outcome)) => outcome.map_err(SpawnError::Refused),
            _ => Err(SpawnError::NoAnswer(alias.clone())),
        }
    }

    fn spawn_here(
        &self,
        module: ModuleId,
        start: &Start,
        limits: Limits,
        name: Option<&str>,
    ) -> Result<Pid, SpawnError> {
        let scheduler = self.running()?;
        let program = scheduler.program(module);
        let program =
            program.ok_or_else(|| SpawnError::Refused(format!("module {module} is not loaded")))?;
        let process = Process::spawned(&program, start, limits.within(&self.limits));
        start_named(&scheduler, process, &program, name).map_err(SpawnError::Refused)
    }

    /// As [`Node::find`](crate::Node::find).
    pub(crate) fn find(
        &self,
        name: &str,
        alias: Option<&NodeAlias>,
    ) -> Result<Option<Pid>, SpawnError> {
        let alias = match alias {
            Some(alias) if !self.is_me(alias) => alias,
            _ => return Ok(self.running()?.find(name)),
        };
        let errand = self.errand(alias, Query::WhereIs(name.to_string()))?;
        match errand.wait(Instant::now() + ANSWER_WITHIN) {
            Some(Findings::Found(pid)) => Ok(pid),
            _ => Err(SpawnError::NoAnswer(alias.clone())),
        }
    }

    /// As [`Node::start_app`](crate::Node::start_app).
    pub(crate) fn start_app(
        &self,
        name: &str,
        spec: Spec,
    ) -> Result<(Pid, Receiver<ExitInfo>), SpawnError> {
        let scheduler = self.running()?;
        let started =
            scheduler.start_supervisor(spec, Some(name)).map_err(|error| match error {
                StartSupervisorError::TooManyProcesses(full) => full.into(),
                error => match scheduler.find(name) {
                    Some(pid) => SpawnError::Refused(format!("process {pid} has the name {name}")),
                    None => SpawnError::Refused(error.to_string()),
                },
            })?;
        lock(&self.apps).push((name.to_string(), started.pid));
        Ok((started.pid, started.exit))
    }

    /// The apps that were started here, oldest first.
    pub(crate) fn apps(&self) -> Vec<(String, Pid)> {
        lock(&self.apps).clone()
    }

    /// As [`Node::processes`](crate::Node::processes).
    pub(crate) fn processes(&self, all: bool) -> Vec<NodeProcesses> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        let errands = if all { self.ask_all(&Query::Processes) } else { Vec::new() };
        let own = self.scheduler().map(|scheduler| desk::processes(&scheduler));
        let own = self.own_alias().map(|me| {
            let alias = me.clone();
            NodeProcesses { alias, processes: own, more: 0 }
        });
        let mut nodes: Vec<_> = own.into_iter().collect();
        for (alias, errand) in errands {
            let (processes, more) = match errand.wait(deadline) {
                Some(Findings::Processes { rows, more }) => (Some(rows), more),
                _ => (None, 0),
            };
            nodes.push(NodeProcesses { alias, processes, more });
        }
        nodes.sort_by(|a, b| a.alias.cmp(&b.alias));
        nodes
    }

    /// As [`Node::loads`](crate::Node::loads).
    pub(crate) fn loads(&self) -> Vec<NodeLoad> {
        let deadline = Instant::now() + ANSWER_WITHIN;
        let errands = self.ask_all(&Query::Load);
        let own = self.scheduler().map(|scheduler| desk::load(self, &scheduler));
        let own = self.own_alias().map(|me| NodeLoad { alias: me.clone(), report: own });
        let mut loads: Vec<_> = own.into_iter().collect();
        for (alias, errand) in errands {
            loads.push(NodeLoad { alias, report: report(&errand, deadline) });
        }
        loads.sort_by(|a, b| a.alias.cmp(&b.alias));
        loads
    }

    /// Asks all peers at once.
    fn ask_all(&self, query: &Query) -> Vec<(NodeAlias, Errand)> {
        let peers = self.peers.all().into_iter();
        peers.map(|peer| (peer.id.alias.clone(), self.send_errand(&peer, query.clone()))).collect()
    }

    fn errand(&self, alias: &NodeAlias, query: Query) -> Result<Errand, SpawnError> {
        let peer = self.peers.named(alias.as_str());
        let peer = peer.ok_or_else(|| SpawnError::NoNode(alias.clone()))?;
        Ok(self.send_errand(&peer, query))
    }

    fn is_me(&self, alias: &NodeAlias) -> bool {
        self.own_alias() == Some(alias)
    }

    fn running(&self) -> Result<Scheduler, SpawnError> {
        self.scheduler().ok_or(SpawnError::Stopped)
    }
}

fn report(errand: &Errand, deadline: Instant) -> Option<NodeReport> {
    match errand.wait(deadline) {
        Some(Findings::Load(report)) => Some(*report),
        _ => None,
    }
}
