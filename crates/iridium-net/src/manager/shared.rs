//! What the owner publishes, and what connections' own threads need of it.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use crossbeam_channel::{Receiver, Sender};
use iridium_proto::{NodeAlias, NodeId, NodeInfo};

use crate::event::Event;
use crate::ids::ConnId;
use crate::link::ClusterClient;

use super::control_clients::ControlClients;

/// What the owner publishes for those who must not wait for it.
pub(super) struct Shared {
    pub(super) me: Mutex<(NodeId, NodeInfo)>,
    pub(super) routes: Mutex<HashMap<NodeAlias, Arc<ClusterClient>>>,
    pub(super) listeners: Mutex<Vec<Sender<Event>>>,
    /// What has happened since the start, for the first who listens.
    pub(super) since_start: Mutex<Option<Receiver<Event>>>,
    pub(super) next_conn: AtomicU64,
    pub(super) controls: ControlClients,
    /// The owner is stopping: it closes what it knows of and what still waits to
    /// be told to it; what comes after that closes itself.
    pub(super) over: AtomicBool,
}

impl Shared {
    pub(super) fn conn_id(&self) -> ConnId {
        ConnId(self.next_conn.fetch_add(1, Ordering::Relaxed))
    }
}
