//! Enums as they are on the wire: every variant has a number that is written down beside it, is
//! never used again for anything else, and does not change when variants are added or sorted.

/// How the body of one variant becomes bytes and back:
///
/// | how | bytes |
/// | --- | --- |
/// | `plain` | none |
/// | `coded` | the value in the codec's form |
/// | `numbered` | an enum that [`numbered_bodies!`] declares |
/// | `counted` | a byte string behind its length (8 bytes) |
/// | `opaque` | a byte string up to the end of the message, so that payloads are not copied byte by byte |
macro_rules! body {
    (@any $variant:ident) => { Self::$variant };
    (@any $variant:ident ($body:ty)) => { Self::$variant(_) };
    (@bound $var:ident $variant:ident) => { Self::$variant };
    (@bound $var:ident $variant:ident ($body:ty)) => { Self::$variant($var) };

    (@encode plain $var:ident $out:ident $name:expr) => { Ok(&[][..]) };
    (@encode coded $var:ident $out:ident $name:expr) => {
        $crate::codec::encode($name, $var, $out).map(|()| &[][..])
    };
    (@encode numbered $var:ident $out:ident $name:expr) => { $var.encode($out) };
    (@encode counted $var:ident $out:ident $name:expr) => {
        $crate::codec::encode_counted($name, $var, $out).map(|()| &[][..])
    };
    (@encode opaque $var:ident $out:ident $name:expr) => { Ok(&$var[..]) };

    (@decode plain $variant:ident $bytes:ident) => {
        $crate::codec::decode::<()>(stringify!($variant), &$bytes).map(|()| Self::$variant)
    };
    (@decode coded $variant:ident $bytes:ident) => {
        $crate::codec::decode(stringify!($variant), &$bytes).map(Self::$variant)
    };
    (@decode numbered $variant:ident $bytes:ident ($body:ty)) => {
        <$body>::decode(&$bytes).map(Self::$variant)
    };
    (@decode counted $variant:ident $bytes:ident) => {
        $crate::codec::decode_counted(stringify!($variant), &$bytes).map(Self::$variant)
    };
    (@decode opaque $variant:ident $bytes:ident) => { Ok(Self::$variant($bytes.into())) };
    (@decode $how:ident $variant:ident $bytes:ident ($body:ty)) => {
        $crate::numbered::body!(@decode $how $variant $bytes)
    };
}

/// Declares an enum that is the whole body of a message: its number (4 bytes), then the body of the
/// variant. A number that this build does not know becomes `Unknown`, whatever follows it.
macro_rules! numbered_bodies {
    (
        $(#[$meta:meta])*
        pub enum $enum:ident {
            $($(#[$doc:meta])* $number:literal $variant:ident $how:ident $(($body:ty))?;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum $enum {
            $($(#[$doc])* $variant $(($body))?,)*
            /// One of a later build, by its number. It is received and never sent.
            Unknown(u32),
        }

        impl $enum {
            fn number(&self) -> u32 {
                match self {
                    $($crate::numbered::body!(@any $variant $(($body))?) => $number,)*
                    Self::Unknown(number) => *number,
                }
            }

            /// Appends it, except for the byte string that it ends with, which is returned.
            pub(crate) fn encode(
                &self,
                out: &mut Vec<u8>,
            ) -> Result<&[u8], $crate::error::ProtoError> {
                $crate::codec::encode(stringify!($enum), &self.number(), out)?;
                match self {
                    $($crate::numbered::body!(@bound body $variant $(($body))?) =>
                        $crate::numbered::body!(@encode $how body out stringify!($variant)),)*
                    Self::Unknown(number) => Err($crate::error::ProtoError::Unknown {
                        kind: stringify!($enum),
                        number: *number,
                    }),
                }
            }

            pub(crate) fn decode(bytes: &[u8]) -> Result<Self, $crate::error::ProtoError> {
                let (number, body) = $crate::codec::split_number(stringify!($enum), bytes)?;
                match number {
                    $($number =>
                        $crate::numbered::body!(@decode $how $variant body $(($body))?),)*
                    unknown => Ok(Self::Unknown(unknown)),
                }
            }
        }
    };
}

/// Declares an enum without bodies that stands within a message: its number (4 bytes). One that
/// this build does not know becomes `Unknown`, and what comes after it is still read.
macro_rules! numbered_states {
    (
        $(#[$meta:meta])*
        pub enum $enum:ident {
            $($(#[$doc:meta])* $number:literal $variant:ident;)*
        }
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(from = "u32", into = "u32")]
        pub enum $enum {
            $($(#[$doc])* $variant,)*
            /// One of a later build, by its number.
            Unknown(u32),
        }

        impl From<u32> for $enum {
            fn from(number: u32) -> Self {
                match number {
                    $($number => Self::$variant,)*
                    unknown => Self::Unknown(unknown),
                }
            }
        }

        impl From<$enum> for u32 {
            fn from(state: $enum) -> Self {
                match state {
                    $($enum::$variant => $number,)*
                    $enum::Unknown(number) => number,
                }
            }
        }
    };
}

pub(crate) use {body, numbered_bodies, numbered_states};
