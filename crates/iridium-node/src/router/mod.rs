//! Where the machine and the mesh meet: what processes want of other nodes goes out here, and what
//! other nodes want of processes here comes in.
//!
//! Messages and signals go from the sender's worker straight to the connection, and from the
//! reader of a connection straight to the receiver's mailbox. Whatever takes time is handed on: to
//! the [loader](crate::code) or to the desk, which answers operators.

mod arrivals;
mod asks;
mod errands;
mod parcel;
mod peers;
mod transfers;

use std::collections::VecDeque;
use std::ops::Deref;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use crossbeam_channel::Sender;
use iridium_isa::ModuleId;
use iridium_net::{ClusterClient, SendError};
use iridium_proto::{NodeAlias, NodeId};
use iridium_sched::{
    Distribution, NodeUnreachable, RemoteRequest, Scheduler, SendRefused, Signal, WeakScheduler,
};
use iridium_vm::{Completion, Hosts, Limits, Message, Pid};

pub use self::parcel::MAX_PAYLOAD;

pub(crate) use self::arrivals::Ear;
pub(crate) use self::errands::Errand;
pub(crate) use self::parcel::{Findings, Parcel, Query};
pub(crate) use self::peers::Peer;
pub(crate) use self::transfers::{Arrived, News};

use self::asks::Asks;
use self::errands::Errands;
use self::peers::Peers;
use self::transfers::Transfers;
use crate::code::{Birth, LoaderOrder};
use crate::desk::{DeskOrder, Origin};
use crate::hub::Hub;
use crate::report::NodeReport;

/// How much has gone to and come from other nodes.
#[derive(Debug, Default)]
struct Traffic {
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    received: AtomicU64,
    received_bytes: AtomicU64,
    modules_sent: AtomicU64,
}

/// What a router is made of.
pub(crate) struct Parts {
    pub(crate) loader: Sender<LoaderOrder>,
    pub(crate) desk: Sender<DeskOrder>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) origin: Origin,
    /// What a process of this node may use at most.
    pub(crate) limits: Limits,
    pub(crate) hosts: Hosts,
}

/// What the threads of a node share.
pub(crate) struct Router {
    /// The alias of this node, once it is known.
    alias: OnceLock<NodeAlias>,
    scheduler: OnceLock<WeakScheduler>,
    pub(crate) peers: Peers,
    asks: Asks,
    errands: Errands,
    traffic: Traffic,
    pub(crate) transfers: Transfers,
    /// Programs that came from elsewhere, the latest last.
    pub(crate) brought: Mutex<VecDeque<ModuleId>>,
    /// The apps that were started here, with their top supervisors.
    pub(crate) apps: Mutex<Vec<(String, Pid)>>,
    parts: Parts,
}

impl Deref for Router {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.parts
    }
}

impl Router {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            alias: OnceLock::new(),
            scheduler: OnceLock::new(),
            peers: Peers::default(),
            asks: Asks::default(),
            errands: Errands::default(),
            traffic: Traffic::default(),
            transfers: Transfers::default(),
            brought: Mutex::default(),
            apps: Mutex::default(),
            parts,
        }
    }

    /// Says for whom it works. Before, nothing comes in.
    pub(crate) fn serve(&self, scheduler: &Scheduler) {
        let _ = self.scheduler.set(scheduler.downgrade());
    }

    /// Says under which alias names of this node are asked for.
    pub(crate) fn answer_to(&self, alias: NodeAlias) {
        let _ = self.alias.set(alias);
    }

    /// The alias of this node; none has been given to it before its start is over.
    pub(crate) fn own_alias(&self) -> Option<&NodeAlias> {
        self.alias.get()
    }

    /// The scheduler, until the node is shut down.
    pub(crate) fn scheduler(&self) -> Option<Scheduler> {
        self.scheduler.get().and_then(WeakScheduler::upgrade)
    }

    /// A connection to a node is in use from now on.
    fn link_up(&self, id: &NodeId, client: &Arc<ClusterClient>) {
        // The one before it was lost, and what was under way on it.
        self.link_down(id);
        let peer = Peer::new(id.clone(), Arc::clone(client));
        let number = peer.number();
        self.peers.insert(Arc::new(peer));
        if let Some(scheduler) = self.scheduler() {
            scheduler.node_up(number);
        }
    }

    /// The connection to a node is lost, for processes at least.
    fn link_down(&self, id: &NodeId) {
        let Some(peer) = self.peers.remove(id) else { return };
        let number = peer.number();
        self.errands.lose(number);
        self.transfers.lose(number);
        self.rouse_loader();
        let Some(scheduler) = self.scheduler() else { return };
        scheduler.node_down(number);
        for ((asker, question), answer) in self.asks.lose(number) {
            scheduler.reply(asker, question, answer);
        }
    }

    /// Tells a peer something that must not be refused for want of room. That it is out of reach by
    /// now is told to all by the loss of its connection.
    pub(crate) fn tell(&self, peer: &Peer, lane: Pid, parcel: &Parcel) -> Result<(), SendError> {
        match parcel.to_bytes() {
            Ok(bytes) => Ok(peer.client.send_signal(lane_of(lane), bytes)?),
            Err(error) => {
                log::error!("cannot encode what {} is to be told: {error}", peer.id.alias);
                Err(SendError::NotLinked)
            }
        }
    }

    /// As [`tell`](Self::tell), for what may be refused for want of room, and has to be if it is
    /// long.
    pub(crate) fn offer(&self, peer: &Peer, lane: Pid, parcel: &Parcel) -> Result<(), SendError> {
        match parcel.to_bytes() {
            Ok(bytes) => Ok(peer.client.send_in(lane_of(lane), bytes)?),
            Err(error) => {
                log::error!("cannot encode what {} is to be told: {error}", peer.id.alias);
                Err(SendError::NotLinked)
            }
        }
    }

    /// Sends a message that comes from outside of processes, so that nobody can be suspended until
    /// there is room for it. As a signal it would never be refused, but many of them would cost the
    /// link, and with it all that ties processes across it.
    fn message_from_outside(&self, from: Pid, to: Pid, message: Message) {
        if let Err(refused) = self.message(from, to, message) {
            let why = match refused {
                SendRefused::NoCredit(_) => "there is no room on the way",
                SendRefused::TooLong(_) => "it is too long",
            };
            log::warn!("dropped a message to process {to} of another node: {why}");
        }
    }

    /// Wakes the loader if it has nothing to do. Else it looks for news before each order.
    fn rouse_loader(&self) {
        let _ = self.loader.try_send(LoaderOrder::Look);
    }

    /// Counts what a connection has brought.
    fn count_arrival(&self, bytes: usize) {
        count(&self.traffic.received, 1);
        count(&self.traffic.received_bytes, bytes);
    }

    /// Counts a module whose code was sent.
    pub(crate) fn count_module(&self) {
        count(&self.traffic.modules_sent, 1);
    }

    /// Adds what the connections have carried.
    pub(crate) fn add_traffic(&self, report: &mut NodeReport) {
        for peer in self.peers.all() {
            report.queued_bytes += peer.client.queued_bytes() as u64;
        }
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        report.sent = read(&self.traffic.sent);
        report.sent_bytes = read(&self.traffic.sent_bytes);
        report.received = read(&self.traffic.received);
        report.received_bytes = read(&self.traffic.received_bytes);
        report.modules_sent = read(&self.traffic.modules_sent);
    }

    /// Asks a peer on behalf of an operator.
    pub(crate) fn send_errand(&self, peer: &Peer, query: Query) -> Errand {
        let errand = self.errands.note(peer.number());
        let parcel = Parcel::Query { number: errand.number, query };
        if self.tell(peer, Pid::NOBODY, &parcel).is_err() || peer.is_lost() {
            self.errands.forget(errand.number);
        }
        errand
    }

    /// Starts a process that another node wants, if its code is here.
    pub(crate) fn bear(&self, scheduler: &Scheduler, birth: &Birth) -> bool {
        let Some(program) = scheduler.program(birth.module) else { return false };
        birth.answer(self, birth.start(scheduler, &program, &self.limits));
        true
    }

    /// Answers a question of a process of another node.
    pub(crate) fn answer(&self, peer: &Peer, (asker, number): (Pid, u64), answer: Completion) {
        // A peer that is gone does not wait for it.
        let _ = self.tell(peer, Pid::NOBODY, &Parcel::Answer { asker, number, answer });
    }
}

