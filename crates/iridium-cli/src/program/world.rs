//! The scheduler that programs run on here, and what it has to tell.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crossbeam_channel::{Receiver, Sender, bounded};

use iridium_node::LocalScheduler;
use iridium_proto::NodeNumber;
use iridium_sched::supervisor::Supervision;
use iridium_sched::{Config, ExitInfo, Observer, Scheduler};
use iridium_vm::{Pid, Trap};

use super::Stream;
use crate::failure::Failure;

/// News that may wait to be told. What comes when there are more is counted.
const MOST_NEWS: usize = 1024;

/// What was asked of a scheduler.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Settings {
    /// Workers; otherwise the cores.
    pub(crate) threads: Option<usize>,
    /// Processes that may live at a time.
    pub(crate) processes: Option<usize>,
    /// Memory of all processes, in bytes.
    pub(crate) memory: Option<u64>,
    /// Fuel of all processes.
    pub(crate) fuel: Option<u64>,
}

/// A scheduler with its output and its news.
pub(crate) struct World {
    pub(crate) scheduler: Scheduler,
    /// The same, as what a node can be given to.
    pub(crate) solo: LocalScheduler,
    pub(crate) stream: Stream,
    pub(crate) settings: Settings,
    /// What people should know.
    pub(crate) news: Receiver<News>,
    /// Says that nothing runs: there is nothing to do, or no fuel to do it with.
    pub(crate) still: Receiver<()>,
    missed: Arc<AtomicU64>,
}

/// What people should know.
#[derive(Debug)]
pub(crate) enum News {
    /// A process has ended with a trap.
    Trapped(Pid, Box<Trap>),
    /// A supervisor did something.
    Supervised(Pid, Supervision),
}

impl World {
    /// Starts the workers. Signals are to be blocked by now.
    ///
    /// # Errors
    /// When the system gives no threads or no random bits.
    pub(crate) fn start(settings: Settings, stream: Stream) -> Result<Self, Failure> {
        Self::start_as(None, settings, stream)
    }

    /// As [`start`](Self::start), for processes that other nodes may come to reach:
    /// their pids begin with a number that no other node is likely to have.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) fn start_reachable(settings: Settings, stream: Stream) -> Result<Self, Failure> {
        let number = NodeNumber::from_random(seed()?).number();
        Self::start_as(Some(number), settings, stream)
    }

    fn start_as(number: Option<u32>, settings: Settings, stream: Stream) -> Result<Self, Failure> {
        let (tells, news) = bounded(MOST_NEWS);
        let (stills, still) = bounded(1);
        let missed = Arc::new(AtomicU64::new(0));
        let herald = Herald { tells, stills, missed: Arc::clone(&missed) };
        let mut config = Config::new(Arc::new(stream.clone()), Arc::new(herald), seed()?);
        config.node = number.unwrap_or(config.node);
        config.workers = settings.threads.unwrap_or(config.workers);
        config.processes = settings.processes.unwrap_or(config.processes);
        config.memory = settings.memory.unwrap_or(config.memory);
        config.fuel = settings.fuel.unwrap_or(config.fuel);
        let solo = LocalScheduler::start(config)
            .map_err(|error| Failure::failed(format!("cannot start the workers: {error}")))?;
        Ok(Self {
            scheduler: solo.scheduler().clone(),
            solo,
            stream,
            settings,
            news,
            still,
            missed,
        })
    }

    /// How many news there was no room for, since the last call.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }
}

fn seed() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes)
        .map_err(|error| Failure::failed(format!("the system gives no random bits: {error}")))?;
    Ok(u64::from_le_bytes(bytes))
}

/// Passes on what workers have to tell, without ever making them wait.
struct Herald {
    tells: Sender<News>,
    stills: Sender<()>,
    missed: Arc<AtomicU64>,
}

impl Herald {
    fn tell(&self, news: News) {
        if self.tells.try_send(news).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn still(&self) {
        // Whoever has been told and has not looked yet need not be told again.
        let _ = self.stills.try_send(());
    }
}

impl Observer for Herald {
    fn exited(&self, ending: &ExitInfo) {
        if let Some(trap) = &ending.trap {
            self.tell(News::Trapped(ending.pid, trap.clone()));
        }
    }

    fn supervised(&self, supervisor: Pid, what: &Supervision) {
        self.tell(News::Supervised(supervisor, what.clone()));
    }

    fn idle(&self) {
        self.still();
    }

    fn out_of_fuel(&self) {
        self.still();
    }
}
