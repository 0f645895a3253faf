//! The handle of a running node, and how a node is started and stopped.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use iridium_proto::{
    Introduction, MemberView, NodeAlias, NodeId, NodeInfo, NodeIp, NodeNumber, NodePort,
};

use crate::application::{Application, QueueingApplication};
use crate::config::Config;
use crate::endpoint::Endpoint;
use crate::error::{ForgetError, JoinError, SendError, StartError};
use crate::event::{Event, JoinReport};
use crate::link::{ClusterClient, Delivery, FLUSH};
use crate::membership::Start;
use crate::random;
use crate::store::{self, Store};
use crate::threads::{Threads, lock};

use super::command::Command;
use super::connection::ConnectionContext;
use super::io::IoThreads;
use super::listener_set::ListenerSet;
use super::own_threads::OwnThreads;
use super::owner::Owner;
use super::peers_file::PeersFile;
use super::shared::Shared;

/// Events that may wait for one subscriber before it is cut off.
const MAX_EVENTS: usize = 4096;
/// How long a join may take: the dial of the seed, its answer, and the dials of the members it named.
const JOIN_TIME: Duration = Duration::from_secs(20);

/// The handle of a running node: of its listeners, its links, and its view of the
/// cluster. Clones are handles of the same node; when the last one is dropped, the
/// node shuts down.
#[derive(Clone)]
#[must_use = "the node shuts down when its last handle is dropped"]
pub struct Manager {
    inner: Arc<Inner>,
}

struct Inner {
    commands: Sender<Command>,
    shared: Arc<Shared>,
    deliveries: Receiver<Delivery>,
    threads: Threads,
    addr: SocketAddr,
    control_addr: Option<SocketAddr>,
    /// Until when threads are waited for, set when the node is first stopped: to stop it again does
    /// not wait longer.
    wait_until: OnceLock<Instant>,
}

impl Manager {
    /// Starts a node: it locks its folder, listens, and starts to join its seeds
    /// and the peers it remembers. What others send is queued in
    /// [`messages`](Self::messages).
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub fn start(config: Config) -> Result<Self, StartError> {
        let (inbox, deliveries) = unbounded();
        Self::start_node(config, Arc::new(QueueingApplication(inbox)), deliveries)
    }

    /// As [`start`](Self::start), for an application that is called with what
    /// others send; the channel of [`messages`](Self::messages) is closed. The node
    /// keeps `application` until its threads have ended; if that in turn holds a
    /// `Manager`, the node runs until it is stopped explicitly.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running then.
    pub fn start_with(
        config: Config,
        application: Arc<dyn Application>,
    ) -> Result<Self, StartError> {
        Self::start_node(config, application, unbounded().1)
    }

    fn start_node(
        config: Config,
        application: Arc<dyn Application>,
        deliveries: Receiver<Delivery>,
    ) -> Result<Self, StartError> {
        let (alias, store) = open_store(&config)?;
        let incarnation = match &store {
            Some(store) => store.next_incarnation(),
            None => store::clock_incarnation(),
        };
        let unsaved = store.as_ref().and_then(|store| first_save(store, incarnation));
        let remembered = store.as_ref().map_or_else(Vec::new, Store::peers);
        let (listeners, bound) = ListenerSet::bind(&config)?;
        let (addr, control_addr) = (listeners.mesh_addr(), listeners.control_addr());
        let number = match config.number {
            Some(number) => number,
            None => NodeNumber::from_random(random::bits().map_err(StartError::System)?),
        };
        let info = published(&config, alias.clone(), addr)?;
        let id = NodeId { alias, incarnation, number };
        let start = Start {
            intro: Introduction { info: info.clone(), id: id.clone(), refutation: 0 },
            timing: config.timing.clone(),
            features: config.features,
            remembered,
            may_renumber: true,
            seed: random::bits().map_err(StartError::System)?,
        };
        let threads = Threads::default();
        let (commands, inputs) = unbounded();
        let shared = Arc::new(Shared::new((id, info), addr, &config.timing, bounded(MAX_EVENTS)));
        let peers_file = PeersFile::start(store, unsaved, &threads)?;
        let io_threads = IoThreads::start(&threads).map_err(StartError::System)?;
        let context = ConnectionContext {
            own_threads: Arc::new(OwnThreads::new(config.own_threads)),
            io_threads: Arc::new(io_threads),
            config: Arc::new(config),
            threads: threads.clone(),
            commands: commands.clone(),
            application,
            shared: Arc::clone(&shared),
        };
        let owner = Owner::new(listeners, peers_file, context);
        // If this fails, the threads that run already end as their channels are dropped.
        owner.start(bound, start, inputs)?;
        let wait_until = OnceLock::new();
        let inner = Inner { commands, shared, deliveries, threads, addr, control_addr, wait_until };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Who this node is, with the address that others use for it as far as known.
    #[must_use]
    pub fn me(&self) -> (NodeId, NodeInfo) {
        lock(&self.inner.shared.me).clone()
    }

    /// The address it listens at.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.inner.addr
    }

    /// The address at which it accepts control clients alone, if there is one.
    #[must_use]
    pub fn control_addr(&self) -> Option<SocketAddr> {
        self.inner.control_addr
    }

