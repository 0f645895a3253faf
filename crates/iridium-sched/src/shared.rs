//! What all workers share, and what anybody can do with it.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam_deque::{Injector, Steal, Stealer};
use crossbeam_utils::sync::Unparker;

use super::blocking::Blocking;
use super::clock::Clock;
use super::embedder::{Distribution, Observer, Output, SendRefused};
use super::idle::Idle;
use super::letter::Letter;
use super::names::Names;
use super::own::Own;
use super::pause::Pause;
use super::reclaim::Reclaim;
use super::slot::{Delivered, Reaction};
use super::sync::lock;
use super::table::{Place, Table};
use super::task::{Body, Task};
use super::threads::Threads;
use super::timer::Timers;
use crate::actor::Actor;
use crate::{Reason, Signal};
use iridium_isa::ModuleId;
use iridium_vm::Program;
use iridium_vm::{Message, Pid};

/// What all workers share.
pub(crate) struct Shared {
    pub(crate) node: AtomicU32,
    pub(crate) table: Table,
    /// The place of those who have none, for totality.
    pub(crate) nowhere: Place,
    /// Processes that were made ready by others than workers.
    pub(crate) injector: Injector<Box<Task>>,
    pub(crate) stealers: Vec<Stealer<Box<Task>>>,
    pub(crate) idle: Idle<Unparker>,
    pub(crate) timers: Timers,
    pub(crate) clock: Clock,
    pub(crate) names: Names,
    pub(crate) blocking: Blocking,
    pub(crate) threads: Threads,
    pub(crate) reclaim: Reclaim,
    pub(crate) output: Arc<dyn Output>,
    pub(crate) observer: Arc<dyn Observer>,
    pub(crate) outside: Arc<dyn Distribution>,
    pub(crate) pause: Pause,
    pub(crate) stopped: AtomicBool,
    /// Fuel that all processes together may still spend, where that is limited.
    pub(crate) fuel: Option<AtomicI64>,
    /// Processes that have nothing to spend.
    #[expect(clippy::vec_box, reason = "they go back to the queues in their boxes")]
    pub(crate) starved: Mutex<Vec<Box<Task>>>,
    /// Memory of all processes, in bytes, and how much it may be.
    pub(crate) memory: AtomicI64,
    pub(crate) memory_limit: u64,
    /// The state of the random numbers.
    pub(crate) chance: AtomicU64,
    /// Processes with ties to other nodes, by node.
    pub(crate) afar: Mutex<HashMap<u32, HashSet<Pid>>>,
    /// Processes that wait for room on the way to another node, by node.
    pub(crate) crowded: Mutex<HashMap<u32, HashSet<Pid>>>,
    /// Processes that want to be told of nodes.
    pub(crate) node_watchers: Mutex<HashSet<Pid>>,
    /// The programs that can be named by the identity of their module.
    pub(crate) programs: Mutex<HashMap<ModuleId, Arc<Program>>>,
    /// Fuel that was spent since the start, for those who watch the load.
    pub(crate) spent: AtomicU64,
    /// Messages of processes that nobody will receive.
    pub(crate) dead_letters: AtomicU64,
}

/// Somebody who does something with processes: a worker, which has a queue of its own, or somebody
/// from outside.
#[derive(Clone, Copy)]
pub(crate) struct Context<'h> {
    pub(crate) shared: &'h Shared,
    pub(crate) own: Option<&'h Own>,
}

/// There are as many processes as there may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node has as many processes as it may have")]
pub struct Full;

