//! Starting processes and supervisors, and waiting for their ends.

use std::convert::Infallible;
use std::sync::Arc;

use crossbeam_channel::{Receiver, bounded, never};

use crate::process::entry::{Body, ProcessEntry};
use crate::process::exit_info::ExitInfo;
use crate::process::group::GroupToken;
use crate::process::slot_message::SlotMessage;
use crate::run::spawn::StartSupervisorError;
use crate::run::supervision;
use crate::scheduler::Scheduler;
use crate::supervisor::Spec;
use crate::table::TooManyProcesses;
use iridium_vm::{Pid, Process, Program};

/// How a process is spawned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpawnOptions {
    /// Whether [`Spawned::group`] is to tell when all processes of the group have ended.
    pub group: bool,
}

/// A process that was spawned.
#[derive(Debug)]
#[must_use]
pub struct Spawned {
    /// Its pid.
    pub pid: Pid,
    /// Receives how it ends, once. Disconnected without that when it is dropped at shutdown.
    pub exit: Receiver<ExitInfo>,
    /// Disconnected when the process and everything transitively linked to it have ended. Never so
    /// without [`SpawnOptions::group`].
    pub group: Receiver<Infallible>,
    /// Of a supervisor: disconnected when it has started its children once, each of which has its
    /// name then or could not be started; or when it has ended.
    pub up: Receiver<Infallible>,
}

impl Scheduler {
    /// Spawns a process from a state of its machine, which may be one at its start or in the middle
    /// of its run.
    ///
    /// # Errors
    /// When there are as many processes as there may be.
    pub fn spawn(&self, process: Process, program: &Arc<Program>) -> Result<Pid, TooManyProcesses> {
        let body = Body::Program(process, Arc::clone(program));
        self.shared().context().spawn(body, |_| {})
    }

    /// As [`spawn`](Self::spawn), to wait for the end of the process, or of its group.
    ///
    /// # Errors
    /// As [`spawn`](Self::spawn).
    pub fn spawn_with(
        &self,
        process: Process,
        program: &Arc<Program>,
        options: SpawnOptions,
    ) -> Result<Spawned, TooManyProcesses> {
        let (subscriber, exit) = bounded(1);
        let (token, group) = options.group.then(GroupToken::new).unzip();
        let body = Body::Program(process, Arc::clone(program));
        let pid = self.shared().context().spawn(body, |entry| {
            entry.watchers.subscribe(subscriber);
            if let Some(token) = token {
                entry.join_group(token);
            }
        })?;
        Ok(Spawned { pid, exit, group: group.unwrap_or_else(never), up: never() })
    }

    /// Starts a supervisor, which starts its children. The programs of all modules in the tree must
    /// have been [added](Self::add_program); a child whose program was not counts as one that ended
    /// abnormally. The supervisor may have ended before this returns.
    ///
    /// # Errors
    /// [`StartSupervisorError`].
    pub fn start_supervisor(
        &self,
        spec: Spec,
        name: Option<&str>,
    ) -> Result<Spawned, StartSupervisorError> {
        let (subscriber, exit) = bounded(1);
        let (starting, up) = bounded(0);
        let pid = self.shared().context().spawn_named(supervision::body(spec), name, |entry| {
            entry.actor.relations_mut().traps_exits = true;
            entry.watchers.subscribe(subscriber);
            entry.watchers.when_up(starting);
        })?;
        Ok(Spawned { pid, exit, group: never(), up })
    }

    /// Receives how a process of this node ends. Disconnected without that when there is no such
    /// process, or it is a native one.
    #[must_use]
    pub fn subscribe_exit(&self, pid: Pid) -> Receiver<ExitInfo> {
        let (subscriber, exit) = bounded(1);
        let subscribe = move |entry: &mut ProcessEntry| entry.watchers.subscribe(subscriber);
        self.shared().context().deliver(pid, SlotMessage::Inspect(Box::new(subscribe)));
        exit
    }

    /// Holds something until a process of this node has ended, and drops it then, on whichever thread
    /// that is; at once when there is no such process, or it is a native one. Dropping must not wait.
    pub fn hold_until_exit(&self, pid: Pid, held: impl Send + 'static) {
        let hold = move |entry: &mut ProcessEntry| entry.watchers.hold(Box::new(held));
        self.shared().context().deliver(pid, SlotMessage::Inspect(Box::new(hold)));
    }
}
