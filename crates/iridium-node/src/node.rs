//! A node: processes and a place in the mesh.

use std::fmt;
use std::sync::{Arc, Mutex, Weak};
use std::thread::{Builder, JoinHandle};

use crossbeam_channel::Receiver;
use iridium_isa::{Module, ModuleId};
use iridium_net::{Endpoint, JoinError, JoinReport, Manager};
use iridium_proto::{MemberView, NodeAlias, NodeNumber};
use iridium_sched::supervisor::Spec;
use iridium_sched::{ExitInfo, Scheduler, Time};
use iridium_vm::{Limits, Pid, Process, Program, Start};

use crate::code::{
    Cache, Loader, LoaderOrder, Outgoing, Programs, Spawner, Transfers, spawn_named,
};
use crate::config::Config;
use crate::control::{Client, Direct};
use crate::error::{NodeError, StartError};
use crate::events::{EventBus, NodeEvent};
use crate::links::{Links, Peer};
use crate::local_scheduler::{Attachment, Switch};
use crate::mesh::MeshHandler;
use crate::metrics::Page;
use crate::operators::{Operators, RemoteQuery};
use crate::orders::Orders;
use crate::remote::RemoteProcesses;
use crate::sync::lock;
use crate::this_node::ThisNode;

/// A running node: a scheduler with its processes, and a place in the mesh. Clones stand for the
/// same node; when the last one is dropped, the node shuts down.
#[derive(Clone)]
#[must_use]
pub struct Node {
    inner: Arc<Inner>,
}

/// A handle that does not keep a node from being shut down.
#[derive(Clone)]
#[must_use]
pub struct WeakNode(Weak<Inner>);

impl WeakNode {
    /// The node, unless its last handle was dropped.
    #[must_use]
    pub fn upgrade(&self) -> Option<Node> {
        self.0.upgrade().map(|inner| Node { inner })
    }
}

impl fmt::Debug for WeakNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("WeakNode").field(&self.upgrade()).finish()
    }
}

