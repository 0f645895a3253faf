//! A process saved and removed in one step.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crossbeam_channel::{Sender, bounded};

use super::error::SaveError;
use super::save::{FUEL_CHECK, PATIENCE, one};
use super::saved::Saved;
use crate::process::entry::ProcessEntry;
use crate::process::slot_message::{Removal, SlotMessage};
use crate::run::shared::Shared;
use crate::scheduler::Scheduler;
use crate::sync::lock;
use iridium_vm::Pid;

impl Scheduler {
    /// Saves a process, with its module if that is wanted, and removes it at the same moment: all that
    /// was sent to it until then is in the bytes, and what is sent later finds no process. Neither its
    /// links and monitors nor its exit subscribers are told, since it has not ended: it can go on
    /// from [`restore_as`](Self::restore_as), here or elsewhere.
    ///
    /// # Errors
    /// When there is no such process, or it does not come to the end of a turn within 5 s. It is not
    /// removed then.
    pub fn take(&self, pid: Pid, with_module: bool) -> Result<Vec<u8>, SaveError> {
        let shared = self.shared();
        let slot = shared.live_slot(pid).filter(|slot| !slot.is_native());
        slot.ok_or(SaveError::NoProcess)?;
        let (sender, taken) = bounded(1);
        let claimed = Arc::default();
        let taking = Taking { shared: Arc::clone(shared), with_module, claimed, sender };
        shared.context().deliver(pid, SlotMessage::Remove(Box::new(taking.clone())));
        let deadline = Instant::now() + PATIENCE;
        let saved = loop {
            if let Ok(saved) = taken.recv_timeout(FUEL_CHECK) {
                break saved;
            }
            // One without fuel has no turn in which it would find that it is to be removed.
            taking.take_out_of_fuel(pid);
            let has_exited = !shared.is_alive(pid);
            if (has_exited || Instant::now() >= deadline) && taking.claim() {
                return Err(if has_exited { SaveError::NoProcess } else { SaveError::Busy });
            }
        };
        saved.ok_or(SaveError::Internal)?.to_bytes()
    }
}

/// A process that is taken, or not any more.
#[derive(Clone)]
struct Taking {
    shared: Arc<Shared>,
    with_module: bool,
    /// Whether it is decided: by whoever has the process that it is taken, or by whoever wants it
    /// that they have waited long enough.
    claimed: Arc<AtomicBool>,
    sender: Sender<Option<Saved>>,
}

impl Taking {
    /// Takes the process if it waits for fuel.
    fn take_out_of_fuel(&self, pid: Pid) {
        let mut waiting = lock(&self.shared.out_of_fuel);
        let Some(at) = waiting.iter().position(|entry| entry.actor.pid == pid) else { return };
        if self.claim() {
            let mut entry = waiting.swap_remove(at);
            drop(waiting);
            self.shared.context().remove(&mut entry, Box::new(self.clone()));
        }
    }
}

impl Removal for Taking {
    fn claim(&self) -> bool {
        !self.claimed.swap(true, Ordering::SeqCst)
    }

    fn take(self: Box<Self>, entry: &ProcessEntry, messages: &[SlotMessage]) {
        // Whoever wants it waits, since it was claimed.
        let _ = self.sender.send(one(&self.shared, entry, messages, self.with_module));
    }
}
