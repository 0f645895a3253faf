//! What snapshots are wrapped in, so that other files, other versions and damage are told apart.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | magic `IRSN` |
//! | 2 | version, little-endian |
//! | 4 | CRC-32 of the rest |
//! | … | the snapshot |

/// The version of snapshots that is written and read.
pub const SNAPSHOT_VERSION: u16 = 1;

const MAGIC: [u8; 4] = *b"IRSN";
const HEADER: usize = 10;

/// Why bytes are no snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EnvelopeError {
    /// They do not begin with the magic.
    Foreign,
    /// Written by this other version.
    Version(u16),
    /// Cut off or changed.
    Damaged,
}

/// Wraps a snapshot.
pub(super) fn seal(snapshot: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(HEADER + snapshot.len());
    bytes.extend_from_slice(&MAGIC);
    bytes.extend_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
    bytes.extend_from_slice(&crc32fast::hash(snapshot).to_le_bytes());
    bytes.extend_from_slice(snapshot);
    bytes
}

/// The snapshot inside.
pub(super) fn open(bytes: &[u8]) -> Result<&[u8], EnvelopeError> {
    if bytes.is_empty() || !MAGIC.starts_with(bytes.get(..4).unwrap_or(bytes)) {
        return Err(EnvelopeError::Foreign);
    }
    let Some((header, snapshot)) = bytes.split_first_chunk::<HEADER>() else {
        return Err(EnvelopeError::Damaged);
    };
    let [_, _, _, _, v0, v1, c0, c1, c2, c3] = *header;
    let version = u16::from_le_bytes([v0, v1]);
    if version != SNAPSHOT_VERSION {
        return Err(EnvelopeError::Version(version));
    }
    if crc32fast::hash(snapshot) != u32::from_le_bytes([c0, c1, c2, c3]) {
        return Err(EnvelopeError::Damaged);
    }
    Ok(snapshot)
}
