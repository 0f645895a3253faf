//! The thread that compiles, and its queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{Builder, JoinHandle};

use iridium_isa::Module;

use crate::code_memory::Budget;
use crate::compile::Compiler;
use crate::compiled::{Compiled, lock};
use crate::stats::Counters;

/// What is to be compiled.
struct Job {
    /// A program that has gone meanwhile needs no code.
    compiled: Weak<Compiled>,
    module: Arc<Module>,
    index: u32,
}

/// Jobs that wait at most; a place that finds no room is told of again when it is hot again.
const MOST_JOBS: usize = 64;

/// The thread that compiles. It is started for the first job, and joined when this is dropped.
#[derive(Debug)]
pub(crate) struct Queue {
    budget: Arc<Budget>,
    counters: Arc<Counters>,
    started: OnceLock<Option<Started>>,
}

#[derive(Debug)]
struct Started {
    jobs: SyncSender<Job>,
    thread: JoinHandle<()>,
}

impl Queue {
    pub(crate) fn new(budget: Arc<Budget>, counters: Arc<Counters>) -> Self {
        Self { budget, counters, started: OnceLock::new() }
    }

    /// Has the code around an instruction compiled.
    pub(crate) fn add(&self, compiled: &Arc<Compiled>, module: &Arc<Module>, index: u32) {
        let Some(started) = self.started.get_or_init(|| self.start()) else { return };
        let job = Job { compiled: Arc::downgrade(compiled), module: Arc::clone(module), index };
        if let Err(TrySendError::Full(_)) = started.jobs.try_send(job) {
            compiled.ask_again(index);
        }
    }

    fn start(&self) -> Option<Started> {
        let (jobs, queue) = sync_channel(MOST_JOBS);
        let (budget, counters) = (Arc::clone(&self.budget), Arc::clone(&self.counters));
        let thread =
            Builder::new().name("jit".into()).spawn(move || work(&queue, budget, &counters));
        match thread {
            Ok(thread) => Some(Started { jobs, thread }),
            Err(error) => {
                log::warn!("no thread that compiles, so all programs are interpreted: {error}");
                None
            }
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let Some(Started { jobs, thread }) = self.started.take().flatten() else { return };
        drop(jobs);
        if thread.join().is_err() {
            log::error!("the thread that compiles has panicked");
        }
    }
}

fn work(queue: &Receiver<Job>, budget: Arc<Budget>, counters: &Counters) {
    let Some(mut compiler) = Compiler::new(Arc::clone(&budget)) else { return };
    for Job { compiled, module, index } in queue {
        let Some(compiled) = compiled.upgrade() else { continue };
        let compile = || compiler.around(&module, &mut lock(&compiled.progress), index);
        // A mistake of the library costs the program its speed, and others nothing.
        let Ok(batch) = catch_unwind(AssertUnwindSafe(compile)) else {
            log::error!(
                "a function of module {} is interpreted: its compilation failed",
                module.id()
            );
            let Some(another) = Compiler::new(Arc::clone(&budget)) else { return };
            compiler = another;
            continue;
        };
        if let Some(batch) = batch {
            counters.count(&batch);
            log::debug!(
                "compiled {} instructions of module {} in {} us, {} bytes of code",
                batch.instructions,
                module.id(),
                batch.took.as_micros(),
                batch.memory.len(),
            );
            compiled.finish(batch);
        }
    }
}
