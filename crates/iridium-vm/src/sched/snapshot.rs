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

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;
use crossbeam_deque::Steal;
use serde::{Deserialize, Serialize};

use super::core::{Core, Full};
use super::effects;
use super::letter::Letter;
use super::sync::lock;
use super::task::{Body, Task};
use super::{Scheduler, Shape};
use crate::codec;
use crate::host::Hosts;
use crate::module::{LoadError, Module, ModuleId};
use crate::process::{Actor, Completion, Pid, Process, Signal, Wait};
use crate::program::{MissingImports, Program};
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

/// Why bytes could not be made processes again. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// They do not begin with the magic.
    #[error("not saved Iridium processes")]
    Foreign,
    /// Written by another version.
    #[error("saved by snapshot version {0}; this version of Iridium reads {VERSION}")]
    Version(u16),
    /// Cut off or changed.
    #[error("the saved processes are damaged or cut off")]
    Damaged,
    /// A module inside is not usable.
    #[error("a module inside the saved processes: {0}")]
    Module(#[from] LoadError),
    /// A module needs host functions that are not there.
    #[error("a module inside the saved processes needs {0}")]
    Imports(#[from] MissingImports),
    /// A module was not saved with the processes, and is not known here.
    #[error("the module {0} is neither saved with the processes nor known here")]
    MissingModule(ModuleId),
    /// All processes of a scheduler take one that has none.
    #[error("there are processes already, whose pids may be those of saved ones")]
    Occupied,
    /// There is no room for so many.
    #[error(transparent)]
    Full(#[from] Full),
}

/// Processes and what is theirs.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// What is needed to give the processes their pids back; `None` for a single one.
    shape: Option<Shape>,
    /// What the clock said.
    mono: u64,
    /// The state of the random numbers.
    chance: u64,
    modules: Vec<Vec<u8>>,
    processes: Vec<SavedTask>,
}

#[derive(Serialize, Deserialize)]
struct SavedTask {
    actor: Actor,
    body: SavedBody,
    names: Vec<String>,
    letters: Vec<SavedLetter>,
    debt: u64,
    questions: u64,
}

#[derive(Serialize, Deserialize)]
enum SavedBody {
    Program(Process),
    Supervisor(Supervisor),
}

/// The letters that mean something elsewhere; the others come again by themselves.
#[derive(Serialize, Deserialize)]
enum SavedLetter {
    Signal(Signal),
    Answer(u64, Completion),
    Overflow,
}

impl SavedTask {
    fn of(task: &Task, letters: &[Letter]) -> Self {
        let letters = letters.iter().filter_map(|letter| match letter {
            Letter::Signal(signal) => Some(SavedLetter::Signal(signal.clone())),
            Letter::Answer(number, answer) => Some(SavedLetter::Answer(*number, answer.clone())),
            Letter::Overflow => Some(SavedLetter::Overflow),
            Letter::Time(_) | Letter::Room | Letter::Look(_) => None,
        });
        Self {
            actor: task.actor.clone(),
            body: match &task.body {
                Body::Program(process, _) => SavedBody::Program(process.clone()),
                Body::Supervisor(supervisor) => SavedBody::Supervisor((**supervisor).clone()),
            },
            names: Vec::new(),
            letters: letters.collect(),
            debt: task.debt,
            questions: task.questions,
        }
    }

    fn module(&self) -> Option<ModuleId> {
        match &self.body {
            SavedBody::Program(process) => Some(process.module()),
            SavedBody::Supervisor(_) => None,
        }
    }

    /// The process as it is where the clock stands at `there`.
    fn into_task(
        self,
        programs: &HashMap<ModuleId, Arc<Program>>,
        here: u64,
        there: u64,
    ) -> Result<Restored, RestoreError> {
        let body = match self.body {
            SavedBody::Program(process) => {
                let id = process.module();
                let program = programs.get(&id).ok_or(RestoreError::MissingModule(id))?;
                Body::Program(process, Arc::clone(program))
            }
            SavedBody::Supervisor(supervisor) => {
                Body::Supervisor(Box::new(supervisor.moved(here, there)))
            }
        };
        let mut task = Task::new(self.actor.moved(here, there), body);
        (task.debt, task.questions, task.has_letters) = (self.debt, self.questions, true);
        Ok((task, self.letters, self.names))
    }
}

/// A process with its letters and its names.
type Restored = (Box<Task>, Vec<SavedLetter>, Vec<String>);

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

    fn from_bytes(bytes: &[u8]) -> Result<Self, RestoreError> {
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

    /// The programs of the processes: those that are inside, and those that are known.
    fn programs(
        &self,
        core: &Core,
        hosts: &Hosts,
    ) -> Result<HashMap<ModuleId, Arc<Program>>, RestoreError> {
        let mut programs = HashMap::new();
        for bytes in &self.modules {
            let module = Module::from_bytes(bytes)?;
            let known = core.program(module.id());
            let program = match known {
                Some(program) => program,
                None => Arc::new(Program::new(module, hosts)?),
            };
            programs.insert(program.module().id(), program);
        }
        for id in self.processes.iter().filter_map(SavedTask::module) {
            if let Entry::Vacant(place) = programs.entry(id) {
                place.insert(core.program(id).ok_or(RestoreError::MissingModule(id))?);
            }
        }
        Ok(programs)
    }
}

impl Scheduler {
    /// Saves all processes, with their modules, names and messages. They go on afterwards. Guests
    /// are left out.
    ///
    /// # Errors
    /// When a process keeps its worker for longer than `patience`.
    pub fn save_all(&self, patience: Duration) -> Result<Vec<u8>, SaveError> {
        let core = self.core();
        let deadline = Instant::now() + patience;
        let wake = || core.idle.wake_all();
        let saved = core.pause.hold(self.inner.workers, patience, wake, || {
            let rest = deadline.saturating_duration_since(Instant::now());
            core.blocking.wait_until_idle(rest).then(|| save_held(core))
        });
        saved.flatten().map(|saved| saved.to_bytes()).ok_or(SaveError::Busy)
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

    /// Puts all processes that [`save_all`](Self::save_all) has saved into this scheduler, which has
    /// none, under the pids that they had. Gives the pids.
    ///
    /// # Errors
    /// [`RestoreError`]; there are no processes then.
    pub fn restore_all(&self, bytes: &[u8], hosts: &Hosts) -> Result<Vec<Pid>, RestoreError> {
        let core = self.core();
        let saved = Saved::from_bytes(bytes)?;
        let shape = saved.shape.ok_or(RestoreError::Damaged)?;
        let programs = saved.programs(core, hosts)?;
        let pids: Vec<Pid> = saved.processes.iter().map(|saved| saved.actor.pid).collect();
        let serials: HashSet<u64> = pids.iter().map(|pid| pid.serial()).collect();
        if serials.len() < pids.len() || pids.iter().any(|pid| pid.node() != shape.node) {
            return Err(RestoreError::Damaged);
        }
        if core.table.live() > 0 {
            return Err(RestoreError::Occupied);
        }
        core.clock.set_forward(saved.mono);
        let there = core.clock.mono();
        let tasks = saved.processes.into_iter();
        let tasks = tasks.map(|task| task.into_task(&programs, saved.mono, there));
        let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        core.table.claim(shape, &serials)?;
        core.node.store(shape.node, Ordering::SeqCst);
        core.chance.store(saved.chance, Ordering::SeqCst);
        lock(&core.programs).extend(programs);
        // All of them have their places before the first one runs.
        for (task, ..) in &tasks {
            self.take_place(task);
        }
        for (task, letters, names) in tasks {
            self.revive(task, letters, names);
        }
        Ok(pids)
    }

    /// Puts a process that [`save`](Self::save) has saved into this scheduler, under a new pid,
    /// since the old one may still live. Its links and monitors are made anew, and it gets those of
    /// its names that are free.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing has changed then.
    pub fn restore(&self, bytes: &[u8], hosts: &Hosts) -> Result<Pid, RestoreError> {
        let core = self.core();
        let mut saved = Saved::from_bytes(bytes)?;
        let programs = saved.programs(core, hosts)?;
        let task = match (saved.processes.pop(), saved.processes.len(), &saved.shape) {
            (Some(task), 0, None) => task,
            _ => return Err(RestoreError::Damaged),
        };
        let (mut task, letters, names) =
            task.into_task(&programs, saved.mono, core.clock.mono())?;
        let serial = core.table.reserve().ok_or(Full)?;
        let pid = Pid::new(core.node(), serial);
        task.actor.pid = pid;
        lock(&core.programs).extend(programs);
        self.take_place(&task);
        let mut asks = Vec::new();
        if let Some(ties) = task.actor.has_ties() {
            asks.extend(ties.links.iter().map(|to| (*to, Signal::Link { from: pid })));
            asks.extend(ties.monitors.iter().map(|(reference, to)| {
                (*to, Signal::Monitor { from: pid, reference: *reference })
            }));
        }
        self.revive(task, letters, names);
        for (to, signal) in asks {
            core.hands().post(pid, to, signal);
        }
        Ok(pid)
    }

    fn take_place(&self, task: &Task) {
        let serial = task.actor.pid.serial();
        if let Some(place) = self.core().table.place(serial) {
            place.occupy(serial, task.limits().message_bytes);
        }
    }

    /// Lets a restored process run, which has its place.
    fn revive(&self, task: Box<Task>, letters: Vec<SavedLetter>, names: Vec<String>) {
        let core = self.core();
        let pid = task.actor.pid;
        for name in names {
            core.names.register(name, pid);
        }
        let alive = core.outside.nodes();
        if let Some(ties) = task.actor.has_ties() {
            if ties.watches_nodes {
                core.watch_nodes(pid, true);
            }
            for node in ties.nodes().filter(|node| *node != core.node()) {
                core.tie(node, pid);
                if !alive.contains(&node) {
                    core.hands().deliver(pid, Letter::Signal(Signal::NodeLost { node }));
                }
            }
        }
        for letter in letters {
            let letter = match letter {
                SavedLetter::Signal(signal) => Letter::Signal(signal),
                SavedLetter::Answer(number, answer) => Letter::Answer(number, answer),
                SavedLetter::Overflow => Letter::Overflow,
            };
            core.hands().deliver(pid, letter);
        }
        if let Some(Wait::Answer { number, question }) = &task.actor.wait
            && core.outside.ask(pid, *number, question).is_err()
        {
            let answer = effects::no_answer(question);
            core.hands().deliver(pid, Letter::Answer(*number, answer));
        }
        core.hands().ready(task);
    }
}

/// Saves everything, while all workers are held.
fn save_held(core: &Core) -> Saved {
    let mut processes = Vec::new();
    let mut modules: HashMap<ModuleId, Arc<Module>> = HashMap::new();
    let mut add = |task: &Task, letters: &[Letter]| {
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
