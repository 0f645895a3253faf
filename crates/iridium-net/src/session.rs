//! An authenticated connection: a stream of frames inside Noise transport
//! messages (a 2-byte big-endian length, then the ciphertext), or in clear.
//!
//! The two directions are independent, so that a reader and a writer thread can
//! have one each without sharing anything that changes.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::net::TcpStream;
use std::ops::Range;

use iridium_proto::{FrameDecoder, IridiumMessage, ProtoError, encode_frame_head, frame_head};
use thiserror::Error;

use crate::cipher::{Opener, Records, Sealer, TAG_LEN};

/// Bytes before a record: its length.
const LENGTH: usize = 2;
/// Longest ciphertext of one Noise message.
const MAX_RECORD: usize = 65_535;
/// Longest cleartext of one Noise message.
const MAX_PLAIN: usize = MAX_RECORD - TAG_LEN;
/// One whole record with its length.
const WHOLE_RECORD: usize = LENGTH + MAX_RECORD;
/// Bytes that are read at a time: two whole records.
const READ_BUFFER: usize = 2 * WHOLE_RECORD;
/// The same where it is read by a thread of its own, once so many were there: it is cheaper to get much at once.
const WIDE_READ_BUFFER: usize = 2 * READ_BUFFER;

/// Why nothing more can be read from a session.
#[derive(Debug, Error)]
pub(crate) enum SessionError {
    #[error("it closed the connection")]
    Closed,
    #[error("the connection failed: {0}")]
    Io(#[source] io::Error),
    #[error("what it sent does not decrypt")]
    Decrypt,
    #[error("it broke the protocol: {0}")]
    Proto(#[from] ProtoError),
}

impl From<io::Error> for SessionError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Io(error),
        }
    }
}

/// An authenticated connection, before its halves part.
pub(crate) struct Session {
    pub(crate) reader: FrameReader,
    pub(crate) writer: FrameWriter,
    pub(crate) stream: TcpStream,
}

impl Session {
    /// Encrypted, if there is something to do that with.
    pub(crate) fn new(stream: TcpStream, records: Option<Records>) -> Self {
        let (reader, writer) = halves(records);
        Self { reader, writer, stream }
    }
}

/// The two directions of a session that is encrypted, if there is something to do that with.
pub(crate) fn halves(records: Option<Records>) -> (FrameReader, FrameWriter) {
    let (opener, sealer) = records.map(|records| (records.opener, records.sealer)).unzip();
    (FrameReader::new(opener), FrameWriter::new(sealer))
}

/// A body of at least so many bytes is encrypted where it is, and not moved.
const IN_PLACE: usize = 32 * 1024;

/// Messages to bytes for the wire, several in one record where they fit.
pub(crate) struct FrameWriter {
    sealer: Option<Sealer>,
    /// The beginning of a frame, when one is added.
    head: Vec<u8>,
    /// What the system has taken; then what it has not, up to `sealed`; then a record that is not full
    /// yet and, if it is to be encrypted, is not.
    wire: Vec<u8>,
    sent: usize,
    sealed: usize,
    /// What the system has not taken of the texts of records that are not in `wire`, in their order.
    bodies: VecDeque<Body>,
}

/// The text of a record, encrypted where it is.
struct Body {
    /// How much of `wire` is sent before it.
    at: usize,
    bytes: Vec<u8>,
    /// How much of it has been sent.
    sent: usize,
}

impl Body {
    fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }
}

impl FrameWriter {
    fn new(sealer: Option<Sealer>) -> Self {
        Self {
            sealer,
            head: Vec::new(),
            wire: Vec::new(),
            sent: 0,
            sealed: 0,
            bodies: VecDeque::new(),
        }
    }

    /// Adds a message to the next records.
    pub(crate) fn push(&mut self, message: &IridiumMessage) -> Result<(), ProtoError> {
        self.drop_sent();
        let mut head = std::mem::take(&mut self.head);
        let rest = encode_frame_head(message, &mut head);
        if let Ok(rest) = rest {
            self.add(&head);
            self.add(rest);
        }
        head.clear();
        self.head = head;
        rest.map(|_| ())
    }

