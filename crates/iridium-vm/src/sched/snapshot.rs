//! Processes of a scheduler as bytes: one, or all.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | magic `IRSN` |
//! | 2 | version, little-endian |
//! | 4 | CRC-32 of the rest |
//! | … | a [`Saved`] |
//!
//! All processes are saved between two turns, while the workers are held. Deadlines are kept as time
//! left. What a process was asking another node is asked again, and a host function that had not
//! been called yet is called then.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use crossbeam_deque::Steal;
use serde::{Deserialize, Serialize};

use super::core::Core;
use super::guest::Guest;
use super::letter::Letter;
use super::restore::RestoreError;
use super::sync::lock;
use super::task::{Body, Task};
use super::{Scheduler, Shape};
use crate::codec;
use crate::module::{Module, ModuleId};
use crate::process::{Actor, Completion, Pid, Process, Signal};
use crate::supervisor::Supervisor;

const MAGIC: [u8; 4] = *b"IRSN";
/// The version that is written and read.
pub const VERSION: u16 = 1;
const HEADER: usize = 10;

/// Why processes could not be saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SaveError {
    /// There is no such process, or it is driven from outside.
    #[error("there is no such process")]
    NoProcess,
    /// A process did not come to a point where it can be saved.
    #[error("a process was busy for too long, in a host function or in writing its output")]
    Busy,
}

/// What is left of a scheduler that was [stopped](Scheduler::stop).
#[derive(Debug)]
pub struct Stopped {
    /// The process that was asked for.
    pub process: Option<Process>,
    /// All processes, for [`restore_all`](Scheduler::restore_all), if they were asked for.
    pub saved: Option<Vec<u8>>,
}

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
    pub(super) followed: bool,
}

#[derive(Serialize, Deserialize)]
pub(super) enum SavedBody {
    Program(Process),
    Supervisor(Supervisor),
    /// Whoever drives it keeps the rest.
    Guest,
}

/// The letters that mean something elsewhere; the others come again by themselves.
#[derive(Serialize, Deserialize)]
pub(super) enum SavedLetter {
    Signal(Signal),
    Answer(u64, Completion),
    Overflow,
}

impl SavedTask {
    fn of(task: &Task, letters: &[Letter]) -> Self {
        let token = letters.iter().any(|letter| matches!(letter, Letter::Follow(_)));
        Self {
            actor: task.actor.clone(),
            body: match &task.body {
                Body::Program(process, _) => SavedBody::Program(process.clone()),
                Body::Supervisor(supervisor) => SavedBody::Supervisor((**supervisor).clone()),
            },
            names: Vec::new(),
            letters: letters.iter().filter_map(SavedLetter::of).collect(),
            debt: task.debt,
            questions: task.questions,
            followed: token || !task.tokens.is_empty(),
        }
    }

    fn of_guest(guest: &Guest, letters: &[Letter]) -> Self {
        Self {
            actor: guest.actor.clone(),
            body: SavedBody::Guest,
            names: Vec::new(),
            letters: letters.iter().filter_map(SavedLetter::of).collect(),
            debt: 0,
            questions: guest.questions,
            followed: false,
        }
    }

    pub(super) fn module(&self) -> Option<ModuleId> {
        match &self.body {
            SavedBody::Program(process) => Some(process.module()),
            SavedBody::Supervisor(_) | SavedBody::Guest => None,
        }
    }

    /// Whether somebody drives it from outside.
    pub(super) fn is_guest(&self) -> bool {
        matches!(self.body, SavedBody::Guest)
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
}

impl Saved {
    fn to_bytes(&self) -> Vec<u8> {
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
        codec::decode(body).ok_or(RestoreError::Damaged)
    }
}

impl Scheduler {
    /// Saves all processes, with their modules, names and messages. They go on afterwards. Guests
    /// are left out.
    ///
    /// # Errors
    /// When a process keeps its worker for longer than `patience`.
    pub fn save_all(&self, patience: Duration) -> Result<Vec<u8>, SaveError> {
        self.save_held(patience, None)
    }

    /// As [`save_all`](Self::save_all), with a guest: its mailbox, its ties and its names.
    ///
    /// # Errors
    /// As [`save_all`](Self::save_all).
    pub fn save_with(&self, guest: &Guest, patience: Duration) -> Result<Vec<u8>, SaveError> {
        self.save_held(patience, Some(guest))
    }

    /// Stops all workers between two turns, for good, and gives the state in which the process
    /// `pid` is, if it lives and has a program, and, if that is wanted, all processes as
    /// [`save_all`](Self::save_all) does. Nothing has run or written anything after that moment.
    ///
    /// # Errors
    /// As [`save_all`](Self::save_all). All goes on then.
    pub fn stop(&self, pid: Pid, save: bool, patience: Duration) -> Result<Stopped, SaveError> {
        let core = self.core();
        let stopped = self.hold(patience, || {
            core.stopped.store(true, Ordering::SeqCst);
            let saved = save_held(core, None, |task| save || task.actor.pid == pid);
            let process = saved.processes.iter().find(|saved| saved.actor.pid == pid);
            let process = process.and_then(|saved| match &saved.body {
                SavedBody::Program(process) => Some(process.clone()),
                SavedBody::Supervisor(_) | SavedBody::Guest => None,
            });
            (process, saved)
        });
        let (process, saved) = stopped?;
        Ok(Stopped { process, saved: save.then(|| saved.to_bytes()) })
    }

