//! A scheduler that is there before its node, and stays when that has gone: that of a REPL, say,
//! whose processes other nodes can reach for as long as there is a node.

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

use crate::events::EventBus;
use crate::remote::RemoteProcesses;
use crate::sync::{read, write};

/// A scheduler without a node, for [`Config::scheduler`](crate::Config::scheduler). Its pids hold its
/// number from the start on, so that nothing has to change when it gets a node: the number should be
/// a random one. Clones stand for the same scheduler.
#[derive(Clone)]
#[must_use]
pub struct LocalScheduler {
    scheduler: Scheduler,
    pub(crate) switch: Arc<Switch>,
}

impl LocalScheduler {
    /// Starts the scheduler. What `config` says of other nodes is ignored.
    ///
    /// # Errors
    /// When the system has no threads for it.
    pub fn start(mut config: iridium_sched::Config) -> io::Result<Self> {
        let switch = Arc::new(Switch {
            scheduler: OnceLock::new(),
            node: RwLock::default(),
            alias: OnceLock::new(),
            observer: Arc::clone(&config.observer),
        });
        config.observer = Arc::clone(&switch) as _;
        config.distribution = Arc::clone(&switch) as _;
        let scheduler = Scheduler::start(config)?;
        // It is set once, here.
        let _ = switch.scheduler.set(scheduler.downgrade());
        Ok(Self { scheduler, switch })
    }

    /// The scheduler.
    pub fn scheduler(&self) -> &Scheduler {
        &self.scheduler
    }
}

impl fmt::Debug for LocalScheduler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let number = self.scheduler.node();
        f.debug_struct("LocalScheduler").field("number", &number).finish_non_exhaustive()
    }
}

/// What such a scheduler takes for the other nodes: none, until it has a node.
pub(crate) struct Switch {
    scheduler: OnceLock<WeakScheduler>,
    node: RwLock<Option<Attachment>>,
    /// That of its first node: a reference to it is handed out, so it cannot change.
    alias: OnceLock<NodeAlias>,
    /// Who is told in any case.
    observer: Arc<dyn Observer>,
}

/// The parts of a node that its scheduler calls.
#[derive(Clone)]
pub(crate) struct Attachment {
    pub(crate) remote: Arc<RemoteProcesses>,
    pub(crate) events: Arc<EventBus>,
}

impl Switch {
    /// Attaches a node, unless another is attached. Answers whether it was.
    #[must_use]
    pub(crate) fn attach(&self, node: Attachment) -> bool {
        let mut place = write(&self.node);
        let free = place.is_none();
        if free {
            *place = Some(node);
        }
        free
    }

    /// Sets the alias under which names of its processes are asked for.
    pub(crate) fn set_alias(&self, alias: NodeAlias) {
        // That of an earlier node stays.
        let _ = self.alias.set(alias);
    }

    /// Detaches a node, if it is the one that is attached.
    pub(crate) fn detach(&self, remote: &Arc<RemoteProcesses>) {
        let mut place = write(&self.node);
        if place.as_ref().is_some_and(|attached| Arc::ptr_eq(&attached.remote, remote)) {
            *place = None;
        }
    }

    fn remote(&self) -> Option<Arc<RemoteProcesses>> {
        read(&self.node).as_ref().map(|node| Arc::clone(&node.remote))
    }

    fn events(&self) -> Option<Arc<EventBus>> {
        read(&self.node).as_ref().map(|node| Arc::clone(&node.events))
    }
}

impl Distribution for Switch {
    fn message(&self, from: Pid, to: Pid, message: Message) -> Result<(), SendRefused> {
        // Without other nodes it is as one to a process that is not there.
        self.remote().map_or(Ok(()), |remote| remote.message(from, to, message))
    }

    fn signal(&self, from: Pid, to: Pid, signal: Signal) -> Result<(), Signal> {
        match self.remote() {
            Some(remote) => remote.signal(from, to, signal),
            None => Err(signal),
        }
    }

    fn request(
        &self,
        from: Pid,
        number: u64,
        question: &RemoteRequest,
    ) -> Result<(), NodeUnreachable> {
        self.remote().ok_or(NodeUnreachable)?.request(from, number, question)
    }

    fn nodes(&self) -> Vec<u32> {
        match self.remote() {
            Some(remote) => remote.nodes(),
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

impl Observer for Switch {
    fn exited(&self, exit: &ExitInfo) {
        if let Some(events) = self.events() {
            events.exited(exit);
        }
        self.observer.exited(exit);
    }

    fn supervised(&self, supervisor: Pid, what: &Supervision) {
        if let Some(events) = self.events() {
            events.supervised(supervisor, what);
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
