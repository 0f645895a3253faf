//! What saved state is wrapped in, so that other files, other versions and damage are told apart.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | magic |
//! | 2 | version, little-endian |
//! | 4 | CRC-32 of the rest |
//! | … | the state |

use std::io;

use serde::Serialize;

use crate::codec::{self, EncodeError};

/// What a kind of saved state begins with.
#[derive(Debug, Clone, Copy)]
pub struct Envelope {
    /// Tells the kinds of files apart.
    pub magic: [u8; 4],
    /// The version that is written and read.
    pub version: u16,
}

/// Why bytes are not what they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EnvelopeError {
    /// They do not begin with the magic.
    Foreign,
    /// Written by this other version.
    Version(u16),
    /// Cut off or changed.
    Damaged,
}

const HEADER: usize = 10;

/// A state that is wrapped when it is written: it may be large, and is not copied before that.
#[derive(Debug)]
pub struct Sealed<'s, T> {
    header: [u8; HEADER],
    /// Bytes of the state.
    length: usize,
    state: &'s T,
}

impl<T: Serialize> Sealed<'_, T> {
    /// How many bytes are written.
    pub fn length(&self) -> usize {
        HEADER + self.length
    }

    /// Writes header and state.
    ///
    /// # Errors
    /// Those of writing.
    pub fn write(&self, mut to: impl io::Write) -> io::Result<()> {
        to.write_all(&self.header)?;
        codec::encode_to(self.state, to)
    }
}

/// Counts what is written, and its checksum.
#[derive(Default)]
struct Measure {
    length: usize,
    checksum: crc32fast::Hasher,
}

impl io::Write for Measure {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.length += bytes.len();
        self.checksum.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Envelope {
    /// Wraps a state, which is encoded twice: here for what the header says of it, and when it is
    /// written.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn seal<'s, T: Serialize>(&self, state: &'s T) -> Result<Sealed<'s, T>, EncodeError> {
        // State is encoded byte by byte.
        let mut measure = io::BufWriter::new(Measure::default());
        codec::encode_to(state, &mut measure).map_err(EncodeError::of)?;
        let Measure { length, checksum } =
            measure.into_inner().map_err(|error| EncodeError::of(error.into_error()))?;
        let ([m0, m1, m2, m3], [v0, v1]) = (self.magic, self.version.to_le_bytes());
        let [c0, c1, c2, c3] = checksum.finalize().to_le_bytes();
        Ok(Sealed { header: [m0, m1, m2, m3, v0, v1, c0, c1, c2, c3], length, state })
    }

    /// Wraps a state in memory.
    ///
    /// # Errors
    /// [`EncodeError`].
    pub fn seal_in_memory<T: Serialize>(&self, state: &T) -> Result<Vec<u8>, EncodeError> {
        let sealed = self.seal(state)?;
        let mut bytes = Vec::with_capacity(sealed.length());
        sealed.write(&mut bytes).map_err(EncodeError::of)?;
        Ok(bytes)
    }

    /// The state inside.
    ///
    /// # Errors
    /// [`EnvelopeError`].
    pub fn open<'b>(&self, bytes: &'b [u8]) -> Result<&'b [u8], EnvelopeError> {
        if bytes.is_empty() || !self.magic.starts_with(bytes.get(..4).unwrap_or(bytes)) {
            return Err(EnvelopeError::Foreign);
        }
        let Some((header, state)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(EnvelopeError::Damaged);
        };
        let [_, _, _, _, v0, v1, c0, c1, c2, c3] = *header;
        let version = u16::from_le_bytes([v0, v1]);
        if version != self.version {
            return Err(EnvelopeError::Version(version));
        }
        if crc32fast::hash(state) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(EnvelopeError::Damaged);
        }
        Ok(state)
    }
}
