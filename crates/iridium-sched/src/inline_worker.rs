//! Somebody who brings signals from outside, many and one after the other, and may lend a hand.
//!
//! To wake a worker takes the system longer than most processes need to answer a message. So the
//! thread that has brought one lets the process it has woken last have its turn itself. The others
//! that it has woken go to the workers.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_utils::sync::Parker;

use super::Scheduler;
use super::own::Own;
use super::worker::Worker;
use crate::Signal;
use iridium_vm::Pid;

/// A thread that brings signals from outside.
pub struct InlineWorker {
    /// One that nobody steals from, and that never sleeps.
    worker: Worker,
}

impl Scheduler {
    /// For a thread that brings signals from outside. While one is about, the scheduler
    /// may [rest](Self::is_at_rest) or not.
    pub fn inline_worker(&self) -> InlineWorker {
        let shared = Arc::clone(self.shared());
        InlineWorker { worker: Worker::new(shared, usize::MAX, Own::alone(), Parker::new()) }
    }
}

impl InlineWorker {
    /// The number of the node.
    pub fn node(&self) -> u32 {
        self.worker.shared().node()
    }

    /// As [`Scheduler::deliver`]. A process that is woken by it may wait for
    /// [`go_on`](Self::go_on).
    pub fn deliver(&mut self, from: Pid, to: Pid, signal: Signal) {
        self.worker.context().post(from, to, signal);
    }

    /// To be called when nothing more is at hand to deliver: gives a turn to the process that was
    /// woken last.
    pub fn go_on(&mut self) {
        let shared = Arc::clone(self.worker.shared());
        let Some(task) = self.worker.own().take() else { return };
        // Output may be held up for as long as somebody looks at a terminal. Workers can wait for
        // that; whoever stands here reads what other nodes say, also that they are alive.
        if shared.stopped.load(Ordering::SeqCst)
            || !shared.output.has_room()
            || !shared.pause.enter()
        {
            return shared.context().ready(task);
        }
        self.worker.turn(task);
        shared.pause.leave();
        self.worker.tell_spent();
        self.hand_over();
    }

    /// Gives what was woken and did not run to the workers.
    fn hand_over(&self) {
        while let Some(task) = self.worker.own().take() {
            self.worker.shared().context().ready(task);
        }
    }
}

impl Drop for InlineWorker {
    fn drop(&mut self) {
        self.hand_over();
    }
}
