//! Messages on their way to the application, and the putting together of long ones.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use iridium_proto::{IridiumMessage, MAX_MESSAGE, NodeId, Piece};

use super::ClusterClient;
use super::queue::{CREDIT_STEP, Kind, MAX_TRANSFERS, WINDOW, cost};

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
    pub(super) fn take(
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

/// Long messages of which a part has come.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    parts: HashMap<u32, Part>,
    /// Bytes in all parts.
    held: usize,
}

#[derive(Debug)]
struct Part {
    kind: u8,
    bytes: Vec<u8>,
}

/// A message that is complete.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Assembled {
    Known(Vec<u8>),
    /// Of a kind that this build does not know: it is skipped.
    Unknown {
        kind: u8,
        len: usize,
    },
}

impl Assembly {
    /// Adds a data message or a piece. Returns the message that is complete
    /// by it.
    ///
    /// # Errors
    /// The breach of the protocol.
    pub(super) fn add(
        &mut self,
        message: IridiumMessage,
    ) -> Result<Option<Assembled>, &'static str> {
        match message {
            IridiumMessage::Deliver(bytes) | IridiumMessage::Signal(bytes) => {
                Ok(Some(Assembled::Known(bytes)))
            }
            IridiumMessage::Piece(piece) => self.add_piece(piece),
            _ => Err("a data message of a kind that has no use here"),
        }
    }

    /// Bytes of messages that are not yet whole.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    fn add_piece(&mut self, piece: Piece) -> Result<Option<Assembled>, &'static str> {
        if !self.parts.contains_key(&piece.transfer) && self.parts.len() >= MAX_TRANSFERS {
            return Err("too many long messages at a time");
        }
        if piece.bytes.is_empty() && !piece.last {
            return Err("a piece of nothing");
        }
        let new = || Part { kind: piece.kind, bytes: Vec::new() };
        let part = self.parts.entry(piece.transfer).or_insert_with(new);
        if part.kind != piece.kind {
            return Err("pieces of one message with different kinds");
        }
        if part.bytes.len() + piece.bytes.len() > MAX_MESSAGE {
            return Err("a message over the limit, in pieces");
        }
        part.bytes.extend_from_slice(&piece.bytes);
        self.held += piece.bytes.len();
        // The sender has credit for all of a message before it begins it.
        if self.held > WINDOW {
            return Err("more pieces than it has credit for");
        }
        let complete = if piece.last { self.parts.remove(&piece.transfer) } else { None };
        self.held -= complete.as_ref().map_or(0, |part| part.bytes.len());
        Ok(complete.map(|Part { kind, bytes }| match Kind::of(kind) {
            Some(_) => Assembled::Known(bytes),
            None => Assembled::Unknown { kind, len: bytes.len() },
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(transfer: u32, byte: u8, len: usize, last: bool) -> IridiumMessage {
        IridiumMessage::Piece(Piece { transfer, kind: 12, last, bytes: vec![byte; len] })
    }

    fn whole(bytes: Vec<u8>) -> Result<Option<Assembled>, &'static str> {
        Ok(Some(Assembled::Known(bytes)))
    }

    #[test]
    fn pieces_of_several_messages_may_alternate() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.add(piece(1, 1, 2, false)), Ok(None));
        assert_eq!(assembly.add(piece(2, 2, 1, false)), Ok(None));
        assert_eq!(assembly.add(piece(1, 1, 1, true)), whole(vec![1, 1, 1]));
        assert_eq!(assembly.add(IridiumMessage::Deliver(vec![9])), whole(vec![9]));
        assert_eq!(assembly.add(piece(2, 2, 0, true)), whole(vec![2]));
    }

    #[test]
    fn a_long_message_of_a_later_build_is_skipped_as_a_whole() {
        let mut assembly = Assembly::default();
        let later = |last, byte| {
            let bytes = vec![byte; 2];
            IridiumMessage::Piece(Piece { transfer: 1, kind: 200, last, bytes })
        };
        assert_eq!(assembly.add(later(false, 0)), Ok(None));
        assert_eq!(assembly.add(piece(2, 7, 1, true)), whole(vec![7]));
        assert_eq!(
            assembly.add(later(true, 1)),
            Ok(Some(Assembled::Unknown { kind: 200, len: 4 }))
        );
        assert_eq!(assembly.held(), 0);
        assert_eq!(assembly.add(later(false, 0)), Ok(None));
        assert!(assembly.add(piece(1, 0, 1, true)).is_err(), "of another kind than before");
    }

    #[test]
    fn a_peer_cannot_make_it_grow_without_end() {
        let mut assembly = Assembly::default();
        let half = MAX_MESSAGE / 2;
        assert_eq!(assembly.add(piece(0, 0, half, false)), Ok(None));
        assert_eq!(assembly.add(piece(0, 0, half, false)), Ok(None));
        assert!(assembly.add(piece(0, 0, 1, true)).is_err());
        let mut assembly = Assembly::default();
        for transfer in 0..2 {
            let added = assembly.add(piece(transfer, 0, MAX_MESSAGE / 2 + MAX_MESSAGE / 16, false));
            assert_eq!(added.is_err(), transfer == 1, "more than the window");
        }
        let mut assembly = Assembly::default();
        for transfer in 0..MAX_TRANSFERS as u32 {
            assert_eq!(assembly.add(piece(transfer, 0, 1, false)), Ok(None));
        }
        assert!(assembly.add(piece(99, 0, 1, false)).is_err());
    }
}
