//! The content of a snapshot, and how it is read with care: the bytes may be from anywhere.

use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::error::{RestoreError, SNAPSHOT_VERSION, SaveError};
use crate::clock::LAST_TIME;
use crate::native::NativeProcess;
use crate::process::actor::{ActorState, Wait};
use crate::process::entry::{Body, ProcessEntry};
use crate::process::signal::Signal;
use crate::process::slot_message::SlotMessage;
use crate::programs::Programs;
use crate::run::shared::Shared;
use crate::supervisor::Supervisor;
use crate::table::Serials;
use iridium_isa::{DebugId, MAX_NAME, Module};
use iridium_vm::codec::{ByteList, ModuleFile, numbered};
use iridium_vm::{Completion, Envelope, Hosts, MAX_NODE, Process, Program, codec};

/// What snapshots are wrapped in.
const ENVELOPE: Envelope = Envelope { magic: *b"IRSN", version: SNAPSHOT_VERSION };
/// The most fuel that a process may be behind with. It is paid off turn by turn, so a larger number
/// would keep a worker busy for nothing.
const MAX_FUEL_DEBT: u64 = 1 << 32;

/// Processes and what is theirs.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    /// What is needed to give the processes their pids back; `None` for a single one.
    pub(super) serials: Option<Serials>,
    /// What the clock said.
    pub(super) mono: u64,
    pub(super) random_state: u64,
    pub(super) modules: Vec<SavedModule>,
    pub(super) processes: Vec<SavedProcess>,
}

/// A module: as such before it is written, and as the bytes of its file after it was read.
pub(super) enum SavedModule {
    Loaded(Arc<Module>),
    File(Vec<u8>),
}

impl SavedModule {
    pub(super) fn of(program: &Arc<Program>) -> Self {
        Self::Loaded(Arc::clone(program.module()))
    }
}

impl Serialize for SavedModule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Loaded(module) => ModuleFile(module).serialize(serializer),
            Self::File(bytes) => bytes.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for SavedModule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        ByteList::deserialize(deserializer).map(|file| Self::File(file.0))
    }
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedProcess {
    pub(super) actor: ActorState,
    pub(super) body: SavedBody,
    pub(super) names: Vec<String>,
    pub(super) slot_messages: Vec<SavedSlotMessage>,
    pub(super) fuel_debt: u64,
    pub(super) requests: u64,
    /// Whether it belongs to the group that somebody waits for.
    pub(super) in_group: bool,
}

numbered! {
    pub(super) enum SavedBody {
        0 = Program(Process),
        1 = Supervisor(Supervisor),
        /// Whoever drives it keeps the rest.
        2 = Native,
        /// A program whose module is among several that differ only in this.
        3 = ProgramOf(Process, DebugId),
    }
}

numbered! {
    /// The slot messages that mean something elsewhere; the others come again by themselves.
    pub(super) enum SavedSlotMessage {
        0 = Signal(Signal),
        1 = Reply(u64, Completion),
        2 = Overflow,
    }
}

impl SavedProcess {
    /// `None` for what is no process any more. Where its module is saved just once,
    /// [`only_module`](Self::only_module) makes it shorter.
    pub(super) fn of(entry: &ProcessEntry, messages: &[SlotMessage]) -> Option<Self> {
        let body = match &entry.body {
            Body::Program(process, program) => {
                SavedBody::ProgramOf(process.clone(), program.debug_id())
            }
            Body::Supervisor(supervisor) => SavedBody::Supervisor((**supervisor).clone()),
            Body::Retiring(_) | Body::Ended => return None,
        };
        let mut actor = entry.actor.clone();
        // It can run, and will see whether there is room where it is restored.
        actor.wait.take_if(|wait| *wait == Wait::Output);
        let joins = messages.iter().any(|message| matches!(message, SlotMessage::JoinGroup(_)));
        Some(Self {
            actor,
            body,
            names: Vec::new(),
            slot_messages: messages.iter().filter_map(SavedSlotMessage::of).collect(),
            fuel_debt: entry.fuel_debt,
            requests: entry.requests,
            in_group: joins || !entry.watchers.groups().is_empty(),
        })
    }

    pub(super) fn of_native(native: &NativeProcess, messages: &[SlotMessage]) -> Self {
        Self {
            actor: native.actor.clone(),
            body: SavedBody::Native,
            names: Vec::new(),
            slot_messages: messages.iter().filter_map(SavedSlotMessage::of).collect(),
            fuel_debt: 0,
            requests: native.requests,
            in_group: false,
        }
    }

    pub(super) fn is_native(&self) -> bool {
        matches!(self.body, SavedBody::Native)
    }

    /// The process, if it has a program.
    pub(super) fn process(&self) -> Option<&Process> {
        match &self.body {
            SavedBody::Program(process) | SavedBody::ProgramOf(process, _) => Some(process),
            SavedBody::Supervisor(_) | SavedBody::Native => None,
        }
    }

