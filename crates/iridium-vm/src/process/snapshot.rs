//! Processes as bytes.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | magic `IRPS` |
//! | 2 | version, little-endian |
//! | 4 | CRC-32 of the rest |
//! | … | the process, then the module file if it is included |

use serde::{Deserialize, Serialize};

use super::Process;
use crate::codec;
use iridium_isa::{LoadError, Module};

const MAGIC: [u8; 4] = *b"IRPS";
/// The version that is written and read.
pub const SNAPSHOT_VERSION: u16 = 2;
const HEADER: usize = 10;

/// Why bytes are not a usable snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// They do not begin with the magic.
    #[error("not a saved Iridium process")]
    Foreign,
    /// Written by another version.
    #[error("saved by snapshot version {0}; this version of Iridium reads {SNAPSHOT_VERSION}")]
    Version(u16),
    /// Cut off or changed.
    #[error("the saved process is damaged or cut off")]
    Damaged,
    /// The module inside is not usable.
    #[error("the module inside the saved process: {0}")]
    Module(#[from] LoadError),
}

#[derive(Serialize, Deserialize)]
struct Content {
    process: Process,
    module: Option<Vec<u8>>,
}

impl Process {
    /// The process as bytes, with its module when that is given.
    pub fn save(&self, module: Option<&Module>) -> Vec<u8> {
        let content = Content { process: self.clone(), module: module.map(Module::to_bytes) };
        let body = codec::encode(&content);
        let mut bytes = Vec::with_capacity(HEADER + body.len());
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
        bytes.extend_from_slice(&crc32fast::hash(&body).to_le_bytes());
        bytes.extend_from_slice(&body);
        bytes
    }

    /// A process, and its module when that was saved with it.
    ///
    /// The state is checked against the module when it runs.
    ///
    /// # Errors
    /// When the bytes are foreign, of another version, damaged or cut off.
    pub fn restore(bytes: &[u8]) -> Result<(Self, Option<Module>), SnapshotError> {
        if bytes.is_empty() || !MAGIC.starts_with(bytes.get(..4).unwrap_or(bytes)) {
            return Err(SnapshotError::Foreign);
        }
        let Some((header, body)) = bytes.split_first_chunk::<HEADER>() else {
            return Err(SnapshotError::Damaged);
        };
        let [_, _, _, _, v0, v1, c0, c1, c2, c3] = *header;
        let version = u16::from_le_bytes([v0, v1]);
        if version != SNAPSHOT_VERSION {
            return Err(SnapshotError::Version(version));
        }
        if crc32fast::hash(body) != u32::from_le_bytes([c0, c1, c2, c3]) {
            return Err(SnapshotError::Damaged);
        }
        let content: Content = codec::decode(body).ok_or(SnapshotError::Damaged)?;
        let module = content.module.as_deref().map(Module::from_bytes).transpose()?;
        Ok((content.process, module))
    }
}
