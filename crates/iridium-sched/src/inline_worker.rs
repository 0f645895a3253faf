//! Threads of the embedder that deliver many signals, one after the other, and may run processes.
//!
//! To wake a worker takes the system longer than most processes need to answer a message. So the
//! delivering thread itself runs the process that it woke last. The others
//! that it has woken go to the workers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::process::signal::Signal;
use crate::run::free_list::FreeList;
use crate::run::local_queue::{LocalQueue, Role};
use crate::run::turn::Runner;
use crate::scheduler::Scheduler;
use iridium_vm::Pid;

/// Delivers signals on a thread of the embedder, which runs processes in between.
#[must_use]
pub struct InlineWorker {
    runner: Runner,
}

impl Scheduler {
    /// For a thread that delivers signals. While one has processes to run, the scheduler may seem
    /// [idle](Self::is_idle) or not.
    pub fn inline_worker(&self) -> InlineWorker {
        let local = LocalQueue::new(Role::Inline, FreeList::default());
        InlineWorker { runner: Runner::new(Arc::clone(self.shared()), local) }
    }
}

impl InlineWorker {
    /// The number of the node.
    pub fn node(&self) -> u32 {
        self.runner.shared().node()
    }

    /// As [`Scheduler::deliver`]. A process that is woken by it may wait for
    /// [`run_woken`](Self::run_woken).
    pub fn deliver(&mut self, from: Pid, to: Pid, signal: Signal) {
        self.runner.context().send_signal(from, to, signal);
    }

    /// To be called when there is nothing more to deliver: gives a turn to the process that was woken
    /// last.
    pub fn run_woken(&mut self) {
        let shared = Arc::clone(self.runner.shared());
        let Some(entry) = self.runner.local().pop() else { return };
        if shared.stopped.load(Ordering::SeqCst) || !shared.pause.enter() {
            return shared.context().schedule(entry);
        }
        self.runner.turn(entry);
        shared.pause.leave();
        self.runner.report_fuel();
        self.leave_to_workers();
    }

    /// Gives what was woken and did not run to the workers.
    fn leave_to_workers(&self) {
        while let Some(entry) = self.runner.local().pop() {
            self.runner.shared().context().schedule(entry);
        }
    }
}

impl Drop for InlineWorker {
    fn drop(&mut self) {
        self.leave_to_workers();
    }
}

impl fmt::Debug for InlineWorker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InlineWorker").field("node", &self.node()).finish_non_exhaustive()
    }
}
