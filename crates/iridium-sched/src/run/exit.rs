//! How processes end.

use std::sync::atomic::Ordering;

use super::context::Context;
use crate::process::actor::{ActorState, Wait};
use crate::process::entry::{Body, ProcessEntry};
use crate::process::exit_info::ExitInfo;
use crate::process::reason::Reason;
use crate::process::signal::Signal;
use crate::process::slot_message::{Removal, SlotMessage};
use iridium_vm::{Pid, Trap};

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
        self.extend_groups(&entry);
        if reason == Reason::NORMAL && entry.exit_subscribers.is_empty() {
            return self.exit_unobserved(entry, unread);
        }
        let ProcessEntry { actor, body, timer, memory, mut exit_subscribers, .. } = *entry;
        let abnormal = reason != Reason::NORMAL;
        let links = actor.relations().map(|relations| relations.links.iter().copied().collect());
        let process = match body {
            Body::Program(process, _) => Some(Box::new(process)),
            Body::Supervisor(_) | Body::Ended => None,
        };
        let links = links.unwrap_or_default();
        let info = ExitInfo { pid: actor.pid, reason, trap, process, links };
        if abnormal {
            self.shared.observer.exited(&info);
        }
        if let Some(time) = timer {
            self.shared.remove_timer(actor.pid, time);
        }
        self.shared.memory.fetch_sub(memory as i64, Ordering::Relaxed);
        self.retire(&actor, reason, unread);
        // Subscribers may have gone meanwhile. Most often there is one, for whom nothing is copied.
        let last = exit_subscribers.pop();
        for subscriber in exit_subscribers {
            let _ = subscriber.try_send(info.clone());
        }
        let _ = last.map(|subscriber| subscriber.try_send(info));
    }

    /// Ends a process normally that no embedder wants to hear of, and keeps its memory.
    fn exit_unobserved(&self, entry: Box<ProcessEntry>, unread: Vec<Signal>) {
        if let Some(time) = entry.timer {
            self.shared.remove_timer(entry.actor.pid, time);
        }
        if entry.memory > 0 {
            self.shared.memory.fetch_sub(entry.memory as i64, Ordering::Relaxed);
        }
        self.retire(&entry.actor, Reason::NORMAL, unread);
        if let Some(local) = self.local {
            local.recycle(entry);
        }
    }

    /// Takes a process that exits out of its slot, and serves the inspections that have come in time.
    /// Returns the signals that it will not read.
    fn vacate_slot(&self, entry: &mut ProcessEntry) -> Vec<Signal> {
        let messages = self.shared.slot_of(entry.actor.pid).map(|slot| slot.vacate());
        entry.has_exited = true;
        let mut unread = Vec::new();
        for message in messages.into_iter().flatten() {
            match message {
                SlotMessage::Inspect(inspect) => inspect(entry),
                SlotMessage::JoinGroup(token) => entry.join_group(token),
                SlotMessage::Signal(signal) => unread.push(signal),
                SlotMessage::TimerFired(_)
                | SlotMessage::Reply(..)
                | SlotMessage::HostAnswer(..)
                | SlotMessage::Remove(_)
                | SlotMessage::PollWait
                | SlotMessage::Overflow => {}
            }
        }
        unread
    }

    /// Adds those that a process is linked to, on this node, to its groups.
    fn extend_groups(&self, entry: &ProcessEntry) {
        for token in &entry.groups {
            let links =
                entry.actor.relations().into_iter().flat_map(|relations| relations.links.iter());
            for pid in links.filter(|pid| pid.node() == self.shared.node()) {
                self.deliver(*pid, SlotMessage::JoinGroup(token.clone()));
            }
        }
    }

    /// Removes a process without a word to those that are related to it, and hands it to whoever
    /// wants it so.
    pub(crate) fn remove(&self, entry: &ProcessEntry, removal: Box<dyn Removal>) {
        let pid = entry.actor.pid;
        let messages = self.shared.slot_of(pid).map(|slot| slot.vacate()).unwrap_or_default();
        if let Some(time) = entry.timer {
            self.shared.remove_timer(pid, time);
        }
        self.shared.memory.fetch_sub(entry.memory as i64, Ordering::Relaxed);
        removal.take(entry, &messages);
        self.shared.names.forget(pid);
        if entry.actor.relations().is_some_and(|relations| relations.monitors_nodes) {
            self.shared.monitor_nodes(pid, false);
        }
        self.shared.remove_remote_links(pid);
        self.stop_waiting(&entry.actor);
        self.release_slot(pid);
    }

    /// Forgets what a process waited for that would be told of it.
    fn stop_waiting(&self, actor: &ActorState) {
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

    /// Frees the vacated slot of a process, and tells all related processes, and those whose signals
    /// it has not read.
    pub(crate) fn retire(&self, actor: &ActorState, reason: Reason, unread: Vec<Signal>) {
        let pid = actor.pid;
        self.shared.names.forget(pid);
        if let Some(relations) = actor.relations() {
            for (to, signal) in relations.exit_signals(pid, reason) {
                self.send_signal(pid, to, signal);
            }
            if relations.monitors_nodes {
                self.shared.monitor_nodes(pid, false);
            }
        }
        // Links and monitors that were asked for and not read count too: they may be from other nodes.
        let asks = |signal: &Signal| matches!(signal, Signal::Link { .. } | Signal::Monitor { .. });
        if actor.relations().is_some() || unread.iter().any(asks) {
            self.shared.remove_remote_links(pid);
        }
        self.stop_waiting(actor);
        // Only now may another process get the slot: what was sent to this one must not reach it.
        self.release_slot(pid);
        let unread_messages = unread.iter().filter(|signal| signal.is_user_message()).count();
        self.shared.count_dead_letters(unread_messages + actor.mailbox.user_messages());
        for signal in unread {
            if let Some((to, answer)) = signal.undeliverable(pid, Reason::NO_PROCESS) {
                self.send_signal(pid, to, answer);
            }
        }
    }
}
