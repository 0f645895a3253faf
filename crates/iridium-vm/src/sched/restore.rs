//! Bytes that are made processes of a scheduler again: one, or all.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_channel::bounded;

use super::Scheduler;
use super::core::{Core, Full};
use super::effects;
use super::follow::{Followed, Token};
use super::guest::Guest;
use super::letter::Letter;
use super::snapshot::{Saved, SavedBody, SavedLetter, SavedTask, VERSION};
use super::sync::lock;
use super::task::{Body, Task};
use crate::host::Hosts;
use crate::module::{LoadError, Module, ModuleId};
use crate::process::{Actor, Pid, Signal, Wait};
use crate::program::{MissingImports, Program};

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

/// A process that has no place yet.
struct Restored {
    task: Box<Task>,
    letters: Vec<SavedLetter>,
    names: Vec<String>,
    followed: bool,
}

impl Scheduler {
    /// Puts all processes that [`save_all`](Self::save_all) has saved into this scheduler, which has
    /// none, under the pids that they had. Gives the pids.
    ///
    /// # Errors
    /// [`RestoreError`]; there are no processes then.
    pub fn restore_all(&self, bytes: &[u8], hosts: &Hosts) -> Result<Vec<Pid>, RestoreError> {
        let mut saved = Saved::from_bytes(bytes)?;
        saved.processes.retain(|task| !task.is_guest());
        self.revive_all(saved, hosts, |_| {}).map(|(pids, _)| pids)
    }

    /// As [`restore_all`](Self::restore_all), and goes on to wait for the end of those that were
    /// [followed](Self::spawn_followed): `first` and whoever had to do with it.
    ///
    /// # Errors
    /// As [`restore_all`](Self::restore_all).
    pub fn restore_followed(
        &self,
        bytes: &[u8],
        hosts: &Hosts,
        first: Pid,
    ) -> Result<Followed, RestoreError> {
        let (witness, ending) = bounded(1);
        let (token, all) = bounded(0);
        let mut saved = Saved::from_bytes(bytes)?;
        saved.processes.retain(|task| !task.is_guest());
        let follow = |restored: &mut Restored| {
            if restored.followed {
                restored.task.follow(Token::clone(&token));
            }
            if restored.task.actor.pid == first {
                restored.task.witnesses.push(witness.clone());
            }
        };
        self.revive_all(saved, hosts, follow)?;
        Ok(Followed { ending, all })
    }

    /// As [`restore_all`](Self::restore_all), with the guest that was [saved](Self::save_with) too.
    ///
    /// # Errors
    /// As [`restore_all`](Self::restore_all); [`RestoreError::Damaged`] too when there is no guest.
    pub fn restore_with(
        &self,
        bytes: &[u8],
        hosts: &Hosts,
    ) -> Result<(Vec<Pid>, Guest), RestoreError> {
        let saved = Saved::from_bytes(bytes)?;
        if saved.processes.iter().filter(|task| task.is_guest()).count() != 1 {
            return Err(RestoreError::Damaged);
        }
        let (pids, guest) = self.revive_all(saved, hosts, |_| {})?;
        guest.map(|guest| (pids, guest)).ok_or(RestoreError::Damaged)
    }

