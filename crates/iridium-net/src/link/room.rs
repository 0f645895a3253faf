//! The memory of this node for long messages of others, as all links share it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use iridium_proto::{IridiumMessage, Want};

use crate::ids::ConnId;
use crate::threads::lock;

use super::client::ClusterClient;
use super::ledger::{GrantId, Ledger};

/// Grants room for long messages. All clones are one.
#[derive(Debug, Clone)]
pub(crate) struct Room(Arc<Mutex<Shared>>);

#[derive(Debug)]
struct Shared {
    ledger: Ledger,
    /// Those that have asked for room.
    links: HashMap<ConnId, Arc<ClusterClient>>,
}

/// A link that has room from now on, and the number of the message.
type Granted = (Arc<ClusterClient>, u32);

/// The room that one message has. It is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Grant {
    room: Room,
    id: GrantId,
    len: usize,
}

impl Room {
    /// Where whoever was granted room may send nothing for so long, though others wait for it.
    pub(crate) fn new(grace: Duration) -> Self {
        let (ledger, links) = (Ledger::new(grace), HashMap::new());
        Self(Arc::new(Mutex::new(Shared { ledger, links })))
    }

    /// A link asks for room: it is told at once whether there is, and later when there is.
    ///
    /// # Errors
    /// How the other end broke the protocol.
    pub(crate) fn ask(&self, link: &Arc<ClusterClient>, want: Want) -> Result<(), &'static str> {
        let mut shared = lock(&self.0);
        shared.ledger.ask(link.id(), want)?;
        shared.links.entry(link.id()).or_insert_with(|| Arc::clone(link));
        let granted = shared.grant();
        drop(shared);
        let its = |granted: &Granted| granted.0.id() == link.id() && granted.1 == want.transfer;
        if !granted.iter().any(its) {
            link.send_control(IridiumMessage::Wait(want.transfer));
        }
        tell(granted);
        Ok(())
    }

    /// The room of a message of which the first piece has come; `None` when it was not granted.
    pub(super) fn begin(&self, conn: ConnId, transfer: u32) -> Option<Grant> {
        let (id, len) = lock(&self.0).ledger.begin(conn, transfer)?;
        Some(Grant { room: self.clone(), id, len })
    }

    /// A link has ended.
    pub(crate) fn forget(&self, conn: ConnId) {
        let mut shared = lock(&self.0);
        shared.ledger.forget(conn);
        let link = shared.links.remove(&conn);
        let granted = shared.grant();
        drop(shared);
        drop(link);
        tell(granted);
    }

    /// This node did not run for so long.
    pub(crate) fn forgive(&self, late: Duration, now: Instant) {
        lock(&self.0).ledger.forgive(late, now);
    }

    /// What is not as it must be after each step, if anything.
    pub(crate) fn flaw(&self, is_open: impl Fn(ConnId) -> bool) -> Option<String> {
        let shared = lock(&self.0);
        let ended = shared.links.keys().find(|conn| !is_open(**conn));
        let flaw = ended.map(|conn| format!("room for link {} that has ended", conn.0));
        flaw.or_else(|| shared.ledger.flaw(is_open))
    }

    /// Whether nothing is granted, and nobody waits.
    pub(crate) fn is_empty(&self) -> bool {
        lock(&self.0).ledger.is_empty()
    }

    /// The links to be closed, since they keep room from others for too long. Each is given once.
    pub(crate) fn take_stalled(&self, now: Instant) -> Vec<Arc<ClusterClient>> {
        let mut shared = lock(&self.0);
        let stalled = shared.ledger.stalled(now);
        stalled.iter().filter_map(|conn| shared.links.remove(conn)).collect()
    }
}

impl Shared {
    /// Gives room to all for whom there is some.
    fn grant(&mut self) -> Vec<Granted> {
        let mut granted = Vec::new();
        while let Some((conn, transfer)) = self.ledger.grant(Instant::now()) {
            granted.extend(self.links.get(&conn).map(|link| (Arc::clone(link), transfer)));
        }
        granted
    }
}

/// Tells them that they have room from now on.
fn tell(granted: Vec<Granted>) {
    for (link, transfer) in granted {
        link.permit(IridiumMessage::Grant(transfer));
    }
}

impl Grant {
    /// The length of the message, in bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// A piece of that length has come.
    pub(super) fn note_piece(&self, conn: ConnId, len: usize) {
        lock(&self.room.0).ledger.note_piece(conn, len);
    }

    /// The message is whole.
    pub(super) fn complete(&self) {
        lock(&self.room.0).ledger.complete(self.id);
    }
}

impl Drop for Grant {
    fn drop(&mut self) {
        let mut shared = lock(&self.room.0);
        shared.ledger.release(self.id);
        let granted = shared.grant();
        drop(shared);
        tell(granted);
    }
}

#[cfg(test)]
impl Room {
    /// Has a message granted without anybody being told.
    pub(super) fn grant_by_hand(&self, conn: ConnId, transfer: u32, len: usize) {
        lock(&self.0).ledger.grant_by_hand(conn, transfer, len);
    }
}
