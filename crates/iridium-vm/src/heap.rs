//! The heap of a process.

use std::fmt;

use serde::de::{self, DeserializeSeed, SeqAccess, Visitor};
use serde::ser::SerializeTuple;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The heap of a process: its bytes, and where the table of its [blocks](crate::blocks) is.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Heap {
    pub(crate) bytes: Vec<u8>,
    /// The address of the table, once there has been a block.
    pub(crate) table: Option<u32>,
}

/// Bits of the saved length that are the length.
const LENGTH_BITS: u32 = 33;

/// It is saved as a length and so many bytes. The upper bits of the length say where the table is:
/// its address in units of 16 and 1 more, or 0 when there is none. So a heap without a table is
/// what it was before there were blocks.
impl Serialize for Heap {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let table = self.table.map_or(0, |at| u64::from(at / 16) + 1);
        let (chunks, rest) = self.bytes.as_chunks();
        let mut tuple = serializer.serialize_tuple(1 + chunks.len() + rest.len())?;
        tuple.serialize_element(&(self.bytes.len() as u64 | table << LENGTH_BITS))?;
        // A number of 16 bytes is written as these bytes, in one step instead of 16.
        for chunk in chunks {
            tuple.serialize_element(&u128::from_le_bytes(*chunk))?;
        }
        for byte in rest {
            tuple.serialize_element(byte)?;
        }
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Heap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_tuple(2, HeapVisitor)
    }
}

struct HeapVisitor;

impl<'de> Visitor<'de> for HeapVisitor {
    type Value = Heap;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a heap")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Heap, A::Error> {
        let missing = || de::Error::custom("a heap that is cut off");
        let word: u64 = from.next_element()?.ok_or_else(missing)?;
        let length = word & ((1 << LENGTH_BITS) - 1);
        let table = match word >> LENGTH_BITS {
            0 => None,
            number => {
                let at = u32::try_from((number - 1) * 16);
                Some(at.map_err(|_| de::Error::custom("a table of blocks past all memory"))?)
            }
        };
        let length = usize::try_from(length).map_err(de::Error::custom)?;
        let bytes = from.next_element_seed(HeapBytes(length))?.ok_or_else(missing)?;
        Ok(Heap { bytes, table })
    }
}

/// So many bytes of a heap.
struct HeapBytes(usize);

impl<'de> DeserializeSeed<'de> for HeapBytes {
    type Value = Vec<u8>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_tuple(self.0 / 16 + self.0 % 16, self)
    }
}

impl<'de> Visitor<'de> for HeapBytes {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut from: A) -> Result<Vec<u8>, A::Error> {
        // A length may lie, so room is only made for what has come.
        let mut bytes = Vec::with_capacity(self.0.min(1 << 16));
        let missing = || de::Error::custom("a heap that is cut off");
        for _ in 0..self.0 / 16 {
            let chunk: u128 = from.next_element()?.ok_or_else(missing)?;
            bytes.extend_from_slice(&chunk.to_le_bytes());
        }
        for _ in 0..self.0 % 16 {
            bytes.push(from.next_element()?.ok_or_else(missing)?);
        }
        Ok(bytes)
    }
}