    /// Adds a message of that kind whose body is a byte string, in two parts.
    pub(crate) fn push_bytes(&mut self, kind: u8, body: [&[u8]; 2]) -> Result<(), ProtoError> {
        let [first, second] = body;
        self.push_head(kind, first.len() + second.len())?;
        self.add(first);
        self.add(second);
        Ok(())
    }

    /// Adds the beginning of a message of that kind whose body is a byte string of `len` bytes. All of it is to
    /// follow in parts.
    pub(crate) fn push_head(&mut self, kind: u8, len: usize) -> Result<(), ProtoError> {
        self.drop_sent();
        self.add(&frame_head(kind, len)?);
        Ok(())
    }

    /// Adds a part of the body.
    pub(crate) fn push_part(&mut self, part: &[u8]) {
        self.drop_sent();
        self.add(part);
    }

    /// As [`push_bytes`](Self::push_bytes), with a first part that is encrypted where it is if that is long.
    pub(crate) fn push_body(
        &mut self,
        kind: u8,
        mut body: Vec<u8>,
        tail: &[u8],
    ) -> Result<(), ProtoError> {
        if self.sealer.is_none() || body.len() < IN_PLACE {
            return self.push_bytes(kind, [&body, tail]);
        }
        self.drop_sent();
        self.add(&frame_head(kind, body.len() + tail.len())?);
        // The last record is in place, and as long as may be.
        let sent = body.len().saturating_sub(MAX_PLAIN);
        self.add(&body[..sent]);
        self.seal();
        if let Some(sealer) = &mut self.sealer {
            let tag = sealer.seal(&mut body[sent..]);
            self.wire.extend_from_slice(&record_length(body.len() - sent));
            self.bodies.push_back(Body { at: self.wire.len(), bytes: body, sent });
            self.wire.extend_from_slice(&tag);
            self.sealed = self.wire.len();
        }
        self.add(tail);
        Ok(())
    }

    /// Whether there are bytes for the wire that have not been sent.
    pub(crate) fn has_unsent(&self) -> bool {
        self.sent < self.sealed
    }

    /// Bytes for the wire that have not been sent, in their order.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = &[u8]> {
        let ends = self.bodies.iter().map(|body| body.at).chain([self.sealed]);
        let starts = [self.sent].into_iter().chain(self.bodies.iter().map(|body| body.at));
        let wire = starts.zip(ends).map(|(start, end)| self.wire.get(start..end));
        let bodies = self.bodies.iter().map(|body| Some(body.unsent())).chain([None]);
        let parts = wire.zip(bodies).flat_map(|(wire, body)| [wire, body]);
        parts.flatten().filter(|part| !part.is_empty())
    }

    /// The first `n` of these bytes have been sent.
    pub(crate) fn mark_sent(&mut self, mut n: usize) {
        while let Some(body) = self.bodies.front_mut() {
            let wire = n.min(body.at - self.sent);
            self.sent += wire;
            n -= wire;
            let text = n.min(body.bytes.len() - body.sent);
            body.sent += text;
            n -= text;
            if !body.unsent().is_empty() {
                return;
            }
            self.bodies.pop_front();
        }
        self.sent += n;
    }

    /// Makes records of all messages that were added since the last call, after the
    /// bytes that have not been sent.
    pub(crate) fn seal(&mut self) {
        if self.wire.len() > self.sealed
            && let Some(sealer) = &mut self.sealer
        {
            let text = &mut self.wire[self.sealed + LENGTH..];
            let len = record_length(text.len());
            let tag = sealer.seal(text);
            self.wire[self.sealed..self.sealed + LENGTH].copy_from_slice(&len);
            self.wire.extend_from_slice(&tag);
        }
        self.sealed = self.wire.len();
    }

    /// Gives back the memory of what has been sent.
    pub(crate) fn shrink(&mut self) {
        self.drop_sent();
        self.wire.shrink_to(0);
        self.head.shrink_to(0);
        self.bodies.shrink_to(0);
    }

    /// Adds bytes to the record that is not sealed yet, and seals each that is full.
    fn add(&mut self, mut bytes: &[u8]) {
        if self.sealer.is_none() {
            return self.wire.extend_from_slice(bytes);
        }
        while !bytes.is_empty() {
            if self.wire.len() == self.sealed {
                self.wire.extend_from_slice(&[0; LENGTH]);
            }
            let room = self.sealed + LENGTH + MAX_PLAIN - self.wire.len();
            if bytes.len() < room {
                return self.wire.extend_from_slice(bytes);
            }
            let (now, later) = bytes.split_at(room);
            self.wire.extend_from_slice(now);
            self.seal();
            bytes = later;
        }
    }

    /// Forgets what has been sent, if that is all that there is.
    fn drop_sent(&mut self) {
        if self.sent == self.wire.len() {
            self.wire.clear();
            (self.sent, self.sealed) = (0, 0);
        }
    }
}

