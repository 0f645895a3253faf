//! Long messages are put together from their pieces.

use std::collections::HashMap;

use iridium_proto::Piece;

use crate::ids::ConnId;

use super::credit::WINDOW;
use super::message::Kind;
use super::room::{Grant, Room};

/// Long messages of one link of which a part has come.
#[derive(Debug)]
pub(crate) struct Assembly {
    conn: ConnId,
    room: Room,
    parts: HashMap<u32, Part>,
    /// Bytes in all parts.
    held: usize,
}

/// A message of which some pieces have come.
#[derive(Debug)]
struct Part {
    kind: u8,
    grant: Grant,
    come: usize,
    /// What has come, if its kind is known.
    bytes: Vec<u8>,
}

/// A complete message.
#[derive(Debug)]
pub(crate) enum Assembled {
    /// For the application.
    Known(Vec<u8>, Grant),
    /// Of a kind that this build does not know: it is skipped.
    Unknown { kind: u8, len: usize },
}

impl Assembly {
    /// For a link, whose other end asks for room here.
    pub(crate) fn new(conn: ConnId, room: Room) -> Self {
        Self { conn, room, parts: HashMap::new(), held: 0 }
    }

    /// Bytes of messages that are not complete.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// What is not as it must be after each step, if anything.
    pub(crate) fn flaw(&self) -> Option<&'static str> {
        let is_counted = self.held == self.parts.values().map(|part| part.come).sum::<usize>();
        let is_whole = |part: &Part| part.come >= part.grant.len();
        let has_come = |part: &Part| match Kind::of(part.kind) {
            Some(_) => part.bytes.len() == part.come && part.bytes.capacity() >= part.grant.len(),
            None => part.bytes.capacity() == 0,
        };
        let is_sound = |part: &Part| !is_whole(part) && has_come(part);
        (!is_counted || self.held > WINDOW || !self.parts.values().all(is_sound))
            .then_some("the pieces that have come are not what is counted")
    }

    /// Adds a piece. Returns the message that it completes, if any.
    ///
    /// # Errors
    /// How the other end broke the protocol.
    pub(crate) fn add(&mut self, piece: &Piece) -> Result<Option<Assembled>, &'static str> {
        if !self.parts.contains_key(&piece.transfer) {
            let grant = self.room.begin(self.conn, piece.transfer);
            let grant = grant.ok_or("a piece of a message that was not granted")?;
            self.parts.insert(piece.transfer, Part::new(piece.kind, grant));
        }
        let Some(part) = self.parts.get_mut(&piece.transfer) else { return Ok(None) };
        if part.kind != piece.kind {
            return Err("pieces of one message with different kinds");
        }
        let len = piece.bytes.len();
        if len == 0 {
            return Err("an empty piece");
        }
        part.come += len;
        part.grant.note_piece(self.conn, len);
        if part.come > part.grant.len() || piece.last != (part.come == part.grant.len()) {
            return Err("pieces that are not as long together as was asked for");
        }
        // The sender has credit for a whole message before it sends the first piece.
        if self.held + len > WINDOW {
            return Err("more pieces than it has credit for");
        }
        self.held += len;
        if Kind::of(part.kind).is_some() {
            part.bytes.extend_from_slice(&piece.bytes);
        }
        Ok(piece.last.then(|| self.parts.remove(&piece.transfer)).flatten().map(|part| {
            self.held -= part.come;
            part.complete()
        }))
    }
}

impl Part {
    /// With memory for all of it, which the system makes real as it is written.
    fn new(kind: u8, grant: Grant) -> Self {
        let len = if Kind::of(kind).is_some() { grant.len() } else { 0 };
        Self { kind, grant, come: 0, bytes: Vec::with_capacity(len) }
    }

