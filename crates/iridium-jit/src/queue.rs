//! The thread that compiles, and its queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::Builder;

use iridium_isa::Module;

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
pub(crate) const MOST_JOBS: usize = 64;

/// The thread that compiles. It is started for the first job. When this is dropped the thread ends by
/// itself, after the function that it is at, and nobody waits for it: that may take a tenth of a second,
/// and more where others have all the time. It owns all that it works with.
#[derive(Debug)]
pub(crate) struct Queue {
    counters: Arc<Counters>,
    /// Whether nobody wants code any more.
    closing: Arc<AtomicBool>,
    /// Where jobs go, once there has been one; `None` when there is no thread.
    jobs: OnceLock<Option<SyncSender<Job>>>,
}

impl Queue {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self { counters, closing: Arc::default(), jobs: OnceLock::new() }
    }

    /// Has the code around an instruction compiled.
    pub(crate) fn add(&self, compiled: &Arc<Compiled>, module: &Arc<Module>, index: u32) {
        let Some(jobs) = self.jobs.get_or_init(|| self.start()) else { return };
        let job = Job { compiled: Arc::downgrade(compiled), module: Arc::clone(module), index };
        self.counters.waits();
        if let Err(error) = jobs.try_send(job) {
            self.counters.waits_no_longer();
            if matches!(error, TrySendError::Full(_)) {
                compiled.ask_again(index);
            }
        }
    }

    fn start(&self) -> Option<SyncSender<Job>> {
        let (jobs, queue) = sync_channel(MOST_JOBS);
        let counters = Arc::clone(&self.counters);
        let closing = Arc::clone(&self.closing);
        let thread =
            Builder::new().name("jit".into()).spawn(move || work(&queue, &counters, &closing));
        match thread {
            Ok(_) => Some(jobs),
            Err(error) => {
                log::warn!("no thread that compiles, so all programs are interpreted: {error}");
                None
            }
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        self.closing.store(true, Ordering::Relaxed);
    }
}

/// Lets this thread run where the others leave time: what it makes is for later.
#[cfg(target_os = "linux")]
fn give_way() {
    // There it is of a thread, not of all.
    if let Err(error) = rustix::process::nice(5) {
        log::debug!("the thread that compiles takes as much time as others: {error}");
    }
}

#[cfg(not(target_os = "linux"))]
fn give_way() {}

fn work(queue: &Receiver<Job>, counters: &Arc<Counters>, closing: &Arc<AtomicBool>) {
    give_way();
    let new = || Compiler::new(Arc::clone(counters), Arc::clone(closing));
    let Some(mut compiler) = new() else { return };
    for job in queue {
        if closing.load(Ordering::Relaxed) {
            return;
        }
        // A mistake of the library costs the program its speed, and others nothing.
        let compile = || counters.timed(|| do_job(&mut compiler, &job));
        let failed = catch_unwind(AssertUnwindSafe(compile)).is_err();
        counters.waits_no_longer();
        if failed {
            counters.refused();
            let id = job.module.id();
            log::error!("a function of module {id} is interpreted: its compilation failed");
            let Some(another) = new() else { return };
            compiler = another;
        }
    }
}

fn do_job(compiler: &mut Compiler, Job { compiled, module, index }: &Job) {
    let Some(compiled) = compiled.upgrade() else { return };
    let batch = compiler.around(module, &mut lock(&compiled.progress), *index);
    if let Some(batch) = batch {
        log::debug!(
            "compiled {} instructions of module {}, {} bytes of code",
            batch.instructions,
            module.id(),
            batch.memory.len(),
        );
        compiled.finish(batch);
    }
}
