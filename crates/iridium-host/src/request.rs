//! What programs ask of processes that tasks drive, and the answers, as the bytes of messages.
//!
//! A request is a message with any tag: an integer that says what is asked for, a number, a time in
//! ms, bytes, and whom to answer. Its answer is an integer and bytes. They have the shapes that
//! Palladium gives such values: cells of 8 bytes, little-endian, and bytes behind their length, filled
//! up with zeros.

use std::time::Duration;

use tokio::time::Instant;

use iridium_vm::{Message, Payload, Pid};

use crate::port::Port;

/// The longest wait that is counted; who asks for a longer one waits as long as it takes.
const MAX_WAIT: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

/// What is asked for.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) what: i64,
    pub(crate) number: i64,
    /// When it is too late.
    pub(crate) deadline: Instant,
    pub(crate) bytes: Box<[u8]>,
    pub(crate) asker: Asker,
}

/// Whom to answer.
#[derive(Debug)]
pub(crate) struct Asker {
    pub(crate) pid: Pid,
    tag: i64,
}

impl Request {
    /// The request in a message; `None` when it is none, which nobody can be told.
    pub(crate) fn read(message: &Message) -> Option<Self> {
        let mut cells = Cells(message.payload.bytes());
        let (what, number, wait) = (cells.int()?, cells.int()?, cells.int()?);
        let bytes = cells.bytes()?.into();
        let asker = Asker { pid: Pid::from_bits(cells.int()?), tag: cells.int()? };
        if !cells.0.is_empty() || asker.tag < Message::REPLY {
            return None;
        }
        let wait = Duration::from_millis(u64::try_from(wait).unwrap_or(0)).min(MAX_WAIT);
        Some(Self { what, number, deadline: Instant::now() + wait, bytes, asker })
    }
}

impl Asker {
    pub(crate) async fn answer(self, port: &mut Port, code: i64, bytes: &[u8]) {
        let length = bytes.len();
        let mut payload = Vec::with_capacity(16 + length.next_multiple_of(8));
        payload.extend(code.to_le_bytes());
        payload.extend((length as u64).to_le_bytes());
        payload.extend(bytes);
        payload.resize(payload.len().next_multiple_of(8), 0);
        port.send(self.pid, self.tag, Payload::Bytes(payload.into())).await;
    }
}

/// What is left of a payload.
struct Cells<'m>(&'m [u8]);

impl<'m> Cells<'m> {
    fn int(&mut self) -> Option<i64> {
        let (cell, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(i64::from_le_bytes(*cell))
    }

    fn bytes(&mut self) -> Option<&'m [u8]> {
        let length = usize::try_from(self.int()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(length.checked_next_multiple_of(8)?)?;
        self.0 = rest;
        bytes.get(..length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(cells: &[i64]) -> Message {
        let payload = cells.iter().flat_map(|cell| cell.to_le_bytes()).collect();
        Message { tag: 5, sender: 0, payload: Payload::Bytes(payload) }
    }

    #[test]
    fn what_is_no_request_is_none() {
        let word = i64::from_le_bytes(*b"abcde\0\0\0");
        let whole = [2, 7, 1_000, 5, word, 9, Message::REPLY + 3];
        let request = Request::read(&message(&whole)).unwrap();
        assert_eq!((request.what, request.number, &*request.bytes), (2, 7, &b"abcde"[..]));
        assert_eq!((request.asker.pid.bits(), request.asker.tag), (9, Message::REPLY + 3));
        for length in 0..whole.len() {
            assert!(Request::read(&message(&whole[..length])).is_none(), "{length}");
        }
        for wrong in [
            &[2, 7, 1_000, 5, word, 9, Message::REPLY, 0][..],
            &[2, 7, 1_000, -1, word, 9, Message::REPLY],
            &[2, 7, 1_000, i64::MAX, word, 9, Message::REPLY],
            &[2, 7, 1_000, 5, word, 9, 4],
        ] {
            assert!(Request::read(&message(wrong)).is_none(), "{wrong:?}");
        }
        // A wait that cannot be counted is as long as it takes.
        assert!(Request::read(&message(&[1, 0, i64::MAX, 0, 9, Message::REPLY])).is_some());
        assert!(Request::read(&message(&[1, 0, -5, 0, 9, Message::REPLY])).is_some());
    }
}