struct Inner {
    scheduler: Scheduler,
    /// The switch of a scheduler which is to stay when the node goes.
    switch: Option<Arc<Switch>>,
    manager: Manager,
    parts: MeshHandler,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Node {
    /// Starts a node: its scheduler, unless it is to have one that is there already, then its part in
    /// the mesh, which begins to join its seeds.
    ///
    /// # Errors
    /// [`StartError`]; nothing that was not there before is left running then.
    pub fn start(mut config: Config) -> Result<Self, StartError> {
        let number = number(&config)?;
        config.mesh.number = Some(number);
        let data = config.mesh.data_root.clone();
        let (parts, threads) = assemble(&config);
        let scheduler = match &config.scheduler {
            Some(local) => local.scheduler().clone(),
            None => Scheduler::start(sched_config(&config, number, &parts)?)?,
        };
        parts.this.set_scheduler(&scheduler);
        let switch = config.scheduler.as_ref().map(|local| Arc::clone(&local.switch));
        if switch.as_ref().is_some_and(|switch| !switch.attach(attachment(&parts))) {
            return Err(StartError::SchedulerTaken);
        }
        let manager = Manager::start_with(config.mesh, Arc::new(parts.clone()));
        let manager = manager.inspect_err(|_| match &switch {
            Some(switch) => switch.detach(&parts.remote),
            None => scheduler.shutdown(),
        })?;
        let alias = manager.me().0.alias;
        parts.this.set_alias(alias.clone());
        if let Some(switch) = &switch {
            switch.set_alias(alias.clone());
        }
        let inner = Inner { scheduler, switch, manager, parts, threads: Mutex::default() };
        let node = Self { inner: Arc::new(inner) };
        // One under a temporary alias has no folder of its own, and will not come back to one.
        let own = data.map(|root| root.join(alias.as_str())).filter(|own| own.is_dir());
        node.start_threads(threads, Cache::new(own.map(|own| own.join("modules"))))?;
        Ok(node)
    }

    fn start_threads(&self, threads: Threads, cache: Cache) -> Result<(), StartError> {
        let Threads { programs, transfers, orders, questions } = threads;
        let MeshHandler { this, links, operators, .. } = self.inner.parts.clone();
        let waker = Arc::downgrade(&orders);
        let outgoing = Outgoing::new(move || {
            if let Some(orders) = waker.upgrade() {
                orders.wake();
            }
        });
        let loader = Loader::new(this, links, programs, transfers, cache, outgoing);
        let mut threads = lock(&self.inner.threads);
        threads.push(start("iridium-loader", move || loader.run(&orders))?);
        threads.push(start("iridium-operators", move || operators.respond(&questions))?);
        Ok(())
    }

    /// A handle that does not keep the node from being shut down.
    pub fn downgrade(&self) -> WeakNode {
        WeakNode(Arc::downgrade(&self.inner))
    }

    /// The scheduler of the node: processes can be started, told and watched here as on any other.
    pub fn scheduler(&self) -> &Scheduler {
        &self.inner.scheduler
    }

    /// The handle of the node in the mesh.
    pub fn manager(&self) -> &Manager {
        &self.inner.manager
    }

    /// The alias of the node.
    #[must_use]
    pub fn alias(&self) -> NodeAlias {
        self.inner.manager.me().0.alias
    }

    /// Joins the cluster of another node.
    ///
    /// # Errors
    /// As for [`Manager::join`].
    pub fn join(&self, to: Endpoint) -> Result<JoinReport, JoinError> {
        self.inner.manager.join(to)
    }

    /// Everything that happens to members and processes from now on. A receiver that lets 4,096
    /// events pile up is cut off: it then ends.
    #[must_use]
    pub fn events(&self) -> Receiver<NodeEvent> {
        self.inner.parts.events.events()
    }

    /// Makes a module ready to run here, and known to this node, so that others can get it.
    ///
    /// # Errors
    /// When it wants functions that this node does not have.
    pub fn load(&self, module: Module) -> Result<Arc<Program>, NodeError> {
        self.inner.parts.operators.programs.load(module)
    }

    /// Starts a process here, under a name if it is to have one.
    ///
    /// # Errors
    /// [`NodeError`], also when the name is taken.
    pub fn spawn(
        &self,
        process: Process,
        program: &Arc<Program>,
        name: Option<&str>,
    ) -> Result<Pid, NodeError> {
        spawn_named(&self.inner.scheduler, process, program, name).map_err(NodeError::Refused)
    }

    /// Starts a process on another node, or with `None` on this one, by the identity of its module,
    /// which this node has to have [loaded](Self::load). Waits until it has started, 35 s at most.
    ///
    /// # Errors
    /// [`NodeError`].
    pub fn spawn_on(
        &self,
        alias: Option<&NodeAlias>,
        module: ModuleId,
        start: Start,
        limits: Limits,
        name: Option<String>,
    ) -> Result<Pid, NodeError> {
        self.inner.parts.operators.spawn_on(alias, module, start, limits, name)
    }

    /// The process with a name, at this node or at another. Waits for its answer, 3 s at most.
    ///
    /// # Errors
    /// [`NodeError::NoNode`], [`NodeError::NoAnswer`].
    pub fn find(&self, name: &str, alias: Option<&NodeAlias>) -> Result<Option<Pid>, NodeError> {
        self.inner.parts.operators.find(name, alias)
    }

    /// Starts a tree of supervisors and programs, whose modules have to be [loaded](Self::load),
    /// under a name, which its top supervisor gets. Returns the pid of that supervisor, and a receiver
    /// that gets its end.
    ///
    /// # Errors
    /// When there are as many processes as there may be, or the name is taken.
    pub fn start_app(
        &self,
        name: &str,
        spec: Spec,
    ) -> Result<(Pid, Receiver<ExitInfo>), NodeError> {
        self.inner.parts.operators.start_app(name, spec)
    }

    /// This node first, then every other that it knows of, by alias.
    #[must_use]
    pub fn members(&self) -> Vec<MemberView> {
        self.inner.manager.members()
    }

    /// Asks this node what operators may ask, also about the other nodes: their processes, how they
    /// do.
    pub fn client(&self) -> Client<Direct> {
        Client { transport: Direct(Arc::clone(&self.inner.parts.operators)) }
    }

    /// What this node counts, for a scraper: one page of text in the [Prometheus exposition format
    /// 0.0.4](https://prometheus.io/docs/instrumenting/exposition_formats/). It may wait for a node
    /// that has much to do.
    #[must_use]
    pub fn metrics(&self) -> String {
        self.inner.page().text()
    }

    /// Says goodbye to all others, forgets them, and stops. Processes are dropped without being
    /// told, unless their [scheduler](Config::scheduler) was there before.
    pub fn leave(&self) {
        self.inner.manager.leave();
        self.inner.stop();
    }

    /// As [`Node::leave`], but remembers the others for the next start.
    pub fn shutdown(&self) {
        self.inner.manager.shutdown();
        self.inner.stop();
    }
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (info, number) = self.inner.manager.me();
        f.debug_struct("Node").field("info", &info).field("id", &number).finish_non_exhaustive()
    }
}

