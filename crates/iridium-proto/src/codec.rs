//! Values to bytes and back: the only file that knows bincode, so that another
//! codec can take its place here alone.
//!
//! Integers are little-endian and of fixed width. Bytes left over are refused.
//! No declared length makes the decoder allocate more than the input is long:
//! the limit given to bincode is the length of the slice.

use bincode::Options;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::ProtoError;
use crate::limits::{MAX_FRAME_ADMITTED, MAX_MESSAGE};

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
    options(MAX_FRAME_ADMITTED)
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

/// Appends a byte string behind its length.
pub(crate) fn encode_counted(
    kind: &'static str,
    bytes: &[u8],
    out: &mut Vec<u8>,
) -> Result<(), ProtoError> {
    #[derive(Serialize)]
    struct Counted<'a>(#[serde(with = "bytes")] &'a [u8]);
    encode(kind, &Counted(bytes), out)
}

/// Reads a byte string that takes up all of `bytes`, behind its length.
pub(crate) fn decode_counted(kind: &'static str, bytes: &[u8]) -> Result<Vec<u8>, ProtoError> {
    #[derive(Deserialize)]
    struct Counted(#[serde(with = "bytes")] Vec<u8>);
    decode(kind, bytes).map(|Counted(bytes)| bytes)
}

/// Reads the number of a variant. Returns it and the bytes of its body.
pub(crate) fn split_number<'a>(
    kind: &'static str,
    bytes: &'a [u8],
) -> Result<(u32, &'a [u8]), ProtoError> {
    match bytes.split_first_chunk() {
        Some((number, body)) => Ok((u32::from_le_bytes(*number), body)),
        None => Err(ProtoError::Body { kind, why: "it ends within its number".into() }),
    }
}

/// Encodes a body that this crate does not know, for what is sent as bytes:
/// process messages and control data. At most [`crate::MAX_MESSAGE`] bytes.
///
/// # Errors
/// [`ProtoError::Body`] when the value is longer or cannot be encoded.
pub fn to_bytes<T: Serialize>(value: &T) -> Result<Vec<u8>, ProtoError> {
    let mut bytes = Vec::new();
    encode(std::any::type_name::<T>(), value, &mut bytes)?;
    Ok(bytes)
}

/// Decodes what [`to_bytes`] made. A hostile length allocates no more than
/// `bytes` is long, provided that `T` holds no collection of zero-sized
/// elements and does not contain itself.
///
/// # Errors
/// [`ProtoError::Body`] when it is something else, or bytes are left over;
/// [`ProtoError::MessageTooLong`] beyond [`crate::MAX_MESSAGE`] bytes.
pub fn from_bytes<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, ProtoError> {
    let (len, cap) = (bytes.len(), MAX_MESSAGE);
    if len > cap {
        return Err(ProtoError::MessageTooLong { len, cap });
    }
    decode(std::any::type_name::<T>(), bytes)
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
