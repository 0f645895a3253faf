//! The other nodes that are linked to this one, by the numbers that pids begin with.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, RwLock};

use iridium_net::{ClockedLogLimits, ClusterClient, LinkId};
use iridium_proto::{NodeAlias, NodeId};

use super::ties::Ties;
use crate::sync::{read, write};

/// A node, for as long as one connection to it lasts.
///
/// When a connection is lost and another takes its place, messages may be lost with it, so for the
/// processes that is the loss of the node, and the node is a new peer.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: NodeId,
    pub(crate) link: LinkId,
    pub(crate) client: Arc<ClusterClient>,
    lost: AtomicBool,
    /// What its processes have asked of those of this node.
    pub(crate) ties: Ties,
    /// For the lines that it can cause.
    pub(crate) log_limits: Arc<ClockedLogLimits>,
}

impl Peer {
    pub(crate) fn new(
        id: NodeId,
        client: Arc<ClusterClient>,
        log_limits: Arc<ClockedLogLimits>,
        all_ties: Arc<AtomicUsize>,
    ) -> Self {
        let (link, lost) = (client.link_id(), AtomicBool::new(false));
        let ties = Ties::new(all_ties);
        Self { id, link, client, lost, ties, log_limits }
    }

    /// Whether its connection is lost, for processes at least.
    pub(crate) fn is_lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    pub(crate) fn number(&self) -> u32 {
        self.id.number.number()
    }
}

/// All peers.
#[derive(Debug, Default)]
pub(crate) struct Peers(RwLock<BTreeMap<u32, Arc<Peer>>>);

impl Peers {
    pub(crate) fn insert(&self, peer: Arc<Peer>) {
        write(&self.0).insert(peer.number(), peer);
    }

    /// Removes the peer of a node, whatever its connection.
    pub(crate) fn remove(&self, id: &NodeId) -> Option<Arc<Peer>> {
        let mut peers = write(&self.0);
        let number = id.number.number();
        let is_it = peers.get(&number).is_some_and(|peer| peer.id == *id);
        let peer = if is_it { peers.remove(&number) } else { None };
        if let Some(peer) = &peer {
            peer.lost.store(true, Ordering::SeqCst);
        }
        peer
    }

    /// The peer with this number.
    pub(crate) fn find(&self, number: u32) -> Option<Arc<Peer>> {
        read(&self.0).get(&number).cloned()
    }

    /// The peer behind a connection, as long as that is the one in use.
    pub(crate) fn on_link(&self, id: &NodeId, link: LinkId) -> Option<Arc<Peer>> {
        self.find(id.number.number()).filter(|peer| peer.link == link && peer.id == *id)
    }

    /// The peer with this alias.
    pub(crate) fn named(&self, alias: &str) -> Option<Arc<Peer>> {
        read(&self.0).values().find(|peer| peer.id.alias.as_str() == alias).cloned()
    }

    /// The peer with this alias, or with the number behind a `#`, which is in no alias.
    pub(crate) fn addressed(&self, alias: &str) -> Option<Arc<Peer>> {
        match alias.strip_prefix('#') {
            Some(number) => self.find(number.parse().ok()?),
            None => self.named(alias),
        }
    }

    /// All peers, by number.
    pub(crate) fn all(&self) -> Vec<Arc<Peer>> {
        read(&self.0).values().cloned().collect()
    }

    /// The numbers of all peers, ascending.
    pub(crate) fn numbers(&self) -> Vec<u32> {
        read(&self.0).keys().copied().collect()
    }

    /// The number of the peer with this alias.
    pub(crate) fn number_of(&self, alias: &NodeAlias) -> Option<u32> {
        self.named(alias.as_str()).map(|peer| peer.number())
    }
}
