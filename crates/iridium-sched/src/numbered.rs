//! Enums that lie in files or go to other nodes: every variant has a number.

/// Declares an enum whose variants have written-down numbers, which stay when variants are added,
/// removed or put in another order. A variant is saved as its number (`u32`) and then its fields in
/// order; a number that this version does not know is an error of the decoder.
macro_rules! numbered {
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

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                $($crate::numbered::numbered!(
                    @serialize self serializer $name $variant $number
                    $(( $($type),+ ))? $({ $($field),+ })?
                );)+
                Err(serde::ser::Error::custom("a variant without a number"))
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(
                deserializer: D,
            ) -> Result<Self, D::Error> {
                struct Visitor;
                impl<'de> serde::de::Visitor<'de> for Visitor {
                    type Value = $name;
                    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                        f.write_str(concat!("a number of ", stringify!($name)))
                    }
                    fn visit_seq<A: serde::de::SeqAccess<'de>>(
                        self,
                        mut fields: A,
                    ) -> Result<$name, A::Error> {
                        let number: u32 = $crate::numbered::field(&mut fields)?;
                        match number {
                            $($number => Ok($name::$variant
                                $(( $($crate::numbered::field::<$type, A>(&mut fields)?),+ ))?
                                $({ $($field: $crate::numbered::field(&mut fields)?),+ })?
                            ),)+
                            unknown => Err(serde::de::Error::custom(format_args!(
                                concat!("unknown number {} of ", stringify!($name)),
                                unknown
                            ))),
                        }
                    }
                }
                // So many elements at most; a variant takes those that it has.
                deserializer.deserialize_tuple($crate::numbered::MOST_FIELDS, Visitor)
            }
        }
    };
    (@serialize $this:ident $to:ident $name:ident $variant:ident $number:literal) => {
        if let $name::$variant = $this {
            return serde::Serialize::serialize(&($number as u32,), $to);
        }
    };
    (@serialize $this:ident $to:ident $name:ident $variant:ident $number:literal ($a:ty)) => {
        if let $name::$variant(a) = $this {
            return serde::Serialize::serialize(&($number as u32, a), $to);
        }
    };
    (@serialize $this:ident $to:ident $name:ident $variant:ident $number:literal ($a:ty, $b:ty)) => {
        if let $name::$variant(a, b) = $this {
            return serde::Serialize::serialize(&($number as u32, a, b), $to);
        }
    };
    (@serialize $this:ident $to:ident $name:ident $variant:ident $number:literal { $($field:ident),+ }) => {
        if let $name::$variant { $($field),+ } = $this {
            return serde::Serialize::serialize(&($number as u32, $($field),+), $to);
        }
    };
}

pub(crate) use numbered;

/// The most fields of a variant, with its number.
pub(crate) const MOST_FIELDS: usize = 8;

/// The next field of a variant.
pub(crate) fn field<'de, T: serde::Deserialize<'de>, A: serde::de::SeqAccess<'de>>(
    fields: &mut A,
) -> Result<T, A::Error> {
    fields.next_element()?.ok_or_else(|| serde::de::Error::custom("a field is missing"))
}
