//! Processes that other nodes want here.

use std::sync::Arc;

use iridium_isa::{MAX_NAME, ModuleId};
use iridium_sched::{Reason, Scheduler};
use iridium_vm::{Completion, Limits, Pid, Process, Program, Start};

use crate::links::{Links, Peer};
use crate::this_node::ThisNode;
use crate::wire::{NodeMessage, Response};

/// A process that another node wants here.
#[derive(Debug)]
pub(crate) struct SpawnRequest {
    pub(crate) requester: Requester,
    pub(crate) module: ModuleId,
    pub(crate) start: Start,
    pub(crate) limits: Limits,
    /// The name it is to be registered under.
    pub(crate) name: Option<String>,
}

/// Who wants a process, and under which number they wait for the answer.
#[derive(Debug)]
pub(crate) enum Requester {
    /// A process of a node.
    Process { peer: Arc<Peer>, pid: Pid, number: u64 },
    /// An operator of a node.
    Operator { peer: Arc<Peer>, number: u64 },
}

impl SpawnRequest {
    /// The node that wants it, which has the code.
    pub(crate) fn peer(&self) -> &Arc<Peer> {
        match &self.requester {
            Requester::Process { peer, .. } | Requester::Operator { peer, .. } => peer,
        }
    }

    /// Starts the process and answers, if its code is here. Says whether it was.
    pub(crate) fn start_if_loaded(
        &self,
        scheduler: &Scheduler,
        this: &ThisNode,
        links: &Links,
    ) -> bool {
        let Some(program) = scheduler.program(self.module) else { return false };
        self.answer(links, self.start(scheduler, &program, &this.limits));
        true
    }

    /// Starts the process; it may use no more than `most`.
    ///
    /// # Errors
    /// Why not, in words for the one who wants it.
    pub(crate) fn start(
        &self,
        scheduler: &Scheduler,
        program: &Arc<Program>,
        most: &Limits,
    ) -> Result<Pid, String> {
        let process = Process::spawned(program, &self.start, self.limits.within(most));
        spawn_named(scheduler, process, program, self.name.as_deref())
    }

    /// Tells who wants it what has become of it.
    pub(crate) fn answer(&self, links: &Links, outcome: Result<Pid, String>) {
        match &self.requester {
            Requester::Process { peer, pid, number } => {
                let spawned = outcome.unwrap_or_else(|why| {
                    if let Some(left_out) = peer.log_limits.admit("started no process") {
                        let alias = &peer.id.alias;
                        log::warn!("started no process for peer={alias}: {why}{left_out}");
                    }
                    Pid::REFUSED
                });
                let reply = Completion::Value(spawned.bits());
                links.answer(peer, &NodeMessage::Reply { asker: *pid, number: *number, reply });
            }
            Requester::Operator { peer, number } => {
                let response = Response::Spawned(outcome);
                links.answer(peer, &NodeMessage::Response { number: *number, response });
            }
        }
    }
}

/// Why a process cannot have that name.
pub(crate) fn long_name(name: &str) -> String {
    format!("its name has {} bytes, more than {MAX_NAME}", name.len())
}

/// Starts a process under a name, if it is to have one.
///
/// # Errors
/// Why not, in words: the name is taken, or there are too many processes.
pub(crate) fn spawn_named(
    scheduler: &Scheduler,
    process: Process,
    program: &Arc<Program>,
    name: Option<&str>,
) -> Result<Pid, String> {
    let taken = |name: &str| format!("the name {name} is taken");
    if let Some(name) = name
        && name.len() > MAX_NAME
    {
        return Err(long_name(name));
    }
    if let Some(name) = name
        && scheduler.find(name).is_some()
    {
        return Err(taken(name));
    }
    scheduler.add_program(program);
    let pid = scheduler.spawn(process, program).map_err(|full| full.to_string())?;
    match name {
        // Somebody else was faster. Otherwise it has ended already.
        Some(name) if !scheduler.register(name, pid) && scheduler.find(name).is_some() => {
            scheduler.kill(pid, Reason::KILLED);
            Err(taken(name))
        }
        _ => Ok(pid),
    }
}
