//! Messages of applications, as they are queued on a link.

use iridium_proto::IridiumMessage;

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

#[derive(Debug)]
pub(super) struct QueuedMessage {
    pub(super) kind: Kind,
    pub(super) bytes: Vec<u8>,
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
