//! From bytes to processes.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crossbeam_channel::{Receiver, bounded};

use super::error::RestoreError;
use super::saved::{RestoredProcess, Saved, SavedProcess, SavedSlotMessage};
use crate::native::NativeProcess;
use crate::process::actor::{ActorState, Wait};
use crate::process::entry::ProcessEntry;
use crate::process::exit_info::ExitInfo;
use crate::process::group::GroupToken;
use crate::process::reason::Reason;
use crate::process::signal::Signal;
use crate::process::slot_message::SlotMessage;
use crate::programs::Programs;
use crate::run::spawn;
use crate::scheduler::Scheduler;
use crate::table::TooManyProcesses;
use iridium_vm::{Hosts, MAX_NODE, Pid};

/// How long workers may take to be held.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whether there can be a process with this pid somewhere.
fn is_possible(pid: Pid) -> bool {
    pid.bits() > 0 && (1..=MAX_NODE).contains(&pid.node()) && pid.serial() > 0
}

/// How all processes of a scheduler are restored.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RestoreOptions {
    /// Whether the native process is wanted that was [saved](Scheduler::save_with) with the others.
    /// Otherwise it counts as exited.
    pub native: bool,
    /// The process that [`Restored::exit`] is about.
    pub exit_of: Option<Pid>,
}

/// Processes that were restored.
#[derive(Debug)]
#[must_use]
pub struct Restored {
    /// Their pids, without that of the native process.
    pub pids: Vec<Pid>,
    /// The native process, if it was [asked for](RestoreOptions::native).
    pub native: Option<NativeProcess>,
    /// Receives how the process ends that was [asked for](RestoreOptions::exit_of). Disconnected
    /// without that when it is not among those that were restored.
    pub exit: Receiver<ExitInfo>,
    /// Disconnected when the processes have ended that belonged to a
    /// [group](crate::SpawnOptions::group), and those that they are linked to.
    pub group: Receiver<Infallible>,
}

impl Scheduler {
    /// Puts all processes that [`save_all`](Self::save_all) has saved into this scheduler, which has
    /// none, under the pids that they had.
    ///
    /// # Errors
    /// [`RestoreError`]; there are no processes then.
    pub fn restore_all(
        &self,
        bytes: &[u8],
        hosts: &Hosts,
        options: RestoreOptions,
    ) -> Result<Restored, RestoreError> {
        let mut saved = Saved::from_bytes(bytes)?;
        if !options.native {
            saved.processes.retain(|process| !process.is_native());
        } else if saved.processes.iter().filter(|process| process.is_native()).count() != 1 {
            return Err(RestoreError::NotOneNative);
        }
        let (subscriber, exit) = bounded(1);
        let (token, group) = GroupToken::new();
        let (pids, native) = self.restore_held(saved, hosts, |restored| {
            if restored.in_group {
                restored.entry.join_group(token.clone());
            }
            if options.exit_of == Some(restored.entry.actor.pid) {
                restored.entry.watchers.subscribe(subscriber.clone());
            }
        })?;
        Ok(Restored { pids, native, exit, group })
    }

