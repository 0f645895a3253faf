//! Processes as bytes: an [`Envelope`] with the process and, if it is included, its module file.

use iridium_isa::{LoadError, Module};
use serde::{Deserialize, Serialize};

use crate::codec::{self, ByteList, EncodeError, ModuleFile};
use crate::envelope::{Envelope, EnvelopeError, Sealed};
use crate::process::Process;

/// The version that is written and read.
pub const SNAPSHOT_VERSION: u16 = 2;

const ENVELOPE: Envelope = Envelope { magic: *b"IRPS", version: SNAPSHOT_VERSION };

/// Why bytes are not a usable snapshot.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
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

impl From<EnvelopeError> for SnapshotError {
    fn from(error: EnvelopeError) -> Self {
        match error {
            EnvelopeError::Foreign => Self::Foreign,
            EnvelopeError::Version(version) => Self::Version(version),
            EnvelopeError::Damaged => Self::Damaged,
        }
    }
}

/// The state as it is written.
#[derive(Debug, Serialize)]
pub struct Snapshot<'s> {
    process: &'s Process,
    module: Option<ModuleFile<'s>>,
}

impl Snapshot<'_> {
    /// Ready to be written.
    ///
    /// # Errors
    /// [`EncodeError`], an internal error.
    pub fn seal(&self) -> Result<Sealed<'_, Self>, EncodeError> {
        ENVELOPE.seal(self)
    }
}

/// The same, as it is read.
#[derive(Deserialize)]
struct Content {
    process: Process,
    module: Option<ByteList>,
}

impl Process {
    /// The process as bytes, with its module when that is given.
    ///
    /// # Errors
    /// [`EncodeError`], an internal error.
    pub fn save(&self, module: Option<&Module>) -> Result<Vec<u8>, EncodeError> {
        ENVELOPE.seal_in_memory(&self.snapshot(module))
    }

    /// The same, for whoever writes it somewhere.
    pub fn snapshot<'s>(&'s self, module: Option<&'s Module>) -> Snapshot<'s> {
        Snapshot { process: self, module: module.map(ModuleFile) }
    }

    /// A process, and its module when that was saved with it.
    ///
    /// The state is checked against the module when it runs.
    ///
    /// # Errors
    /// When the bytes are foreign, of another version, damaged or cut off.
    pub fn restore(bytes: &[u8]) -> Result<(Self, Option<Module>), SnapshotError> {
        let content: Content =
            codec::decode(ENVELOPE.open(bytes)?).ok_or(SnapshotError::Damaged)?;
        let module = content.module.map(|file| Module::from_bytes(&file.0)).transpose()?;
        Ok((content.process, module))
    }
}
