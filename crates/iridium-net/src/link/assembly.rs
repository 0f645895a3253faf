//! Long messages are put together from their pieces.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Instant;

use iridium_proto::{MAX_MESSAGE, Piece};
use memmap2::MmapMut;

use crate::threads::lock;

use super::queue::{Kind, MAX_TRANSFERS, WINDOW};

/// So much memory is asked of the system at a time. It becomes real page by page, as it is written.
const CHUNK: usize = 1024 * 1024;
/// So many chunks that were used are kept for the next message, of whichever link: to make memory real
/// costs more than to fill it.
const MOST_SPARE: usize = 8;
static SPARE: Mutex<Vec<MmapMut>> = Mutex::new(Vec::new());
/// The least that becomes real at a time.
const PAGE: usize = 4096;
const NO_MEMORY: &str = "the system has no memory for its long messages";

/// Long messages of which a part has come.
#[derive(Debug, Default)]
pub(crate) struct Assembly {
    parts: HashMap<u32, Part>,
    /// Bytes in all parts.
    held: usize,
    /// The memory that they take.
    memory: usize,
    abandoned: bool,
}

/// A message of which some pieces have come. Its memory is the system's own and none of the allocator's,
/// so that it is given back when the message is whole or dropped: the allocator has a heap for each of
/// several threads, and what one has freed is of no use to the others.
#[derive(Debug)]
struct Part {
    kind: u8,
    /// When its first piece came.
    since: Instant,
    chunks: Vec<MmapMut>,
    len: usize,
}

/// A complete message.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Assembled {
    /// For the application.
    Known(Vec<u8>),
    /// Of a kind that this build does not know: it is skipped.
    Unknown { kind: u8, len: usize },
}

impl Assembly {
    /// Bytes of messages that are not complete.
    pub(crate) fn held(&self) -> usize {
        self.held
    }

    /// The memory that these messages take, in bytes.
    pub(crate) fn memory(&self) -> usize {
        self.memory
    }

    /// Drops all that is not complete, and takes nothing more: its link is being closed.
    pub(crate) fn abandon(&mut self) {
        *self = Self { abandoned: true, ..Self::default() };
    }

    /// When the first piece came of the oldest message that is not complete.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.parts.values().map(|part| part.since).min()
    }

    /// Adds a piece. Returns the message that it completes, if any.
    ///
    /// # Errors
    /// How the other end broke the protocol.
    pub(crate) fn add(&mut self, piece: Piece) -> Result<Option<Assembled>, &'static str> {
        if self.abandoned {
            return Err("its long messages stay unfinished");
        }
        if !self.parts.contains_key(&piece.transfer) && self.parts.len() >= MAX_TRANSFERS {
            return Err("too many long messages at a time");
        }
        if piece.bytes.is_empty() && !piece.last {
            return Err("an empty piece that is not the last");
        }
        let new = || Part { kind: piece.kind, since: Instant::now(), chunks: Vec::new(), len: 0 };
        let part = self.parts.entry(piece.transfer).or_insert_with(new);
        if part.kind != piece.kind {
            return Err("pieces of one message with different kinds");
        }
        let len = piece.bytes.len();
        if part.len + len > MAX_MESSAGE {
            return Err("a message over the limit, in pieces");
        }
        // The sender has credit for a whole message before it sends the first piece.
        if self.held + len > WINDOW {
            return Err("more pieces than it has credit for");
        }
        if piece.last {
            return Ok(self.parts.remove(&piece.transfer).map(|part| {
                self.held -= part.len;
                self.memory -= part.memory();
                part.complete(&piece.bytes)
            }));
        }
        let before = part.memory();
        part.add(&piece.bytes)?;
        self.held += len;
        self.memory += part.memory() - before;
        Ok(None)
    }
}

