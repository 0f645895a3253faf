//! Processes of other nodes, as those of this one see them, and the other way round.
//!
//! Messages and signals to other nodes go from the sender's worker straight to the connection. What
//! other nodes send comes from the thread that reads the connection: signals, requests and replies
//! are handled here, but messages are not: `LinkReceiver` in `mesh.rs` puts them straight into the
//! receiver's mailbox.

mod checks;
mod requests;

use std::sync::Arc;
use std::time::Instant;

use iridium_net::SendError;
use iridium_proto::NodeAlias;
use iridium_sched::{
    Distribution, NodeUnreachable, Reason, RemoteRequest, Scheduler, SendRefused, Signal,
};
use iridium_vm::{Completion, Message, Pid, TrapKind};

pub(crate) use self::checks::may_deliver;

use self::checks::may_signal;
use self::requests::{Asker, PendingRequests};
use crate::code::{Requester, SpawnRequest, Spawner};
use crate::links::{Lane, Links, Peer};
use crate::this_node::ThisNode;
use crate::wire::{MAX_PAYLOAD, NodeMessage};

/// Carries signals, requests and replies between the processes of this node and of others, and takes
/// messages to others.
pub(crate) struct RemoteProcesses {
    this: Arc<ThisNode>,
    links: Arc<Links>,
    spawner: Arc<Spawner>,
    requests: PendingRequests,
}

impl RemoteProcesses {
    pub(crate) fn new(this: Arc<ThisNode>, links: Arc<Links>, spawner: Arc<Spawner>) -> Self {
        Self { this, links, spawner, requests: PendingRequests::default() }
    }

    /// A process of a peer has sent a signal.
    pub(crate) fn receive_signal(
        &self,
        scheduler: &Scheduler,
        peer: &Peer,
        (from, to): (Pid, Pid),
        signal: Signal,
    ) {
        if !may_signal(scheduler.node(), peer, (from, to), &signal) {
            return;
        }
        if !peer.ties.admit(to, &signal) {
            return self.refuse_tie(peer, to, &signal);
        }
        scheduler.deliver(from, to, signal);
        // The loss of the node may have been told before this could be noted.
        if peer.is_lost() {
            scheduler.deliver(Pid::NOBODY, to, Signal::NodeLost { node: peer.number() });
        }
    }

    /// Tells who asks for a link or monitor that its node has too many with this one.
    fn refuse_tie(&self, peer: &Peer, to: Pid, asks: &Signal) {
        if let Some(left_out) = peer.log_limits.admit("too many ties") {
            let alias = &peer.id.alias;
            log::warn!("refused links and monitors of peer={alias}, which has too many{left_out}");
        }
        let reason = Reason::of_trap(TrapKind::RelationLimit);
        if let Some((asker, signal)) = asks.undeliverable(to, reason) {
            self.links.answer(peer, &NodeMessage::Signal { from: to, to: asker, signal });
        }
    }

    /// A process of a peer wants something.
    pub(crate) fn receive_request(
        &self,
        scheduler: &Scheduler,
        peer: &Arc<Peer>,
        (asker, number): Asker,
        request: RemoteRequest,
    ) {
        match request {
            RemoteRequest::WhereIs { name, .. } => {
                let reply = Completion::Found(scheduler.find(&name).map(Pid::bits));
                self.links.answer(peer, &NodeMessage::Reply { asker, number, reply });
            }
            RemoteRequest::Spawn { module, start, limits, .. } => {
                let requester = Requester::Process { peer: Arc::clone(peer), pid: asker, number };
                let request = SpawnRequest { requester, module, start, limits, name: None };
                self.spawner.spawn(scheduler, request);
            }
        }
    }

    /// A peer has replied to a request of a process of this node; `None` when it did not understand
    /// it.
    pub(crate) fn receive_reply(
        &self,
        scheduler: &Scheduler,
        peer: &Peer,
        asker: Asker,
        reply: Option<Completion>,
    ) {
        if reply.is_none()
            && let Some(left_out) = peer.log_limits.admit("does not know")
        {
            let (alias, process) = (&peer.id.alias, asker.0);
            log::warn!("peer={alias} does not know what process {process} wants{left_out}");
        }
        if let Some(answer) = self.requests.settle(asker, peer.number(), reply) {
            scheduler.reply(asker.0, asker.1, answer);
        }
    }

