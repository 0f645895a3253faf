//! The run queue of a worker: the process that was woken last, others that were woken, and those that
//! have used up a turn.
//!
//! Processes that talk to each other mostly take turns: one sends and waits, the other is woken by
//! it. The one that was woken last is therefore put into a LIFO slot and runs next, so the two stay on
//! one worker. So that they do not keep others from running, the worker flushes the slot into the
//! deque from time to time. Go and Tokio have such a slot too.
//!
//! Processes that have used up their turn are *expired*, and come behind those that have only begun
//! or were woken: those mostly do little, and somebody waits for it. What only computes gets every
//! [sixteenth](super::worker) turn all the same, which is a whole one, and what the others leave.
//! Source: the active and the expired array of the first scheduler of Linux 2.6.

use std::cell::Cell;

use crossbeam_deque::{Injector, Steal, Stealer, Worker as Deque};

use super::free_list::FreeList;
use crate::process::entry::ProcessEntry;

/// So many queued processes are worth a wake-up of another worker in the middle of a turn.
const MANY: usize = 8;

/// Who runs processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The worker with this number.
    Worker(usize),
    /// A thread of the embedder that delivers signals. Nobody steals from it, and it must not be
    /// held up.
    Inline,
}

/// What a worker has to run.
pub(crate) struct LocalQueue {
    role: Role,
    free_list: FreeList,
    /// The process that runs next. Only this worker can take it.
    lifo_slot: Cell<Option<Box<ProcessEntry>>>,
    /// The others, which other workers may steal.
    ready: Deque<Box<ProcessEntry>>,
    /// Those that have used up a turn, which other workers may steal too.
    expired: Deque<Box<ProcessEntry>>,
}

/// What others take from the queue of a worker.
#[derive(Debug)]
pub(crate) struct Stealers {
    ready: Stealer<Box<ProcessEntry>>,
    expired: Stealer<Box<ProcessEntry>>,
}

impl Stealers {
    pub(crate) fn is_empty(&self) -> bool {
        self.ready.is_empty() && self.expired.is_empty()
    }

    /// Takes one, the expired ones last.
    pub(crate) fn steal(&self) -> Steal<Box<ProcessEntry>> {
        self.ready.steal().or_else(|| self.expired.steal())
    }
}

impl LocalQueue {
    pub(crate) fn new(role: Role, free_list: FreeList) -> Self {
        let (ready, expired) = (Deque::new_fifo(), Deque::new_fifo());
        Self { role, free_list, lifo_slot: Cell::new(None), ready, expired }
    }

    pub(crate) fn stealers(&self) -> Stealers {
        Stealers { ready: self.ready.stealer(), expired: self.expired.stealer() }
    }

    /// The number of the worker, if it is one's.
    pub(crate) fn worker(&self) -> Option<usize> {
        match self.role {
            Role::Worker(index) => Some(index),
            Role::Inline => None,
        }
    }

    /// Memory for new processes.
    pub(crate) fn free_list(&self) -> &FreeList {
        &self.free_list
    }

    /// Adds a process that was woken, to run next. Returns one that does not fit.
    pub(crate) fn push(&self, entry: Box<ProcessEntry>) -> Option<Box<ProcessEntry>> {
        self.lifo_slot.replace(Some(entry)).and_then(|before| self.push_back(before))
    }

    /// Adds a process that runs after those that are ready. Returns it if it does not fit.
    pub(crate) fn push_back(&self, entry: Box<ProcessEntry>) -> Option<Box<ProcessEntry>> {
        self.add(&self.ready, entry)
    }

    /// Adds a process that has used up its turn. Returns it if it does not fit.
    pub(crate) fn push_expired(&self, entry: Box<ProcessEntry>) -> Option<Box<ProcessEntry>> {
        self.add(&self.expired, entry)
    }

    fn add(
        &self,
        deque: &Deque<Box<ProcessEntry>>,
        entry: Box<ProcessEntry>,
    ) -> Option<Box<ProcessEntry>> {
        match self.role {
            Role::Worker(_) => {
                deque.push(entry);
                None
            }
            // It runs one process at a time.
            Role::Inline => Some(entry),
        }
    }

    /// Takes the next one that is ready.
    pub(crate) fn pop(&self) -> Option<Box<ProcessEntry>> {
        self.lifo_slot.take().or_else(|| self.ready.pop())
    }

    /// Takes the next one that has used up a turn.
    pub(crate) fn pop_expired(&self) -> Option<Box<ProcessEntry>> {
        self.expired.pop()
    }

    /// Takes from what is ready for another worker.
    pub(crate) fn steal_ready(&self, from: &Stealers) -> Steal<Box<ProcessEntry>> {
        from.ready.steal_batch_and_pop(&self.ready)
    }

    /// Takes from what has used up a turn with another worker.
    pub(crate) fn steal_expired(&self, from: &Stealers) -> Steal<Box<ProcessEntry>> {
        from.expired.steal_batch_and_pop(&self.expired)
    }

    /// Takes from what was made ready outside of workers.
    pub(crate) fn take_from(
        &self,
        injector: &Injector<Box<ProcessEntry>>,
    ) -> Steal<Box<ProcessEntry>> {
        injector.steal_batch_and_pop(&self.ready)
    }

    /// Puts the one that would run next behind the others.
    pub(crate) fn flush_lifo_slot(&self) {
        if let Some(entry) = self.lifo_slot.take() {
            self.ready.push(entry);
        }
    }

    /// Whether there is something for other workers, beside what this one takes next.
    pub(crate) fn has_stealable(&self) -> bool {
        self.stealable() > 1
    }

    /// Whether it has just become so long that other workers should not wait for the end of the turn.
    pub(crate) fn has_become_long(&self) -> bool {
        self.stealable() == MANY
    }

    fn stealable(&self) -> usize {
        self.ready.len() + self.expired.len()
    }

    /// Keeps the memory of a process that has exited.
    pub(crate) fn recycle(&self, entry: Box<ProcessEntry>) {
        // There are many inline workers, each of which sees few exits.
        if let Role::Worker(_) = self.role {
            self.free_list.put(entry);
        }
    }
}
