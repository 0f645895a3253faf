//! The run queue of a worker: the process that was woken last, and a deque of others.
//!
//! Processes that talk to each other mostly take turns: one sends and waits, the other is woken by
//! it. The one that was woken last is therefore put into a LIFO slot and runs next, so the two stay on
//! one worker. So that they do not keep others from running, the worker flushes the slot into the
//! deque from time to time. Go and Tokio have such a slot too.

use std::cell::Cell;

use crossbeam_deque::Worker as Deque;

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
    deque: Deque<Box<ProcessEntry>>,
}

impl LocalQueue {
    pub(crate) fn new(role: Role, deque: Deque<Box<ProcessEntry>>, free_list: FreeList) -> Self {
        Self { role, free_list, lifo_slot: Cell::new(None), deque }
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

    /// Adds a process that has had its turn. Returns it if it does not fit.
    pub(crate) fn push_back(&self, entry: Box<ProcessEntry>) -> Option<Box<ProcessEntry>> {
        match self.role {
            Role::Worker(_) => {
                self.deque.push(entry);
                None
            }
            // It runs one process at a time.
            Role::Inline => Some(entry),
        }
    }

    /// Takes the next one.
    pub(crate) fn pop(&self) -> Option<Box<ProcessEntry>> {
        self.lifo_slot.take().or_else(|| self.deque.pop())
    }

    /// Puts the one that would run next behind the others.
    pub(crate) fn flush_lifo_slot(&self) {
        if let Some(entry) = self.lifo_slot.take() {
            self.deque.push(entry);
        }
    }

    /// Whether there is something for other workers, beside what this one takes next.
    pub(crate) fn has_stealable(&self) -> bool {
        self.deque.len() > 1
    }

    /// Whether it has just become so long that other workers should not wait for the end of the turn.
    pub(crate) fn has_become_long(&self) -> bool {
        self.deque.len() == MANY
    }

    /// Keeps the memory of a process that has exited.
    pub(crate) fn recycle(&self, entry: Box<ProcessEntry>) {
        // There are many inline workers, each of which sees few exits.
        if let Role::Worker(_) = self.role {
            self.free_list.put(entry);
        }
    }

    /// The deque, to steal into.
    pub(crate) fn deque(&self) -> &Deque<Box<ProcessEntry>> {
        &self.deque
    }
}
