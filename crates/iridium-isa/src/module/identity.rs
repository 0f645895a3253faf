//! The identity of a module: what two modules must have in common to be interchangeable.

use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::encode::behaviour;
use super::parts::Parts;

/// The SHA-256 of everything in a module that affects behaviour.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModuleId(pub [u8; 32]);

impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModuleId({self})")
    }
}

/// Hashes code, data, entry, exports and imports, each with its length in front so that no two
/// different modules hash the same text.
pub(super) fn identify(parts: &Parts) -> ModuleId {
    let mut hash = Sha256::new();
    // The first version of this hash, whatever the version of the file.
    hash.update(b"iridium module 1");
    for section in behaviour(parts) {
        hash.update((section.len() as u64).to_le_bytes());
        hash.update(&section);
    }
    ModuleId(hash.finalize().into())
}
