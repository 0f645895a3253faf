//! A node: the machine and the mesh in one.

use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded};
use iridium_isa::{Module, ModuleId};
use iridium_net::{Application as _, Endpoint, Event, JoinError, JoinReport, Manager};
use iridium_proto::{MemberView, NodeAlias, NodeNumber};
use iridium_sched::supervisor::Spec;
use iridium_sched::{ExitInfo, Scheduler, Time};
use iridium_vm::{Limits, Pid, Process, Program, Start};

use crate::code::{Cache, Loader, LoaderOrder, start_named};
use crate::config::Config;
use crate::desk::{self, DeskOrder, Origin};
use crate::error::{SpawnError, StartError};
use crate::hub::{Hub, NodeEvent};
use crate::metrics::{Metrics, Page};
use crate::report::{NodeLoad, NodeProcesses};
use crate::router::{Ear, Parts, Peer, Router};
use crate::solo::{Gate, Solo};
use crate::sync::lock;

/// Orders that may wait for the loader and the desk.
const MAX_ORDERS: usize = 4096;
/// How long a thread that has much to do may take to hear that it is to end.
const PATIENCE: Duration = Duration::from_secs(3);

/// A running node: a scheduler with its processes, and a place in the mesh. Clones stand for the
/// same node; when the last one is dropped, the node shuts down.
#[derive(Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

struct Inner {
    scheduler: Scheduler,
    /// To a scheduler that was there before and is to stay.
    gate: Option<Arc<Gate>>,
    manager: Manager,
    router: Arc<Router>,
    loader: Sender<LoaderOrder>,
    desk: Sender<DeskOrder>,
    metrics: Option<Metrics>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Node {
    /// Starts a node: its workers, then its part in the mesh, which begins to join its seeds.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub fn start(config: Config) -> Result<Self, StartError> {
        Self::start_node(config, None)
    }

    /// As [`start`](Self::start), for processes that are there already: pids, messages, ties and
    /// names stay as they are, and other nodes can reach them from now on. When the node goes, they
    /// stay, and what ties them to other nodes is cut. What `config` says of workers, limits of all
    /// processes, output, and the node's number does not count.
    ///
    /// # Errors
    /// [`StartError`], also when there is a node for these processes already.
    pub fn start_with(config: Config, solo: &Solo) -> Result<Self, StartError> {
        Self::start_node(config, Some(solo))
    }

    fn start_node(mut config: Config, solo: Option<&Solo>) -> Result<Self, StartError> {
        let number = match (solo, config.mesh.number) {
            (Some(solo), _) => {
                let number = NodeNumber::new(solo.scheduler().node());
                number.map_err(iridium_net::StartError::from)?
            }
            (None, Some(number)) => number,
            (None, None) => NodeNumber::from_random(random_bits()?),
        };
        config.mesh.number = Some(number);
        let data = config.mesh.data_root.clone();
        // First, since it is the likeliest to fail.
        let bound = config.metrics.map(bind_metrics).transpose()?;
        let (loader, loader_orders) = bounded(MAX_ORDERS);
        let (desk, desk_orders) = bounded(MAX_ORDERS);
        let hub = Arc::new(Hub::new(config.observer.clone()));
        let origin = Origin { started: Instant::now(), workers: config.workers };
        let router = Arc::new(Router::new(Parts {
            loader: loader.clone(),
            desk: desk.clone(),
            hub,
            origin,
            limits: config.limits,
            hosts: config.hosts.clone(),
        }));
        let scheduler = match solo {
            Some(solo) => solo.scheduler().clone(),
            None => Scheduler::start(sched_config(&config, number, &router)?)?,
        };
        router.serve(&scheduler);
        let gate = solo.map(|solo| Arc::clone(&solo.gate));
        if gate.as_ref().is_some_and(|gate| !gate.open(&router)) {
            return Err(StartError::Taken);
        }
        let manager = match Manager::start_with(config.mesh, Arc::new(Ear(Arc::clone(&router)))) {
            Ok(manager) => manager,
            Err(error) => {
                if let Some(gate) = gate {
                    gate.close(&router);
                }
                return Err(error.into());
            }
        };
        let alias = manager.me().0.alias;
        router.answer_to(alias.clone());
        if let Some(gate) = &gate {
            gate.answer_to(alias.clone());
        }
        let threads = Mutex::default();
        let (metrics, listener) = bound.unzip();
        let inner = Inner { scheduler, gate, manager, router, loader, desk, metrics, threads };
        let node = Self { inner: Arc::new(inner) };
        // One under a temporary alias has no folder of its own, and will not come back to one.
        let own = data.map(|root| root.join(alias.as_str())).filter(|own| own.is_dir());
        let folder = own.map(|own| own.join("modules"));
        node.start_threads(Cache::new(folder), loader_orders, desk_orders)?;
        if let Some(listener) = listener {
            node.start_metrics(listener)?;
        }
        Ok(node)
    }

