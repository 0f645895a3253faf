//! The identity of a module: what two modules must have in common to be interchangeable. And what
//! tells those apart that are.

use std::fmt::{self, Write as _};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::encode::{behaviour, labels, lines};
use super::parts::Parts;
use super::{app, protocols};

/// The SHA-256 of everything in a module that affects behaviour.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ModuleId(pub [u8; 32]);

/// The SHA-256 of what is in a module beside its code: source positions, labels, protocols, app. Modules with one
/// [`ModuleId`] behave alike, and differ in this when they were assembled from different files.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct DebugId(pub [u8; 32]);

impl fmt::Debug for DebugId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DebugId({})", ModuleId(self.0))
    }
}

/// 64 hexadecimal digits, or the first of them: `{id:.8}` has eight.
impl fmt::Display for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = self.0.iter().flat_map(|byte| [byte >> 4, byte & 15]);
        let digits = digits.take(f.precision().unwrap_or(usize::MAX));
        digits
            .filter_map(|digit| char::from_digit(digit.into(), 16))
            .try_for_each(|digit| f.write_char(digit))
    }
}

impl fmt::Debug for ModuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModuleId({self})")
    }
}

/// Hashes code, data, entry, exports and imports.
pub(super) fn identify(parts: &Parts) -> ModuleId {
    // The first version of this hash, whatever the version of the file.
    ModuleId(hash(b"iridium module 1", &behaviour(parts)))
}

/// Hashes source positions, labels, protocols and the app.
pub(super) fn identify_debug(parts: &Parts) -> DebugId {
    let lines = parts.lines.as_ref().map(lines).unwrap_or_default();
    let mut sections = vec![lines, labels(parts)];
    // Of a module without protocols and app, the hash is what it was before there were such.
    if !parts.protocols.is_empty() || parts.app.is_some() {
        sections.push(protocols::encode(&parts.protocols));
        sections.extend(parts.app.as_ref().map(app::encode));
    }
    DebugId(hash(b"iridium debug 1", &sections))
}

/// Hashes sections, each with its length in front so that no two different modules hash the same
/// text.
fn hash(title: &[u8], sections: &[impl AsRef<[u8]>]) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(title);
    for section in sections.iter().map(AsRef::as_ref) {
        hash.update((section.len() as u64).to_le_bytes());
        hash.update(section);
    }
    hash.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_shown_whole_or_by_its_first_digits() {
        let mut id = ModuleId([0x5a; 32]);
        id.0[0] = 0x0f;
        assert_eq!(id.to_string(), format!("0f{}", "5a".repeat(31)));
        assert_eq!(format!("{id:.3}"), "0f5");
    }
}
