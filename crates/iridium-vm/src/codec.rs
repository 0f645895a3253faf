//! How state becomes bytes: the one place of the machine that calls bincode, and enums whose
//! variants have numbers.

use std::{fmt, io};

use bincode::Options;
use iridium_isa::Module;
use serde::de::{self, DeserializeOwned};
use serde::ser::SerializeSeq;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Fixed-width integers, so that the format is easy to say and lengths are easy to bound.
fn options(limit: u64) -> impl Options {
    bincode::DefaultOptions::new().with_fixint_encoding().reject_trailing_bytes().with_limit(limit)
}

/// A value could not be encoded, although all values of its type can be: a fault of Iridium.
#[derive(Debug, thiserror::Error)]
#[error("internal error: the state could not be written down")]
pub struct EncodeError(#[source] Box<dyn std::error::Error + Send + Sync>);

impl EncodeError {
    pub(crate) fn of(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self(error.into())
    }
}

/// Encodes a value.
///
/// # Errors
/// [`EncodeError`], which no value of this project's types causes.
pub fn encode<T: Serialize>(value: &T) -> Result<Vec<u8>, EncodeError> {
    options(u64::MAX).serialize(value).map_err(EncodeError::of)
}

/// Encodes a value to wherever it is to go.
///
/// # Errors
/// Those of writing, and those of [`encode`] as one of them.
pub fn encode_to<T: Serialize>(value: &T, to: impl io::Write) -> io::Result<()> {
    options(u64::MAX).serialize_into(to, value).map_err(|error| match *error {
        bincode::ErrorKind::Io(error) => error,
        _ => io::Error::other(error),
    })
}

/// A module in a state: its file, as the bytes of a list, which are not copied together first.
#[derive(Debug)]
pub struct ModuleFile<'m>(pub &'m Module);

impl Serialize for ModuleFile<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let pieces = self.0.to_pieces();
        let length = pieces.iter().map(|piece| piece.len()).sum();
        let mut bytes = serializer.serialize_seq(Some(length))?;
        for piece in &pieces {
            // A number of 16 bytes is written as these bytes, in one step instead of 16.
            let (chunks, rest) = piece.as_chunks();
            for chunk in chunks {
                bytes.serialize_element(&u128::from_le_bytes(*chunk))?;
            }
            for byte in rest {
                bytes.serialize_element(byte)?;
            }
        }
        bytes.end()
    }
}

/// A list of bytes that is read as a whole.
#[derive(Debug)]
pub struct ByteList(pub Vec<u8>);

impl<'de> Deserialize<'de> for ByteList {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = ByteList;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<ByteList, E> {
                Ok(ByteList(bytes))
            }
        }
        deserializer.deserialize_byte_buf(Visitor)
    }
}

/// Decodes a value; `None` unless the bytes are exactly one encoded value. Takes no more memory
/// than a small
/// multiple of the bytes.
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Option<T> {
    options(bytes.len() as u64).deserialize(bytes).ok()
}