/// What stands before a record with a text of that length, which is at most [`MAX_PLAIN`].
fn record_length(text: usize) -> [u8; LENGTH] {
    ((text + TAG_LEN) as u16).to_be_bytes()
}

/// What a thread that reads many sessions lends to each in its turn.
#[derive(Default)]
pub(crate) struct ReadBuffer(Vec<u8>);

/// Bytes from the wire to messages.
pub(crate) struct FrameReader {
    opener: Option<Opener>,
    /// Empty until something is read. What has been read and not been handled is `text`, the rest of what was
    /// decrypted last, and `sealed`, which is not decrypted yet.
    buffer: Vec<u8>,
    /// How long the buffer may become.
    most: usize,
    text: Range<usize>,
    sealed: Range<usize>,
    pub(crate) decoder: FrameDecoder,
}

impl FrameReader {
    fn new(opener: Option<Opener>) -> Self {
        Self {
            opener,
            buffer: Vec::new(),
            most: READ_BUFFER,
            text: 0..0,
            sealed: 0..0,
            decoder: FrameDecoder::new(iridium_proto::MAX_FRAME_UNADMITTED),
        }
    }

    /// From now on it reads more at a time where more is there, and keeps a buffer for that.
    pub(crate) fn widen(&mut self) {
        self.most = WIDE_READ_BUFFER;
    }

    /// Lends it a buffer, unless something is left in its own.
    pub(crate) fn lend(&mut self, buffer: &mut ReadBuffer) {
        if self.buffer.is_empty() {
            std::mem::swap(&mut self.buffer, &mut buffer.0);
        }
    }

    /// Takes the buffer back, unless something is left in it.
    pub(crate) fn reclaim(&mut self, buffer: &mut ReadBuffer) {
        if self.text.is_empty() && self.sealed.is_empty() {
            buffer.0 = std::mem::take(&mut self.buffer);
        }
    }

    /// The next message in what was read; `None` when more is to be read.
    ///
    /// # Errors
    /// The other end has broken the protocol, or is not who it was.
    pub(crate) fn next_message(&mut self) -> Result<Option<IridiumMessage>, SessionError> {
        loop {
            let mut rest = self.buffer.get(self.text.clone()).unwrap_or_default();
            let message = self.decoder.next_message(&mut rest)?;
            self.text.start = self.text.end - rest.len();
            if message.is_some() || !self.open()? {
                return Ok(message);
            }
        }
    }

    /// Reads once from the stream, for when there is no further message. Returns how many bytes came.
    pub(crate) fn fill(&mut self, stream: &mut impl Read) -> Result<usize, SessionError> {
        let is_filled = self.sealed.end == self.buffer.len();
        if self.sealed.is_empty() {
            self.sealed = 0..0;
        } else if self.buffer.len() - self.sealed.start < WHOLE_RECORD {
            self.buffer.copy_within(self.sealed.clone(), 0);
            self.sealed = 0..self.sealed.len();
        }
        if self.buffer.is_empty() {
            self.buffer = vec![0; READ_BUFFER];
        } else if is_filled && self.buffer.len() < self.most {
            self.buffer.resize(self.most, 0);
        }
        let count = match stream.read(&mut self.buffer[self.sealed.end..]) {
            Ok(0) => return Err(SessionError::Closed),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => 0,
            Err(e) => return Err(e.into()),
        };
        self.sealed.end += count;
        Ok(count)
    }

