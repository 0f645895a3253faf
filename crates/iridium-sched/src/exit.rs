//! How a process has ended.

use std::sync::atomic::Ordering;

use super::letter::Letter;
use super::shared::Context;
use super::table::Place;
use super::task::{Body, Task};
use crate::actor::{Actor, Wait};
use crate::{Reason, Signal};
use iridium_vm::{Pid, Process, Trap};

/// The end of a process, for those who look at it from outside.
#[derive(Debug, Clone)]
pub struct ExitInfo {
    /// Which process.
    pub pid: Pid,
    /// The reason that others are told.
    pub reason: Reason,
    /// The trap that ended it, if it was one.
    pub trap: Option<Box<Trap>>,
    /// The state in which the machine was left; `None` for a supervisor.
    pub process: Option<Box<Process>>,
    /// The processes that it was linked to.
    pub links: Vec<Pid>,
}

impl Context<'_> {
    /// Ends a process: gives its place back, and tells all who are tied to it. The observer knows
    /// before anybody can act on it.
    pub(crate) fn end(&self, mut task: Box<Task>, reason: Reason, trap: Option<Box<Trap>>) {
        let unread = self.leave(&mut task);
        task.hand_on(*self);
        if reason == Reason::NORMAL && task.witnesses.is_empty() {
            return self.end_unseen(task, unread);
        }
        let Task { actor, body, timer, memory, witnesses, .. } = *task;
        let abnormal = reason != Reason::NORMAL;
        let ending = (abnormal || !witnesses.is_empty()).then(|| {
            let links = actor.has_ties().map(|ties| ties.links.iter().copied().collect());
            let process = match body {
                Body::Program(process, _) => Some(Box::new(process)),
                Body::Supervisor(_) | Body::Ended => None,
            };
            let links = links.unwrap_or_default();
            ExitInfo { pid: actor.pid, reason, trap, process, links }
        });
        if let Some(ending) = ending.as_ref().filter(|_| abnormal) {
            self.shared.observer.ended(ending);
        }
        if let Some(time) = timer {
            self.shared.timers.remove(time, actor.pid.serial());
        }
        self.shared.memory.fetch_sub(memory as i64, Ordering::Relaxed);
        self.retire(&actor, reason, unread);
        for (witness, ending) in witnesses.into_iter().zip(std::iter::repeat(ending).flatten()) {
            // Whoever asked may have gone meanwhile.
            let _ = witness.try_send(ending);
        }
    }

    /// Ends a process whose end is nobody's business, and keeps what can be used again of it.
    fn end_unseen(&self, task: Box<Task>, unread: Vec<Signal>) {
        if let Some(time) = task.timer {
            self.shared.timers.remove(time, task.actor.pid.serial());
        }
        if task.memory > 0 {
            self.shared.memory.fetch_sub(task.memory as i64, Ordering::Relaxed);
        }
        self.retire(&task.actor, Reason::NORMAL, unread);
        if let Some(own) = self.own {
            own.keep(task);
        }
    }

    /// Takes a process that ends out of its place, and lets those see it who have asked to in time.
    /// Gives the signals that it will not read.
    fn leave(&self, task: &mut Task) -> Vec<Signal> {
        let letters = self.shared.table.place(task.actor.pid.serial()).map(Place::vacate);
        task.has_ended = true;
        let mut unread = Vec::new();
        for letter in letters.into_iter().flatten() {
            match letter {
                Letter::Look(look) => look(task),
                Letter::Follow(token) => task.follow(token),
                Letter::Signal(signal) => unread.push(signal),
                Letter::Time(_) | Letter::Answer(..) | Letter::Room | Letter::Overflow => {}
            }
        }
        unread
    }

    /// Gives the vacated place of a process back, and tells all who are tied to it, and those whose
    /// signals it has not read.
    pub(crate) fn retire(&self, actor: &Actor, reason: Reason, unread: Vec<Signal>) {
        let pid = actor.pid;
        self.shared.names.forget(pid);
        if let Some(ties) = actor.has_ties() {
            for (to, signal) in ties.farewell(pid, reason) {
                self.post(pid, to, signal);
            }
            if ties.watches_nodes {
                self.shared.watch_nodes(pid, false);
            }
        }
        // Ties that were asked for and not read count here too: they may be with other nodes.
        let asks = |signal: &Signal| matches!(signal, Signal::Link { .. } | Signal::Monitor { .. });
        if actor.has_ties().is_some() || unread.iter().any(asks) {
            self.shared.untie(pid);
        }
        if let Some(Wait::Room { to, .. }) = &actor.wait {
            self.shared.await_no_room(to.node(), pid);
        }
        // Only now may somebody else get the place: what was told of this one must not reach it.
        self.shared.table.release(self.worker(), pid.serial());
        let unsaid = unread.iter().filter(|signal| signal.is_mail()).count();
        self.shared.bury(unsaid + actor.mailbox.mail());
        for signal in unread {
            if let Some((to, answer)) = signal.undeliverable(pid, Reason::NO_PROCESS) {
                self.post(pid, to, answer);
            }
        }
    }
}