    /// The same, if there is one module only that its program can be of.
    pub(super) fn only_module(self) -> Self {
        let body = match self.body {
            SavedBody::ProgramOf(process, _) => SavedBody::Program(process),
            body => body,
        };
        Self { body, ..self }
    }

    /// The process, if it is one that there can be. What the interpreter and the scheduler do not
    /// trust in any case is left to them: a process that waits for what its program does not ask for
    /// ends with a trap.
    pub(super) fn into_entry(self, programs: &Programs) -> Result<RestoredProcess, RestoreError> {
        if let Some(Wait::Credit { message, .. }) = &self.actor.wait
            && message.tag < 0
        {
            return Err(RestoreError::Damaged);
        }
        if self.names.iter().any(|name| name.len() > MAX_NAME) {
            return Err(RestoreError::Damaged);
        }
        let body = match self.body {
            SavedBody::Program(process) => {
                let program = programs.find(process.module());
                program_body(process, program)?
            }
            SavedBody::ProgramOf(process, debug) => {
                let program = programs.find_exact(process.module(), debug);
                let program = program.or_else(|| programs.find(process.module()));
                program_body(process, program)?
            }
            SavedBody::Supervisor(supervisor) if supervisor.is_consistent() => {
                Body::Supervisor(Box::new(supervisor))
            }
            SavedBody::Supervisor(_) | SavedBody::Native => return Err(RestoreError::Damaged),
        };
        let mut entry = Box::new(ProcessEntry::new(self.actor, body));
        entry.fuel_debt = self.fuel_debt.min(MAX_FUEL_DEBT);
        (entry.requests, entry.has_slot_messages) = (self.requests, true);
        let Self { slot_messages, names, in_group, .. } = self;
        Ok(RestoredProcess { entry, slot_messages, names, in_group })
    }
}

fn program_body(
    mut process: Process,
    program: Option<&Arc<Program>>,
) -> Result<Body, RestoreError> {
    let program = program.ok_or(RestoreError::MissingModule(process.module()))?;
    process.validate(program.module())?;
    Ok(Body::Program(process, Arc::clone(program)))
}

impl SavedSlotMessage {
    fn of(message: &SlotMessage) -> Option<Self> {
        match message {
            SlotMessage::Signal(signal) => Some(Self::Signal(signal.clone())),
            SlotMessage::Reply(number, reply) => Some(Self::Reply(*number, reply.clone())),
            SlotMessage::Overflow | SlotMessage::OutOfMemory => Some(Self::Overflow),
            SlotMessage::TimerFired(_)
            | SlotMessage::PollWait
            | SlotMessage::HostAnswer(..)
            | SlotMessage::JoinGroup(_)
            | SlotMessage::Inspect(_)
            | SlotMessage::Remove(_) => None,
        }
    }

    pub(super) fn into_slot_message(self) -> SlotMessage {
        match self {
            Self::Signal(signal) => SlotMessage::Signal(signal),
            Self::Reply(number, reply) => SlotMessage::Reply(number, reply),
            Self::Overflow => SlotMessage::Overflow,
        }
    }
}

/// A process that has no slot yet.
pub(super) struct RestoredProcess {
    pub(super) entry: Box<ProcessEntry>,
    pub(super) slot_messages: Vec<SavedSlotMessage>,
    pub(super) names: Vec<String>,
    pub(super) in_group: bool,
}

impl Saved {
    pub(super) fn to_bytes(&self) -> Result<Vec<u8>, SaveError> {
        Ok(ENVELOPE.seal_in_memory(self)?)
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, RestoreError> {
        let saved: Self = codec::decode(ENVELOPE.open(bytes)?).ok_or(RestoreError::Unknown)?;
        let node = saved.serials.as_ref().map_or(1, |serials| serials.node);
        if saved.mono > LAST_TIME || !(1..=MAX_NODE).contains(&node) {
            return Err(RestoreError::Damaged);
        }
        Ok(saved)
    }

    /// The programs of the processes: those that are inside, and those that are known.
    pub(super) fn programs(
        &self,
        shared: &Shared,
        hosts: &Hosts,
    ) -> Result<Programs, RestoreError> {
        let mut programs = Programs::default();
        for module in &self.modules {
            let module = match module {
                SavedModule::Loaded(module) => Arc::clone(module),
                SavedModule::File(bytes) => Arc::new(Module::from_bytes(bytes)?),
            };
            let program = match shared.program_as(module.id(), module.debug_id()) {
                Some(program) => program,
                None => Arc::new(Program::new(module, hosts)?),
            };
            programs.add(&program);
        }
        for body in self.processes.iter().map(|saved| &saved.body) {
            let (id, exact) = match body {
                SavedBody::Program(process) => (process.module(), None),
                SavedBody::ProgramOf(process, debug) => {
                    (process.module(), shared.program_as(process.module(), *debug))
                }
                SavedBody::Supervisor(_) | SavedBody::Native => continue,
            };
            if let Some(exact) = exact {
                programs.add(&exact);
            } else if programs.find(id).is_none() {
                programs.add(&shared.program(id).ok_or(RestoreError::MissingModule(id))?);
            }
        }
        Ok(programs)
    }
}