    fn complete(self) -> Assembled {
        if Kind::of(self.kind).is_none() {
            return Assembled::Unknown { kind: self.kind, len: self.come };
        }
        self.grant.complete();
        Assembled::Known(self.bytes, self.grant)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use iridium_proto::{MAX_MESSAGE, PIECE_LEN};

    use super::*;

    const CONN: ConnId = ConnId(1);
    const LEN: usize = PIECE_LEN + 2;

    /// An assembly that may take messages of these lengths in.
    fn granted(lens: &[usize]) -> Assembly {
        let room = Room::new(Duration::ZERO);
        lens.iter().zip(1..).for_each(|(len, transfer)| room.grant_by_hand(CONN, transfer, *len));
        Assembly::new(CONN, room)
    }

    fn add(
        assembly: &mut Assembly,
        transfer: u32,
        byte: u8,
        len: usize,
        last: bool,
    ) -> Result<Option<Vec<u8>>, &'static str> {
        let piece = Piece { transfer, kind: 12, last, bytes: vec![byte; len] };
        Ok(assembly.add(&piece)?.map(|assembled| match assembled {
            Assembled::Known(bytes, _) => bytes,
            Assembled::Unknown { .. } => panic!("it is known"),
        }))
    }

    #[test]
    fn pieces_of_several_messages_may_alternate_and_have_any_length() {
        let mut assembly = granted(&[LEN, LEN]);
        assert_eq!(add(&mut assembly, 1, 1, 2, false), Ok(None));
        assert_eq!(add(&mut assembly, 2, 2, PIECE_LEN, false), Ok(None));
        assert_eq!(assembly.held(), LEN);
        assert_eq!(add(&mut assembly, 1, 1, PIECE_LEN, true), Ok(Some(vec![1; LEN])));
        assert_eq!(add(&mut assembly, 2, 2, 1, false), Ok(None));
        assert_eq!(add(&mut assembly, 2, 2, 1, true), Ok(Some(vec![2; LEN])));
        assert_eq!(assembly.held(), 0);
    }

    #[test]
    fn a_long_message_of_a_later_build_is_skipped_as_a_whole() {
        let mut assembly = granted(&[LEN, LEN]);
        let later = |len, last| Piece { transfer: 1, kind: 200, last, bytes: vec![0; len] };
        assert!(matches!(assembly.add(&later(PIECE_LEN, false)), Ok(None)));
        let skipped = assembly.add(&later(2, true));
        assert!(matches!(skipped, Ok(Some(Assembled::Unknown { kind: 200, len: LEN }))));
        assert_eq!(assembly.held(), 0);
        assert_eq!(add(&mut assembly, 2, 1, 1, false), Ok(None));
        let other = Piece { transfer: 2, kind: 13, last: false, bytes: vec![0] };
        assert!(assembly.add(&other).is_err(), "of another kind than before");
    }

    #[test]
    fn what_was_not_granted_or_is_not_as_long_as_was_asked_for_is_a_fault() {
        assert!(add(&mut granted(&[]), 1, 0, 9, false).is_err(), "not granted");
        let mut assembly = granted(&[LEN]);
        assert!(add(&mut assembly, 2, 0, 9, false).is_err(), "another was granted");
        assert!(add(&mut assembly, 1, 0, 0, false).is_err(), "nothing");
        for (len, last) in [(LEN - 1, true), (LEN, false), (LEN + 1, true)] {
            assert!(add(&mut granted(&[LEN]), 1, 0, len, last).is_err(), "{len} {last}");
        }
        let mut assembly = granted(&[LEN]);
        assert!(add(&mut assembly, 1, 0, LEN, true).is_ok());
        assert!(add(&mut assembly, 1, 0, LEN, true).is_err(), "a second time");
    }

    #[test]
    fn a_link_has_no_more_in_pieces_than_its_window_whatever_was_granted() {
        let mut assembly = granted(&[MAX_MESSAGE; 2]);
        assert_eq!(add(&mut assembly, 1, 0, MAX_MESSAGE - 1, false), Ok(None));
        assert!(add(&mut assembly, 2, 0, WINDOW - MAX_MESSAGE + 2, false).is_err());
    }
}
