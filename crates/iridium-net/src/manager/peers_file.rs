//! Writes the peers and the incarnation to disk, on a thread of its own: a slow
//! disk must not delay heartbeats, nor a full one end the node.

use std::io;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use iridium_proto::NodeInfo;

use crate::error::StartError;
use crate::store::Store;
use crate::threads::{Threads, lock};

/// The first and the longest pause before what could not be written is tried again.
const RETRY_MIN: Duration = Duration::from_secs(1);
const RETRY_MAX: Duration = Duration::from_secs(60);

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
    /// Without a store nothing is written. `incarnation` is what could not be written yet.
    pub(super) fn start(
        store: Option<Store>,
        incarnation: Option<u64>,
        threads: &Threads,
    ) -> Result<Self, StartError> {
        let Some(store) = store else { return Ok(Self { slot: None }) };
        let slot = Slot::default();
        lock(&slot.0).incarnation = incarnation;
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
    let mut failures = 0;
    loop {
        let todo = next(slot, failures);
        match write(store, &todo, &mut written) {
            Ok(()) if failures > 0 => {
                log::info!("the files in {} are written again", store.folder().display());
                failures = 0;
            }
            Ok(()) => {}
            Err(error) => {
                if failures == 0 || todo.stopping {
                    let then = if todo.stopping { "they are lost" } else { "it is tried again" };
                    log::warn!(
                        "cannot write the peers or the incarnation to {}: {error}; {then}",
                        store.folder().display()
                    );
                }
                failures = failures.saturating_add(1);
                put_back(slot, &todo);
            }
        }
        if todo.stopping {
            return;
        }
    }
}

/// Waits until something is to be written and, after failures, a growing pause has passed.
fn next(slot: &Slot, failures: u32) -> Pending {
    let pause = match failures {
        0 => Duration::ZERO,
        n => RETRY_MIN.saturating_mul(1 << (n - 1).min(16)).min(RETRY_MAX),
    };
    let due = Instant::now() + pause;
    let mut pending = lock(&slot.0);
    while !pending.stopping {
        let left = due.saturating_duration_since(Instant::now());
        pending = if !left.is_zero() {
            slot.1.wait_timeout(pending, left).unwrap_or_else(PoisonError::into_inner).0
        } else if pending.peers.is_none() && pending.incarnation.is_none() {
            slot.1.wait(pending).unwrap_or_else(PoisonError::into_inner)
        } else {
            break;
        };
    }
    std::mem::take(&mut *pending)
}

/// Writes what is new, the one also when the other cannot be written.
fn write(store: &Store, todo: &Pending, written: &mut Option<Vec<NodeInfo>>) -> io::Result<()> {
    let incarnation = todo.incarnation.map_or(Ok(()), |number| store.save_incarnation(number));
    if let Some(peers) = todo.peers.as_ref().filter(|peers| written.as_ref() != Some(peers)) {
        store.save_peers(peers)?;
        *written = Some(peers.clone());
    }
    incarnation
}

/// What could not be written stays pending, unless there is something newer.
fn put_back(slot: &Slot, todo: &Pending) {
    let mut pending = lock(&slot.0);
    if pending.peers.is_none() {
        pending.peers.clone_from(&todo.peers);
    }
    pending.incarnation = pending.incarnation.or(todo.incarnation);
}
