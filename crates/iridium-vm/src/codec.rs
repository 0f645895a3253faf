//! The one place that calls bincode.

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Fixed-width integers, so that the format is easy to say and lengths are easy to bound.
fn options(limit: u64) -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().reject_trailing_bytes().with_limit(limit)
}

/// Encodes a value. Values of this crate have no part that bincode refuses.
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    options(u64::MAX).serialize(value).unwrap_or_default()
}

/// Decodes a value; `None` when the bytes are not exactly one. Takes no more memory than a small
/// multiple of the bytes.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    options(bytes.len() as u64).deserialize(bytes).ok()
}
