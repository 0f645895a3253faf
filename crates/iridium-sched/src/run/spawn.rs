//! How processes begin.

use super::context::Context;
use super::names::Registered;
use crate::process::actor::ActorState;
use crate::process::entry::{Body, ProcessEntry};
use crate::process::reason::Reason;
use crate::process::slot_message::ProcessSlot;
use crate::table::TooManyProcesses;
use iridium_vm::{Limits, Pid};

/// Why a process was not spawned that was to have a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartSupervisorError {
    /// There are as many processes as there may be.
    #[error(transparent)]
    TooManyProcesses(#[from] TooManyProcesses),
    /// The name is that of another process.
    #[error("the name {0} is taken")]
    NameTaken(String),
}

impl Context<'_> {
    /// Spawns a process. `prepare` sees it before it runs.
    pub(crate) fn spawn(
        &self,
        body: Body,
        prepare: impl FnOnce(&mut ProcessEntry),
    ) -> Result<Pid, TooManyProcesses> {
        self.try_spawn(body, |entry| {
            prepare(entry);
            Ok(())
        })
    }

    /// As [`spawn`](Self::spawn), with the given name if there is one.
    pub(crate) fn spawn_named(
        &self,
        body: Body,
        name: Option<&str>,
        prepare: impl FnOnce(&mut ProcessEntry),
    ) -> Result<Pid, StartSupervisorError> {
        self.try_spawn(body, |entry| {
            prepare(entry);
            match name {
                Some(name) => {
                    match self.shared.names.register(name, entry.actor.pid, &self.shared.memory) {
                        Registered::Yes => Ok(()),
                        Registered::No | Registered::TooMany => {
                            Err(StartSupervisorError::NameTaken(name.to_string()))
                        }
                    }
                }
                None => Ok(()),
            }
        })
    }

    /// As [`spawn`](Self::spawn), unless `prepare` fails.
    pub(crate) fn try_spawn<E: From<TooManyProcesses>>(
        &self,
        body: Body,
        prepare: impl FnOnce(&mut ProcessEntry) -> Result<(), E>,
    ) -> Result<Pid, E> {
        let serial = self.shared.table.reserve(self.worker()).ok_or(TooManyProcesses)?;
        let pid = Pid::new(self.shared.node(), serial);
        let slot = self.shared.slot_of(pid).ok_or(TooManyProcesses)?;
        let actor = ActorState::new(pid);
        let mut entry = match self.local {
            Some(local) => local.free_list().entry(actor, body),
            None => Box::new(ProcessEntry::new(actor, body)),
        };
        // Before it may get a name: whoever finds it by that can send to it.
        occupy(slot, serial, &entry);
        if let Err(error) = prepare(&mut entry) {
            self.abandon(&mut entry.actor, Reason::NO_PROCESS);
            return Err(error);
        }
        if self.shared.memory.is_limited() {
            entry.memory = entry.measure();
            self.shared.memory.adjust(entry.memory as i64);
        }
        self.schedule_back(entry);
        Ok(pid)
    }
}

/// Gives a process that is away its slot, with this serial.
#[inline]
pub(crate) fn occupy(slot: &ProcessSlot, serial: u64, entry: &ProcessEntry) {
    match &entry.body {
        Body::Program(process, _) => slot.occupy(serial, process.limits().message_bytes),
        Body::Supervisor(_) | Body::Retiring(_) | Body::Ended => {
            slot.occupy_system(serial, Limits::default().message_bytes);
        }
    }
}