impl Inner {
    /// What a scraper is told.
    fn page(&self) -> Page {
        let queue = |peer: Arc<Peer>| (peer.id.alias.to_string(), peer.client.queued_bytes());
        Page {
            members: self.manager.members(),
            report: self.parts.operators.report(&self.scheduler),
            queues: self.parts.links.peers.all().into_iter().map(queue).collect(),
        }
    }

    fn stop(&self) {
        match &self.switch {
            None => self.scheduler.shutdown(),
            Some(switch) => self.detach(switch),
        }
        self.parts.spawner.stop();
        self.parts.operators.stop();
        let threads: Vec<_> = lock(&self.threads).drain(..).collect();
        // One of them may be the last that had the node, while it answered.
        let me = std::thread::current().id();
        for thread in threads.into_iter().filter(|thread| thread.thread().id() != me) {
            // What it panicked with was printed when it did.
            let _ = thread.join();
        }
    }

    /// Leaves the processes to themselves: links and monitors to other nodes end.
    fn detach(&self, switch: &Switch) {
        switch.detach(&self.parts.remote);
        for peer in self.parts.links.peers.all() {
            self.parts.link_down(&peer.id);
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.manager.shutdown();
        self.stop();
    }
}

/// What the threads of a node begin with.
struct Threads {
    programs: Arc<Programs>,
    transfers: Arc<Transfers>,
    orders: Arc<Orders<LoaderOrder>>,
    questions: Arc<Orders<RemoteQuery>>,
}

/// Puts the parts of a node together.
fn assemble(config: &Config) -> (MeshHandler, Threads) {
    let (orders, questions) = <(Arc<Orders<_>>, Arc<Orders<_>>)>::default();
    let this = Arc::new(ThisNode::new(
        config.limits,
        config.hosts.clone(),
        config.refusal,
        config.workers,
    ));
    let (links, transfers) = (Arc::new(Links::default()), Arc::new(Transfers::default()));
    let events = Arc::new(EventBus::new(config.observer.clone()));
    let programs = Arc::new(Programs::new(Arc::clone(&this)));
    let spawner = Arc::new(Spawner::new(
        Arc::clone(&this),
        Arc::clone(&links),
        Arc::clone(&transfers),
        Arc::clone(&orders),
    ));
    let remote =
        Arc::new(RemoteProcesses::new(Arc::clone(&this), Arc::clone(&links), Arc::clone(&spawner)));
    let operators = Arc::new(Operators::new(
        Arc::clone(&programs),
        Arc::clone(&events),
        Arc::clone(&remote),
        Arc::clone(&spawner),
        (Arc::clone(&this), Arc::clone(&links)),
        Arc::clone(&questions),
    ));
    let parts = MeshHandler { this, links, events, spawner, remote, operators };
    (parts, Threads { programs, transfers, orders, questions })
}

fn attachment(parts: &MeshHandler) -> Attachment {
    Attachment { remote: Arc::clone(&parts.remote), events: Arc::clone(&parts.events) }
}

/// The number that the node begins with; that of its scheduler, if it is to have one.
fn number(config: &Config) -> Result<NodeNumber, StartError> {
    match (&config.scheduler, config.mesh.number) {
        (Some(local), _) => {
            let number = NodeNumber::new(local.scheduler().node());
            Ok(number.map_err(iridium_net::StartError::from)?)
        }
        (None, Some(number)) => Ok(number),
        (None, None) => Ok(NodeNumber::from_random(random_bits()?)),
    }
}

fn sched_config(
    config: &Config,
    number: NodeNumber,
    parts: &MeshHandler,
) -> Result<iridium_sched::Config, StartError> {
    Ok(iridium_sched::Config {
        workers: config.workers,
        node: number.number(),
        processes: config.processes,
        memory: config.memory,
        fuel: u64::MAX,
        seed: random_bits()?,
        time: Time::Real,
        engine: Arc::clone(&config.engine),
        output: Arc::clone(&config.output),
        observer: Arc::clone(&parts.events) as _,
        distribution: Arc::clone(&parts.remote) as _,
    })
}

fn start(
    name: &str,
    run: impl FnOnce() + Send + 'static,
) -> Result<JoinHandle<()>, std::io::Error> {
    Builder::new().name(name.to_string()).spawn(run)
}

fn random_bits() -> Result<u64, StartError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(|error| StartError::Threads(error.into()))?;
    Ok(u64::from_le_bytes(bytes))
}
