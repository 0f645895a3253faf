//! A process that another node wants.

use std::sync::Arc;

use iridium_isa::ModuleId;
use iridium_net::WindowPermit;
use iridium_sched::Scheduler;
use iridium_vm::{Completion, Limits, Pid, Process, Program, Start};

use crate::router::{Findings, Parcel, Peer, Router};

/// A process that another node wants.
#[derive(Debug)]
pub(crate) struct Birth {
    pub(crate) asker: Asker,
    pub(crate) module: ModuleId,
    pub(crate) start: Start,
    pub(crate) limits: Limits,
    /// The name it is to be registered under.
    pub(crate) name: Option<String>,
}

/// Who wants it, and under which number for the question.
#[derive(Debug)]
pub(crate) enum Asker {
    /// A process of a node.
    Process(Arc<Peer>, Pid, u64),
    /// An operator who talks to a node. The name it wants may be long, so its room is kept until
    /// the process is there.
    Operator { peer: Arc<Peer>, number: u64, _room: WindowPermit },
}

impl Birth {
    /// The node that wants it, which has the code.
    pub(crate) fn peer(&self) -> &Arc<Peer> {
        match &self.asker {
            Asker::Process(peer, ..) | Asker::Operator { peer, .. } => peer,
        }
    }

    /// Starts the process; it may use no more than a process of this node may.
    pub(crate) fn start(
        &self,
        scheduler: &Scheduler,
        program: &Arc<Program>,
        most: &Limits,
    ) -> Result<Pid, String> {
        let process = Process::spawned(program, &self.start, self.limits.within(most));
        start_named(scheduler, process, program, self.name.as_deref())
    }

    /// Tells who wants it what has become of it.
    pub(crate) fn answer(&self, router: &Router, outcome: Result<Pid, String>) {
        match &self.asker {
            Asker::Process(peer, asker, number) => {
                let pid = outcome.unwrap_or_else(|why| {
                    log::warn!("started no process for {}: {why}", peer.id.alias);
                    Pid::NOBODY
                });
                router.answer(peer, (*asker, *number), Completion::Value(pid.bits()));
            }
            Asker::Operator { peer, number, .. } => {
                let findings = Findings::Spawned(outcome);
                let parcel = Parcel::Findings { number: *number, findings };
                // A peer that is gone does not wait for it.
                let _ = router.tell(peer, Pid::NOBODY, &parcel);
            }
        }
    }
}

/// Starts a process under a name, if it is to have one.
pub(crate) fn start_named(
    scheduler: &Scheduler,
    process: Process,
    program: &Arc<Program>,
    name: Option<&str>,
) -> Result<Pid, String> {
    let taken = |name: &str| format!("the name {name} is taken");
    if let Some(name) = name
        && scheduler.find(name).is_some()
    {
        return Err(taken(name));
    }
    scheduler.add_program(program);
    let pid = scheduler.spawn(process, program).map_err(|full| full.to_string())?;
    match name {
        // Somebody else was faster, or it has ended already.
        Some(name) if !scheduler.register(name, pid) && scheduler.find(name).is_some() => {
            scheduler.kill(pid, iridium_sched::Reason::KILLED);
            Err(taken(name))
        }
        _ => Ok(pid),
    }
}
