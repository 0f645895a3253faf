//! What a thread does with a scheduler: make processes ready, deliver to them.

use std::sync::atomic::Ordering;

use super::local_queue::LocalQueue;
use super::shared::Shared;
use crate::distribution::SendRefused;
use crate::memory::Memory;
use crate::process::actor::ActorState;
use crate::process::entry::ProcessEntry;
use crate::process::reason::Reason;
use crate::process::signal::Signal;
use crate::process::slot::{Delivered, Reaction};
use crate::process::slot_message::{LockedSlot, SlotMessage};
use iridium_vm::{Message, Pid};

/// A scheduler, as seen by a thread: one with a run queue of its own, or any other.
#[derive(Clone, Copy)]
pub(crate) struct Context<'c> {
    pub(crate) shared: &'c Shared,
    pub(crate) local: Option<&'c LocalQueue>,
}

impl Shared {
    /// The context of a thread without a run queue.
    pub(crate) fn context(&self) -> Context<'_> {
        Context { shared: self, local: None }
    }
}

impl Context<'_> {
    /// The number of the worker, if it is one.
    pub(crate) fn worker(&self) -> Option<usize> {
        self.local.and_then(LocalQueue::worker)
    }

    /// Makes a process ready that was woken. A worker, which has time itself after the turn at the
    /// latest, calls others for help only [then](Self::share_work): a wake-up costs as much as some
    /// ten small processes.
    pub(crate) fn schedule(&self, entry: Box<ProcessEntry>) {
        match self.local {
            None => self.inject(entry),
            Some(local) => local.push(entry).into_iter().for_each(|entry| self.inject(entry)),
        }
    }

    /// Makes a process ready, to run after those that are ready already.
    pub(crate) fn schedule_back(&self, entry: Box<ProcessEntry>) {
        self.enqueue(entry, LocalQueue::push_back);
    }

    /// Lets a process that has used up its turn wait for the next one.
    pub(crate) fn schedule_expired(&self, entry: Box<ProcessEntry>) {
        self.enqueue(entry, LocalQueue::push_expired);
    }

    fn enqueue(
        &self,
        entry: Box<ProcessEntry>,
        push: impl FnOnce(&LocalQueue, Box<ProcessEntry>) -> Option<Box<ProcessEntry>>,
    ) {
        match self.local {
            None => self.inject(entry),
            Some(local) => push(local, entry).into_iter().for_each(|entry| self.inject(entry)),
        }
        // Not only at the end of the turn, which may be far: a host function may take its time.
        if self.local.is_some_and(LocalQueue::has_become_long) {
            self.shared.idle.wake_one();
        }
    }

    /// Leaves a process to whichever worker has time for it.
    fn inject(&self, entry: Box<ProcessEntry>) {
        if self.shared.stopped.load(Ordering::SeqCst) {
            // No worker will.
            return;
        }
        self.shared.injector.push(entry);
        self.shared.idle.wake_one();
    }

    /// Wakes another worker if this one has more to do than it can do next.
    pub(crate) fn share_work(&self) {
        if self.local.is_some_and(LocalQueue::has_stealable) {
            self.shared.idle.wake_one();
        }
    }

    /// Sends a signal from one process to another, on whichever node.
    pub(crate) fn send_signal(&self, from: Pid, to: Pid, signal: Signal) {
        if matches!(signal, Signal::Kill { .. }) && !self.may_kill(from, to) {
            return;
        }
        let (undelivered, reason) = if self.shared.serial_of(to).is_some() {
            let remote = match &signal {
                Signal::Link { from } | Signal::Monitor { from, .. } => Some(from.node()),
                _ => None,
            };
            let remote = remote.filter(|node| *node != self.shared.node());
            if let Some(node) = remote {
                self.shared.add_remote_link(node, to);
            }
            let undelivered = self.deliver(to, SlotMessage::Signal(signal));
            if undelivered.is_some() && remote.is_some() {
                // It has exited, and its pid never comes again.
                self.shared.remove_remote_links(to);
            }
            (undelivered, Reason::NO_PROCESS)
        } else if to.node() == 0 {
            (self.drop_message(SlotMessage::Signal(signal)), Reason::NO_PROCESS)
        } else {
            (self.shared.distribution.signal(from, to, signal).err(), Reason::NODE_LOST)
        };
        let answer = undelivered.and_then(|signal| signal.undeliverable(to, reason));
        if let Some((asker, answer)) = answer {
            // To the asker, or, when that has exited meanwhile, to nobody.
            self.send_signal(to, asker, answer);
        }
    }

    /// Whether more waits for a process than may.
    pub(crate) fn is_flooded(&self, to: Pid) -> bool {
        let serial = self.shared.serial_of(to);
        let slot = serial.and_then(|serial| Some((serial, self.shared.table.slot(serial)?)));
        slot.is_some_and(|(serial, slot)| slot.locked().is_flooded(serial))
    }

    /// Whether an order to end reaches a process: a supervisor takes none from a program, only from an
    /// operator and from its own supervisor.
    fn may_kill(&self, from: Pid, to: Pid) -> bool {
        from == Pid::NOBODY || !self.shared.is_supervisor(to) || self.shared.is_supervisor(from)
    }

    /// Sends a message to a process on whichever node. Only one to another node can be refused.
    #[inline(always)]
    pub(crate) fn send_message(
        &self,
        from: Pid,
        to: Pid,
        message: Message,
    ) -> Result<(), SendRefused> {
        let Some(serial) = self.shared.serial_of(to) else {
            return self.send_elsewhere(from, to, message);
        };
        let Some(slot) = self.shared.table.slot(serial) else {
            self.drop_message(in_slot(message));
            return Ok(());
        };
        let mut locked = slot.locked();
        let message = if self.shared.memory.is_limited() {
            in_slot(message)
        } else if let Some(entry) = locked.parked(serial) {
            match takes_at_once(entry, message) {
                None => {
                    locked.unpark().into_iter().for_each(|entry| self.schedule(entry));
                    return Ok(());
                }
                Some(message) => in_slot(message),
            }
        } else {
            match locked.keep_mail(serial, in_slot(message)) {
                None => return Ok(()),
                Some(message) => message,
            }
        };
        self.deliver_to_slot(locked, serial, message);
        Ok(())
    }

    /// Sends messages, each as [`send_message`](Self::send_message), to a process of this node, where
    /// memory is not limited. What is left of their list is room for others.
    #[inline(never)]
    pub(crate) fn send_together(&self, to: Pid, messages: &mut Vec<SlotMessage>) {
        let serial = self.shared.serial_of(to);
        let slot = serial.and_then(|serial| Some((serial, self.shared.table.slot(serial)?)));
        let are_kept =
            slot.is_some_and(|(serial, slot)| slot.locked().keep_all_mail(serial, messages));
        if !are_kept {
            for message in messages.drain(..) {
                self.deliver(to, message);
            }
        }
    }

    /// Sends a message to a process that is not of this node, or to nobody.
    #[cold]
    #[inline(never)]
    fn send_elsewhere(&self, from: Pid, to: Pid, message: Message) -> Result<(), SendRefused> {
        if to.node() == 0 {
            self.deliver(to, in_slot(message));
            return Ok(());
        }
        self.shared.distribution.message(from, to, message)
    }

    /// Delivers to the slot of a process of this node. A signal comes back when there is no such
    /// process.
    pub(crate) fn deliver(&self, to: Pid, message: SlotMessage) -> Option<Signal> {
        let serial = self.shared.serial_of(to);
        let slot = serial.and_then(|serial| Some((serial, self.shared.table.slot(serial)?)));
        let Some((serial, slot)) = slot else {
            if let (Pid::NOBODY, SlotMessage::Signal(Signal::Message(message))) = (to, &message) {
                self.shared.unknown_tags.note(message);
            }
            return self.drop_message(message);
        };
        self.deliver_to_slot(slot.locked(), serial, message)
    }

    /// As [`deliver`](Self::deliver), to the slot with this serial, which is locked.
    #[inline(never)]
    fn deliver_to_slot(
        &self,
        slot: LockedSlot<'_>,
        serial: u64,
        message: SlotMessage,
    ) -> Option<Signal> {
        let memory = &self.shared.memory;
        match slot.deliver(serial, message, memory, |entry, message| react(entry, message, memory))
        {
            Delivered::Kept => None,
            Delivered::Ready(entry) => {
                self.schedule(entry);
                None
            }
            Delivered::Wake(wake) => {
                wake.wake();
                None
            }
            Delivered::Refused(message, ready, wake) => {
                ready.into_iter().for_each(|entry| self.schedule(entry));
                wake.into_iter().for_each(|wake| wake.wake());
                self.drop_message(message)
            }
            Delivered::NoProcess(message) => self.drop_message(message),
        }
    }

    /// The signal in what nobody will read. A message ends here as a dead letter.
    fn drop_message(&self, message: SlotMessage) -> Option<Signal> {
        let signal = message.into_signal()?;
        self.shared.count_dead_letters(usize::from(signal.is_user_message()));
        Some(signal)
    }

    /// Tells a process that its timer has fired.
    pub(crate) fn fire_timer(&self, time: u64, serial: u64) {
        let pid = Pid::new(self.shared.node(), serial);
        self.deliver(pid, SlotMessage::TimerFired(time));
    }

    /// Applies a signal to a process. `Some` when that is to exit by it.
    pub(crate) fn apply_signal(&self, actor: &mut ActorState, signal: Signal) -> Option<Reason> {
        if let (Signal::NodeLost { node }, Some(relations)) = (&signal, actor.relations()) {
            // Should the node be back already, and a link be one with its new connection, it is cut
            // at both ends.
            let (from, reason) = (actor.pid, Reason::NODE_LOST);
            for to in relations.links.iter().filter(|pid| pid.node() == *node) {
                let exit = Signal::Exit { from, reason };
                // Mostly the node is still out of reach, and has no link to cut.
                let _ = self.shared.distribution.signal(from, *to, exit);
            }
        }
        if let Signal::Message(message) = &signal
            && message.is_reply()
        {
            // The first with this tag is the last one.
            if actor.is_reply_of_local_call(message) {
                actor.end_monitor(message.tag);
            } else {
                self.demonitor(actor, message.tag)?;
            }
        }
        actor.on_signal(signal)
    }

    /// Removes a monitor; gives the process that it was of.
    pub(crate) fn demonitor(&self, actor: &mut ActorState, reference: i64) -> Option<Pid> {
        let from = actor.pid;
        let pid = actor.end_monitor(reference)?;
        self.send_signal(from, pid, Signal::Demonitor { from, reference });
        Some(pid)
    }
}

