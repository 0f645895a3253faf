//! How processes end.

use std::sync::Arc;

use super::context::Context;
use crate::process::actor::{ActorState, Wait};
use crate::process::entry::{Body, ProcessEntry};
use crate::process::exit_info::ExitInfo;
use crate::process::group::GroupToken;
use crate::process::mailbox::ANY_TAG;
use crate::process::reason::Reason;
use crate::process::retirement::Retirement;
use crate::process::signal::{Signal, is_user_message};
use crate::process::slot_message::{Removal, SlotMessage};
use iridium_vm::{Pid, Process, Trap};

/// How many signals an exited process sends, or messages it drops, before others run.
const SLICE: usize = 256;
/// So many bytes take about as long to free as a turn takes.
const LARGE: usize = 16 << 20;
/// How much of a heap is freed at once, in bytes: a millisecond or two.
const FREED_AT_ONCE: usize = 64 << 20;

impl Context<'_> {
    /// Ends a process: frees its slot, and tells all related processes. The observer is told before
    /// any of them can act on it.
    pub(crate) fn exit(
        &self,
        mut entry: Box<ProcessEntry>,
        reason: Reason,
        trap: Option<Box<Trap>>,
    ) {
        let unread = self.vacate_slot(&mut entry);
        let mut retirement = Retirement::new(reason, unread);
        if let Some(time) = entry.timer {
            self.shared.remove_timer(entry.actor.pid, time);
        }
        if reason != Reason::NORMAL || entry.watchers.has_subscribers() {
            let info = exit_info(&mut entry, reason, trap);
            if reason != Reason::NORMAL {
                self.shared.observer.exited(&info);
            }
            // The state of the machine is not kept for nobody.
            if entry.watchers.has_subscribers() {
                retirement.info = Some(info);
            } else {
                self.free(info.process);
            }
        } else if let Body::Program(process, _) = &mut entry.body
            && process.takes(LARGE)
            && let Body::Program(process, _) = std::mem::replace(&mut entry.body, Body::Ended)
        {
            self.free(Some(Arc::new(process)));
        }
        self.shared.names.forget(entry.actor.pid, &self.shared.memory);
        let ProcessEntry { actor, watchers, .. } = &mut *entry;
        if self.retire(actor, watchers.groups(), &mut retirement, SLICE) {
            self.finish(entry, retirement);
        } else {
            entry.body = Body::Retiring(Box::new(retirement));
            self.schedule_expired(entry);
        }
    }

    /// Frees the state of a process: much memory on a thread of its own, since it takes the system
    /// long to take that back.
    fn free(&self, process: Option<Arc<Process>>) {
        let Some(process) = process.filter(|process| process.takes(LARGE)) else { return };
        if let Err(error) = self.shared.threads.spawn("iridium-free", move || free_slowly(process))
        {
            // What was to be freed there is freed by now.
            log::warn!("no thread to free the memory of a process: {error}");
        }
    }

    /// Goes on with an [exit](Self::exit) that takes more than one slice.
    pub(crate) fn continue_exit(&self, entry: Box<ProcessEntry>) {
        self.continue_exit_by(entry, SLICE);
    }

    /// Brings an exit to its end, however long that takes.
    pub(crate) fn complete_exit(&self, entry: Box<ProcessEntry>) {
        self.continue_exit_by(entry, usize::MAX);
    }

    fn continue_exit_by(&self, mut entry: Box<ProcessEntry>, slice: usize) {
        let ProcessEntry { actor, watchers, body, .. } = &mut *entry;
        let Body::Retiring(retirement) = body else { return };
        if !self.retire(actor, watchers.groups(), retirement, slice) {
            return self.schedule_expired(entry);
        }
        if let Body::Retiring(retirement) = std::mem::replace(body, Body::Ended) {
            self.finish(entry, *retirement);
        }
    }

    /// Tells the subscribers how a process has ended, and keeps its memory for others.
    fn finish(&self, mut entry: Box<ProcessEntry>, retirement: Retirement) {
        entry.uncount_memory(&self.shared.memory);
        if let Some(info) = retirement.info {
            entry.watchers.tell(info);
        }
        entry.watchers.clear();
        if let Some(local) = self.local {
            local.recycle(entry);
        }
    }

    /// Ends a process that is in no box: one that is native, or was not started after all.
    pub(crate) fn abandon(&self, actor: &mut ActorState, reason: Reason) {
        let mut unread = Vec::new();
        if let Some(collected) = self.shared.slot_of(actor.pid).map(|slot| slot.vacate()) {
            self.shared.memory.adjust(-(collected.counted as i64));
            unread = collected.messages;
        }
        let unread = unread.into_iter().filter_map(SlotMessage::into_signal).collect();
        self.shared.names.forget(actor.pid, &self.shared.memory);
        self.retire(actor, &[], &mut Retirement::new(reason, unread), usize::MAX);
    }

    /// Takes a process that exits out of its slot, and serves the inspections that have come in time.
    /// Returns the signals that it will not read.
    fn vacate_slot(&self, entry: &mut ProcessEntry) -> Vec<Signal> {
        let collected = self.shared.slot_of(entry.actor.pid).map(|slot| slot.vacate());
        entry.has_exited = true;
        let mut unread = Vec::new();
        let Some(collected) = collected else { return unread };
        entry.memory += collected.counted;
        for message in collected.messages {
            match message {
                SlotMessage::Inspect(inspect) => inspect(entry),
                SlotMessage::JoinGroup(token) => entry.join_group(token),
                SlotMessage::Signal(signal) => unread.push(signal),
                SlotMessage::TimerFired(_)
                | SlotMessage::Reply(..)
                | SlotMessage::HostAnswer(..)
                | SlotMessage::Remove(_)
                | SlotMessage::PollWait
                | SlotMessage::Overflow
                | SlotMessage::OutOfMemory => {}
            }
        }
        unread
    }

    /// Removes a process without a word to those that are related to it, and hands it to whoever
    /// wants it so.
    pub(crate) fn remove(&self, entry: &mut ProcessEntry, removal: Box<dyn Removal>) {
        let pid = entry.actor.pid;
        let mut messages = Vec::new();
        if let Some(collected) = self.shared.slot_of(pid).map(|slot| slot.vacate()) {
            entry.memory += collected.counted;
            messages = collected.messages;
        }
        if let Some(time) = entry.timer {
            self.shared.remove_timer(pid, time);
        }
        removal.take(entry, &messages);
        entry.uncount_memory(&self.shared.memory);
        self.shared.names.forget(pid, &self.shared.memory);
        self.leave_lists(&entry.actor);
        self.shared.remove_remote_links(pid);
        self.release_slot(pid);
    }

    /// Takes a process out of the lists of those that wait to be told of something.
    fn leave_lists(&self, actor: &ActorState) {
        if actor.relations().is_some_and(|relations| relations.monitors_nodes) {
            self.shared.monitor_nodes(actor.pid, false);
        }
        match &actor.wait {
            Some(Wait::Credit { to, .. }) => {
                self.shared.stop_awaiting_credit(to.node(), actor.pid);
            }
            Some(Wait::Output) => self.stop_awaiting_output(actor.pid),
            _ => {}
        }
    }

    /// Gives the vacated slot of a process back.
    #[inline]
    fn release_slot(&self, pid: Pid) {
        if let Some(serial) = self.shared.serial_of(pid) {
            self.shared.residents.remove(pid);
            self.shared.table.release(self.worker(), serial);
        }
    }

    /// Frees the vacated slot of a process that has no names any more, and tells all related
    /// processes, and those whose signals it has not read. Those that it is linked to join its groups
    /// before. `false` when so many steps were not enough; then there is more to do.
    pub(crate) fn retire(
        &self,
        actor: &mut ActorState,
        groups: &[GroupToken],
        retirement: &mut Retirement,
        mut steps: usize,
    ) -> bool {
        if !retirement.is_gone {
            if !self.tell_related(actor, groups, retirement.reason, &mut steps) {
                return false;
            }
            self.leave(actor, retirement);
        }
        self.drop_mail(actor, &mut steps) && self.answer_unread(actor.pid, retirement, &mut steps)
    }

    /// Tells all related processes of an exit.
    fn tell_related(
        &self,
        actor: &mut ActorState,
        groups: &[GroupToken],
        reason: Reason,
        steps: &mut usize,
    ) -> bool {
        let pid = actor.pid;
        if actor.relations().is_none() {
            return true;
        }
        while let Some((to, signal)) = actor.relations_mut().next_exit_signal(pid, reason) {
            if matches!(signal, Signal::Exit { .. }) && to.node() == self.shared.node() {
                for token in groups {
                    self.deliver(to, SlotMessage::JoinGroup(token.clone()));
                }
            }
            self.send_signal(pid, to, signal);
            if !step(steps) {
                return false;
            }
        }
        true
    }

    /// Frees the slot of a process whose related processes have been told.
    fn leave(&self, actor: &ActorState, retirement: &mut Retirement) {
        let pid = actor.pid;
        // Links and monitors that were asked for and not read count too: they may be from other nodes.
        let asks = |signal: &Signal| matches!(signal, Signal::Link { .. } | Signal::Monitor { .. });
        if actor.relations().is_some() || retirement.unread.as_slice().iter().any(asks) {
            self.shared.remove_remote_links(pid);
        }
        self.leave_lists(actor);
        // Only now may another process get the slot: what was sent to this one must not reach it.
        self.release_slot(pid);
        retirement.is_gone = true;
    }

    /// Drops the messages that a process has not received.
    fn drop_mail(&self, actor: &mut ActorState, steps: &mut usize) -> bool {
        while let Some(message) = actor.mailbox.take(ANY_TAG) {
            self.shared.count_dead_letters(usize::from(is_user_message(&message)));
            if !step(steps) {
                return false;
            }
        }
        true
    }

    /// Answers those whose signals a process has not read.
    fn answer_unread(&self, pid: Pid, retirement: &mut Retirement, steps: &mut usize) -> bool {
        for signal in retirement.unread.by_ref() {
            self.shared.count_dead_letters(usize::from(signal.is_user_message()));
            if let Some((to, answer)) = signal.undeliverable(pid, Reason::NO_PROCESS) {
                self.send_signal(pid, to, answer);
            }
            if !step(steps) {
                return false;
            }
        }
        true
    }
}

/// Frees a process, if nobody else holds it.
fn free_slowly(process: Arc<Process>) {
    if let Some(mut process) = Arc::into_inner(process) {
        while process.give_heap_back(FREED_AT_ONCE) {}
    }
}

/// Takes one of the steps that are left; `false` when it was the last one.
fn step(steps: &mut usize) -> bool {
    *steps = steps.saturating_sub(1);
    *steps > 0
}

/// How a process has ended, with the state of its machine, which it has no more afterwards.
fn exit_info(entry: &mut ProcessEntry, reason: Reason, trap: Option<Box<Trap>>) -> ExitInfo {
    let process = match std::mem::replace(&mut entry.body, Body::Ended) {
        Body::Program(process, _) => Some(Arc::new(process)),
        Body::Supervisor(_) | Body::Retiring(_) | Body::Ended => None,
    };
    let links = entry.actor.relations().map(|relations| relations.links.iter().copied().collect());
    ExitInfo { pid: entry.actor.pid, reason, trap, process, links: links.unwrap_or_default() }
}