/// What one process sends keeps its order; what different ones send does not wait for each other.
fn lane_of(pid: Pid) -> u64 {
    pid.bits() as u64
}

fn count(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Ordering::Relaxed);
}

impl Distribution for Router {
    fn message(&self, from: Pid, to: Pid, message: Message) -> Result<(), SendRefused> {
        if message.payload.bytes().len() > MAX_PAYLOAD {
            return Err(SendRefused::TooLong(message));
        }
        let Some(peer) = self.peers.find(to.node()) else { return Ok(()) };
        let bytes = parcel::message_bytes(to, message);
        let len = bytes.len();
        let Err(iridium_net::Refused { why, bytes }) = peer.client.send_in(lane_of(from), bytes)
        else {
            count(&self.traffic.sent, 1);
            count(&self.traffic.sent_bytes, len);
            return Ok(());
        };
        let why = match why {
            // As to a process that is not there.
            SendError::NotLinked => return Ok(()),
            SendError::WouldBlock => SendRefused::NoCredit,
            SendError::TooLong { .. } => SendRefused::TooLong,
        };
        parcel::take_back(bytes).map_or(Ok(()), |message| Err(why(message)))
    }

    fn signal(&self, from: Pid, to: Pid, signal: Signal) -> Result<(), Signal> {
        if let Signal::Message(message) = signal {
            self.message_from_outside(from, to, message);
            return Ok(());
        }
        let Some(peer) = self.peers.find(to.node()) else { return Err(signal) };
        // Should it be lost at this moment: whoever is tied to it was noted before, and is told.
        let _ = self.tell(&peer, from, &Parcel::Signal { from, to, signal });
        Ok(())
    }

    fn request(
        &self,
        from: Pid,
        number: u64,
        question: &RemoteRequest,
    ) -> Result<(), NodeUnreachable> {
        let peer = match question {
            RemoteRequest::Spawn { node, .. } => self.peers.find(*node),
            RemoteRequest::WhereIs { alias, .. } => self.peers.named(alias),
        };
        let peer = peer.ok_or(NodeUnreachable)?;
        self.asks.note(from, number, peer.number(), question);
        let parcel = Parcel::Ask { asker: from, number, question: question.clone() };
        let lost = self.tell(&peer, from, &parcel).is_err() || peer.is_lost();
        // Unless it was answered, or given up, meanwhile.
        if lost && self.asks.take_back(from, number) { Err(NodeUnreachable) } else { Ok(()) }
    }

    fn nodes(&self) -> Vec<u32> {
        let mut numbers = self.peers.numbers();
        if let Some(scheduler) = self.scheduler() {
            let me = scheduler.node();
            if let Err(place) = numbers.binary_search(&me) {
                numbers.insert(place, me);
            }
        }
        numbers
    }

    fn alias(&self) -> &str {
        self.alias.get().map_or("", NodeAlias::as_str)
    }
}
