//! What saved state is wrapped in, so that other files, other versions and damage are told apart.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | magic |
//! | 2 | version, little-endian |
//! | 4 | CRC-32 of the rest |
//! | … | the state |

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

impl Envelope {
    /// Wraps a state.
    pub fn seal(&self, state: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEADER + state.len());
        bytes.extend_from_slice(&self.magic);
        bytes.extend_from_slice(&self.version.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(state).to_le_bytes());
        bytes.extend_from_slice(state);
        bytes
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
