//! The scheduler that programs run on in this command, and what it reports.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, TrySendError, bounded, select};

use iridium_host::Outside;
use iridium_node::LocalScheduler;
use iridium_proto::NodeNumber;
use iridium_sched::supervisor::Supervision;
use iridium_sched::{Config, ExitInfo, Observer, Scheduler};
use iridium_vm::{Hosts, Pid, Trap};

use super::{EngineChoice, Stream};
use crate::failure::Failure;
use crate::signals::Signal;

/// How long clients of servers may take at the end.
const DRAIN_WITHIN: Duration = Duration::from_secs(3);

/// How many notices may wait. When there are more, the oldest are only counted: the latest says
/// most about how things stand.
const MAX_NOTICES: usize = 1024;

/// The most processes that a scheduler of this command can have at a time.
pub(crate) const MAX_PROCESSES: usize = 1 << 24;

/// The flags for a scheduler.
#[derive(Debug, Clone, Default)]
pub(crate) struct Settings {
    /// Number of workers; by default one for each core.
    pub(crate) threads: Option<usize>,
    /// What executes instructions.
    pub(crate) engine: EngineChoice,
    /// The most processes at a time; at most [`MAX_PROCESSES`].
    pub(crate) processes: Option<usize>,
    /// The most memory of all processes together, in bytes.
    pub(crate) memory: Option<u64>,
    /// The fuel of all processes together.
    pub(crate) fuel: Option<u64>,
    /// What its programs may call.
    pub(crate) hosts: Hosts,
    /// Where their sockets are.
    pub(crate) outside: Arc<Outside>,
}

/// A scheduler with its output and its notices.
pub(crate) struct Environment {
    pub(crate) scheduler: Scheduler,
    /// The same scheduler, in the form that a node can be started with.
    pub(crate) local: LocalScheduler,
    pub(crate) stream: Stream,
    pub(crate) settings: Settings,
    /// Events to report to the user.
    pub(crate) notices: Receiver<Notice>,
    /// Receives when no process runs any more: all wait, or the fuel is used up. Look whether
    /// it still holds.
    pub(crate) idle: Receiver<()>,
    missed: Arc<AtomicU64>,
}

/// An event to report to the user.
#[derive(Debug)]
pub(crate) enum Notice {
    /// A process has ended with a trap.
    Trapped(Pid, Box<Trap>),
    /// A supervisor did something.
    Supervised(Pid, Supervision),
}

impl Environment {
    /// Starts the workers. Call [`crate::signals::receive`] before.
    ///
    /// # Errors
    /// When the system provides no threads or no random bits.
    pub(crate) fn start(settings: Settings, stream: Stream) -> Result<Self, Failure> {
        Self::start_as(None, settings, stream)
    }

    /// As [`start`](Self::start), for processes that other nodes may reach later: their pids
    /// begin with a random number, which no other node is likely to have.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub(crate) fn start_reachable(settings: Settings, stream: Stream) -> Result<Self, Failure> {
        let number = NodeNumber::from_random(seed()?).number();
        Self::start_as(Some(number), settings, stream)
    }

    fn start_as(number: Option<u32>, settings: Settings, stream: Stream) -> Result<Self, Failure> {
        let (notices_sender, notices) = bounded(MAX_NOTICES);
        let (idle_sender, idle) = bounded(1);
        let missed = Arc::new(AtomicU64::new(0));
        let notifier = Notifier {
            notices_sender,
            oldest: notices.clone(),
            idle_sender,
            missed: Arc::clone(&missed),
        };
        let mut config = Config::new(Arc::new(stream.clone()), Arc::new(notifier), seed()?);
        config.node = number.unwrap_or(config.node);
        config.workers = settings.threads.unwrap_or(config.workers);
        config.engine = settings.engine.engine()?;
        config.processes = settings.processes.unwrap_or(config.processes);
        config.memory = settings.memory.unwrap_or(config.memory);
        config.fuel = settings.fuel.unwrap_or(config.fuel);
        let local = LocalScheduler::start(config)
            .map_err(|error| Failure::failed(format!("cannot start the workers: {error}")))?;
        settings.outside.attach(local.scheduler());
        Ok(Self {
            scheduler: local.scheduler().clone(),
            local,
            stream,
            settings,
            notices,
            idle,
            missed,
        })
    }

    /// How many notices were dropped since the last call, for lack of room.
    pub(crate) fn missed(&self) -> u64 {
        self.missed.swap(0, Ordering::Relaxed)
    }
}

/// Has servers of programs accept nobody any more, and answer those who have asked, for a short time
/// at most. A signal that comes meanwhile is not waited for.
pub(crate) fn drain(outside: &Outside, signals: &Receiver<Signal>) {
    let (over, drained) = bounded::<Infallible>(0);
    outside.drain(DRAIN_WITHIN, move || drop(over));
    select! {
        recv(drained) -> _ => {}
        recv(signals) -> _ => {}
    }
}

fn seed() -> Result<u64, Failure> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| {
        Failure::failed(format!("cannot get random bits from the system: {error}"))
    })?;
    Ok(u64::from_le_bytes(bytes))
}

/// Passes on what workers report, without ever making them wait.
struct Notifier {
    notices_sender: Sender<Notice>,
    /// The other end, to drop what is oldest.
    oldest: Receiver<Notice>,
    idle_sender: Sender<()>,
    missed: Arc<AtomicU64>,
}

impl Notifier {
    fn notify(&self, notice: Notice) {
        let mut sent = self.notices_sender.try_send(notice);
        while let Err(TrySendError::Full(notice)) = sent {
            if self.oldest.try_recv().is_ok() {
                self.missed.fetch_add(1, Ordering::Relaxed);
            }
            sent = self.notices_sender.try_send(notice);
        }
    }

    fn notify_idle(&self) {
        // If the channel is full, the receiver has not looked yet, and one message is enough.
        let _ = self.idle_sender.try_send(());
    }
}

impl Observer for Notifier {
    fn exited(&self, exit: &ExitInfo) {
        if let Some(trap) = &exit.trap {
            self.notify(Notice::Trapped(exit.pid, trap.clone()));
        }
    }

    fn supervised(&self, supervisor: Pid, what: &Supervision) {
        self.notify(Notice::Supervised(supervisor, what.clone()));
    }

    fn idle(&self) {
        self.notify_idle();
    }

    fn out_of_fuel(&self) {
        self.notify_idle();
    }
}