/// Declares an enum that lies in a file: each variant has a number, which stays when variants are
/// added, removed or put in another order.
///
/// ```
/// iridium_vm::codec::numbered! {
///     /// A light.
///     #[derive(Debug, PartialEq)]
///     pub enum Light {
///         /// Nothing.
///         0 = Off,
///         /// Lumens.
///         2 = On(u32),
///         /// Number 1 was `Broken { since: u64 }`, which is not written any more.
///         3 = Blinking { hertz: u8, since: u64 },
///     }
/// }
/// let bytes = iridium_vm::codec::encode(&Light::On(7))?;
/// assert_eq!(bytes, [2, 0, 0, 0, 7, 0, 0, 0]);
/// assert_eq!(iridium_vm::codec::decode(&bytes), Some(Light::On(7)));
/// assert_eq!(iridium_vm::codec::decode::<Light>(&[1, 0, 0, 0]), None, "nobody knows it here");
/// # Ok::<(), iridium_vm::codec::EncodeError>(())
/// ```
///
/// The number is written as `u32`, then the fields in order.
#[macro_export]
#[doc(hidden)]
macro_rules! __numbered {
    (
        $(#[$attribute:meta])*
        $visibility:vis enum $name:ident {
            $(
                $(#[$about:meta])*
                $number:literal = $variant:ident
                $(( $($type:ty),+ $(,)? ))?
                $({ $($(#[$of_field:meta])* $field:ident : $field_type:ty),+ $(,)? })?
            ),+ $(,)?
        }
    ) => {
        $(#[$attribute])*
        $visibility enum $name {
            $(
                $(#[$about])*
                $variant $(( $($type),+ ))? $({ $($(#[$of_field])* $field : $field_type),+ })?
            ),+
        }

        impl $crate::__serde::Serialize for $name {
            fn serialize<S: $crate::__serde::Serializer>(
                &self,
                serializer: S,
            ) -> ::std::result::Result<S::Ok, S::Error> {
                $($crate::__numbered!(
                    @serialize self serializer $name $variant $number
                    $(( $($type),+ ))? $({ $($field),+ })?
                );)+
                Err($crate::__serde::ser::Error::custom("a variant without a number"))
            }
        }

        impl<'de> $crate::__serde::Deserialize<'de> for $name {
            fn deserialize<D: $crate::__serde::Deserializer<'de>>(
                deserializer: D,
            ) -> ::std::result::Result<Self, D::Error> {
                struct Visitor;
                impl<'de> $crate::__serde::de::Visitor<'de> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                        f.write_str(::std::concat!("a number of ", ::std::stringify!($name)))
                    }
                    fn visit_seq<A: $crate::__serde::de::SeqAccess<'de>>(
                        self,
                        mut fields: A,
                    ) -> ::std::result::Result<$name, A::Error> {
                        let number: u32 = $crate::codec::field(&mut fields)?;
                        match number {
                            $($number => Ok($name::$variant
                                $(( $($crate::codec::field::<$type, A>(&mut fields)?),+ ))?
                                $({ $($field: $crate::codec::field(&mut fields)?),+ })?
                            ),)+
                            unknown => Err($crate::__serde::de::Error::custom(::std::format_args!(
                                ::std::concat!("unknown number {} of ", ::std::stringify!($name)),
                                unknown
                            ))),
                        }
                    }
                }
                // So many elements at most; a variant takes those that it has.
                deserializer.deserialize_tuple($crate::codec::MOST_FIELDS, Visitor)
            }
        }
    };
    (@serialize $this:ident $to:ident $name:ident $variant:ident $number:literal) => {
        if let $name::$variant = $this {
            return $crate::__serde::Serialize::serialize(&($number as u32,), $to);
        }
    };
    (@serialize $this:ident $to:ident $name:ident $variant:ident $number:literal ($a:ty)) => {
        if let $name::$variant(a) = $this {
            return $crate::__serde::Serialize::serialize(&($number as u32, a), $to);
        }
    };
    (@serialize $this:ident $to:ident $name:ident $variant:ident $number:literal ($a:ty, $b:ty)) => {
        if let $name::$variant(a, b) = $this {
            return $crate::__serde::Serialize::serialize(&($number as u32, a, b), $to);
        }
    };
    (@serialize $this:ident $to:ident $name:ident $variant:ident $number:literal { $($field:ident),+ }) => {
        if let $name::$variant { $($field),+ } = $this {
            return $crate::__serde::Serialize::serialize(&($number as u32, $($field),+), $to);
        }
    };
}

#[doc(inline)]
pub use crate::__numbered as numbered;

/// The most fields of a variant, with its number.
#[doc(hidden)]
pub const MOST_FIELDS: usize = 8;

/// The next field of a variant.
#[doc(hidden)]
pub fn field<'de, T: Deserialize<'de>, A: de::SeqAccess<'de>>(
    fields: &mut A,
) -> Result<T, A::Error> {
    fields.next_element()?.ok_or_else(|| de::Error::custom("a field is missing"))
}
