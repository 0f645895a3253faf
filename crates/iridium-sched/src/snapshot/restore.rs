//! Bytes that are made processes of a scheduler again: one, or all.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use crossbeam_channel::bounded;

use super::super::Scheduler;
use super::super::effects;
use super::super::follow::{Followed, Token};
use super::super::letter::Letter;
use super::super::native::NativeProcess;
use super::super::shared::Full;
use super::super::sync::lock;
use super::super::task::Task;
use super::saved::{Restored, Saved, SavedLetter, SavedTask};
use super::{PATIENCE, VERSION};
use crate::actor::{Actor, Wait};
use crate::{Reason, Signal};
use iridium_isa::{LoadError, ModuleId};
use iridium_vm::Hosts;
use iridium_vm::MissingImports;
use iridium_vm::{InvalidState, Pid};

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
    InvalidState(#[from] InvalidState),
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
    /// Puts all processes that [`save_all`](Self::save_all) has saved into this scheduler, which has
    /// none, under the pids that they had. Gives the pids.
    ///
    /// # Errors
    /// [`RestoreError`]; there are no processes then.
    pub fn restore_all(&self, bytes: &[u8], hosts: &Hosts) -> Result<Vec<Pid>, RestoreError> {
        let mut saved = Saved::from_bytes(bytes)?;
        saved.processes.retain(|task| !task.is_guest());
        self.restore_held(saved, hosts, |_| {}).map(|(pids, _)| pids)
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
        self.restore_held(saved, hosts, follow)?;
        Ok(Followed { ending, all })
    }

    /// As [`restore_all`](Self::restore_all), with the native that was [saved](Self::save_with) too.
    ///
    /// # Errors
    /// As [`restore_all`](Self::restore_all); [`RestoreError::Damaged`] too when there is no native.
    pub fn restore_with(
        &self,
        bytes: &[u8],
        hosts: &Hosts,
    ) -> Result<(Vec<Pid>, NativeProcess), RestoreError> {
        let saved = Saved::from_bytes(bytes)?;
        if saved.processes.iter().filter(|task| task.is_guest()).count() != 1 {
            return Err(RestoreError::Damaged);
        }
        let (pids, native) = self.restore_held(saved, hosts, |_| {})?;
        native.map(|native| (pids, native)).ok_or(RestoreError::Damaged)
    }

    /// Puts saved processes into the scheduler. `prepare` sees each before it runs.
    fn restore_held(
        &self,
        mut saved: Saved,
        hosts: &Hosts,
        prepare: impl Fn(&mut Restored),
    ) -> Result<(Vec<Pid>, Option<NativeProcess>), RestoreError> {
        let shared = self.shared();
        let shape = saved.shape.take().ok_or(RestoreError::Damaged)?;
        let programs = saved.programs(shared, hosts)?;
        let pids: Vec<Pid> = saved.processes.iter().map(|saved| saved.actor.pid).collect();
        let serials: HashSet<u64> = pids.iter().map(|pid| pid.serial()).collect();
        if serials.len() < pids.len() || pids.iter().any(|pid| pid.node() != shape.node) {
            return Err(RestoreError::Damaged);
        }
        let native = saved.processes.iter().position(SavedTask::is_guest);
        let native = native.map(|at| saved.processes.remove(at));
        let pids: Vec<Pid> = saved.processes.iter().map(|saved| saved.actor.pid).collect();
        let tasks = saved.processes.into_iter().map(|task| task.into_task(&programs));
        let mut tasks = tasks.collect::<Result<Vec<_>, _>>()?;
        tasks.iter_mut().for_each(prepare);
        // None runs before all are there and have their letters: what the first one sends must not
        // overtake what it had sent before.
        let wake = || shared.idle.wake_all();
        let restored = shared.pause.hold(self.inner.workers, PATIENCE, wake, || {
            if shared.table.live() > 0 {
                return Err(RestoreError::Occupied);
            }
            let node = shape.node;
            shared.table.claim(shape, &serials)?;
            shared.clock.set_forward(saved.mono);
            let there = shared.clock.mono();
            shared.node.store(node, Ordering::SeqCst);
            shared.chance.store(saved.chance, Ordering::SeqCst);
            lock(&shared.programs).extend(programs);
            for restored in &tasks {
                self.take_place(&restored.task);
            }
            let native = native.map(|native| self.seat(native, saved.mono, there)).transpose()?;
            for Restored { mut task, letters, names, .. } in tasks {
                task.move_to(saved.mono, there);
                self.hand_over(&task.actor, letters, names);
                shared.context().ready(task);
            }
            Ok((pids, native))
        });
        restored.unwrap_or(Err(RestoreError::Busy))
    }

    /// A saved native, whose place is claimed, where the clock stands at `there`.
    fn seat(
        &self,
        mut saved: SavedTask,
        here: u64,
        there: u64,
    ) -> Result<NativeProcess, RestoreError> {
        saved.actor.move_to(here, there);
        let native = NativeProcess::taking_place(self.shared(), saved.actor, saved.questions)?;
        self.hand_over(&native.actor, saved.letters, saved.names);
        Ok(native)
    }

    /// Puts a process that [`save`](Self::save) has saved into this scheduler, under a new pid,
    /// since the old one may still live. Its links and monitors are made anew, and it gets those of
    /// its names that are free.
    ///
    /// # Errors
    /// [`RestoreError`]; nothing has changed then.
    pub fn restore(&self, bytes: &[u8], hosts: &Hosts) -> Result<Pid, RestoreError> {
        let shared = self.shared();
        let mut saved = Saved::from_bytes(bytes)?;
        let programs = saved.programs(shared, hosts)?;
        let task = match (saved.processes.pop(), saved.processes.len(), &saved.shape) {
            (Some(task), 0, None) => task,
            _ => return Err(RestoreError::Damaged),
        };
        let Restored { mut task, letters, names, .. } = task.into_task(&programs)?;
        task.move_to(saved.mono, shared.clock.mono());
        let serial = shared.table.reserve(None).ok_or(Full)?;
        let pid = Pid::new(shared.node(), serial);
        task.actor.pid = pid;
        if let Some(Wait::Room { message, .. }) = &mut task.actor.wait {
            message.sender = pid.bits();
        }
        lock(&shared.programs).extend(programs);
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
        self.hand_over(&task.actor, letters, names);
        // Before it runs: it may undo them.
        for (to, signal) in asks {
            shared.context().post(pid, to, signal);
        }
        shared.context().ready(task);
        Ok(pid)
    }

    fn take_place(&self, task: &Task) {
        let serial = task.actor.pid.serial();
        if let Some(place) = self.shared().table.place(serial) {
            place.occupy(serial, task.limits().message_bytes);
        }
    }

    /// Gives a restored process, which has its place, its names and letters, and asks again what it
    /// was asking other nodes.
    fn hand_over(&self, actor: &Actor, letters: Vec<SavedLetter>, names: Vec<String>) {
        let shared = self.shared();
        let pid = actor.pid;
        for name in names {
            shared.names.register(name, pid);
        }
        let alive = shared.outside.nodes();
        if let Some(ties) = actor.has_ties() {
            if ties.watches_nodes {
                shared.watch_nodes(pid, true);
            }
            for node in ties.nodes().filter(|node| *node != shared.node()) {
                shared.tie(node, pid);
                if !alive.contains(&node) {
                    shared.context().deliver(pid, Letter::Signal(Signal::NodeLost { node }));
                }
            }
        }
        // A native, say, that was not saved with it.
        let gone = |pid: &Pid| pid.node() == shared.node() && !shared.lives(*pid);
        let lost = actor.has_ties().map(|ties| ties.lost_with(gone, Reason::NO_PROCESS));
        let answers = |letter: &SavedLetter| match letter {
            SavedLetter::Answer(number, _) => actor.awaits_answer(*number),
            SavedLetter::Signal(_) | SavedLetter::Overflow => false,
        };
        // It had its answer, but had not yet read it: what it asked for is done.
        let is_answered = letters.iter().any(answers);
        for letter in letters {
            shared.context().deliver(pid, letter.into_letter());
        }
        // Behind those letters, which may tell of such an end already.
        for signal in lost.into_iter().flatten() {
            shared.context().deliver(pid, Letter::Signal(signal));
        }
        if let Some(Wait::Answer { number, question }) = &actor.wait
            && !is_answered
            && shared.outside.ask(pid, *number, question).is_err()
        {
            let answer = effects::no_answer(question);
            shared.context().deliver(pid, Letter::Answer(*number, answer));
        }
    }
}
