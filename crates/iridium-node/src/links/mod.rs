//! The connections to the other nodes, and what goes over them.

mod peers;
mod ties;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use iridium_net::{ClockedLogLimits, SendError};
use iridium_proto::{NodeAlias, ProtoError};
use iridium_vm::{Message, Pid};

pub(crate) use self::peers::{Peer, Peers};

use crate::report::NodeReport;
use crate::sync::lock;
use crate::wire::{NodeMessage, message_bytes, payload};

/// So many nodes have bounds of their own for what they can have logged.
const MOST_LIMITED: usize = 256;

/// What keeps its order on the way to another node. Lanes do not wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lane {
    /// What one process sends, or nobody.
    Process(Pid),
    /// Module files.
    Code,
    /// Answers to operators that may be long.
    Lists,
}

impl Lane {
    /// The number of the lane on a link. Processes have their pids, which are not negative.
    pub(crate) fn number(self) -> u64 {
        match self {
            Self::Process(pid) => pid.bits() as u64,
            Self::Code => u64::MAX,
            Self::Lists => u64::MAX - 1,
        }
    }
}

/// How much has gone to other nodes and come from them.
#[derive(Debug, Default)]
struct Traffic {
    sent: AtomicU64,
    sent_bytes: AtomicU64,
    received: AtomicU64,
    received_bytes: AtomicU64,
    modules_sent: AtomicU64,
}

/// The connections to the other nodes.
#[derive(Debug, Default)]
pub(crate) struct Links {
    pub(crate) peers: Peers,
    /// How many links and monitors their processes have asked for.
    pub(crate) all_ties: Arc<AtomicUsize>,
    traffic: Traffic,
    log_limits: Mutex<BTreeMap<NodeAlias, Arc<ClockedLogLimits>>>,
}

impl Links {
    /// Bounds the lines that a node can cause, over all of its connections. Those after the first few
    /// hundred share one bound.
    pub(crate) fn log_limits_of(&self, alias: &NodeAlias) -> Arc<ClockedLogLimits> {
        let mut all = lock(&self.log_limits);
        let found = all.get(alias).or_else(|| {
            all.last_key_value().map(|(_, shared)| shared).filter(|_| all.len() >= MOST_LIMITED)
        });
        if let Some(found) = found {
            return Arc::clone(found);
        }
        Arc::clone(all.entry(alias.clone()).or_default())
    }

    /// Sends something that must not be refused for want of room, in the lane of [`Pid::NOBODY`], after
    /// earlier messages of it. A peer that is gone is not told: its loss ends what it waits for.
    pub(crate) fn answer(&self, peer: &Peer, message: &NodeMessage) {
        if let Err(error) = self.send(peer, Lane::Process(Pid::NOBODY), message) {
            log::debug!("did not answer peer={}: {error}", peer.id.alias);
        }
    }

    /// Sends something that must not be refused for want of room.
    ///
    /// # Errors
    /// [`SendError::NotLinked`]; the loss of the connection is told to all.
    pub(crate) fn send(
        &self,
        peer: &Peer,
        lane: Lane,
        message: &NodeMessage,
    ) -> Result<(), SendError> {
        let bytes = message.to_bytes().map_err(|error| unencodable(peer, &error))?;
        Ok(peer.client.send_signal(lane.number(), bytes)?)
    }

    /// As [`send`](Self::send), for what may be refused for want of room, and has to be if it is
    /// long.
    ///
    /// # Errors
    /// [`SendError`].
    pub(crate) fn try_send(
        &self,
        peer: &Peer,
        lane: Lane,
        message: &NodeMessage,
    ) -> Result<(), SendError> {
        let bytes = message.to_bytes().map_err(|error| unencodable(peer, &error))?;
        Ok(peer.client.send_in(lane.number(), bytes)?)
    }

    /// Sends a message of one process to another.
    ///
    /// # Errors
    /// The message, and why it was not sent.
    pub(crate) fn send_message(
        &self,
        peer: &Peer,
        (from, to): (Pid, Pid),
        message: Message,
    ) -> Result<(), (SendError, Message)> {
        let (tag, sender) = (message.tag, message.sender);
        let (bytes, tail) = message_bytes(to, message);
        let len = bytes.len() + tail.len();
        let sent = peer.client.send_with_tail_in(Lane::Process(from).number(), bytes, tail.into());
        sent.map_err(|refused| {
            (refused.why, Message { tag, sender, payload: payload(refused.bytes) })
        })?;
        count(&self.traffic.sent, 1);
        count(&self.traffic.sent_bytes, len);
        Ok(())
    }

    /// Counts what a connection has brought.
    pub(crate) fn count_received(&self, bytes: usize) {
        count(&self.traffic.received, 1);
        count(&self.traffic.received_bytes, bytes);
    }

    /// Counts a module whose code was sent.
    pub(crate) fn count_module_sent(&self) {
        count(&self.traffic.modules_sent, 1);
    }

    /// Adds what the connections have carried.
    pub(crate) fn add_traffic(&self, report: &mut NodeReport) {
        let queued = |peer: &Arc<Peer>| peer.client.queued_bytes() as u64;
        report.queued_bytes = self.peers.all().iter().map(queued).sum();
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        report.sent = read(&self.traffic.sent);
        report.sent_bytes = read(&self.traffic.sent_bytes);
        report.received = read(&self.traffic.received);
        report.received_bytes = read(&self.traffic.received_bytes);
        report.modules_sent = read(&self.traffic.modules_sent);
    }
}

fn unencodable(peer: &Peer, error: &ProtoError) -> SendError {
    log::error!("cannot encode a message to peer={}: {error}", peer.id.alias);
    SendError::NotLinked
}

fn count(counter: &AtomicU64, more: usize) {
    counter.fetch_add(more as u64, Ordering::Relaxed);
}