impl Part {
    fn add(&mut self, mut bytes: &[u8]) -> Result<(), &'static str> {
        while !bytes.is_empty() {
            let (chunk, begin) = (self.len / CHUNK, self.len % CHUNK);
            if chunk == self.chunks.len() {
                let spare = lock(&SPARE).pop();
                let chunk = spare.map_or_else(|| MmapMut::map_anon(CHUNK), Ok);
                self.chunks.push(chunk.map_err(|_| NO_MEMORY)?);
            }
            let (now, later) = bytes.split_at(bytes.len().min(CHUNK - begin));
            self.chunks[chunk][begin..begin + now.len()].copy_from_slice(now);
            self.len += now.len();
            bytes = later;
        }
        Ok(())
    }

    fn memory(&self) -> usize {
        self.len.next_multiple_of(PAGE)
    }

    /// The message, with its last piece.
    fn complete(self, last: &[u8]) -> Assembled {
        let len = self.len + last.len();
        if Kind::of(self.kind).is_none() {
            return Assembled::Unknown { kind: self.kind, len };
        }
        let mut whole = Vec::with_capacity(len);
        for chunk in &self.chunks {
            whole.extend_from_slice(&chunk[..CHUNK.min(self.len - whole.len())]);
        }
        whole.extend_from_slice(last);
        Assembled::Known(whole)
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        let mut spare = lock(&SPARE);
        let room = MOST_SPARE.saturating_sub(spare.len());
        spare.extend(self.chunks.drain(..self.chunks.len().min(room)));
    }
}

#[cfg(test)]
mod tests {
    use iridium_proto::PIECE_LEN;

    use super::*;

    fn piece(transfer: u32, byte: u8, len: usize, last: bool) -> Piece {
        Piece { transfer, kind: 12, last, bytes: vec![byte; len] }
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
        assert_eq!(assembly.add(piece(2, 2, 0, true)), whole(vec![2]));
    }

    #[test]
    fn pieces_of_all_lengths_make_the_message_and_take_little_more_memory_than_it() {
        let mut assembly = Assembly::default();
        let lengths = [1, 0, PAGE, 3, PIECE_LEN, PAGE - 1, 2, CHUNK + 1, PIECE_LEN];
        let mut expected = Vec::new();
        for round in 0..60 {
            let (byte, len) = (round as u8, lengths[round % lengths.len()].max(1));
            expected.extend(vec![byte; len]);
            assert_eq!(assembly.add(piece(1, byte, len, false)), Ok(None));
            let (held, memory) = (assembly.held(), assembly.memory());
            assert_eq!(held, expected.len());
            assert!((held..held + PAGE).contains(&memory), "{memory} for {held}");
        }
        expected.push(7);
        assert_eq!(assembly.add(piece(1, 7, 1, true)), whole(expected));
        assert_eq!((assembly.held(), assembly.memory()), (0, 0));
    }

    #[test]
    fn tiny_pieces_do_not_take_more_memory_than_large_ones() {
        let mut assembly = Assembly::default();
        (0..100_000).for_each(|_| assert_eq!(assembly.add(piece(1, 7, 1, false)), Ok(None)));
        assert!(assembly.memory() < 100_000 + PIECE_LEN, "{}", assembly.memory());
    }

    #[test]
    fn a_long_message_of_a_later_build_is_skipped_as_a_whole() {
        let mut assembly = Assembly::default();
        let later = |last, byte| {
            let bytes = vec![byte; 2];
            Piece { transfer: 1, kind: 200, last, bytes }
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
    fn what_is_abandoned_takes_no_memory_and_nothing_more_in() {
        let mut assembly = Assembly::default();
        assert_eq!(assembly.add(piece(1, 1, PIECE_LEN, false)), Ok(None));
        assembly.abandon();
        assert_eq!((assembly.held(), assembly.memory(), assembly.oldest()), (0, 0, None));
        assert!(assembly.add(piece(1, 1, PIECE_LEN, false)).is_err());
        assert_eq!(assembly.memory(), 0);
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