    fn start_threads(
        &self,
        cache: Cache,
        loader_orders: Receiver<LoaderOrder>,
        desk_orders: Receiver<DeskOrder>,
    ) -> Result<(), StartError> {
        let router = &self.inner.router;
        let loader = Loader::new(Arc::clone(router), router.hosts.clone(), cache);
        let at_desk = Arc::clone(router);
        let mut threads = lock(&self.inner.threads);
        threads.push(start("iridium-loader", move || loader.run(&loader_orders))?);
        threads.push(start("iridium-desk", move || desk::run(&at_desk, &desk_orders))?);
        Ok(())
    }

    fn start_metrics(&self, listener: TcpListener) -> Result<(), StartError> {
        let Some(metrics) = &self.inner.metrics else { return Ok(()) };
        let node = Arc::downgrade(&self.inner);
        let page = move || node.upgrade().map(|node| node.page());
        let serve = metrics.serve(listener, page);
        lock(&self.inner.threads).push(start("iridium-metrics", serve)?);
        Ok(())
    }

    /// Where a scraper finds its metrics, if it has them.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.inner.metrics.as_ref().map(|metrics| metrics.addr)
    }

    /// Its processes. They can be started, told and watched here as on any scheduler.
    pub fn scheduler(&self) -> &Scheduler {
        &self.inner.scheduler
    }

    /// Its place in the mesh.
    #[must_use]
    pub fn manager(&self) -> &Manager {
        &self.inner.manager
    }

    /// Its name.
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

    /// Everything that happens to members and processes from now on. A listener that lets 4,096
    /// events pile up is cut off: its receiver then ends.
    #[must_use]
    pub fn events(&self) -> Receiver<NodeEvent> {
        self.inner.router.hub.listen()
    }

    /// Makes a module ready to run here, and known to this node, so that others can get it.
    ///
    /// # Errors
    /// When it wants functions that this node does not have.
    pub fn load(&self, module: Module) -> Result<Arc<Program>, SpawnError> {
        self.inner.router.load(module)
    }

    /// Starts a process here, under a name if it is to have one.
    ///
    /// # Errors
    /// [`SpawnError`], also when the name is taken.
    pub fn spawn(
        &self,
        process: Process,
        program: &Arc<Program>,
        name: Option<&str>,
    ) -> Result<Pid, SpawnError> {
        start_named(&self.inner.scheduler, process, program, name).map_err(SpawnError::Refused)
    }

    /// Starts a process on another node, or with `None` on this one, by the identity of its module, which this
    /// node has to have [loaded](Self::load). Waits until it has started, 35 s at most.
    ///
    /// # Errors
    /// [`SpawnError`].
    pub fn spawn_on(
        &self,
        alias: Option<&NodeAlias>,
        module: ModuleId,
        start: Start,
        limits: Limits,
        name: Option<String>,
    ) -> Result<Pid, SpawnError> {
        self.inner.router.spawn_on(alias, module, start, limits, name)
    }

    /// The process with a name, at this node or at another. Waits for its answer, 3 s at most.
    ///
    /// # Errors
    /// [`SpawnError::NoNode`], [`SpawnError::NoAnswer`].
    pub fn find(&self, name: &str, alias: Option<&NodeAlias>) -> Result<Option<Pid>, SpawnError> {
        self.inner.router.find(name, alias)
    }

    /// Starts a tree of supervisors and programs, whose modules have to be [loaded](Self::load),
    /// under a name, which its top supervisor gets. Tells of the end of that.
    ///
    /// # Errors
    /// When there are as many processes as there may be, or the name is taken.
    pub fn start_app(
        &self,
        name: &str,
        spec: Spec,
    ) -> Result<(Pid, Receiver<ExitInfo>), SpawnError> {
        self.inner.router.start_app(name, spec)
    }

    /// This node first, then every other that it knows of, by alias.
    #[must_use]
    pub fn members(&self) -> Vec<MemberView> {
        self.inner.manager.members()
    }

    /// The processes of this node, or of all nodes, by alias. Waits for the others, 3 s at most.
    #[must_use]
    pub fn processes(&self, all: bool) -> Vec<NodeProcesses> {
        self.inner.router.processes(all)
    }

    /// How the nodes of the cluster do, by alias. Waits for the others, 3 s at most.
    #[must_use]
    pub fn loads(&self) -> Vec<NodeLoad> {
        self.inner.router.loads()
    }

    /// Says goodbye to all others, forgets them, and stops. Processes are dropped without being
    /// told, unless they were there [before](Self::start_with).
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

