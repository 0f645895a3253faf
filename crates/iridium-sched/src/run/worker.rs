//! A worker: a thread that takes processes that can run, and gives each a turn.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crossbeam_deque::Steal;
use crossbeam_utils::sync::Parker;

use super::local_queue::Stealers;
use super::shared::Shared;
use super::turn::Runner;
use crate::process::entry::ProcessEntry;

/// After so many turns a worker flushes its LIFO slot, and after as many more it looks at what has
/// come from outside; one turn of so many is for a process that has used one up before.
const TURNS_PER_CHECK: u32 = 16;

/// A worker.
pub(crate) struct Worker {
    runner: Runner,
    index: usize,
    parker: Parker,
    turns: u32,
    /// How many processes from outside are to run before those of its own queue.
    outside_first: u32,
    /// Whether it was woken and has found nothing yet.
    searching: bool,
}

impl Worker {
    pub(crate) fn new(index: usize, runner: Runner, parker: Parker) -> Self {
        Self { runner, index, parker, turns: 0, outside_first: 0, searching: false }
    }

    /// Runs processes until the scheduler is stopped.
    pub(crate) fn run(mut self) {
        while !self.shared().stopped.load(Ordering::SeqCst) {
            if self.shared().pause.is_wanted() {
                self.runner.local().flush_lifo_slot();
                self.shared().pause.pass();
            } else if let Some(entry) = self.find() {
                // Searching in vain does not count as a turn: how often that happens is up to the
                // system, and which process runs next is not to be.
                self.turns = self.turns.wrapping_add(1);
                if std::mem::take(&mut self.searching) {
                    self.shared().idle.found_work(self.index, || self.shared().has_work());
                }
                self.runner.turn(entry);
                self.runner.context().share_work();
            } else {
                self.sleep();
            }
        }
    }

    fn shared(&self) -> &Arc<Shared> {
        self.runner.shared()
    }

    /// A process that can run.
    fn find(&mut self) -> Option<Box<ProcessEntry>> {
        // In different turns: what comes from outside may come all the time, and may be such as to
        // wake a process in every turn, and neither is to keep the queue waiting.
        match self.turns % (2 * TURNS_PER_CHECK) {
            0 => {
                self.runner.report_fuel();
                trim_memory(self.shared());
                self.outside_first = self.outside_first.max(1);
            }
            TURNS_PER_CHECK => self.runner.local().flush_lifo_slot(),
            at if at % TURNS_PER_CHECK == TURNS_PER_CHECK / 2 => {
                if let Some(entry) = self.find_expired() {
                    return Some(entry);
                }
            }
            _ => {}
        }
        if self.runner.take_time_for_others() {
            self.runner.local().flush_lifo_slot();
            // As long a time at most for the one side as for the other.
            self.outside_first = if self.outside_first > 0 { 0 } else { TURNS_PER_CHECK };
        }
        if self.outside_first > 0 {
            match retry(|| self.shared().injector.steal()) {
                Some(entry) => {
                    self.outside_first -= 1;
                    return Some(entry);
                }
                None => self.outside_first = 0,
            }
        }
        self.find_ready().or_else(|| self.find_expired())
    }

    /// A process that was woken, or has only begun.
    fn find_ready(&self) -> Option<Box<ProcessEntry>> {
        let (shared, local) = (self.shared(), self.runner.local());
        let next = local.pop().or_else(|| retry(|| local.take_from(&shared.injector)));
        next.or_else(|| self.others().find_map(|other| retry(|| local.steal_ready(other))))
    }

    /// A process that has used up its last turn.
    fn find_expired(&self) -> Option<Box<ProcessEntry>> {
        let local = self.runner.local();
        let next = local.pop_expired();
        next.or_else(|| self.others().find_map(|other| retry(|| local.steal_expired(other))))
    }

    /// The queues of other workers.
    fn others(&self) -> impl Iterator<Item = &Stealers> {
        let all = self.shared().stealers.iter().enumerate();
        all.filter(|(at, _)| *at != self.index).map(|(_, other)| other)
    }

    /// Sleeps until there is something to do. Virtual time advances instead.
    fn sleep(&mut self) {
        self.runner.report_fuel();
        trim_memory(self.shared());
        let shared = &**self.runner.shared();
        if shared.may_advance_virtual_time() {
            for (time, serial) in shared.timers.advance(&shared.clock) {
                // Into the common queue: a worker does not check its own before it sleeps.
                shared.context().fire_timer(time, serial);
            }
        }
        self.searching = shared.idle.sleep(
            self.index,
            || shared.has_work() || shared.has_virtual_time_to_advance(),
            || {
                shared.report_if_idle();
                self.parker.park();
            },
        );
    }
}

/// Starts a thread that trims memory, if most of many processes have exited.
fn trim_memory(shared: &Arc<Shared>) {
    if !shared.memory_trim.begin(&shared.table) {
        return;
    }
    let on_thread = Arc::clone(shared);
    let started = shared.threads.spawn("iridium-trim", move || {
        on_thread.memory_trim.run(&on_thread.table);
        on_thread.memory_trim.end();
        // More may have exited meanwhile, and no worker need be awake to see it.
        trim_memory(&on_thread);
    });
    if let Err(error) = started {
        log::warn!("no thread to give memory back to the system, which is tried again: {error}");
        shared.memory_trim.end();
    }
}

/// Tries until it is clear whether there is something to take.
fn retry(mut attempt: impl FnMut() -> Steal<Box<ProcessEntry>>) -> Option<Box<ProcessEntry>> {
    loop {
        match attempt() {
            Steal::Success(entry) => return Some(entry),
            Steal::Empty => return None,
            Steal::Retry => {}
        }
    }
}