    /// Puts saved processes into the scheduler. `prepare` sees each before it runs.
    fn restore_held(
        &self,
        mut saved: Saved,
        hosts: &Hosts,
        prepare: impl Fn(&mut RestoredProcess),
    ) -> Result<(Vec<Pid>, Option<NativeProcess>), RestoreError> {
        let shared = self.shared();
        let from = saved.serials.take().ok_or(RestoreError::Damaged)?;
        let programs = saved.programs(shared, hosts)?;
        let pids: Vec<Pid> = saved.processes.iter().map(|saved| saved.actor.pid).collect();
        let (local, away): (Vec<Pid>, Vec<Pid>) =
            pids.iter().partition(|pid| pid.node() == from.node);
        let serials: HashSet<u64> = local.iter().map(|pid| pid.serial()).collect();
        let distinct_away: HashSet<Pid> = away.iter().copied().collect();
        let distinct = serials.len() + distinct_away.len();
        if distinct < pids.len() || !away.iter().all(|pid| is_possible(*pid)) {
            return Err(RestoreError::Damaged);
        }
        if pids.len() > shared.table.limit() {
            return Err(TooManyProcesses.into());
        }
        let native = saved.processes.iter().position(SavedProcess::is_native);
        let native = native.map(|at| saved.processes.remove(at));
        let pids: Vec<Pid> = saved.processes.iter().map(|saved| saved.actor.pid).collect();
        let restored = saved.processes.into_iter().map(|saved| saved.into_entry(&programs));
        let mut restored = restored.collect::<Result<Vec<_>, _>>()?;
        restored.iter_mut().for_each(prepare);
        // None runs before all are there with what was in their slots: what the first one sends must
        // not overtake what it had sent before.
        let wake = || shared.idle.wake_all();
        let done = shared.pause.hold(self.workers(), PATIENCE, wake, || {
            if shared.table.live() > 0 {
                return Err(RestoreError::Occupied);
            }
            let node = from.node;
            shared.table.claim(from, &serials)?;
            shared.clock.set_forward(saved.mono);
            let now = shared.clock.mono();
            shared.node.store(node, Ordering::SeqCst);
            shared.random_state.store(saved.random_state, Ordering::SeqCst);
            programs.iter().for_each(|program| shared.add_program(program));
            for pid in away {
                self.take_in(pid)?;
            }
            for process in &restored {
                self.occupy_slot(&process.entry);
            }
            let native = native.map(|native| self.restore_native(native, saved.mono, now));
            for RestoredProcess { mut entry, slot_messages, names, .. } in restored {
                entry.rebase(saved.mono, now);
                self.reconnect(&entry.actor, slot_messages, names);
                shared.context().schedule(entry);
            }
            Ok((pids, native.transpose()?))
        });
        done.unwrap_or(Err(RestoreError::Busy))
    }

    /// Restores a native process, whose serial is claimed, from a clock that stood at `there` to one
    /// that stands at `now`.
    fn restore_native(
        &self,
        mut saved: SavedProcess,
        there: u64,
        now: u64,
    ) -> Result<NativeProcess, RestoreError> {
        saved.actor.rebase(there, now);
        let native = NativeProcess::in_slot(self.shared(), saved.actor, saved.requests)?;
        self.reconnect(&native.actor, saved.slot_messages, saved.names);
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
        let (mut restored, programs) = self.read_one(bytes, hosts)?;
        let serial = shared.table.reserve(None).ok_or(TooManyProcesses)?;
        let pid = Pid::new(shared.node(), serial);
        let entry = &mut restored.entry;
        entry.actor.pid = pid;
        if let Some(Wait::Credit { message, .. }) = &mut entry.actor.wait {
            message.sender = pid.bits();
        }
        let mut asks = Vec::new();
        if entry.actor.relations().is_some() {
            let relations = entry.actor.relations_mut();
            // They monitor the process that was saved, which this one is not.
            relations.monitored_by.clear();
            asks.extend(relations.links.iter().map(|to| (*to, Signal::Link { from: pid })));
            asks.extend(relations.monitors.iter().map(|(reference, to)| {
                (*to, Signal::Monitor { from: pid, reference: *reference })
            }));
        }
        programs.iter().for_each(|program| shared.add_program(program));
        self.start_restored(restored, asks);
        Ok(pid)
    }

    /// Puts a process that was [taken](Self::take) from another node, its home, into this scheduler,
    /// with its identity: the pid, the links and the monitors. Messages from this node to that pid
    /// reach it here; those from other nodes do not yet.
    ///
    /// # Errors
    /// [`RestoreError`], also when the home is this node, or the pid lives here already; nothing has
    /// changed then.
    pub fn restore_as(&self, bytes: &[u8], hosts: &Hosts) -> Result<Pid, RestoreError> {
        let (restored, programs) = self.read_one(bytes, hosts)?;
        let pid = restored.entry.actor.pid;
        if pid.node() == self.node() {
            return Err(RestoreError::AtHome(pid));
        }
        if !is_possible(pid) {
            return Err(RestoreError::Damaged);
        }
        self.take_in(pid)?;
        programs.iter().for_each(|program| self.shared().add_program(program));
        self.start_restored(restored, Vec::new());
        Ok(pid)
    }

