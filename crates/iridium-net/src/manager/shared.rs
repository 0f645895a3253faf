//! What the owner thread shares with the handle and with the threads of connections.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender};
use iridium_proto::{NodeAlias, NodeId, NodeInfo};

use crate::event::Event;
use crate::ids::ConnId;
use crate::link::{Backlog, ClusterClient, Room, grace};
use crate::log_limit::ClockedLogLimits;
use crate::membership::Timing;

use super::control_clients::ControlClients;
use super::zone::Zone;

/// What can be read without waiting for the owner thread.
pub(super) struct Shared {
    /// Who this node is, with the address that others use for it.
    pub(super) me: Mutex<(NodeId, NodeInfo)>,
    /// The link to each node that has one.
    pub(super) routes: Mutex<HashMap<NodeAlias, Arc<ClusterClient>>>,
    pub(super) subscribers: Mutex<Vec<Sender<Event>>>,
    /// What has happened since the start, for the first subscriber.
    pub(super) since_start: Mutex<Option<Receiver<Event>>>,
    /// The zone of link-local addresses.
    pub(super) zone: Zone,
    /// The number of the next connection.
    pub(super) next_conn: AtomicU64,
    pub(super) controls: ControlClients,
    /// The memory for long messages of other nodes.
    pub(super) room: Room,
    /// What waits to be sent on all links.
    pub(super) backlog: Backlog,
    /// For the lines that the other ends of connections can cause.
    pub(super) log_limits: ClockedLogLimits,
    /// The owner is stopping: it closes all links that it knows of and those in the
    /// commands that wait for it. A connection that comes later closes itself.
    pub(super) stopping: AtomicBool,
}

impl Shared {
    /// That of a node which listens at that address, with the channel of its first subscriber.
    pub(super) fn new(
        me: (NodeId, NodeInfo),
        listens: SocketAddr,
        timing: &Timing,
        (first_subscriber, since_start): (Sender<Event>, Receiver<Event>),
    ) -> Self {
        let grace = grace(timing);
        Self {
            me: Mutex::new(me),
            routes: Mutex::default(),
            subscribers: Mutex::new(vec![first_subscriber]),
            since_start: Mutex::new(Some(since_start)),
            zone: Zone::of(listens),
            next_conn: AtomicU64::new(1),
            room: Room::new(grace),
            backlog: Backlog::new(grace),
            log_limits: ClockedLogLimits::default(),
            controls: ControlClients::default(),
            stopping: AtomicBool::new(false),
        }
    }

    /// A number that no connection of this node has had.
    pub(super) fn conn_id(&self) -> ConnId {
        ConnId(self.next_conn.fetch_add(1, Ordering::Relaxed))
    }
}
