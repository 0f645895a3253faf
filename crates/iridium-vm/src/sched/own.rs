//! What a worker has to do: the process that was made ready last, and a queue of others.
//!
//! Those who talk to each other mostly take turns: one sends and waits, the other is woken by it. The
//! one that was woken last therefore goes first, without having been in a queue, and the two stay
//! on one worker. So that they do not keep others from running, the worker lets those go first from
//! time to time.

use std::cell::Cell;

use crossbeam_deque::Worker as Queue;

use super::spare::Spare;
use super::task::Task;

/// What a worker has to do.
pub(crate) struct Own {
    /// Which worker it is.
    pub(crate) index: usize,
    /// Memory for new processes.
    pub(crate) spare: Spare,
    /// The process that goes first. Only this worker can take it.
    first: Cell<Option<Box<Task>>>,
    /// The others, which other workers may take.
    queue: Queue<Box<Task>>,
}

impl Own {
    pub(crate) fn new(index: usize, queue: Queue<Box<Task>>, spare: Spare) -> Self {
        Self { index, spare, first: Cell::new(None), queue }
    }

    /// Adds a process that was woken.
    pub(crate) fn put(&self, task: Box<Task>) {
        if let Some(before) = self.first.replace(Some(task)) {
            self.queue.push(before);
        }
    }

    /// Adds a process that has had its turn.
    pub(crate) fn put_behind(&self, task: Box<Task>) {
        self.queue.push(task);
    }

    /// Whether there is something for other workers, beside what this one takes next.
    pub(crate) fn has_spare(&self) -> bool {
        self.queue.len() > 1
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