/// Gives a parked process a message, if it waits for one like it. A reply ends a monitor, for which there
/// is more to look at: it comes back as one that is not waited for does.
#[inline(always)]
fn takes_at_once(entry: &mut ProcessEntry, message: Message) -> Option<Message> {
    if message.is_reply() { Some(message) } else { entry.receive_now(message) }
}

/// A message as it is put into a slot.
#[inline(always)]
pub(crate) fn in_slot(message: Message) -> SlotMessage {
    SlotMessage::Signal(Signal::Message(message))
}

/// What a message means to a parked process. Only what takes no time is done here, under the lock of
/// the slot; the rest is for the worker.
fn react(entry: &mut ProcessEntry, message: SlotMessage, memory: &Memory) -> Reaction<SlotMessage> {
    match message {
        SlotMessage::Signal(Signal::Message(message)) => react_to_message(entry, message, memory),
        // Of a caller, mostly, whose message comes next: one wake-up is enough for both.
        SlotMessage::Signal(signal @ Signal::Monitor { .. })
            if entry.actor.waits_for_message()
                && !memory.is_limited()
                && !entry.actor.refuses(&signal) =>
        {
            // A monitor ends nobody.
            let _ = entry.actor.on_signal(signal);
            Reaction::Wait
        }
        message => {
            entry.has_slot_messages = true;
            Reaction::RunAndRead(message)
        }
    }
}

fn react_to_message(
    entry: &mut ProcessEntry,
    message: Message,
    memory: &Memory,
) -> Reaction<SlotMessage> {
    let back = |message| SlotMessage::Signal(Signal::Message(message));
    // It comes too late, or was never waited for.
    if !entry.actor.takes(&message) {
        return Reaction::Wait;
    }
    if message.is_reply() && !entry.actor.is_reply_of_local_call(&message) {
        entry.has_slot_messages = true;
        return Reaction::RunAndRead(back(message));
    }
    if !entry.count_message(memory, &message) {
        entry.has_slot_messages = true;
        return Reaction::OutOfMemory(back(message));
    }
    if message.is_reply() {
        entry.actor.end_monitor(message.tag);
    }
    let Some(message) = entry.receive_now(message) else { return Reaction::Run };
    if entry.is_supervisor() {
        return Reaction::Refuse(back(message));
    }
    let awaited = entry.actor.awaits(&message);
    entry.actor.mailbox.push(message);
    // So that the worker checks the limits.
    entry.has_slot_messages |= entry.is_over_limits();
    if awaited || entry.has_slot_messages { Reaction::Run } else { Reaction::Wait }
}