    /// Decrypts the next record, if all of it has been read, when the text before is used up. Returns
    /// whether there is more text now.
    fn open(&mut self) -> Result<bool, SessionError> {
        let sealed = self.buffer.get_mut(self.sealed.clone()).unwrap_or_default();
        let (offset, text, record) = match &mut self.opener {
            None => (0, sealed.len(), sealed.len()),
            Some(opener) => {
                let Some((declared, rest)) = sealed.split_first_chunk_mut() else {
                    return Ok(false);
                };
                let len = usize::from(u16::from_be_bytes(*declared));
                let Some(record) = rest.get_mut(..len) else { return Ok(false) };
                let text = opener.open(record).ok_or(SessionError::Decrypt)?;
                (LENGTH, text, LENGTH + len)
            }
        };
        let start = self.sealed.start + offset;
        self.text = start..start + text;
        self.sealed.start += record;
        Ok(record > 0)
    }
}

/// Without the cipher and what is in the buffers.
impl fmt::Debug for FrameWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameWriter")
            .field("has_unsent", &self.has_unsent())
            .finish_non_exhaustive()
    }
}

/// Without the cipher and what is in the buffers.
impl fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReader").field("decoder", &self.decoder).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What both ends of a connection encrypt with.
    fn ends() -> [Records; 2] {
        let keys = [[1; 32], [2; 32]];
        [Records::new(&keys[0], &keys[1]), Records::new(&keys[1], &keys[0])]
    }

    /// Both ends of a session, in clear and encrypted.
    fn sessions() -> [(FrameReader, FrameWriter); 2] {
        let [ours, theirs] = ends();
        [None, Some((ours, theirs))].map(|records| {
            let (ours, theirs) = records.unzip();
            let ((mut reader, _), (_, writer)) = (halves(ours), halves(theirs));
            reader.decoder.set_cap(1 << 20);
            (reader, writer)
        })
    }

    fn message(byte: u8, len: usize) -> IridiumMessage {
        IridiumMessage::Deliver(vec![byte; len])
    }

    fn unsent(writer: &FrameWriter) -> Vec<u8> {
        writer.unsent().collect::<Vec<_>>().concat()
    }

    fn sealed(writer: &mut FrameWriter, messages: &[IridiumMessage]) -> Vec<u8> {
        messages.iter().for_each(|message| writer.push(message).unwrap());
        writer.seal();
        let wire = unsent(writer);
        writer.mark_sent(wire.len());
        writer.shrink();
        assert_eq!((writer.wire.capacity(), writer.head.capacity()), (0, 0));
        wire
    }

    fn read(reader: &mut FrameReader, mut wire: &[u8]) -> Vec<IridiumMessage> {
        let mut got = Vec::new();
        while !wire.is_empty() {
            reader.fill(&mut wire).unwrap();
            got.extend(std::iter::from_fn(|| reader.next_message().unwrap()));
        }
        got
    }

    #[test]
    fn messages_come_back_as_they_were_whatever_their_length() {
        let lens = [0, 1, MAX_PLAIN - 6, MAX_PLAIN - 5, MAX_PLAIN - 4, MAX_PLAIN, 3 * MAX_PLAIN];
        for (mut reader, mut writer) in sessions() {
            for len in lens {
                let messages = [message(1, 9), message(2, len), message(3, len), message(4, 9)];
                let wire = sealed(&mut writer, &messages);
                assert_eq!(read(&mut reader, &wire), messages, "of {len} bytes");
            }
        }
    }

    #[test]
    fn a_message_in_parts_is_one() {
        for (mut reader, mut writer) in sessions() {
            writer.push_bytes(message(7, 0).kind(), [&[7; 70_000], &[7; 25]]).unwrap();
            let wire = sealed(&mut writer, &[message(8, 9)]);
            assert_eq!(read(&mut reader, &wire), [message(7, 70_025), message(8, 9)]);
            let long = vec![0; iridium_proto::MAX_FRAME_ADMITTED];
            assert!(writer.push_bytes(message(7, 0).kind(), [&long, &[]]).is_err());
            assert_eq!(sealed(&mut writer, &[]), []);
        }
    }

    #[test]
    fn a_body_that_is_encrypted_where_it_is_comes_back_however_much_is_sent_at_a_time() {
        let lens =
            [1, IN_PLACE - 1, IN_PLACE, MAX_PLAIN - 1, MAX_PLAIN, MAX_PLAIN + 1, 3 * MAX_PLAIN];
        let messages = lens.map(|len| message(len as u8, len));
        for (mut reader, mut writer) in sessions() {
            for most in [10_000, 65_537, 100_000, usize::MAX] {
                writer.push(&message(9, 9)).unwrap();
                for len in lens {
                    let bytes = vec![len as u8; len];
                    let (body, tail) = bytes.split_at(len - len.min(25));
                    writer.push_body(message(7, 0).kind(), body.to_vec(), tail).unwrap();
                }
                writer.seal();
                let (whole, mut wire) = (unsent(&writer), Vec::new());
                while writer.has_unsent() {
                    let rest = unsent(&writer);
                    let n = rest.len().min(most);
                    wire.extend_from_slice(&rest[..n]);
                    writer.mark_sent(n);
                }
                assert!(wire == whole);
                let got = read(&mut reader, &wire);
                assert!(got[0] == message(9, 9) && got[1..] == messages, "{most} at a time");
            }
            let all = sealed(&mut writer, &messages);
            assert_eq!(read(&mut reader, &all), messages);
        }
    }

    #[test]
    fn nothing_is_to_be_sent_before_it_is_sealed() {
        for (mut reader, mut writer) in sessions() {
            writer.push(&message(1, 9)).unwrap();
            assert!(!writer.has_unsent());
            writer.seal();
            let first = unsent(&writer);
            writer.mark_sent(3);
            writer.push(&message(2, 9)).unwrap();
            assert_eq!(unsent(&writer), &first[3..]);
            writer.seal();
            let wire = [&first[..3], &unsent(&writer)].concat();
            assert_eq!(read(&mut reader, &wire), [message(1, 9), message(2, 9)]);
        }
    }

    #[test]
    fn a_message_that_is_too_long_leaves_no_trace() {
        for (mut reader, mut writer) in sessions() {
            let long = message(1, iridium_proto::MAX_FRAME_ADMITTED);
            assert!(writer.push(&long).is_err());
            let wire = sealed(&mut writer, &[message(2, 9)]);
            assert_eq!(read(&mut reader, &wire), [message(2, 9)]);
        }
    }

    #[test]
    fn what_was_changed_on_the_way_is_refused() {
        let [_, (mut reader, mut writer)] = sessions();
        let mut wire = sealed(&mut writer, &[message(1, 9)]);
        wire[LENGTH + 7] ^= 1;
        reader.fill(&mut &wire[..]).unwrap();
        assert!(matches!(reader.next_message(), Err(SessionError::Decrypt)));
    }

    #[test]
    fn a_wide_reader_reads_more_at_a_time_also_when_something_was_half_read_before() {
        let messages = [1, 2, 3, 4, 5].map(|byte| message(byte, 60_000));
        for (mut reader, mut writer) in sessions() {
            let wire = sealed(&mut writer, &messages);
            let mut got = read(&mut reader, &wire[..9]);
            reader.widen();
            got.extend(read(&mut reader, &wire[9..]));
            assert_eq!(got, messages);
            let wire = sealed(&mut writer, &messages);
            assert_eq!(reader.fill(&mut &wire[..]).unwrap(), WIDE_READ_BUFFER);
        }
    }

    #[test]
    fn sessions_that_share_a_buffer_keep_only_what_is_half_read() {
        let messages = [message(1, 50_000), message(2, 50_000)];
        let mut buffer = ReadBuffer::default();
        // Two records. The cuts are in the first, in its end, and in the second, whose first frame ends.
        for cut in [1, 60_000, 65_537, 65_538, 90_000] {
            let mut sessions = [0; 2].map(|_| {
                let [_, (reader, mut writer)] = sessions();
                (reader, sealed(&mut writer, &messages))
            });
            let mut got = [Vec::new(), Vec::new()];
            for part in 0..2 {
                for ((reader, wire), got) in sessions.iter_mut().zip(&mut got) {
                    let part = if part == 0 { &wire[..cut] } else { &wire[cut..] };
                    reader.lend(&mut buffer);
                    got.extend(read(reader, part));
                    reader.reclaim(&mut buffer);
                }
            }
            for ((reader, _), got) in sessions.iter().zip(&got) {
                assert_eq!(*got, messages);
                assert_eq!(reader.buffer.capacity(), 0, "everything has been read");
            }
        }
    }
}