    /// Reads a single process, with its deadlines on the clock of this scheduler.
    fn read_one(
        &self,
        bytes: &[u8],
        hosts: &Hosts,
    ) -> Result<(RestoredProcess, Programs), RestoreError> {
        let shared = self.shared();
        let mut saved = Saved::from_bytes(bytes)?;
        let programs = saved.programs(shared, hosts)?;
        let process = match (saved.processes.pop(), saved.processes.len(), &saved.serials) {
            (Some(process), 0, None) => process,
            _ => return Err(RestoreError::Damaged),
        };
        let mut restored = process.into_entry(&programs)?;
        restored.entry.rebase(saved.mono, shared.clock.mono());
        Ok((restored, programs))
    }

    /// Starts a process that has a serial, after what it asks others for.
    fn start_restored(&self, restored: RestoredProcess, asks: Vec<(Pid, Signal)>) {
        let RestoredProcess { entry, slot_messages, names, .. } = restored;
        let (context, pid) = (self.shared().context(), entry.actor.pid);
        self.occupy_slot(&entry);
        self.reconnect(&entry.actor, slot_messages, names);
        // Before it runs: it may undo them.
        for (to, signal) in asks {
            context.send_signal(pid, to, signal);
        }
        context.schedule(entry);
    }

    /// Reserves a slot for a process that has its home elsewhere.
    fn take_in(&self, pid: Pid) -> Result<(), RestoreError> {
        let shared = self.shared();
        let serial = shared.table.reserve(None).ok_or(TooManyProcesses)?;
        if !shared.residents.add(pid, serial) {
            shared.table.release(None, serial);
            return Err(RestoreError::Lives(pid));
        }
        Ok(())
    }

    fn occupy_slot(&self, entry: &ProcessEntry) {
        let pid = entry.actor.pid;
        let serial = self.shared().serial_of(pid);
        if let Some((serial, slot)) = serial.zip(self.shared().slot_of(pid)) {
            spawn::occupy(slot, serial, entry);
        }
    }

    /// Gives a restored process, which has its slot, its names and slot messages, tells it of related
    /// processes that are gone, and makes its request to another node again.
    fn reconnect(
        &self,
        actor: &ActorState,
        slot_messages: Vec<SavedSlotMessage>,
        names: Vec<String>,
    ) {
        let shared = self.shared();
        let pid = actor.pid;
        for name in names {
            shared.names.register(&name, pid, &shared.memory);
        }
        let alive = shared.distribution.nodes();
        if let Some(relations) = actor.relations() {
            if relations.monitors_nodes {
                shared.monitor_nodes(pid, true);
            }
            for node in relations.nodes().filter(|node| *node != shared.node()) {
                shared.add_remote_link(node, pid);
                if !alive.contains(&node) {
                    let lost = SlotMessage::Signal(Signal::NodeLost { node });
                    shared.context().deliver(pid, lost);
                }
            }
        }
        // A native process, say, that was not saved with it.
        let gone = |pid: &Pid| pid.node() == shared.node() && !shared.is_alive(*pid);
        let lost = actor.relations().map(|known| known.lost_signals(gone, Reason::NO_PROCESS));
        let replies = |message: &SavedSlotMessage| match message {
            SavedSlotMessage::Reply(number, _) => actor.awaits_reply(*number),
            SavedSlotMessage::Signal(_) | SavedSlotMessage::Overflow => false,
        };
        // It had its reply, but had not yet read it: what it asked for is done.
        let has_reply = slot_messages.iter().any(replies);
        for message in slot_messages {
            shared.context().deliver(pid, message.into_slot_message());
        }
        // Behind those messages, which may tell of such an exit already.
        for signal in lost.into_iter().flatten() {
            shared.context().deliver(pid, SlotMessage::Signal(signal));
        }
        if let Some(Wait::Reply { number, request }) = &actor.wait
            && !has_reply
            && shared.distribution.request(pid, *number, request).is_err()
        {
            let reply = SlotMessage::Reply(*number, request.unavailable());
            shared.context().deliver(pid, reply);
        }
    }
}
