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

/// So many processes are worth a wake-up in the middle of a turn.
const MANY: usize = 8;

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
    /// Whether no other worker can take them.
    alone: bool,
}

impl Own {
    /// What the worker with this number has to do.
    pub(crate) fn new(index: usize, queue: Queue<Box<Task>>, spare: Spare) -> Self {
        Self { index, spare, first: Cell::new(None), queue, alone: false }
    }

    /// For one who is no worker, and from whom nobody can take anything.
    pub(crate) fn alone() -> Self {
        let (index, queue, spare) = (usize::MAX, Queue::new_fifo(), Spare::default());
        Self { index, spare, first: Cell::new(None), queue, alone: true }
    }

    /// Adds a process that was woken. Gives back one that is too many.
    pub(crate) fn put(&self, task: Box<Task>) -> Option<Box<Task>> {
        self.first.replace(Some(task)).and_then(|before| self.put_behind(before))
    }

    /// Adds a process that has had its turn. Gives it back if it is too many.
    pub(crate) fn put_behind(&self, task: Box<Task>) -> Option<Box<Task>> {
        if self.alone {
            return Some(task);
        }
        self.queue.push(task);
        None
    }

    /// Whether there is something for other workers, beside what this one takes next.
    pub(crate) fn has_spare(&self) -> bool {
        self.queue.len() > 1
    }

    /// Whether there has come to be so much that others should not wait for the end of the turn.
    pub(crate) fn has_many(&self) -> bool {
        self.queue.len() == MANY
    }

    /// Keeps what can be used again of a process that has ended.
    pub(crate) fn keep(&self, task: Box<Task>) {
        // Those who are alone are many, and end few.
        if !self.alone {
            self.spare.keep(task);
        }
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
