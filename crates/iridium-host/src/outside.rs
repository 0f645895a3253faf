//! The runtime of sockets: the only place of Iridium with asynchronous tasks.
//!
//! Tasks wait for sockets and timers; each talks to programs as a process of the machine, through its
//! [`Port`]. Whoever runs programs owns one [`Outside`]; what the programs can call has handles that do
//! not keep it alive.

use std::fmt;
use std::future::Future;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;
use tokio::time::timeout;

use iridium_sched::{Scheduler, TooManyProcesses, WeakScheduler};
use iridium_vm::Pid;

use crate::port::Port;

/// Threads that drive all sockets.
const THREADS: usize = 2;
/// The most names of hosts that are looked up at a time: the system's way to do that keeps a thread.
pub(crate) const LOOKUPS: usize = 8;
/// How long such a thread stays when there is nothing more to look up.
const LOOKUP_IDLE: Duration = Duration::from_secs(5);
/// How long tasks may take to come to their end at the shutdown. A look-up that takes longer is left
/// behind.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);

/// What is outside of a scheduler: the sockets of its programs, and the threads that drive them, which
/// are started when the first is needed. Dropped, it closes all sockets and waits for its threads, for
/// 2 s at most.
#[derive(Default)]
pub struct Outside(Arc<Mutex<State>>);

/// A way to the [`Outside`] that does not keep it.
#[derive(Debug, Clone)]
pub(crate) struct OutsideHandle(Weak<Mutex<State>>);

/// The end of all servers. Whoever has one is waited for.
#[derive(Debug)]
pub(crate) struct Ending(watch::Receiver<bool>);

#[derive(Debug, Default)]
struct State {
    scheduler: Option<WeakScheduler>,
    /// Its threads, once there are some.
    runtime: Option<Runtime>,
    /// Whether servers are to end. Each has a receiver until it has.
    ending: watch::Sender<bool>,
}

/// Why nothing can be done outside.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OutsideError {
    /// No scheduler was attached, or it has been shut down.
    #[error("the program does not run on a scheduler with sockets")]
    Detached,
    /// The system has no threads.
    #[error("the system has no threads for sockets: {0}")]
    Threads(#[from] io::Error),
    /// There are as many processes as there may be.
    #[error(transparent)]
    Processes(#[from] TooManyProcesses),
}

impl Outside {
    /// Nothing yet; it starts no thread.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says on which scheduler the programs run. Sockets of an earlier one are closed.
    pub fn attach(&self, scheduler: &Scheduler) {
        let mut state = lock(&self.0);
        state.scheduler = Some(scheduler.downgrade());
        let earlier = state.runtime.take();
        drop(state);
        close(earlier);
    }

    /// Has servers of HTTP accept nobody any more, and answer those who have asked, in so long a time
    /// at most. Returns at once; `then` is called when it is over.
    pub fn drain(&self, within: Duration, then: impl FnOnce() + Send + 'static) {
        let state = lock(&self.0);
        state.ending.send_replace(true);
        let ending = state.ending.clone();
        match &state.runtime {
            Some(runtime) => drop(runtime.spawn(async move {
                if timeout(within, ending.closed()).await.is_err() {
                    log::warn!("connections are closed that have not ended within {within:?}");
                }
                then();
            })),
            None => then(),
        }
    }

    /// A way to it for host functions.
    pub(crate) fn handle(&self) -> OutsideHandle {
        OutsideHandle(Arc::downgrade(&self.0))
    }
}

impl Drop for Outside {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        state.scheduler = None;
        let runtime = state.runtime.take();
        drop(state);
        close(runtime);
    }
}

impl fmt::Debug for Outside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outside").field("runs", &lock(&self.0).runtime.is_some()).finish()
    }
}

impl OutsideHandle {
    /// The scheduler. It is to be dropped soon: while it is held it cannot be shut down.
    pub(crate) fn scheduler(&self) -> Result<Scheduler, OutsideError> {
        let state = self.0.upgrade().ok_or(OutsideError::Detached)?;
        let scheduler = lock(&state).scheduler.as_ref().and_then(WeakScheduler::upgrade);
        scheduler.ok_or(OutsideError::Detached)
    }

    /// The threads that run tasks, which are started if there are none.
    pub(crate) fn runtime(&self) -> Result<Handle, OutsideError> {
        let state = self.0.upgrade().ok_or(OutsideError::Detached)?;
        let mut state = lock(&state);
        if state.scheduler.is_none() {
            return Err(OutsideError::Detached);
        }
        let runtime = match state.runtime.take() {
            Some(runtime) => runtime,
            None => start()?,
        };
        Ok(state.runtime.insert(runtime).handle().clone())
    }

    /// Knows when servers are to end. A server has it until it has ended.
    pub(crate) fn ending(&self) -> Result<Ending, OutsideError> {
        let state = self.0.upgrade().ok_or(OutsideError::Detached)?;
        let ending = lock(&state).ending.subscribe();
        Ok(Ending(ending))
    }

    /// Starts a process that a task drives; it ends with its [`Port`]. Returns its pid.
    pub(crate) fn start<F>(&self, task: impl FnOnce(Port) -> F) -> Result<Pid, OutsideError>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let runtime = self.runtime()?;
        let port = Port::open(&self.scheduler()?)?;
        let pid = port.pid();
        runtime.spawn(task(port));
        Ok(pid)
    }
}

impl Ending {
    /// Whether it is the end.
    pub(crate) fn has_come(&self) -> bool {
        *self.0.borrow()
    }

    /// Returns at the end, also when that has come already.
    pub(crate) async fn comes(&mut self) {
        // Or its other end is gone.
        let _ = self.0.wait_for(|is_end| *is_end).await;
    }
}

fn start() -> io::Result<Runtime> {
    Builder::new_multi_thread()
        .worker_threads(THREADS)
        .thread_name("iridium-sockets")
        .max_blocking_threads(LOOKUPS)
        .thread_keep_alive(LOOKUP_IDLE)
        .enable_io()
        .enable_time()
        .build()
}

fn close(runtime: Option<Runtime>) {
    if let Some(runtime) = runtime {
        runtime.shutdown_timeout(SHUTDOWN_PATIENCE);
    }
}

/// Locks. What is guarded is whole at every moment.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
