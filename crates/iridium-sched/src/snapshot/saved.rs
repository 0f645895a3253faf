//! What saved processes consist of, and how they are read with care: the bytes may be from anywhere.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::super::letter::Letter;
use super::super::native::NativeProcess;
use super::super::shared::Shared;
use super::super::table::Shape;
use super::super::task::{Body, Task};
use super::{RestoreError, VERSION};
use crate::Signal;
use crate::actor::{Actor, LAST_TIME, Wait};
use crate::supervisor::Supervisor;
use iridium_isa::{Module, ModuleId};
use iridium_vm::Hosts;
use iridium_vm::Program;
use iridium_vm::codec;
use iridium_vm::{Completion, MAX_NODE, Process};

const MAGIC: [u8; 4] = *b"IRSN";
const HEADER: usize = 10;
/// The most fuel that a process may be behind with. It is paid off turn by turn, so a larger number
/// would keep a worker busy for nothing.
const MAX_DEBT: u64 = 1 << 32;

/// Processes and what is theirs.
#[derive(Serialize, Deserialize)]
pub(super) struct Saved {
    /// What is needed to give the processes their pids back; `None` for a single one.
    pub(super) shape: Option<Shape>,
    /// What the clock said.
    pub(super) mono: u64,
    /// The state of the random numbers.
    pub(super) chance: u64,
    pub(super) modules: Vec<Vec<u8>>,
    pub(super) processes: Vec<SavedTask>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct SavedTask {
    pub(super) actor: Actor,
    pub(super) body: SavedBody,
    pub(super) names: Vec<String>,
    pub(super) letters: Vec<SavedLetter>,
    pub(super) debt: u64,
    pub(super) questions: u64,
    /// Whether somebody waits for its end and that of those who are linked to it.
    pub(super) followed: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) enum SavedBody {
    Program(Process),
    Supervisor(Supervisor),
    /// Whoever drives it keeps the rest.
    NativeProcess,
}

/// The letters that mean something elsewhere; the others come again by themselves.
#[derive(Serialize, Deserialize)]
pub(super) enum SavedLetter {
    Signal(Signal),
    Answer(u64, Completion),
    Overflow,
}

impl SavedTask {
    pub(super) fn of(task: &Task, letters: &[Letter]) -> Self {
        let token = letters.iter().any(|letter| matches!(letter, Letter::Follow(_)));
        Self {
            actor: task.actor.clone(),
            body: match &task.body {
                Body::Program(process, _) => SavedBody::Program(process.clone()),
                Body::Supervisor(supervisor) => SavedBody::Supervisor((**supervisor).clone()),
                // It is in no place and no queue; restored, it would be no process either.
                Body::Ended => SavedBody::NativeProcess,
            },
            names: Vec::new(),
            letters: letters.iter().filter_map(SavedLetter::of).collect(),
            debt: task.debt,
            questions: task.questions,
            followed: token || !task.tokens.is_empty(),
        }
    }

    pub(super) fn of_guest(native: &NativeProcess, letters: &[Letter]) -> Self {
        Self {
            actor: native.actor.clone(),
            body: SavedBody::NativeProcess,
            names: Vec::new(),
            letters: letters.iter().filter_map(SavedLetter::of).collect(),
            debt: 0,
            questions: native.questions,
            followed: false,
        }
    }

    /// Whether somebody drives it from outside.
    pub(super) fn is_guest(&self) -> bool {
        matches!(self.body, SavedBody::NativeProcess)
    }

    fn module(&self) -> Option<ModuleId> {
        match &self.body {
            SavedBody::Program(process) => Some(process.module()),
            SavedBody::Supervisor(_) | SavedBody::NativeProcess => None,
        }
    }

    /// The process as a task, if it is one that there can be. What the interpreter and the scheduler
    /// do not trust in any case is left to them: a process that waits for what its program does not
    /// ask for ends with a trap.
    pub(super) fn into_task(
        self,
        programs: &HashMap<ModuleId, Arc<Program>>,
    ) -> Result<Restored, RestoreError> {
        if let Some(Wait::Room { message, .. }) = &self.actor.wait
            && message.tag < 0
        {
            return Err(RestoreError::Damaged);
        }
        let body = match self.body {
            SavedBody::Program(mut process) => {
                let id = process.module();
                let program = programs.get(&id).ok_or(RestoreError::MissingModule(id))?;
                process.check(program)?;
                Body::Program(process, Arc::clone(program))
            }
            SavedBody::Supervisor(supervisor) if supervisor.is_consistent() => {
                Body::Supervisor(Box::new(supervisor))
            }
            SavedBody::Supervisor(_) | SavedBody::NativeProcess => {
                return Err(RestoreError::Damaged);
            }
        };
        let mut task = Box::new(Task::new(self.actor, body));
        task.debt = self.debt.min(MAX_DEBT);
        (task.questions, task.has_letters) = (self.questions, true);
        let Self { letters, names, followed, .. } = self;
        Ok(Restored { task, letters, names, followed })
    }
}

impl SavedLetter {
    fn of(letter: &Letter) -> Option<Self> {
        match letter {
            Letter::Signal(signal) => Some(Self::Signal(signal.clone())),
            Letter::Answer(number, answer) => Some(Self::Answer(*number, answer.clone())),
            Letter::Overflow => Some(Self::Overflow),
            Letter::Time(_) | Letter::Room | Letter::Follow(_) | Letter::Look(_) => None,
        }
    }

    pub(super) fn into_letter(self) -> Letter {
        match self {
            Self::Signal(signal) => Letter::Signal(signal),
            Self::Answer(number, answer) => Letter::Answer(number, answer),
            Self::Overflow => Letter::Overflow,
        }
    }
}

/// A process that has no place yet.
pub(super) struct Restored {
    pub(super) task: Box<Task>,
    pub(super) letters: Vec<SavedLetter>,
    pub(super) names: Vec<String>,
    pub(super) followed: bool,
}

impl Saved {
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let body = codec::encode(self);
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, RestoreError> {
        if bytes.is_empty() || !MAGIC.starts_with(bytes.get(..4).unwrap_or(bytes)) {
            return Err(RestoreError::Foreign);
        }
        let Some((header, body)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(RestoreError::Damaged);
        };
        let [_, _, _, _, v0, v1, c0, c1, c2, c3] = *header;
        let version = u16::from_le_bytes([v0, v1]);
        if version != VERSION {
            return Err(RestoreError::Version(version));
        }
        if crc32fast::hash(body) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(RestoreError::Damaged);
        }
        let saved: Self = codec::decode(body).ok_or(RestoreError::Damaged)?;
        let node = saved.shape.as_ref().map_or(1, |shape| shape.node);
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
    ) -> Result<HashMap<ModuleId, Arc<Program>>, RestoreError> {
        let mut programs = HashMap::new();
        for bytes in &self.modules {
            let module = Module::from_bytes(bytes)?;
            let known = shared.program(module.id());
            let program = match known {
                Some(program) => program,
                None => Arc::new(Program::new(module, hosts)?),
            };
            programs.insert(program.module().id(), program);
        }
        for id in self.processes.iter().filter_map(SavedTask::module) {
            if let Entry::Vacant(place) = programs.entry(id) {
                place.insert(shared.program(id).ok_or(RestoreError::MissingModule(id))?);
            }
        }
        Ok(programs)
    }
}
