//! What a worker has to do: the process that was made ready last, and a queue of others.
//!
//! Those who talk to each other mostly take turns: one sends and waits, the other is woken by it. The
//! one that was woken last therefore goes first, without having been in a queue, and the two stay
//! on one worker. So that they do not keep others from running, the worker lets those go first from
//! time to time.

use std::cell::Cell;

use crossbeam_deque::Worker as Queue;

use super::task::Task;

/// What a worker has to do.
pub(crate) struct Own {
    /// The process that goes first. Only this worker can take it.
    first: Cell<Option<Box<Task>>>,
    /// The others, which other workers may take.
    queue: Queue<Box<Task>>,
    /// Whether no other worker can take them.
    alone: bool,
}

/// What has become of a process that was added.
pub(crate) enum Added {
    /// It goes first.
    First,
    /// There is something for other workers now.
    Shared,
    /// It, or the one that was to go first before, is for other workers.
    TooMany(Box<Task>),
}

impl Own {
    pub(crate) fn new(queue: Queue<Box<Task>>) -> Self {
        Self { first: Cell::new(None), queue, alone: false }
    }

    /// For one from whom nobody can take anything.
    pub(crate) fn alone(queue: Queue<Box<Task>>) -> Self {
        Self { first: Cell::new(None), queue, alone: true }
    }

    /// Adds a process that was woken.
    pub(crate) fn put(&self, task: Box<Task>) -> Added {
        match self.first.replace(Some(task)) {
            Some(before) => self.share(before),
            None => Added::First,
        }
    }

    /// Adds a process that has had its turn.
    pub(crate) fn put_behind(&self, task: Box<Task>) -> Added {
        match self.share(task) {
            Added::Shared if self.queue.len() == 1 => Added::First,
            added => added,
        }
    }

    fn share(&self, task: Box<Task>) -> Added {
        if self.alone {
            return Added::TooMany(task);
        }
        self.queue.push(task);
        Added::Shared
    }

    /// Takes the next one.
    pub(crate) fn take(&self) -> Option<Box<Task>> {
        self.first.take().or_else(|| self.queue.pop())
    }

    /// Puts the one that would go first behind the others.
    pub(crate) fn let_others_go_first(&self) {
        if let Some(task) = self.first.take() {
            self.queue.push(task);
        }
    }

    /// The queue, to be filled from elsewhere.
    pub(crate) fn queue(&self) -> &Queue<Box<Task>> {
        &self.queue
    }
}
