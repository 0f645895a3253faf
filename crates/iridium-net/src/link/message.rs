//! Messages of applications, as they are queued on a link.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use iridium_proto::{IridiumMessage, ProtoError};

use crate::error::{Refused, SendError};
use crate::session::FrameWriter;

/// What a message costs beyond its bytes in credit and in the space of a queue: both ends count so.
pub(crate) const OVERHEAD: usize = 64;

/// What a message costs in memory beyond its bytes where it is queued: its place in a queue that may be twice as
/// long as what is in it, and what the allocator adds to its block.
const OWN_OVERHEAD: usize = 2 * size_of::<QueuedMessage>() + 16;

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
        let example = match self {
            Self::Message => IridiumMessage::Deliver(Vec::new()),
            Self::Signal => IridiumMessage::Signal(Vec::new()),
        };
        example.kind()
    }
}

/// Bytes that are in memory once, however many links they are queued on. A link drops its part when the
/// message is sent, or the link ends.
pub type SharedBytes = Arc<dyn AsRef<[u8]> + Send + Sync>;

/// Bytes that stand behind those of a message. They are kept apart, so that a long message need not be moved to
/// where there is room for them.
#[derive(Debug, Clone, Copy, Default)]
pub struct Tail {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl Tail {
    /// The most that it can have, in bytes.
    pub const MAX: usize = 31;

    fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.len.into()).unwrap_or_default()
    }
}

/// One that is too long does not compile.
impl<const N: usize> From<[u8; N]> for Tail {
    fn from(bytes: [u8; N]) -> Self {
        const { assert!(N <= Self::MAX) };
        let mut tail = Self { len: N as u8, ..Self::default() };
        tail.bytes[..N].copy_from_slice(&bytes);
        tail
    }
}

/// The bytes of a message.
pub(crate) enum Bytes {
    Own(Vec<u8>, Tail),
    Shared(SharedBytes),
}

impl Bytes {
    pub(super) fn len(&self) -> usize {
        let [body, tail] = self.parts();
        body.len() + tail.len()
    }

    /// They are those of the first part, and then those of the second.
    pub(super) fn parts(&self) -> [&[u8]; 2] {
        match self {
            Self::Own(bytes, tail) => [bytes, tail.bytes()],
            Self::Shared(bytes) => [(**bytes).as_ref(), &[]],
        }
    }

    /// A copy of some of them.
    pub(super) fn copy(&self, range: Range<usize>) -> Vec<u8> {
        let [body, tail] = self.parts();
        let part = |bytes: &[u8], at: usize| bytes.len().min(at);
        let in_tail = |at: usize| part(tail, at.saturating_sub(body.len()));
        let in_body = &body[part(body, range.start)..part(body, range.end)];
        [in_body, &tail[in_tail(range.start)..in_tail(range.end)]].concat()
    }

    /// Them without their tail; a copy, if they are shared.
    fn into_vec(self) -> Vec<u8> {
        match self {
            Self::Own(bytes, _) => bytes,
            Self::Shared(bytes) => (*bytes).as_ref().to_vec(),
        }
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Own(bytes, Tail::default())
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

/// A message or a signal that is to be sent.
#[derive(Debug)]
pub(crate) struct QueuedMessage {
    pub(super) kind: Kind,
    pub(super) bytes: Bytes,
}

impl QueuedMessage {
    /// The memory that it takes up in this queue alone.
    pub(super) fn own_cost(&self) -> usize {
        match &self.bytes {
            Bytes::Own(..) => self.bytes.len() + OWN_OVERHEAD,
            Bytes::Shared(_) => OWN_OVERHEAD,
        }
    }
}

/// What is sent next.
#[derive(Debug)]
pub(crate) enum Outgoing {
    /// A message of the mesh's own, or a piece of a long one.
    Own(IridiumMessage),
    /// One of the application's.
    Data(QueuedMessage),
}

impl Outgoing {
    /// The name of the message on the wire, for logs.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Own(message) => message.name(),
            Self::Data(QueuedMessage { kind: Kind::Message, .. }) => "Deliver",
            Self::Data(QueuedMessage { kind: Kind::Signal, .. }) => "Signal",
        }
    }

    /// Adds it to the frames of a session.
    pub(super) fn push_to(self, frames: &mut FrameWriter) -> Result<(), ProtoError> {
        match self {
            Self::Own(message) => frames.push(&message),
            Self::Data(QueuedMessage { kind, bytes: Bytes::Own(body, tail) }) => {
                frames.push_body(kind.number(), body, tail.bytes())
            }
            Self::Data(data) => frames.push_bytes(data.kind.number(), data.bytes.parts()),
        }
    }

    /// The message as the other end has it.
    #[cfg(test)]
    pub(super) fn received(self) -> IridiumMessage {
        match self {
            Self::Own(message) => message,
            Self::Data(QueuedMessage { kind, bytes }) => match kind {
                Kind::Message => IridiumMessage::Deliver(bytes.parts().concat()),
                Kind::Signal => IridiumMessage::Signal(bytes.parts().concat()),
            },
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_the_bytes_may_be_in_the_tail() {
        let bytes = Bytes::Own(vec![0, 1, 2, 3], [4, 5, 6].into());
        assert_eq!((bytes.len(), bytes.copy(0..7)), (7, vec![0, 1, 2, 3, 4, 5, 6]));
        for start in 0..7 {
            for end in start..=7 {
                let part: Vec<u8> = (start as u8..end as u8).collect();
                assert_eq!(bytes.copy(start..end), part);
            }
        }
    }
}