    fn revive_all(
        &self,
        mut saved: Saved,
        hosts: &Hosts,
        prepare: impl Fn(&mut Restored),
    ) -> Result<(Vec<Pid>, Option<Guest>), RestoreError> {
        let core = self.core();
        let shape = saved.shape.take().ok_or(RestoreError::Damaged)?;
        let programs = programs(&saved, core, hosts)?;
        let pids: Vec<Pid> = saved.processes.iter().map(|saved| saved.actor.pid).collect();
        let serials: HashSet<u64> = pids.iter().map(|pid| pid.serial()).collect();
        if serials.len() < pids.len() || pids.iter().any(|pid| pid.node() != shape.node) {
            return Err(RestoreError::Damaged);
        }
        if core.table.live() > 0 {
            return Err(RestoreError::Occupied);
        }
        let saved_at = saved.mono;
        core.clock.set_forward(saved_at);
        let there = core.clock.mono();
        let guest = saved.processes.iter().position(SavedTask::is_guest);
        let guest = guest.map(|at| saved.processes.remove(at));
        let tasks = saved.processes.into_iter();
        let tasks = tasks.map(|task| Restored::new(task, &programs, saved_at, there));
        let mut tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        tasks.iter_mut().for_each(prepare);
        core.table.claim(&shape, &serials)?;
        core.node.store(shape.node, Ordering::SeqCst);
        core.chance.store(saved.chance, Ordering::SeqCst);
        lock(&core.programs).extend(programs);
        // All of them have their places before the first one runs.
        for restored in &tasks {
            self.take_place(&restored.task);
        }
        let guest = guest.map(|saved| {
            let actor = saved.actor.moved(saved_at, there);
            let pid = actor.pid;
            let guest = Guest::taking_place(core, actor, saved.questions)?;
            self.tell_of_ties(&guest.actor);
            self.give_back(pid, saved.letters, saved.names);
            Ok::<_, Full>(guest)
        });
        let guest = guest.transpose()?;
        for restored in tasks {
            self.revive(restored);
        }
        let pids =
            pids.into_iter().filter(|pid| guest.as_ref().is_none_or(|guest| guest.pid() != *pid));
        Ok((pids.collect(), guest))
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
        let programs = programs(&saved, core, hosts)?;
        let saved = match (saved.processes.pop(), saved.processes.len(), &saved.shape) {
            (Some(task), 0, None) => Restored::new(task, &programs, saved.mono, core.clock.mono())?,
            _ => return Err(RestoreError::Damaged),
        };
        let mut restored = saved;
        let serial = core.table.reserve().ok_or(Full)?;
        let pid = Pid::new(core.node(), serial);
        restored.task.actor.pid = pid;
        lock(&core.programs).extend(programs);
        self.take_place(&restored.task);
        let mut asks = Vec::new();
        if let Some(ties) = restored.task.actor.has_ties() {
            asks.extend(ties.links.iter().map(|to| (*to, Signal::Link { from: pid })));
            asks.extend(ties.monitors.iter().map(|(reference, to)| {
                (*to, Signal::Monitor { from: pid, reference: *reference })
            }));
        }
        self.revive(restored);
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
    fn revive(&self, restored: Restored) {
        let core = self.core();
        let Restored { task, letters, names, .. } = restored;
        let pid = task.actor.pid;
        self.tell_of_ties(&task.actor);
        self.give_back(pid, letters, names);
        if let Some(Wait::Answer { number, question }) = &task.actor.wait
            && core.outside.ask(pid, *number, question).is_err()
        {
            let answer = effects::no_answer(question);
            core.hands().deliver(pid, Letter::Answer(*number, answer));
        }
        core.hands().ready(task);
    }

    /// Notes what ties a restored process to other nodes, and tells it of those that are gone.
    fn tell_of_ties(&self, actor: &Actor) {
        let core = self.core();
        let alive = core.outside.nodes();
        let Some(ties) = actor.has_ties() else { return };
        if ties.watches_nodes {
            core.watch_nodes(actor.pid, true);
        }
        for node in ties.nodes().filter(|node| *node != core.node()) {
            core.tie(node, actor.pid);
            if !alive.contains(&node) {
                core.hands().deliver(actor.pid, Letter::Signal(Signal::NodeLost { node }));
            }
        }
    }

    /// Gives a process that has its place its names and letters.
    fn give_back(&self, pid: Pid, letters: Vec<SavedLetter>, names: Vec<String>) {
        for name in names {
            self.core().names.register(name, pid);
        }
        for letter in letters {
            self.core().hands().deliver(pid, letter.into_letter());
        }
    }
}

impl Restored {
    /// The process as it is where the clock stands at `there`.
    fn new(
        saved: SavedTask,
        programs: &HashMap<ModuleId, Arc<Program>>,
        here: u64,
        there: u64,
    ) -> Result<Self, RestoreError> {
        let body = match saved.body {
            SavedBody::Program(process) => {
                let id = process.module();
                let program = programs.get(&id).ok_or(RestoreError::MissingModule(id))?;
                Body::Program(process, Arc::clone(program))
            }
            SavedBody::Supervisor(supervisor) => {
                Body::Supervisor(Box::new(supervisor.moved(here, there)))
            }
            SavedBody::Guest => return Err(RestoreError::Damaged),
        };
        let mut task = Task::new(saved.actor.moved(here, there), body);
        (task.debt, task.questions, task.has_letters) = (saved.debt, saved.questions, true);
        let SavedTask { letters, names, followed, .. } = saved;
        Ok(Self { task, letters, names, followed })
    }
}

impl SavedLetter {
    fn into_letter(self) -> Letter {
        match self {
            Self::Signal(signal) => Letter::Signal(signal),
            Self::Answer(number, answer) => Letter::Answer(number, answer),
            Self::Overflow => Letter::Overflow,
        }
    }
}

/// The programs of saved processes: those that were saved with them, and those that are known.
fn programs(
    saved: &Saved,
    core: &Core,
    hosts: &Hosts,
) -> Result<HashMap<ModuleId, Arc<Program>>, RestoreError> {
    let mut programs = HashMap::new();
    for bytes in &saved.modules {
        let module = Module::from_bytes(bytes)?;
        let known = core.program(module.id());
        let program = match known {
            Some(program) => program,
            None => Arc::new(Program::new(module, hosts)?),
        };
        programs.insert(program.module().id(), program);
    }
    for id in saved.processes.iter().filter_map(SavedTask::module) {
        if let Entry::Vacant(place) = programs.entry(id) {
            place.insert(core.program(id).ok_or(RestoreError::MissingModule(id))?);
        }
    }
    Ok(programs)
}