    /// The connection to a node is lost.
    pub(crate) fn node_lost(&self, scheduler: &Scheduler, node: u32) {
        scheduler.node_down(node);
        for ((asker, number), answer) in self.requests.lose(node) {
            scheduler.reply(asker, number, answer);
        }
    }

    /// Ends requests whose replies are overdue.
    pub(crate) fn expire_requests(&self, scheduler: &Scheduler) {
        for ((asker, number), answer) in self.requests.expire(Instant::now()) {
            if let Some(left_out) = self.this.log_limits.admit("no answer") {
                log::warn!(
                    "no other node has answered what process {asker} wants; it gets nothing{left_out}"
                );
            }
            scheduler.reply(asker, number, answer);
        }
    }

    /// Sends a message that no process sends, so that nobody can be suspended until there is room
    /// for it: without room it is dropped. It could be sent in a way that the connection never
    /// refuses, but a connection on which too much of that waits is closed, and all links and monitors
    /// of processes across it end.
    fn message_of_nobody(&self, from: Pid, to: Pid, message: Message) {
        if let Err(refused) = self.message(from, to, message) {
            let why = match refused {
                SendRefused::NoCredit(_) => "there is no room on the way",
                SendRefused::TooLong(_) => "it is too long",
            };
            if let Some(left_out) = self.this.log_limits.admit("dropped") {
                log::warn!("dropped a message to process {to} of another node: {why}{left_out}");
            }
        }
    }
}

impl Distribution for RemoteProcesses {
    fn message(&self, from: Pid, to: Pid, message: Message) -> Result<(), SendRefused> {
        if message.payload.bytes().len() > MAX_PAYLOAD {
            return Err(SendRefused::TooLong(message));
        }
        let Some(peer) = self.links.peers.find(to.node()) else { return Ok(()) };
        match self.links.send_message(&peer, (from, to), message) {
            // As to a process that is not there.
            Ok(()) | Err((SendError::NotLinked, _)) => Ok(()),
            Err((SendError::WouldBlock, message)) => Err(SendRefused::NoCredit(message)),
            Err((SendError::TooLong { .. }, message)) => Err(SendRefused::TooLong(message)),
        }
    }

    fn signal(&self, from: Pid, to: Pid, signal: Signal) -> Result<(), Signal> {
        if let Signal::Message(message) = signal {
            self.message_of_nobody(from, to, message);
            return Ok(());
        }
        let Some(peer) = self.links.peers.find(to.node()) else { return Err(signal) };
        peer.ties.told(to, &signal);
        // Should the connection be lost at this moment: whoever is linked or monitors was noted
        // before, and is told.
        let _ =
            self.links.send(&peer, Lane::Process(from), &NodeMessage::Signal { from, to, signal });
        Ok(())
    }

    fn request(
        &self,
        from: Pid,
        number: u64,
        request: &RemoteRequest,
    ) -> Result<(), NodeUnreachable> {
        let peer = match request {
            RemoteRequest::Spawn { node, .. } => self.links.peers.find(*node),
            RemoteRequest::WhereIs { alias, .. } => self.links.peers.addressed(alias),
        };
        let peer = peer.ok_or(NodeUnreachable)?;
        self.requests.note((from, number), peer.number(), request);
        let message = NodeMessage::Request { asker: from, number, request: request.clone() };
        let sent = self.links.send(&peer, Lane::Process(from), &message);
        let lost = sent.is_err() || peer.is_lost();
        // Unless it was answered, or given up, meanwhile.
        if lost && self.requests.take_back((from, number)) {
            return Err(NodeUnreachable);
        }
        Ok(())
    }

    fn nodes(&self) -> Vec<u32> {
        let mut numbers = self.links.peers.numbers();
        if let Some(scheduler) = self.this.scheduler() {
            let me = scheduler.node();
            if let Err(place) = numbers.binary_search(&me) {
                numbers.insert(place, me);
            }
        }
        numbers
    }

    fn alias(&self) -> &str {
        self.this.alias().map_or("", NodeAlias::as_str)
    }
}
