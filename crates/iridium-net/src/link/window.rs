//! The receive window of a link: how many bytes of messages the application still holds, and with
//! that how many the other end may send.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use iridium_proto::{IridiumMessage, NO_TRANSFER, NodeId};

use super::client::ClusterClient;
use super::credit::{CREDIT_STEP, SPARE, WINDOW};
use super::message::cost;
use super::room::Grant;

/// A message from another node. Dropping it lets that node send more.
#[derive(Debug)]
pub struct Delivery {
    /// The node that sent it, with its incarnation.
    pub from: NodeId,
    /// The message.
    pub bytes: Vec<u8>,
    pub(crate) permit: WindowPermit,
}

impl Delivery {
    /// The link it came on.
    pub fn link(&self) -> &ClusterClient {
        &self.permit.link
    }
}

/// The part of a link's receive window that a message takes up and, if it is a long one, of the memory
/// that this node has for the long messages of all others. It is given back on drop: from then on the
/// other node may send as much again.
///
/// How long an application keeps it is its own affair: when messages of the other node have to wait for it,
/// this node says so within a few seconds, on its own. But the other node has to keep these meanwhile. If it needs
/// that room for others, it closes the link when it waits for longer than a minute, 5 s (or
/// [`Timing::down_after`](crate::Timing::down_after)) and 8 s for each MiB that was queued at a time.
#[derive(Debug)]
#[must_use = "the other node may send more at once when it is dropped"]
pub struct WindowPermit {
    bytes: usize,
    link: Arc<ClusterClient>,
    _grant: Option<Grant>,
}

impl WindowPermit {
    /// How much of the window it takes up, in bytes.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Takes up the window for a message of `len` bytes, while `held` bytes of incomplete messages
    /// take up some of it too.
    ///
    /// # Errors
    /// The other end has sent more than it had credit for.
    pub(crate) fn take(
        len: usize,
        grant: Option<Grant>,
        held: usize,
        link: &Arc<ClusterClient>,
    ) -> Result<Self, &'static str> {
        let permit = Self { bytes: cost(len), link: Arc::clone(link), _grant: grant };
        let taken = link.window_used.fetch_add(permit.bytes, Ordering::Relaxed) + permit.bytes;
        if taken + held > WINDOW {
            return Err("more data than it has credit for");
        }
        Ok(permit)
    }
}

impl ClusterClient {
    /// What is not as it must be, if anything, while nobody takes a message or drops a permit, and the application
    /// holds so many bytes.
    pub(crate) fn window_flaw(&self, held: usize) -> Option<String> {
        let used = self.window_used.load(Ordering::Relaxed);
        let unsent = self.unsent_credit.load(Ordering::Relaxed);
        (used != held || unsent >= CREDIT_STEP)
            .then(|| format!("{used} bytes used, {held} held, {unsent} bytes of credit not sent"))
    }

    /// Tells the other end to wait for credit, if some of its messages may lack it, since the application still
    /// has others, and none was given since this was last called. Otherwise a slow application could not be told
    /// from a node that does not read.
    pub(crate) fn excuse_application(&self) {
        let has_credited = self.has_credited.swap(false, Ordering::Relaxed);
        let used = self.window_used.load(Ordering::Relaxed);
        let lacking = used + self.unsent_credit.load(Ordering::Relaxed);
        if !has_credited && lacking > SPARE {
            self.send_control(IridiumMessage::Wait(NO_TRANSFER));
        }
    }
}

impl Drop for WindowPermit {
    fn drop(&mut self) {
        self.link.window_used.fetch_sub(self.bytes, Ordering::Relaxed);
        let credit = self.link.unsent_credit.fetch_add(self.bytes, Ordering::Relaxed) + self.bytes;
        // Only one of several threads passes the step, and sends the credit of all.
        if credit >= CREDIT_STEP && credit - self.bytes < CREDIT_STEP {
            let credit = self.link.unsent_credit.swap(0, Ordering::Relaxed);
            self.link.has_credited.store(true, Ordering::Relaxed);
            self.link.permit(IridiumMessage::Credit(credit as u64));
        }
    }
}
