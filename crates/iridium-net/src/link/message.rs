//! Messages of applications, as they are queued on a link.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use iridium_proto::IridiumMessage;

use crate::error::{Refused, SendError};

/// What a message costs beyond its bytes, for the memory that it takes up in a queue.
pub(crate) const OVERHEAD: usize = 64;

/// What a message of that length takes from the credit and from the space of the queue.
pub(crate) fn cost(len: usize) -> usize {
    len + OVERHEAD
}

/// The two kinds of data. Only messages may be refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Message,
    Signal,
}

impl Kind {
    /// The kind that a [`Piece`](iridium_proto::Piece) names; `None` for one of a later build.
    pub(super) fn of(number: u8) -> Option<Self> {
        [Self::Message, Self::Signal].into_iter().find(|kind| kind.number() == number)
    }

    pub(super) fn number(self) -> u8 {
        self.with(Vec::new()).kind()
    }

    /// The message on the wire.
    pub(super) fn with(self, bytes: Vec<u8>) -> IridiumMessage {
        match self {
            Self::Message => IridiumMessage::Deliver(bytes),
            Self::Signal => IridiumMessage::Signal(bytes),
        }
    }
}

/// Bytes that are in memory once, however many links they are queued on. A link drops its part when the
/// message is sent, or the link ends.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// The bytes of a message.
pub(crate) enum Bytes {
    Own(Vec<u8>),
    Shared(SharedBytes),
}

impl Bytes {
    /// A copy, if they are shared.
    pub(super) fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => (*bytes).as_ref().to_vec(),
        }
    }
}

impl Deref for Bytes {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Self::Own(bytes) => bytes,
            Self::Shared(bytes) => (**bytes).as_ref(),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Own(bytes)
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.len())
    }
}

/// A message that was not queued, and why.
#[derive(Debug)]
pub(crate) struct Returned {
    pub(crate) why: SendError,
    pub(crate) bytes: Bytes,
}

impl From<Returned> for Refused {
    fn from(Returned { why, bytes }: Returned) -> Self {
        Self { why, bytes: bytes.into_vec() }
    }
}

/// What has come of a message that was to be queued.
#[derive(Debug)]
pub(super) enum QueuePush {
    Queued,
    Refused(Returned),
    /// Too many signals are queued: the other end does not read.
    Overflow(Bytes),
}

#[derive(Debug)]
pub(super) struct QueuedMessage {
    pub(super) kind: Kind,
    pub(super) bytes: Bytes,
}

impl QueuedMessage {
    /// The memory that it takes up in this queue alone.
    pub(super) fn own_cost(&self) -> usize {
        match &self.bytes {
            Bytes::Own(bytes) => cost(bytes.len()),
            Bytes::Shared(_) => OVERHEAD,
        }
    }
}

/// A long message whose transfer has not started.
#[derive(Debug)]
pub(super) struct PendingLong {
    pub(super) lane: u64,
    /// As in a [`Transfer`].
    pub(super) place: u64,
    pub(super) message: QueuedMessage,
    /// How many short messages must have been sent before: some are of its lane.
    pub(super) after: u64,
}

impl PendingLong {
    pub(super) fn cost(&self) -> usize {
        cost(self.message.bytes.len())
    }
}

/// A long message that was asked for, or of which a part has been sent.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) lane: u64,
    /// Its place among the long messages of its lane, from [`Lanes`](super::lanes::Lanes).
    pub(super) place: u64,
    pub(super) number: u32,
    pub(super) message: QueuedMessage,
    pub(super) sent: usize,
}