impl Shared {
    /// The context of somebody from outside.
    pub(crate) fn context(&self) -> Context<'_> {
        Context { shared: self, own: None }
    }

    /// The number of this node.
    pub(crate) fn node(&self) -> u32 {
        self.node.load(Ordering::Relaxed)
    }

    /// Whether a process of this node lives.
    pub(crate) fn lives(&self, pid: Pid) -> bool {
        let place = self.table.place(pid.serial()).filter(|_| pid.node() == self.node());
        place.is_some_and(|place| place.look(|serial, _, _| serial == pid.serial()))
    }

    /// 64 random bits. Source: `SplitMix64`, Steele, Lea and Flood, "Fast splittable pseudorandom
    /// number generators", 2014.
    pub(crate) fn random(&self) -> u64 {
        const GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;
        let mut bits = self.chance.fetch_add(GAMMA, Ordering::Relaxed).wrapping_add(GAMMA);
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// Notes that a process here is tied to another node.
    pub(crate) fn tie(&self, node: u32, pid: Pid) {
        lock(&self.afar).entry(node).or_default().insert(pid);
    }

    /// Forgets which other nodes an ended process was tied to.
    pub(crate) fn untie(&self, pid: Pid) {
        let mut afar = lock(&self.afar);
        if !afar.is_empty() {
            afar.retain(|_, pids| {
                pids.remove(&pid);
                !pids.is_empty()
            });
        }
    }

    /// The program of a module that was made known.
    pub(crate) fn program(&self, id: ModuleId) -> Option<Arc<Program>> {
        lock(&self.programs).get(&id).cloned()
    }

    /// Makes a program known.
    pub(crate) fn know(&self, program: &Arc<Program>) {
        lock(&self.programs).entry(program.module().id()).or_insert_with(|| Arc::clone(program));
    }

    /// Notes that a process waits for room on the way to another node.
    pub(crate) fn await_room(&self, node: u32, pid: Pid) {
        lock(&self.crowded).entry(node).or_default().insert(pid);
    }

    /// Forgets that a process waited for room on the way to another node.
    pub(crate) fn await_no_room(&self, node: u32, pid: Pid) {
        let mut crowded = lock(&self.crowded);
        if let Entry::Occupied(mut waiting) = crowded.entry(node) {
            waiting.get_mut().remove(&pid);
            if waiting.get().is_empty() {
                waiting.remove();
            }
        }
    }

    /// Notes whether a process wants to be told of nodes.
    pub(crate) fn watch_nodes(&self, pid: Pid, on: bool) {
        let mut watchers = lock(&self.node_watchers);
        if on {
            watchers.insert(pid)
        } else {
            watchers.remove(&pid)
        };
    }

    /// Counts messages that nobody will receive.
    pub(crate) fn bury(&self, letters: usize) {
        if letters > 0 {
            self.dead_letters.fetch_add(letters as u64, Ordering::Relaxed);
        }
    }

    /// Fuel for a turn, at most as much as is wanted.
    pub(crate) fn grant(&self, wanted: u64) -> u64 {
        let Some(fuel) = &self.fuel else { return wanted };
        let wanted = wanted as i64;
        let take = |left: i64| (left > 0).then(|| left - left.min(wanted));
        let before = fuel.fetch_update(Ordering::SeqCst, Ordering::SeqCst, take);
        before.map_or(0, |left| left.min(wanted) as u64)
    }

    /// Takes back what was not spent of a grant, and lets those run who had to wait for it.
    pub(crate) fn take_back(&self, context: Context<'_>, left: u64) {
        let Some(fuel) = &self.fuel else { return };
        if fuel.fetch_add(left as i64, Ordering::SeqCst) + left as i64 > 0 {
            self.feed(context);
        }
    }

    /// Takes what a process has spent beyond its grant: an instruction whose price depends on its
    /// operands may do so. It may be more than there is.
    pub(crate) fn overdraw(&self, fuel: u64) {
        if let Some(all) = &self.fuel {
            all.fetch_sub(i64::try_from(fuel).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    /// Lets a process wait until there is fuel.
    pub(crate) fn starve(&self, context: Context<'_>, task: Box<Task>) {
        lock(&self.starved).push(task);
        // Some may have been taken back since it got none, by one who did not see it here.
        if self.fuel.as_ref().is_some_and(|fuel| fuel.load(Ordering::SeqCst) > 0) {
            self.feed(context);
        }
    }

    /// Whether there are processes that could run if there were fuel.
    pub(crate) fn is_starving(&self) -> bool {
        !lock(&self.starved).is_empty()
    }

    /// Drops the processes, which nobody runs any more, so that who waits for their ends does not
    /// wait for ever.
    pub(crate) fn drop_processes(&self) {
        for place in self.table.places().filter(|place| !place.is_lent()) {
            place.vacate();
        }
        lock(&self.starved).clear();
        while !matches!(self.injector.steal(), Steal::Empty) {}
        for stealer in &self.stealers {
            while !matches!(stealer.steal(), Steal::Empty) {}
        }
    }

    /// Looks at a process that waits until there is fuel, and its letters.
    pub(crate) fn look_at_starving<R>(
        &self,
        pid: Pid,
        look: impl FnOnce(&Task, &[Letter]) -> R,
    ) -> Option<R> {
        let starved = lock(&self.starved);
        let task = starved.iter().find(|task| task.actor.pid == pid)?;
        let place = self.table.place(pid.serial())?;
        Some(place.look(|_, _, letters| look(task, letters)))
    }

    fn feed(&self, context: Context<'_>) {
        for task in std::mem::take(&mut *lock(&self.starved)) {
            context.ready(task);
        }
    }

    /// Sees to it that a process is told when it waits no longer than until a time.
    pub(crate) fn set_timer(&self, task: &mut Task, until: u64) {
        let serial = task.actor.pid.serial();
        match task.timer {
            // It will be asked then how long it waits, which is soon enough.
            Some(set) if set <= until => return,
            Some(set) => self.timers.remove(set, serial),
            None => {}
        }
        task.timer = Some(until);
        self.timers.insert(until, serial);
    }

    /// Takes away the deadline of an earlier wait, before one that has none: with all others waiting
    /// too, it would keep up the look of something to come.
    pub(crate) fn unset_timer(&self, task: &mut Task) {
        if let Some(set) = task.timer.take() {
            self.timers.remove(set, task.actor.pid.serial());
        }
    }

    /// Tells a process that a time has come.
    pub(crate) fn tell_time(&self, context: Context<'_>, time: u64, serial: u64) {
        context.deliver(Pid::new(self.node(), serial), Letter::Time(time));
    }

    /// Whether virtual time may go on when nothing can run: not for those who have no fuel, who would
    /// run, nor while a host function takes its time, behind which somebody will.
    pub(crate) fn time_may_jump(&self) -> bool {
        self.clock.is_virtual() && !self.is_starving() && self.blocking.is_idle()
    }

    /// Whether a worker that sleeps would let virtual time go on.
    pub(crate) fn has_time(&self) -> bool {
        self.time_may_jump() && !self.timers.is_empty()
    }

    /// Whether a worker would find something to do.
    pub(crate) fn has_work(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
            || self.pause.is_wanted()
            || !self.injector.is_empty()
            || self.stealers.iter().any(|stealer| !stealer.is_empty())
    }

    /// Whether nothing runs and nothing is going to, unless something comes from outside.
    pub(crate) fn is_at_rest(&self) -> bool {
        // Where time is virtual, it stands still while processes have no fuel.
        let no_time_comes =
            || self.timers.is_empty() || self.clock.is_virtual() && self.is_starving();
        self.idle.all_sleep_through(|| self.has_nothing_to_run() && no_time_comes())
    }

    /// Tells the observer if nothing can go on, or only with more fuel. To be called by whoever may
    /// have been the last to keep that from being so.
    pub(crate) fn tell_of_rest(&self) {
        if self.is_at_rest() {
            self.observer.at_rest();
        }
        if self.is_out_of_fuel() {
            self.observer.out_of_fuel();
        }
    }

    /// Whether nothing runs, and what could has no fuel left.
    pub(crate) fn is_out_of_fuel(&self) -> bool {
        self.idle.all_sleep_through(|| self.has_nothing_to_run() && self.is_starving())
    }

    /// Whether workers that look now find nothing, and no host function is going to bring something.
    /// The looks are one after the other, so this holds only while no worker gets up.
    fn has_nothing_to_run(&self) -> bool {
        self.injector.is_empty()
            && self.stealers.iter().all(Stealer::is_empty)
            && self.blocking.is_idle()
    }
}

impl Context<'_> {
    /// Which worker it is; `None` for somebody from outside.
    pub(crate) fn worker(&self) -> Option<usize> {
        self.own.map(|own| own.index)
    }

    /// Lets a process run as soon as a worker has time for it. A worker, which has time itself after
    /// the turn at the latest, calls others for help only [then](Self::share): a wake-up costs as
    /// much as some ten small processes.
    pub(crate) fn ready(&self, task: Box<Task>) {
        match self.own {
            None => self.hand_out(task),
            Some(own) => own.put(task).into_iter().for_each(|task| self.hand_out(task)),
        }
    }

    /// As [`ready`](Self::ready), behind those who can run already.
    pub(crate) fn ready_behind(&self, task: Box<Task>) {
        match self.own {
            None => self.hand_out(task),
            Some(own) => own.put_behind(task).into_iter().for_each(|task| self.hand_out(task)),
        }
        // Not only at the end of the turn, which may be far: a host function may take its time.
        if self.own.is_some_and(Own::has_many) {
            self.shared.idle.wake_one();
        }
    }

    /// Leaves a process to whichever worker has time for it.
    fn hand_out(&self, task: Box<Task>) {
        if self.shared.stopped.load(Ordering::SeqCst) {
            // Nobody will.
            return;
        }
        self.shared.injector.push(task);
        self.shared.idle.wake_one();
    }

    /// Wakes another worker if this one has more to do than it can do next.
    pub(crate) fn share(&self) {
        if self.own.is_some_and(Own::has_spare) {
            self.shared.idle.wake_one();
        }
    }

    /// Sends a signal from one process to another.
    pub(crate) fn post(&self, from: Pid, to: Pid, signal: Signal) {
        let (undelivered, reason) = if to.node() == self.shared.node() {
            let tied = match &signal {
                Signal::Link { from } | Signal::Monitor { from, .. } => Some(from.node()),
                _ => None,
            };
            let tied = tied.filter(|node| *node != self.shared.node());
            if let Some(node) = tied {
                self.shared.tie(node, to);
            }
            let undelivered = self.deliver(to, Letter::Signal(signal));
            if undelivered.is_some() && tied.is_some() {
                // It has ended, and its pid never comes again.
                self.shared.untie(to);
            }
            (undelivered, Reason::NO_PROCESS)
        } else if to.node() == 0 {
            (self.send_back(Letter::Signal(signal)), Reason::NO_PROCESS)
        } else {
            (self.shared.outside.signal(from, to, signal).err(), Reason::NODE_LOST)
        };
        let answer = undelivered.and_then(|signal| signal.undeliverable(to, reason));
        if let Some((asker, answer)) = answer {
            // To the asker, or, when that has ended meanwhile, to nobody.
            self.post(to, asker, answer);
        }
    }

    /// Sends a message. Only one to another node can be refused.
    pub(crate) fn send(&self, from: Pid, to: Pid, message: Message) -> Result<(), SendRefused> {
        let node = to.node();
        if node == self.shared.node() || node == 0 {
            self.deliver(to, Letter::Signal(Signal::Message(message)));
            return Ok(());
        }
        self.shared.outside.message(from, to, message)
    }

    /// Puts a letter into the slot of a process of this node. A signal comes back when there is no
    /// such process.
    pub(crate) fn deliver(&self, to: Pid, letter: Letter) -> Option<Signal> {
        let serial = to.serial();
        // An integer that is no pid has a serial too, which may be that of a process.
        let ours = to.node() == self.shared.node();
        let Some(place) = self.shared.table.place(serial).filter(|_| ours) else {
            return self.send_back(letter);
        };
        match place.deliver(serial, letter, react) {
            Delivered::Kept => None,
            Delivered::Ready(task) => {
                self.ready(task);
                None
            }
            Delivered::Wake(wake) => {
                // One that has been told to look and has not yet done so need not be told again.
                let _ = wake.try_send(());
                None
            }
            Delivered::NoRoom(letter, wake) => {
                self.send_back(letter);
                let _ = wake.map(|wake| wake.try_send(()));
                None
            }
            Delivered::Nobody(letter) => self.send_back(letter),
        }
    }

    /// The signal of a letter that nobody will read; a message ends here.
    fn send_back(&self, letter: Letter) -> Option<Signal> {
        let signal = signal_of(letter)?;
        self.shared.bury(usize::from(signal.is_mail()));
        Some(signal)
    }

    /// Starts a process. `prepare` sees it before it runs.
    pub(crate) fn spawn(&self, body: Body, prepare: impl FnOnce(&mut Task)) -> Result<Pid, Full> {
        self.spawn_if(body, |task| {
            prepare(task);
            true
        })
    }

    /// As [`spawn`](Self::spawn), unless `prepare` does not want it.
    pub(crate) fn spawn_if(
        &self,
        body: Body,
        prepare: impl FnOnce(&mut Task) -> bool,
    ) -> Result<Pid, Full> {
        let serial = self.shared.table.reserve(self.worker()).ok_or(Full)?;
        let Some(place) = self.shared.table.place(serial) else { return Err(Full) };
        let pid = Pid::new(self.shared.node(), serial);
        let actor = Actor::new(pid);
        let mut task = match self.own {
            Some(own) => own.spare.task(actor, body),
            None => Box::new(Task::new(actor, body)),
        };
        // Before it may get a name: whoever finds it by that is to reach it.
        place.occupy(serial, task.limits().message_bytes);
        if !prepare(&mut task) {
            let unread = place.vacate().into_iter().filter_map(signal_of).collect();
            self.retire(&task.actor, Reason::NO_PROCESS, unread);
            return Err(Full);
        }
        self.ready_behind(task);
        Ok(pid)
    }

    /// Lets a process take in a signal. `Some` when it is to end by it.
    pub(crate) fn take_in(&self, actor: &mut Actor, signal: Signal) -> Option<Reason> {
        if let (Signal::NodeLost { node }, Some(ties)) = (&signal, actor.has_ties()) {
            // Should the node be back already, and the link be one with its new connection, it ends
            // at both ends.
            let (from, reason) = (actor.pid, Reason::NODE_LOST);
            for to in ties.links.iter().filter(|pid| pid.node() == *node) {
                let exit = Signal::Exit { from, reason };
                let _ = self.shared.outside.signal(from, *to, exit);
            }
        }
        actor.take_in(signal)
    }
}

pub(crate) fn signal_of(letter: Letter) -> Option<Signal> {
    match letter {
        Letter::Signal(signal) => Some(signal),
        _ => None,
    }
}

/// What a letter means to a process that waits. Only what takes no time is done here, under the
/// slot's lock; the rest is for the worker.
fn react(task: &mut Task, letter: Letter) -> Reaction<Letter> {
    match letter {
        Letter::Signal(Signal::Message(message)) => match task.hand_over(message) {
            None => Reaction::Run,
            Some(message) => {
                let wanted = task.actor.awaits(&message);
                task.actor.mailbox.push(message);
                // So that the worker sees it.
                task.has_letters |= task.is_crowded();
                if wanted || task.has_letters { Reaction::Run } else { Reaction::Wait }
            }
        },
        letter => {
            task.has_letters = true;
            Reaction::RunAndRead(letter)
        }
    }
}