impl Inner {
    /// What a scraper is told.
    fn page(&self) -> Page {
        let queue = |peer: Arc<Peer>| (peer.id.alias.to_string(), peer.client.queued_bytes());
        Page {
            members: self.manager.members(),
            report: desk::load(&self.router, &self.scheduler),
            queues: self.router.peers.all().into_iter().map(queue).collect(),
        }
    }

    fn stop(&self) {
        if let Some(metrics) = &self.metrics {
            metrics.stop();
        }
        match &self.gate {
            None => self.scheduler.shutdown(),
            Some(gate) => self.let_go(gate),
        }
        // One that has ended does not take the order.
        let _ = self.loader.send_timeout(LoaderOrder::Stop, PATIENCE);
        let _ = self.desk.send_timeout(DeskOrder::Stop, PATIENCE);
        let threads: Vec<_> = lock(&self.threads).drain(..).collect();
        // One of them may be the last that had the node, while it answered.
        let me = std::thread::current().id();
        for thread in threads.into_iter().filter(|thread| thread.thread().id() != me) {
            // What it panicked with was printed when it did.
            let _ = thread.join();
        }
    }
}

impl Inner {
    /// Leaves the processes to themselves: what ties them to other nodes is cut.
    fn let_go(&self, gate: &Gate) {
        gate.close(&self.router);
        for peer in self.router.peers.all() {
            Ear(Arc::clone(&self.router)).event(&Event::Left { id: peer.id.clone() });
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.manager.shutdown();
        self.stop();
    }
}

fn bind_metrics(addr: SocketAddr) -> Result<(Metrics, TcpListener), StartError> {
    Metrics::bind(addr).map_err(|source| StartError::Metrics { addr, source })
}

fn sched_config(
    config: &Config,
    number: NodeNumber,
    router: &Arc<Router>,
) -> Result<iridium_sched::Config, StartError> {
    Ok(iridium_sched::Config {
        workers: config.workers,
        node: number.number(),
        processes: config.processes,
        memory: config.memory,
        fuel: u64::MAX,
        seed: random_bits()?,
        time: Time::Real,
        output: Arc::clone(&config.output),
        observer: Arc::clone(&router.hub) as _,
        distribution: Arc::clone(router) as _,
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
