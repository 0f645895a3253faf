//! Frames: a 4-byte little-endian length of what follows, one byte of kind, a
//! body. The decoder takes bytes as they come and keeps a frame that has not come
//! whole, in no more than twice the memory of its part: a declared length reserves nothing.

use std::borrow::Cow;

use crate::error::ProtoError;
use crate::limits::MAX_FRAME_ADMITTED;
use crate::message::IridiumMessage;

/// Bytes of a frame before its kind.
pub const HEADER_LEN: usize = 4;

/// Bytes of a frame before its body: its header and its kind.
pub const HEAD_LEN: usize = HEADER_LEN + 1;

/// Appends `message` as one frame to `out`.
///
/// # Errors
/// [`ProtoError::MessageTooLong`] when the frame would be over
/// [`MAX_FRAME_ADMITTED`]; `out` is then as it was.
pub fn encode_frame(message: &IridiumMessage, out: &mut Vec<u8>) -> Result<(), ProtoError> {
    let rest = encode_frame_head(message, out)?;
    out.extend_from_slice(rest);
    Ok(())
}

/// Appends the beginning of the frame of `message` to `out`, and returns the rest of it: the byte string
/// that the message ends with, so that a long one can be copied straight to where it is needed.
///
/// # Errors
/// As [`encode_frame`].
pub fn encode_frame_head<'a>(
    message: &'a IridiumMessage,
    out: &mut Vec<u8>,
) -> Result<&'a [u8], ProtoError> {
    let start = out.len();
    out.extend_from_slice(&[0; HEADER_LEN]);
    out.push(message.kind());
    let checked = message.encode_body(out).and_then(|rest| {
        let declared = declared(out.len() - start - HEADER_LEN + rest.len())?;
        Ok((declared, rest))
    });
    match checked {
        Ok((declared, rest)) => {
            out[start..start + HEADER_LEN].copy_from_slice(&declared.to_le_bytes());
            Ok(rest)
        }
        Err(error) => {
            out.truncate(start);
            Err(error)
        }
    }
}

/// The beginning of a frame with a byte string of `len` bytes as its body, such as that of a `Deliver`.
///
/// # Errors
/// As [`encode_frame`].
pub fn frame_head(kind: u8, len: usize) -> Result<[u8; HEAD_LEN], ProtoError> {
    let [l0, l1, l2, l3] = declared(len + 1)?.to_le_bytes();
    Ok([l0, l1, l2, l3, kind])
}

/// The length of a frame without its header, as it is declared there.
fn declared(len: usize) -> Result<u32, ProtoError> {
    match u32::try_from(len) {
        Ok(declared) if len <= MAX_FRAME_ADMITTED => Ok(declared),
        _ => Err(ProtoError::MessageTooLong { len, cap: MAX_FRAME_ADMITTED }),
    }
}

/// Takes bytes as they arrive, and returns the messages in them.
///
/// After an error the stream is out of step and the decoder must be dropped.
#[derive(Debug)]
#[must_use]
pub struct FrameDecoder {
    cap: usize,
    /// How a frame begins that has not come whole, and how many bytes of that have come.
    head: ([u8; HEAD_LEN], usize),
    /// What has come of its body.
    body: Vec<u8>,
    unknown: Vec<u8>,
    unknown_taken: usize,
}

impl FrameDecoder {
    /// A decoder that refuses frames over `cap` bytes (kind and body).
    pub fn new(cap: usize) -> Self {
        let (head, body) = Default::default();
        Self { cap, head, body, unknown: Vec::new(), unknown_taken: 0 }
    }

    /// Changes the cap, for a peer that has been admitted.
    pub fn set_cap(&mut self, cap: usize) {
        self.cap = cap;
    }

    /// The next whole message in the bytes from the peer, which are used up so far; `None` when all
    /// are used up. Frames of an unknown kind are skipped; see [`FrameDecoder::take_unknown`].
    ///
    /// # Errors
    /// [`ProtoError`] when the peer breaks the protocol.
    pub fn next_message(
        &mut self,
        bytes: &mut &[u8],
    ) -> Result<Option<IridiumMessage>, ProtoError> {
        while let Some(Frame { kind, body }) = self.next_frame(bytes)? {
            let decoded = IridiumMessage::decode(kind, body)?;
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

    /// Of the body of a frame that has not come whole: how many bytes have come, and how many will. Both are 0
    /// where there is none.
    #[must_use]
    pub fn unfinished(&self) -> (usize, usize) {
        match self.head {
            (head, HEAD_LEN) => (self.body.len(), body_len(head, self.cap).unwrap_or(0)),
            _ => (0, 0),
        }
    }

    /// The next whole frame.
    fn next_frame<'a>(&mut self, bytes: &mut &'a [u8]) -> Result<Option<Frame<'a>>, ProtoError> {
        let (head, come) = &mut self.head;
        if *come == 0
            && let Some((head, rest)) = bytes.split_first_chunk()
            && let Some((body, rest)) = rest.split_at_checked(body_len(*head, self.cap)?)
        {
            *bytes = rest;
            return Ok(Some(Frame { kind: kind(*head), body: Cow::Borrowed(body) }));
        }
        let now = take(bytes, HEAD_LEN - *come);
        head[*come..*come + now.len()].copy_from_slice(now);
        *come += now.len();
        if *come < HEADER_LEN {
            return Ok(None);
        }
        let missing = body_len(*head, self.cap)? - self.body.len();
        if *come < HEAD_LEN {
            return Ok(None);
        }
        let now = take(bytes, missing);
        if self.body.capacity() - self.body.len() < now.len() {
            self.body.reserve_exact(missing.min(2 * now.len() + self.body.len()));
        }
        self.body.extend_from_slice(now);
        if now.len() < missing {
            return Ok(None);
        }
        *come = 0;
        let body = Cow::Owned(std::mem::take(&mut self.body));
        Ok(Some(Frame { kind: kind(*head), body }))
    }
}

/// A whole frame.
struct Frame<'a> {
    kind: u8,
    /// Where it has come, if it has come at once.
    body: Cow<'a, [u8]>,
}

/// How long the body of a frame is that begins like this. Its kind is not looked at.
fn body_len(head: [u8; HEAD_LEN], cap: usize) -> Result<usize, ProtoError> {
    let [l0, l1, l2, l3, _] = head;
    let declared = u32::from_le_bytes([l0, l1, l2, l3]);
    let len = declared as usize;
    if len > cap {
        return Err(ProtoError::FrameTooLong { declared: declared.into(), cap });
    }
    len.checked_sub(1).ok_or(ProtoError::FrameEmpty)
}

fn kind([.., kind]: [u8; HEAD_LEN]) -> u8 {
    kind
}

/// The first `most` of the bytes, which are used up then.
fn take<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (taken, rest) = bytes.split_at(most.min(bytes.len()));
    *bytes = rest;
    taken
}
