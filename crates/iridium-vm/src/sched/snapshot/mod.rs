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

mod held;
mod saved;
#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;

use self::held::save_held;
use self::saved::{Saved, SavedLetter, SavedTask};
use super::Scheduler;
use super::core::{Core, Full};
use super::effects;
use super::letter::Letter;
use super::sync::lock;
use super::task::{Body, Task};
use crate::host::Hosts;
use crate::module::{LoadError, ModuleId};
use crate::process::{Pid, Signal, Unfit, Wait};
use crate::program::MissingImports;

/// The version that is written and read.
pub const VERSION: u16 = 1;
/// How long workers may take to be held for a restore, when they have nothing to do.
const PATIENCE: Duration = Duration::from_secs(5);

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
    /// The state of a process is not one that its module can be in.
    #[error("the state of a saved process is not one that its module can be in: {0}")]
    Unfit(#[from] Unfit),
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
    /// The workers could not be held for it.
    #[error("the workers were busy for too long, or the scheduler is shut down")]
    Busy,
    /// There is no room for so many.
    #[error(transparent)]
    Full(#[from] Full),
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
            core.blocking.wait_until_idle(rest).then(|| save_held(core, deadline))
        });
        saved.flatten().flatten().map(|saved| saved.to_bytes()).ok_or(SaveError::Busy)
    }

    /// Saves a process, with its module if that is wanted. It goes on afterwards.
    ///
    /// # Errors
    /// When there is no such process, or it does not come to the end of a turn within 5 s.
    pub fn save(&self, pid: Pid, with_module: bool) -> Result<Vec<u8>, SaveError> {
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
        let programs = saved.programs(core, hosts)?;
        let shape = saved.shape.ok_or(RestoreError::Damaged)?;
        let pids: Vec<Pid> = saved.processes.iter().map(|saved| saved.actor.pid).collect();
        let serials: HashSet<u64> = pids.iter().map(|pid| pid.serial()).collect();
        if serials.len() < pids.len() || pids.iter().any(|pid| pid.node() != shape.node) {
            return Err(RestoreError::Damaged);
        }
        let tasks = saved.processes.into_iter().map(|task| task.into_task(&programs));
        let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        // None runs before all are there and have their letters: what the first one sends must not
        // overtake what it had sent before.
        let wake = || core.idle.wake_all();
        let restored = core.pause.hold(self.inner.workers, PATIENCE, wake, || {
            if core.table.live() > 0 {
                return Err(RestoreError::Occupied);
            }
            let node = shape.node;
            core.table.claim(shape, &serials)?;
            core.clock.set_forward(saved.mono);
            let there = core.clock.mono();
            core.node.store(node, Ordering::SeqCst);
            core.chance.store(saved.chance, Ordering::SeqCst);
            lock(&core.programs).extend(programs);
            for (task, ..) in &tasks {
                self.take_place(task);
            }
            for (mut task, letters, names) in tasks {
                task.move_to(saved.mono, there);
                self.hand_over(&task, letters, names);
                core.hands().ready(task);
            }
            Ok(pids)
        });
        restored.unwrap_or(Err(RestoreError::Busy))
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
        let (mut task, letters, names) = task.into_task(&programs)?;
        task.move_to(saved.mono, core.clock.mono());
        let serial = core.table.reserve().ok_or(Full)?;
        let pid = Pid::new(core.node(), serial);
        task.actor.pid = pid;
        if let Some(Wait::Room { message, .. }) = &mut task.actor.wait {
            message.sender = pid.bits();
        }
        lock(&core.programs).extend(programs);
        self.take_place(&task);
        let mut asks = Vec::new();
        if task.actor.has_ties().is_some() {
            let ties = task.actor.ties();
            // They watch the process that was saved, which this one is not.
            ties.watchers.clear();
            asks.extend(ties.links.iter().map(|to| (*to, Signal::Link { from: pid })));
            asks.extend(ties.monitors.iter().map(|(reference, to)| {
                (*to, Signal::Monitor { from: pid, reference: *reference })
            }));
        }
        self.hand_over(&task, letters, names);
        // Before it runs: it may undo them.
        for (to, signal) in asks {
            core.hands().post(pid, to, signal);
        }
        core.hands().ready(task);
        Ok(pid)
    }

    fn take_place(&self, task: &Task) {
        let serial = task.actor.pid.serial();
        if let Some(place) = self.core().table.place(serial) {
            place.occupy(serial, task.limits().message_bytes);
        }
    }

    /// Gives a restored process, which has its place, its names and letters, and asks again what it
    /// was asking other nodes.
    fn hand_over(&self, task: &Task, letters: Vec<SavedLetter>, names: Vec<String>) {
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
    }
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
