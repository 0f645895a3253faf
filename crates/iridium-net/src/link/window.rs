//! The receive window of a link: how much of what came the application still holds.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use iridium_proto::NodeId;

use super::client::ClusterClient;
use super::queue::{CREDIT_STEP, WINDOW, cost};

/// A message from another node. Dropping it makes room for more from there.
#[derive(Debug)]
pub struct Delivery {
    /// Which life of which node sent it.
    pub from: NodeId,
    /// The message.
    pub bytes: Vec<u8>,
    pub(crate) room: Room,
}

impl Delivery {
    /// The link it came on.
    #[must_use]
    pub fn link(&self) -> &ClusterClient {
        &self.room.link
    }
}

/// The place that a message takes up in the receive window of its link, given
/// back on drop: from then on the other node may send as much again.
#[derive(Debug)]
pub struct Room {
    bytes: usize,
    link: Arc<ClusterClient>,
}

impl Room {
    /// Takes room for a message, while `held` bytes of others are not yet whole.
    ///
    /// # Errors
    /// The other end has sent more than it was given credit for.
    pub(crate) fn take(
        len: usize,
        held: usize,
        link: &Arc<ClusterClient>,
    ) -> Result<Self, &'static str> {
        let room = Self { bytes: cost(len), link: Arc::clone(link) };
        let taken = link.received.fetch_add(room.bytes, Ordering::Relaxed) + room.bytes;
        if taken + held > WINDOW {
            return Err("more data than it has credit for");
        }
        Ok(room)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.link.received.fetch_sub(self.bytes, Ordering::Relaxed);
        let owed = self.link.owed.fetch_add(self.bytes, Ordering::Relaxed) + self.bytes;
        // One thread is the one to pass the mark, and takes all that is owed.
        if owed >= CREDIT_STEP && owed - self.bytes < CREDIT_STEP {
            self.link.outbox.give_credit(self.link.owed.swap(0, Ordering::Relaxed));
        }
    }
}
