//! Why a socket does not do what it was asked for, as programs are told.

use std::io;

use crate::outside::OutsideError;

/// Why a socket does not do what it was asked for.
#[derive(Debug, Clone)]
pub(crate) enum Refusal {
    NotAllowed,
    TimedOut,
    Closed,
    /// No host has that name.
    NoHost,
    /// There is no line, or so many bytes, within the limit.
    TooLong,
    /// Too much waits already.
    Busy,
    /// With what is wrong with the certificate, say.
    Tls(String),
    /// It is no address.
    Invalid,
    /// The server has agreed to no WebSocket, for a reason.
    NoWebSocket(String),
    /// The system's number of the error.
    System(i32),
}

impl Refusal {
    pub(crate) fn code(&self) -> i64 {
        match self {
            Self::NotAllowed => -1,
            Self::TimedOut => -2,
            Self::Closed => -3,
            Self::NoHost => -4,
            Self::TooLong => -5,
            Self::Busy => -6,
            Self::Tls(_) => -7,
            Self::Invalid => -8,
            Self::NoWebSocket(_) => -9,
            Self::System(number) => -1000 - i64::from(*number),
        }
    }

    /// What there is to say beyond the code.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Tls(text) | Self::NoWebSocket(text) => text,
            _ => "",
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        match error.raw_os_error() {
            Some(number) => Self::System(number),
            // What rustls says of the other end, or of how it has ended, comes without a number.
            None if error.kind() == io::ErrorKind::UnexpectedEof => Self::Closed,
            None => Self::Tls(error.to_string()),
        }
    }
}

impl From<OutsideError> for Refusal {
    fn from(error: OutsideError) -> Self {
        match error {
            OutsideError::Processes(_) => Self::Busy,
            OutsideError::Detached => Self::Closed,
            OutsideError::Threads(error) => error.into(),
        }
    }
}