    fn save_held(&self, patience: Duration, guest: Option<&Guest>) -> Result<Vec<u8>, SaveError> {
        self.hold(patience, || save_held(self.core(), guest, |_| true))
            .map(|saved| saved.to_bytes())
    }

    /// Does something while all workers are held and no host function runs.
    fn hold<R>(&self, patience: Duration, act: impl FnOnce() -> R) -> Result<R, SaveError> {
        let core = self.core();
        let deadline = Instant::now() + patience;
        let wake = || core.idle.wake_all();
        let done = core.pause.hold(self.inner.workers, patience, wake, || {
            let rest = deadline.saturating_duration_since(Instant::now());
            core.blocking.wait_until_idle(rest).then(act)
        });
        done.flatten().ok_or(SaveError::Busy)
    }

    /// Saves a process, with its module if that is wanted. It goes on afterwards.
    ///
    /// # Errors
    /// When there is no such process, or it does not come to the end of a turn within 5 s.
    pub fn save(&self, pid: Pid, with_module: bool) -> Result<Vec<u8>, SaveError> {
        const PATIENCE: Duration = Duration::from_secs(5);
        let core = Arc::clone(self.core());
        let place = core.table.place(pid.serial()).filter(|_| pid.node() == core.node());
        let parked = place.ok_or(SaveError::NoProcess)?.look(|serial, task, letters| {
            (serial == pid.serial())
                .then(|| task.map(|task| one(&core, task, letters, with_module)))
        });
        match parked {
            None => Err(SaveError::NoProcess),
            Some(Some(saved)) => Ok(saved.to_bytes()),
            Some(None) => {
                let (sender, saved) = bounded(1);
                let on_worker = Arc::clone(&core);
                let look = move |task: &mut Task| {
                    drop(sender.send(one(&on_worker, task, &[], with_module)));
                };
                core.hands().deliver(pid, Letter::Look(Box::new(look)));
                let saved = saved.recv_timeout(PATIENCE).map_err(|error| match error {
                    crossbeam_channel::RecvTimeoutError::Timeout => SaveError::Busy,
                    crossbeam_channel::RecvTimeoutError::Disconnected => SaveError::NoProcess,
                })?;
                Ok(saved.to_bytes())
            }
        }
    }
}

/// Saves everything, while all workers are held: those processes that are wanted.
fn save_held(core: &Core, guest: Option<&Guest>, wanted: impl Fn(&Task) -> bool) -> Saved {
    let mut processes = Vec::new();
    let mut modules: HashMap<ModuleId, Arc<Module>> = HashMap::new();
    let mut add = |task: &Task, letters: &[Letter]| {
        if !wanted(task) {
            return;
        }
        if let Body::Program(_, program) = &task.body {
            modules.entry(program.module().id()).or_insert_with(|| Arc::clone(program.module()));
        }
        processes.push(SavedTask::of(task, letters));
    };
    let mut parked = HashSet::new();
    for place in core.table.places() {
        place.look(|serial, task, letters| {
            if let Some(task) = task {
                parked.insert(serial);
                add(task, letters);
            }
        });
    }
    // Whoever was made ready meanwhile, by a timer say, was saved where it was parked.
    let queued = drain(core);
    for task in queued.iter().filter(|task| !parked.contains(&task.actor.pid.serial())) {
        let place = core.table.place(task.actor.pid.serial()).unwrap_or(&core.nowhere);
        place.look(|_, _, letters| add(task, letters));
    }
    for task in queued {
        core.injector.push(task);
    }
    if let Some(guest) = guest {
        let place = core.table.place(guest.pid().serial()).unwrap_or(&core.nowhere);
        place.look(|_, _, letters| processes.push(SavedTask::of_guest(guest, letters)));
    }
    // Supervisors start children of modules that nobody may run at this moment.
    for (id, program) in lock(&core.programs).iter() {
        modules.entry(*id).or_insert_with(|| Arc::clone(program.module()));
    }
    for (name, pid) in core.names.all() {
        let named = processes.iter_mut().find(|saved| saved.actor.pid == pid);
        if let Some(saved) = named {
            saved.names.push(name);
        }
    }
    processes.sort_by_key(|saved| saved.actor.pid);
    Saved {
        shape: Some(core.table.shape(core.node())),
        mono: core.clock.mono(),
        chance: core.chance.load(Ordering::SeqCst),
        modules: modules.values().map(|module| module.to_bytes()).collect(),
        processes,
    }
}

/// Takes all processes out of the queues.
#[expect(clippy::vec_box, reason = "they go back to the queues in their boxes")]
fn drain(core: &Core) -> Vec<Box<Task>> {
    let mut tasks = std::mem::take(&mut *lock(&core.starved));
    let mut take = |steal: &dyn Fn() -> Steal<Box<Task>>| loop {
        match steal() {
            Steal::Success(task) => tasks.push(task),
            Steal::Retry => {}
            Steal::Empty => break,
        }
    };
    for stealer in &core.stealers {
        take(&|| stealer.steal());
    }
    take(&|| core.injector.steal());
    tasks
}

/// A single process.
fn one(core: &Core, task: &Task, letters: &[Letter], with_module: bool) -> Saved {
    let modules = match &task.body {
        Body::Program(_, program) if with_module => vec![program.module().to_bytes()],
        _ => Vec::new(),
    };
    let mut saved = SavedTask::of(task, letters);
    saved.names = core.names.of(task.actor.pid);
    Saved { shape: None, mono: core.clock.mono(), chance: 0, modules, processes: vec![saved] }
}