    /// Joins the cluster of the node at `to`, and waits until the members that it
    /// named have been dialled, 20 s at most. This is one attempt; a seed in
    /// [`Config::seeds`] is tried until it answers.
    ///
    /// # Errors
    /// [`JoinError`]; the node goes on as it was.
    pub fn join(&self, to: Endpoint) -> Result<JoinReport, JoinError> {
        let (reply, answer) = bounded(1);
        let seed = to.to_string();
        self.send_command(Command::Join { to, reply }).map_err(|Stopped| JoinError::Stopped)?;
        match answer.recv_timeout(JOIN_TIME) {
            Ok(outcome) => outcome,
            Err(crossbeam_channel::RecvTimeoutError::Disconnected) => Err(JoinError::Stopped),
            Err(crossbeam_channel::RecvTimeoutError::Timeout) => {
                let why = format!("no answer within {} s", JOIN_TIME.as_secs());
                Err(JoinError::Unreachable { to: seed, why: why.into() })
            }
        }
    }

    /// This node, then all others that it knows of, by alias. Empty when the node
    /// has been stopped.
    #[must_use]
    pub fn members(&self) -> Vec<MemberView> {
        let (reply, answer) = bounded(1);
        let asked = self.send_command(Command::Members { reply });
        asked.ok().and_then(|()| answer.recv().ok()).unwrap_or_default()
    }

    /// Forgets a member that is down or has left, at all nodes: they neither list nor dial it any
    /// more. A later incarnation of its alias may join.
    ///
    /// # Errors
    /// [`ForgetError`]; nothing has changed then.
    pub fn forget(&self, alias: &NodeAlias) -> Result<(), ForgetError> {
        let (reply, answer) = bounded(1);
        self.send_command(Command::Forget { alias: alias.clone(), reply })
            .map_err(|Stopped| ForgetError::Stopped)?;
        answer.recv().unwrap_or(Err(ForgetError::Stopped))
    }

    /// Subscribes to everything that happens from now on; the first call also gets
    /// what has happened since the start. A subscriber that lets more than 4,096
    /// events wait is cut off: its channel is closed.
    #[must_use]
    pub fn events(&self) -> Receiver<Event> {
        if let Some(events) = lock(&self.inner.shared.since_start).take() {
            return events;
        }
        let (subscriber, events) = bounded(MAX_EVENTS);
        lock(&self.inner.shared.subscribers).push(subscriber);
        events
    }

    /// Messages from other nodes, those of one node in the order in which they
    /// were sent. All clones of the receiver share them. Messages over 65 KiB, of all
    /// nodes together, do not come when 24 MiB of them wait here. A node of which 17 MiB wait
    /// here can send no more until some are received.
    #[must_use]
    pub fn messages(&self) -> Receiver<Delivery> {
        self.inner.deliveries.clone()
    }

    /// Queues a message to a node.
    ///
    /// # Errors
    /// [`SendError`]; nothing was queued then.
    pub fn send(&self, to: &NodeAlias, bytes: Vec<u8>) -> Result<(), SendError> {
        let link = self.link(to).ok_or(SendError::NotLinked)?;
        link.send(bytes)
    }

    /// The link to a node, as long as there is one.
    #[must_use]
    pub fn link(&self, to: &NodeAlias) -> Option<Arc<ClusterClient>> {
        lock(&self.inner.shared.routes).get(to).cloned()
    }

    /// Leaves the cluster, forgets the peers, and stops. Returns when all threads
    /// have ended, after 3 s at most.
    pub fn leave(&self) {
        self.inner.stop(true);
    }

    /// As [`leave`](Self::leave), but the peers are remembered for the next start.
    pub fn shutdown(&self) {
        self.inner.stop(false);
    }

    fn send_command(&self, command: Command) -> Result<(), Stopped> {
        self.inner.commands.send(command).map_err(|_| Stopped)
    }
}

impl fmt::Debug for Manager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (id, addr) = (self.me().0, self.local_addr());
        f.debug_struct("Manager").field("id", &id).field("addr", &addr).finish_non_exhaustive()
    }
}

/// The owner thread has ended.
struct Stopped;

impl Inner {
    fn stop(&self, forget: bool) {
        // The owner may have stopped already.
        let _ = self.commands.send(Command::Stop { forget });
        let most = || Instant::now() + FLUSH + Duration::from_secs(1);
        if !self.threads.wait(*self.wait_until.get_or_init(most)) {
            log::debug!("some threads have not ended: they wait for the system");
        }
    }
}

impl Drop for Inner {
    fn drop(&mut self) {
        self.stop(false);
    }
}

/// The alias of the node, and its folder if it has one.
fn open_store(config: &Config) -> Result<(NodeAlias, Option<Store>), StartError> {
    match (&config.data_root, &config.alias) {
        (None, None) => Ok((store::random_alias()?, None)),
        (None, Some(alias)) => Ok((alias.clone(), None)),
        (Some(root), Some(alias)) => Ok((alias.clone(), Some(Store::open(root, alias)?))),
        (Some(root), None) => {
            let alias = store::default_alias(root)?;
            match Store::open(root, &alias) {
                Ok(store) => Ok((alias, Some(store))),
                Err(StartError::AliasInUse { .. }) => {
                    let temporary = store::random_alias()?;
                    log::info!(
                        "the alias {alias} is in use; this node has the alias {temporary} until it stops"
                    );
                    Ok((temporary, None))
                }
                Err(error) => Err(error),
            }
        }
    }
}

/// Saves the incarnation of this start. Returns it if that has failed, to be saved later.
fn first_save(store: &Store, incarnation: u64) -> Option<u64> {
    store.save_incarnation(incarnation).is_err().then_some(incarnation)
}

/// The address that this node tells others to dial.
fn published(config: &Config, alias: NodeAlias, addr: SocketAddr) -> Result<NodeInfo, StartError> {
    let own_port = NodePort::new(addr.port())?;
    let (ip, port) = match config.advertise {
        Some((ip, port)) => (ip, port.unwrap_or(own_port)),
        None => (NodeIp(addr.ip()), own_port),
    };
    Ok(NodeInfo { alias, ip, port })
}
