//! A scheduler that is there before its node is, and stays when that has gone: that of a REPL, say,
//! whose processes are to be reachable from other nodes from some moment on.

use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock, RwLock};

use iridium_proto::NodeAlias;
use iridium_sched::supervisor::Supervision;
use iridium_sched::{
    self, Distribution, ExitInfo, NodeUnreachable, Observer, RemoteRequest, Scheduler, SendRefused,
    Signal, WeakScheduler,
};
use iridium_vm::{Message, Pid};

use crate::router::Router;
use crate::sync::{read, write};

/// A scheduler without a node, which may get one with
/// [`Node::start_with`](crate::Node::start_with). Its pids hold its number from the start on, so
/// that nothing has to change then: it should be a random one.
pub struct Solo {
    scheduler: Scheduler,
    pub(crate) gate: Arc<Gate>,
}

impl Solo {
    /// Starts the scheduler. What `config` says of other nodes does not count.
    ///
    /// # Errors
    /// When the system has no threads for it.
    pub fn start(mut config: iridium_sched::Config) -> io::Result<Self> {
        let gate = Arc::new(Gate {
            scheduler: OnceLock::new(),
            router: RwLock::default(),
            alias: OnceLock::new(),
            observer: Arc::clone(&config.observer),
        });
        config.observer = Arc::clone(&gate) as _;
        config.distribution = Arc::clone(&gate) as _;
        let scheduler = Scheduler::start(config)?;
        let _ = gate.scheduler.set(scheduler.downgrade());
        Ok(Self { scheduler, gate })
    }

    /// The scheduler.
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }
}

impl fmt::Debug for Solo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Solo").field("number", &self.scheduler.node()).finish_non_exhaustive()
    }
}

/// What stands between such a scheduler and its node: no other nodes, until there is one.
pub(crate) struct Gate {
    scheduler: OnceLock<WeakScheduler>,
    router: RwLock<Option<Arc<Router>>>,
    /// That of its first node: a reference to it is handed out, so it cannot change.
    alias: OnceLock<NodeAlias>,
    /// Who is told in any case.
    observer: Arc<dyn Observer>,
}

impl Gate {
    /// Lets a node in, unless another is there.
    pub(crate) fn open(&self, router: &Arc<Router>) -> bool {
        let mut place = write(&self.router);
        let free = place.is_none();
        if free {
            *place = Some(Arc::clone(router));
        }
        free
    }

    /// Says under which alias its names are asked for.
    pub(crate) fn answer_to(&self, alias: NodeAlias) {
        let _ = self.alias.set(alias);
    }

    /// Shuts a node out, if it is the one that is there.
    pub(crate) fn close(&self, router: &Arc<Router>) {
        let mut place = write(&self.router);
        if place.as_ref().is_some_and(|inside| Arc::ptr_eq(inside, router)) {
            *place = None;
        }
    }

    fn router(&self) -> Option<Arc<Router>> {
        read(&self.router).clone()
    }
}

impl Distribution for Gate {
    fn message(&self, from: Pid, to: Pid, message: Message) -> Result<(), SendRefused> {
        // Without other nodes it is as one to a process that is not there.
        self.router().map_or(Ok(()), |router| router.message(from, to, message))
    }

    fn signal(&self, from: Pid, to: Pid, signal: Signal) -> Result<(), Signal> {
        match self.router() {
            Some(router) => router.signal(from, to, signal),
            None => Err(signal),
        }
    }

    fn request(
        &self,
        from: Pid,
        number: u64,
        question: &RemoteRequest,
    ) -> Result<(), NodeUnreachable> {
        self.router().ok_or(NodeUnreachable)?.request(from, number, question)
    }

    fn nodes(&self) -> Vec<u32> {
        match self.router() {
            Some(router) => router.nodes(),
            None => {
                let scheduler = self.scheduler.get().and_then(WeakScheduler::upgrade);
                scheduler.map(|scheduler| scheduler.node()).into_iter().collect()
            }
        }
    }

    fn alias(&self) -> &str {
        self.alias.get().map_or("", NodeAlias::as_str)
    }
}

impl Observer for Gate {
    fn exited(&self, ending: &ExitInfo) {
        if let Some(router) = self.router() {
            router.hub.exited(ending);
        }
        self.observer.exited(ending);
    }

    fn supervised(&self, supervisor: Pid, what: &Supervision) {
        if let Some(router) = self.router() {
            router.hub.supervised(supervisor, what);
        }
        self.observer.supervised(supervisor, what);
    }

    fn idle(&self) {
        self.observer.idle();
    }

    fn out_of_fuel(&self) {
        self.observer.out_of_fuel();
    }
}
