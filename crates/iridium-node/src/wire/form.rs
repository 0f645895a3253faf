//! How values become bytes and back. The form of every type is written down here and in
//! [`types`](super::types), also of types that belong to other crates: a field or a variant that is
//! moved there changes nothing for other nodes.

use serde::de::Deserialize;
use serde::{Deserializer, Serialize, Serializer};

use iridium_proto::ProtoError;

/// A value in the form that nodes and clients exchange.
pub(crate) trait Wire: Sized {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error>;
    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error>;
}

/// A value as it is written.
pub(crate) struct Sent<'a, T>(pub(crate) &'a T);

/// A value as it is read.
pub(crate) struct Received<T>(pub(crate) T);

impl<T: Wire> Serialize for Sent<'_, T> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.0.write(to)
    }
}

impl<'de, T: Wire> Deserialize<'de> for Received<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Self)
    }
}

/// The bytes of a value.
///
/// # Errors
/// When they are more than a message may have.
pub(crate) fn to_bytes<T: Wire>(value: &T) -> Result<Vec<u8>, ProtoError> {
    iridium_proto::to_bytes(&Sent(value))
}

/// The value of bytes, all of which it takes up.
///
/// # Errors
/// When they mean nothing to this build.
pub(crate) fn from_bytes<T: Wire>(bytes: &[u8]) -> Result<T, ProtoError> {
    iridium_proto::from_bytes(bytes).map(|Received(value)| value)
}

/// The number that an enum's bytes begin with.
pub(crate) fn number(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|number| u32::from_le_bytes(*number))
}

/// The form of an enum: each variant has a number, which is never used for another and never
/// changes, and then its fields in this order. A variant cannot be added to the enum without a
/// number.
macro_rules! numbered {
    ($enum:ty {
        $($number:literal $variant:ident
            $({ $($field:ident: $field_type:ty),+ $(,)? })?
            $(( $($item:ident: $item_type:ty),+ $(,)? ))?;)+
    }) => {
        const _: () = {
            use $crate::wire::form::{Received, Sent, Wire};

            type This = $enum;

            impl Wire for This {
                fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                    match self {
                        $(This::$variant $({ $($field),+ })? $(($($item),+))? => serde::Serialize::serialize(
                            &($number as u32, ($($(Sent($field),)+)? $($(Sent($item),)+)?)),
                            to,
                        ),)+
                    }
                }

                fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                    struct Reader;

                    impl<'de> serde::de::Visitor<'de> for Reader {
                        type Value = This;

                        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                            f.write_str(stringify!($enum))
                        }

                        fn visit_seq<A: serde::de::SeqAccess<'de>>(
                            self,
                            mut parts: A,
                        ) -> Result<This, A::Error> {
                            let number: u32 = $crate::wire::form::next(&mut parts)?;
                            match number {
                                $($number => {
                                    #[allow(clippy::let_unit_value, reason = "without fields")]
                                    let ($($(Received($field),)+)? $($(Received($item),)+)?):
                                        ($($(Received<$field_type>,)+)? $($(Received<$item_type>,)+)?) =
                                        $crate::wire::form::next(&mut parts)?;
                                    Ok(This::$variant $({ $($field),+ })? $(($($item),+))?)
                                })+
                                unknown => Err(serde::de::Error::custom(format_args!(
                                    "there is no {} with the number {unknown}",
                                    stringify!($enum),
                                ))),
                            }
                        }
                    }

                    from.deserialize_tuple(2, Reader)
                }
            }
        };
    };
}

/// The form of a struct: its fields in this order. None can be added or left out.
macro_rules! fields {
    ($struct:ident { $($field:ident: $type:ty),+ $(,)? }) => {
        impl $crate::wire::form::Wire for $struct {
            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(
                    &($($crate::wire::form::Sent(&self.$field),)+),
                    to,
                )
            }

            fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let ($($crate::wire::form::Received($field),)+):
                    ($($crate::wire::form::Received<$type>,)+) =
                    serde::Deserialize::deserialize(from)?;
                Ok(Self { $($field),+ })
            }
        }
    };
}

/// The form of counters: a list of pairs of a number and a value. A reader passes over numbers that
/// it does not know, and those that are missing are 0, so counters can be added at any time.
macro_rules! counters {
    ($struct:ident { $($number:literal $field:ident: $type:ty),+ $(,)? }) => {
        impl $crate::wire::form::Wire for $struct {
            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.collect_seq([$(($number as u32, u64::from(self.$field))),+])
            }

            fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let mut counters = Self::default();
                for (number, value) in <Vec<(u32, u64)> as serde::Deserialize>::deserialize(from)? {
                    match number {
                        $($number => {
                            counters.$field =
                                <$type>::try_from(value).map_err(serde::de::Error::custom)?;
                        })+
                        _ => {}
                    }
                }
                Ok(counters)
            }
        }
    };
}

/// Types whose form is that of serde, and does not change.
macro_rules! plain {
    ($($type:ty),+ $(,)?) => {
        $(impl $crate::wire::form::Wire for $type {
            fn write<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                serde::Serialize::serialize(self, to)
            }

            fn read<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                serde::Deserialize::deserialize(from)
            }
        })+
    };
}

pub(crate) use {counters, fields, numbered, plain};

/// The next part of a value, for [`numbered!`].
pub(crate) fn next<'de, A: serde::de::SeqAccess<'de>, T: Deserialize<'de>>(
    parts: &mut A,
) -> Result<T, A::Error> {
    let ends_early = || serde::de::Error::custom("it ends too early");
    parts.next_element()?.ok_or_else(ends_early)
}

plain!(bool, u8, u16, u32, u64, i64, f64, String, [u8; 8]);

/// A byte string, behind its length.
impl Wire for Box<[u8]> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_bytes(self)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;

        impl serde::de::Visitor<'_> for Reader {
            type Value = Box<[u8]>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }

            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<Box<[u8]>, E> {
                Ok(bytes.into())
            }
        }

        from.deserialize_bytes(Reader)
    }
}

/// A list, behind its length.
impl<T: Wire> Wire for Vec<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_seq(self.iter().map(Sent))
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let items: Vec<Received<T>> = Deserialize::deserialize(from)?;
        Ok(items.into_iter().map(|Received(item)| item).collect())
    }
}

/// A byte that is 0, or 1 and then the value.
impl<T: Wire> Wire for Option<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        self.as_ref().map(Sent).serialize(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let value: Option<Received<T>> = Deserialize::deserialize(from)?;
        Ok(value.map(|Received(value)| value))
    }
}

impl<T: Wire> Wire for Box<T> {
    fn write<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        (**self).write(to)
    }

    fn read<'de, D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::read(from).map(Self::new)
    }
}
