//! An authenticated connection: a stream of frames inside Noise transport
//! messages (a 2-byte big-endian length, then the ciphertext), or in clear.
//!
//! The two directions are independent, so that a reader and a writer thread can
//! have one each without sharing anything that changes.

use std::fmt;
use std::io::{self, Read};
use std::net::TcpStream;
use std::sync::Arc;

use iridium_proto::{FrameDecoder, IridiumMessage, ProtoError, encode_frame};
use snow::StatelessTransportState;
use thiserror::Error;

use crate::cipher::TAG_LEN;

/// Longest ciphertext of one Noise message.
const MAX_RECORD: usize = 65_535;
/// Longest cleartext of one Noise message.
const MAX_PLAIN: usize = MAX_RECORD - TAG_LEN;
/// One whole record with its length.
const WHOLE_RECORD: usize = 2 + MAX_RECORD;
/// Bytes that are read at a time: two whole records.
const READ_BUFFER: usize = 2 * WHOLE_RECORD;

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
    pub(crate) fn new(stream: TcpStream, cipher: Option<Arc<StatelessTransportState>>) -> Self {
        let writer = FrameWriter::new(cipher.clone());
        Self { reader: FrameReader::new(cipher), writer, stream }
    }
}

/// Messages to bytes for the wire, several in one record where they fit.
pub(crate) struct FrameWriter {
    cipher: Option<Arc<StatelessTransportState>>,
    nonce: u64,
    plain: Vec<u8>,
    /// As long as it ever had to be; what lies beyond `end` has no meaning.
    wire: Vec<u8>,
    /// How much of `wire` the system has taken, and how much there is.
    sent: usize,
    end: usize,
}

impl FrameWriter {
    pub(crate) fn new(cipher: Option<Arc<StatelessTransportState>>) -> Self {
        Self { cipher, nonce: 0, plain: Vec::new(), wire: Vec::new(), sent: 0, end: 0 }
    }

    /// Adds a message to the next records.
    pub(crate) fn push(&mut self, message: &IridiumMessage) -> Result<(), ProtoError> {
        encode_frame(message, &mut self.plain)
    }

    /// Bytes for the wire that have not been sent.
    pub(crate) fn unsent(&self) -> &[u8] {
        self.wire.get(self.sent..self.end).unwrap_or_default()
    }

    /// The first `n` of these bytes have been sent.
    pub(crate) fn mark_sent(&mut self, n: usize) {
        self.sent += n;
    }

    /// Makes records of all messages that were added since the last call, after the
    /// bytes that have not been sent.
    pub(crate) fn seal(&mut self) -> io::Result<()> {
        if self.unsent().is_empty() {
            (self.sent, self.end) = (0, 0);
        }
        let Some(cipher) = &self.cipher else {
            self.wire.truncate(self.end);
            if self.wire.is_empty() {
                std::mem::swap(&mut self.plain, &mut self.wire);
            } else {
                self.wire.append(&mut self.plain);
            }
            self.end = self.wire.len();
            return Ok(());
        };
        for part in self.plain.chunks(MAX_PLAIN) {
            let len = part.len() + TAG_LEN;
            let end = self.end + 2 + len;
            if self.wire.len() < end {
                self.wire.resize(end, 0);
            }
            let record = &mut self.wire[self.end..end];
            // Fits: a part is at most MAX_PLAIN long.
            record[..2].copy_from_slice(&(len as u16).to_be_bytes());
            cipher
                .write_message(self.nonce, part, &mut record[2..])
                .map_err(|e| io::Error::other(e.to_string()))?;
            self.nonce += 1;
            self.end = end;
        }
        self.plain.clear();
        Ok(())
    }

    /// Gives back the memory of what has been sent.
    pub(crate) fn shrink(&mut self) {
        if self.unsent().is_empty() {
            (self.sent, self.end) = (0, 0);
            self.wire = Vec::new();
            self.plain.shrink_to(0);
        }
    }
}

/// What a thread that reads many sessions lends to each in its turn.
#[derive(Default)]
pub(crate) struct ReadBuffers {
    records: Vec<u8>,
    frames: Vec<u8>,
}

/// Bytes from the wire to messages.
pub(crate) struct FrameReader {
    cipher: Option<Arc<StatelessTransportState>>,
    nonce: u64,
    /// Empty until something is read.
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    pub(crate) decoder: FrameDecoder,
}

impl FrameReader {
    pub(crate) fn new(cipher: Option<Arc<StatelessTransportState>>) -> Self {
        Self {
            cipher,
            nonce: 0,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            decoder: FrameDecoder::new(iridium_proto::MAX_FRAME_UNADMITTED),
        }
    }

    /// Lends it buffers for those that it does not need yet.
    pub(crate) fn lend(&mut self, buffers: &mut ReadBuffers) {
        if self.buffer.is_empty() {
            std::mem::swap(&mut self.buffer, &mut buffers.records);
        }
        self.decoder.lend(&mut buffers.frames);
    }

