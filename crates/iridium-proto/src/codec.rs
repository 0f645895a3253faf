//! Values to bytes and back: the only file that knows bincode, so that another
//! codec can take its place here alone.
//!
//! Integers are little-endian and of fixed width. Bytes left over are refused.
//! No declared length makes the decoder allocate more than the input is long:
//! the limit given to bincode is the length of the slice.

use bincode::Options;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::ProtoError;

fn options(limit: usize) -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .reject_trailing_bytes()
        .with_limit(limit as u64)
}

/// Appends `value` to `out`.
pub(crate) fn encode<T: Serialize>(
    kind: &'static str,
    value: &T,
    out: &mut Vec<u8>,
) -> Result<(), ProtoError> {
    options(crate::MAX_FRAME_ADMITTED)
        .serialize_into(out, value)
        .map_err(|e| ProtoError::Body { kind, why: e.to_string() })
}

/// Reads one value that takes up all of `bytes`.
pub(crate) fn decode<T: DeserializeOwned>(
    kind: &'static str,
    bytes: &[u8],
) -> Result<T, ProtoError> {
    options(bytes.len())
        .deserialize(bytes)
        .map_err(|e| ProtoError::Body { kind, why: e.to_string() })
}

/// Byte strings as one block instead of one element at a time.
pub(crate) mod bytes {
    use std::fmt;

    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    pub(crate) fn serialize<S: Serializer>(bytes: &[u8], s: S) -> Result<S::Ok, S::Error> {
        s.serialize_bytes(bytes)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<u8>, D::Error> {
        struct Bytes;
        impl Visitor<'_> for Bytes {
            type Value = Vec<u8>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
                Ok(bytes.to_vec())
            }
            fn visit_byte_buf<E: Error>(self, bytes: Vec<u8>) -> Result<Vec<u8>, E> {
                Ok(bytes)
            }
        }
        d.deserialize_byte_buf(Bytes)
    }
}
