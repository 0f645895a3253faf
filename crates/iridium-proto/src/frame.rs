//! Frames: a 4-byte little-endian length of what follows, one byte of kind, a
//! body. The decoder takes bytes as they come and never holds more than the
//! bytes it was given: a declared length reserves nothing.

use std::ops::Range;

use crate::error::ProtoError;
use crate::limits::MAX_FRAME_ADMITTED;
use crate::message::IridiumMessage;

/// Bytes of a frame before its kind.
pub const HEADER_LEN: usize = 4;

/// How much of the buffer may be used up before it is moved to the front.
const COMPACT_AT: usize = 64 * 1024;
/// A buffer that had to be longer than this for once is given back when empty.
const KEEP: usize = 256 * 1024;

/// Appends `message` as one frame to `out`.
///
/// # Errors
/// [`ProtoError::MessageTooLong`] when the frame would be over
/// [`MAX_FRAME_ADMITTED`]; `out` is then as it was.
pub fn encode_frame(message: &IridiumMessage, out: &mut Vec<u8>) -> Result<(), ProtoError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_LEN]);
    out.push(message.kind());
    let encoded = message.encode_body(out);
    let len = out.len() - start - HEADER_LEN;
    let checked = encoded.and_then(|()| match u32::try_from(len) {
        Ok(declared) if len <= MAX_FRAME_ADMITTED => Ok(declared),
        _ => Err(ProtoError::MessageTooLong { len, cap: MAX_FRAME_ADMITTED }),
    });
    match checked {
        Ok(declared) => {
            out[start..start + HEADER_LEN].copy_from_slice(&declared.to_le_bytes());
            Ok(())
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// Takes bytes as they arrive, and returns the messages in them.
///
/// After an error the stream is out of step and the decoder must be dropped.
#[derive(Debug)]
#[must_use]
pub struct FrameDecoder {
    /// As long as it ever had to be; what lies beyond `end` has no meaning.
    buffer: Vec<u8>,
    used: usize,
    end: usize,
    cap: usize,
    unknown: Vec<u8>,
    unknown_taken: usize,
}

impl FrameDecoder {
    /// A decoder that refuses frames over `cap` bytes (kind and body).
    pub fn new(cap: usize) -> Self {
        Self { buffer: Vec::new(), used: 0, end: 0, cap, unknown: Vec::new(), unknown_taken: 0 }
    }

    /// Changes the cap, for a peer that has been admitted.
    pub fn set_cap(&mut self, cap: usize) {
        self.cap = cap;
    }

    /// Lends it a buffer, unless it has one of its own: for who decodes the frames of many peers, of
    /// which few have sent a part of one.
    pub fn lend(&mut self, buffer: &mut Vec<u8>) {
        if self.buffer.is_empty() {
            std::mem::swap(&mut self.buffer, buffer);
        }
    }

    /// Takes a buffer back, if no frame is half in it: the longer of the two, which is for others then.
    pub fn reclaim(&mut self, buffer: &mut Vec<u8>) {
        if self.used == self.end {
            (self.used, self.end) = (0, 0);
            let own = std::mem::take(&mut self.buffer);
            if own.len() > buffer.len() {
                *buffer = own;
            }
        }
    }

    /// Takes in bytes from the peer.
    pub fn extend(&mut self, bytes: &[u8]) {
        self.space(bytes.len()).copy_from_slice(bytes);
        self.commit(bytes.len());
    }

    /// Space for `len` bytes from the peer, to be filled without another copy. They are
    /// taken in by [`commit`](Self::commit).
    pub fn space(&mut self, len: usize) -> &mut [u8] {
        if self.used == self.end {
            (self.used, self.end) = (0, 0);
            if self.buffer.len() > KEEP {
                self.buffer = Vec::new();
            }
        } else if self.used >= COMPACT_AT {
            self.buffer.copy_within(self.used..self.end, 0);
            (self.used, self.end) = (0, self.end - self.used);
        }
        let end = self.end + len;
        if self.buffer.len() < end {
            self.buffer.resize(end, 0);
        }
        &mut self.buffer[self.end..end]
    }

    /// Takes in the first `len` bytes of the [space](Self::space) asked for last.
    pub fn commit(&mut self, len: usize) {
        self.end = self.buffer.len().min(self.end + len);
    }

    /// The next whole message, or `None` when more bytes are needed. Frames of
    /// an unknown kind are skipped; see [`FrameDecoder::take_unknown`].
    ///
    /// # Errors
    /// [`ProtoError`] when the peer breaks the protocol.
    pub fn next_message(&mut self) -> Result<Option<IridiumMessage>, ProtoError> {
        while let Some((kind, body)) = self.next_frame()? {
            let decoded = IridiumMessage::decode(kind, &self.buffer[body.clone()])?;
            self.used = body.end;
            if decoded.is_some() {
                return Ok(decoded);
            }
            if !self.unknown.contains(&kind) {
                self.unknown.push(kind);
            }
        }
        Ok(None)
    }

    /// The kinds that were skipped for the first time since the last call, so
    /// that the caller can log each once.
    pub fn take_unknown(&mut self) -> &[u8] {
        let new = self.unknown_taken..;
        self.unknown_taken = self.unknown.len();
        self.unknown.get(new).unwrap_or_default()
    }

    /// The next whole frame: its kind, and where in the buffer its body lies.
    fn next_frame(&self) -> Result<Option<(u8, Range<usize>)>, ProtoError> {
        let pending = &self.buffer[self.used..self.end];
        let Some((header, rest)) = pending.split_first_chunk::<HEADER_LEN>() else {
            return Ok(None);
        };
        let declared = u32::from_le_bytes(*header);
        let len = declared as usize;
        if len > self.cap {
            return Err(ProtoError::FrameTooLong { declared: declared.into(), cap: self.cap });
        }
        if len == 0 {
            return Err(ProtoError::FrameEmpty);
        }
        if rest.len() < len {
            return Ok(None);
        }
        let body = self.used + HEADER_LEN + 1;
        Ok(Some((rest[0], body..body + len - 1)))
    }
}