    /// Takes the buffers back in which nothing is half read.
    pub(crate) fn reclaim(&mut self, buffers: &mut ReadBuffers) {
        if self.start == self.end {
            buffers.records = std::mem::take(&mut self.buffer);
        }
        self.decoder.reclaim(&mut buffers.frames);
    }

    /// Reads once from the stream and hands what came to the decoder. Returns how many bytes came.
    pub(crate) fn fill(&mut self, stream: &mut impl Read) -> Result<usize, SessionError> {
        if self.buffer.is_empty() {
            self.buffer = vec![0; READ_BUFFER];
        }
        if self.start == self.end {
            (self.start, self.end) = (0, 0);
        } else if self.buffer.len() - self.start < WHOLE_RECORD {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        let count = match stream.read(&mut self.buffer[self.end..]) {
            Ok(0) => return Err(SessionError::Closed),
            Ok(n) => n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => 0,
            Err(e) => return Err(e.into()),
        };
        self.end += count;
        self.open_records()?;
        Ok(count)
    }

    fn open_records(&mut self) -> Result<(), SessionError> {
        let Some(cipher) = &self.cipher else {
            self.decoder.extend(&self.buffer[self.start..self.end]);
            self.start = self.end;
            return Ok(());
        };
        while let Some((declared, rest)) = self.buffer[self.start..self.end].split_first_chunk() {
            let len = usize::from(u16::from_be_bytes(*declared));
            let Some(record) = rest.get(..len) else { break };
            let space = self.decoder.space(record.len().saturating_sub(TAG_LEN));
            let n = cipher
                .read_message(self.nonce, record, space)
                .map_err(|_| SessionError::Decrypt)?;
            self.nonce += 1;
            self.decoder.commit(n);
            self.start += 2 + len;
        }
        Ok(())
    }
}

/// Without the cipher and what is in the buffers.
impl fmt::Debug for FrameWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameWriter").field("nonce", &self.nonce).finish_non_exhaustive()
    }
}

/// Without the cipher and what is in the buffers.
impl fmt::Debug for FrameReader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FrameReader").field("nonce", &self.nonce).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use snow::Builder;

    use super::*;
    use crate::cipher::Resolver;

    /// What both ends of a connection encrypt with.
    fn ciphers() -> [Arc<StatelessTransportState>; 2] {
        let builder = || {
            let pattern = "Noise_NN_25519_AESGCM_SHA256".parse().unwrap();
            Builder::with_resolver(pattern, Box::new(Resolver))
        };
        let mut dialler = builder().build_initiator().unwrap();
        let mut listener = builder().build_responder().unwrap();
        let (mut first, mut second, mut rest) = ([0; 128], [0; 128], [0; 128]);
        let len = dialler.write_message(&[], &mut first).unwrap();
        listener.read_message(&first[..len], &mut rest).unwrap();
        let len = listener.write_message(&[], &mut second).unwrap();
        dialler.read_message(&second[..len], &mut rest).unwrap();
        [dialler, listener].map(|end| Arc::new(end.into_stateless_transport_mode().unwrap()))
    }

    fn sealed(cipher: &Arc<StatelessTransportState>, messages: &[IridiumMessage]) -> Vec<u8> {
        let cipher = Some(Arc::clone(cipher));
        let (nonce, plain, wire) = (0, Vec::new(), Vec::new());
        let mut writer = FrameWriter { cipher, nonce, plain, wire, sent: 0, end: 0 };
        messages.iter().for_each(|message| writer.push(message).unwrap());
        writer.seal().unwrap();
        let wire = writer.unsent().to_vec();
        writer.mark_sent(wire.len());
        writer.shrink();
        assert_eq!((writer.wire.capacity(), writer.plain.capacity()), (0, 0));
        wire
    }

    #[test]
    fn sessions_that_share_buffers_keep_only_what_is_half_read() {
        let messages = [1u8, 2].map(|byte| IridiumMessage::Deliver(vec![byte; 50_000]));
        let mut buffers = ReadBuffers::default();
        // Two records. The cuts are in the first, in its end, and in the second, whose first frame ends.
        for cut in [1, 60_000, 65_537, 65_538, 90_000] {
            let mut sessions = [0; 2].map(|_| {
                let [ours, theirs] = ciphers();
                let mut reader = FrameReader::new(Some(ours));
                reader.decoder.set_cap(1 << 20);
                (reader, sealed(&theirs, &messages))
            });
            let mut got = [Vec::new(), Vec::new()];
            for part in 0..2 {
                for ((reader, wire), got) in sessions.iter_mut().zip(&mut got) {
                    let mut part = if part == 0 { &wire[..cut] } else { &wire[cut..] };
                    reader.lend(&mut buffers);
                    while !part.is_empty() {
                        reader.fill(&mut part).unwrap();
                        got.extend(std::iter::from_fn(|| reader.decoder.next_message().unwrap()));
                    }
                    reader.reclaim(&mut buffers);
                }
            }
            for ((reader, _), got) in sessions.iter().zip(&got) {
                assert_eq!(*got, messages);
                assert_eq!(reader.buffer.capacity(), 0, "everything has been read");
            }
        }
    }
}
