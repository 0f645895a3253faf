//! Writes the peers and the incarnation to disk, on a thread of its own: a slow
//! disk must not delay heartbeats.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use iridium_proto::NodeInfo;

use crate::error::StartError;
use crate::store::Store;
use crate::threads::{Threads, lock};

/// What is to be written; later values replace earlier ones.
#[derive(Default)]
struct Pending {
    peers: Option<Vec<NodeInfo>>,
    incarnation: Option<u64>,
    stopping: bool,
}

type Slot = Arc<(Mutex<Pending>, Condvar)>;

/// The owner's handle of that thread, which writes what is pending and ends when this is dropped.
pub(super) struct PeersFile {
    slot: Option<Slot>,
}

impl PeersFile {
    /// Without a store nothing is written.
    pub(super) fn start(store: Option<Store>, threads: &Threads) -> Result<Self, StartError> {
        let Some(store) = store else { return Ok(Self { slot: None }) };
        let slot = Slot::default();
        let theirs = Arc::clone(&slot);
        threads.spawn("iridium-store", move || run(&store, &theirs)).map_err(StartError::System)?;
        Ok(Self { slot: Some(slot) })
    }

    pub(super) fn save_peers(&self, peers: Vec<NodeInfo>) {
        self.change(|pending| pending.peers = Some(peers));
    }

    pub(super) fn save_incarnation(&self, incarnation: u64) {
        self.change(|pending| pending.incarnation = Some(incarnation));
    }

    fn change(&self, change: impl FnOnce(&mut Pending)) {
        if let Some(slot) = &self.slot {
            change(&mut lock(&slot.0));
            slot.1.notify_one();
        }
    }
}

impl Drop for PeersFile {
    fn drop(&mut self) {
        self.change(|pending| pending.stopping = true);
    }
}

fn run(store: &Store, slot: &Slot) {
    let mut written = None;
    loop {
        let mut pending = lock(&slot.0);
        while pending.peers.is_none() && pending.incarnation.is_none() && !pending.stopping {
            pending = slot.1.wait(pending).unwrap_or_else(PoisonError::into_inner);
        }
        let (peers, incarnation) = (pending.peers.take(), pending.incarnation.take());
        let stopping = pending.stopping;
        drop(pending);
        if let Some(incarnation) = incarnation {
            report(store.save_incarnation(incarnation));
        }
        if let Some(peers) = peers.filter(|peers| written.as_ref() != Some(peers)) {
            report(store.save_peers(&peers));
            written = Some(peers);
        }
        if stopping {
            return;
        }
    }
}

fn report(outcome: io::Result<()>) {
    if let Err(error) = outcome {
        log::error!("cannot write the peers or the incarnation for the next start: {error}");
    }
}
