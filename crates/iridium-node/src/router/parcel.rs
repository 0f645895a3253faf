//! What nodes tell each other about their processes, as bytes.
//!
//! A message between processes, of which there are many, is its payload as it is and a tail of fixed
//! length behind it, so that the receiver can cut that off and has the payload. Everything else is
//! encoded as a [`Parcel`].
//!
//! | bytes from the end | message | parcel |
//! | --- | --- | --- |
//! | 1 | 0 | 1 |
//! | 2 to 9 | tag | encoded, to the beginning |
//! | 10 to 17 | receiver | |
//! | 18 to 25 | sender | |
//! | 26 to the beginning | payload | |
//!
//! Numbers are little-endian.

use iridium_isa::ModuleId;
use iridium_proto::{ProtoError, from_bytes, to_bytes};
use iridium_sched::{RemoteRequest, Signal};
use iridium_vm::{Completion, Limits, Message, Payload, Pid, Start};
use serde::{Deserialize, Serialize};

use crate::report::{NodeReport, ProcessRow};

/// What stands behind the payload of a message, in bytes.
const TAIL: usize = 25;
/// The longest payload that fits into a message to another node, in bytes.
pub const MAX_PAYLOAD: usize = iridium_proto::MAX_MESSAGE - TAIL;

/// What one node tells another, apart from messages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Parcel {
    /// A signal from one process to another.
    Signal { from: Pid, to: Pid, signal: Signal },
    /// A process wants to know something, or wants a process.
    Ask { asker: Pid, number: u64, question: RemoteRequest },
    /// The answer to an `Ask`.
    Answer { asker: Pid, number: u64, answer: Completion },
    /// The code of a module is wanted.
    CodeWanted { module: ModuleId },
    /// The code of a module; `None` when it is not here.
    Code { module: ModuleId, file: Option<Vec<u8>> },
    /// An operator asks about this node.
    Query { number: u64, query: Query },
    /// The answer to a `Query`.
    Findings { number: u64, findings: Findings },
}

/// What an operator wants to know of a node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Query {
    /// Its processes.
    Processes,
    /// How it does as a whole.
    Load,
    /// A process, please.
    Spawn {
        /// The module that it runs.
        module: ModuleId,
        /// Where it starts and with what.
        start: Start,
        /// What it may use.
        limits: Limits,
        /// The name it is to be registered under.
        name: Option<String>,
    },
    /// Which process has this name?
    WhereIs(String),
}

/// The answer to a [`Query`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) enum Findings {
    /// Its processes, or the first of them and how many more there are.
    Processes { rows: Vec<ProcessRow>, more: u64 },
    /// How it does as a whole.
    Load(Box<NodeReport>),
    /// The new process, or why there is none.
    Spawned(Result<Pid, String>),
    /// The process with that name.
    Found(Option<Pid>),
}

/// What a node was told.
#[derive(Debug, PartialEq)]
pub(crate) enum Delivery {
    /// A message.
    Message { to: Pid, message: Message },
    /// Anything else.
    Parcel(Parcel),
}

const MESSAGE: u8 = 0;
const PARCEL: u8 = 1;

/// The bytes of a message. A long payload stays where it is, if there is room behind it.
pub(crate) fn message_bytes(to: Pid, message: Message) -> Vec<u8> {
    let mut bytes = match message.payload {
        Payload::Word(word) => {
            let mut bytes = Vec::with_capacity(word.len() + TAIL);
            bytes.extend_from_slice(&word);
            bytes
        }
        Payload::Bytes(payload) => {
            let mut bytes = payload.into_vec();
            bytes.reserve_exact(TAIL);
            bytes
        }
    };
    for word in [message.sender, to.bits(), message.tag] {
        bytes.extend_from_slice(&word.to_le_bytes());
    }
    bytes.push(MESSAGE);
    bytes
}

impl Parcel {
    /// Its bytes. Nothing that a node says is so long that it has none.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ProtoError> {
        let mut bytes = to_bytes(self)?;
        bytes.push(PARCEL);
        Ok(bytes)
    }
}

/// The message of its bytes, which were not sent.
pub(crate) fn take_back(bytes: Vec<u8>) -> Option<Message> {
    match read(bytes) {
        Ok(Delivery::Message { message, .. }) => Some(message),
        _ => None,
    }
}

/// Reads what another node has sent.
pub(crate) fn read(mut bytes: Vec<u8>) -> Result<Delivery, BadParcel> {
    match bytes.split_last() {
        Some((&MESSAGE, rest)) => {
            let (payload, tail) = rest.split_last_chunk().ok_or(BadParcel::Short)?;
            let [sender, to, tag] = words(tail);
            let payload = match payload.try_into() {
                Ok(word) => Payload::Word(word),
                Err(_) => {
                    bytes.truncate(payload.len());
                    Payload::Bytes(bytes.into_boxed_slice())
                }
            };
            let message = Message { tag, sender, payload };
            Ok(Delivery::Message { to: Pid::from_bits(to), message })
        }
        Some((&PARCEL, parcel)) => Ok(Delivery::Parcel(from_bytes(parcel)?)),
        Some((kind, _)) => Err(BadParcel::Kind(*kind)),
        None => Err(BadParcel::Short),
    }
}

/// The three numbers before the last byte.
fn words(tail: &[u8; TAIL - 1]) -> [i64; 3] {
    let mut words = [0; 3];
    for (word, bytes) in words.iter_mut().zip(tail.as_chunks::<8>().0) {
        *word = i64::from_le_bytes(*bytes);
    }
    words
}

/// What another node has sent means nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadParcel {
    #[error("it is too short")]
    Short,
    #[error("there is no kind {0}")]
    Kind(u8),
    #[error(transparent)]
    Encoding(#[from] ProtoError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: Payload) -> Message {
        Message { tag: -7, sender: Pid::new(5, 6).bits(), payload }
    }

    #[test]
    fn messages_come_back_as_they_were() {
        let to = Pid::new(3, 4);
        for payload in [
            Payload::Word(*b"12345678"),
            Payload::Bytes(Box::default()),
            Payload::Bytes(b"123456789".as_slice().into()),
        ] {
            let message = message(payload);
            let back = read(message_bytes(to, message.clone())).unwrap();
            assert_eq!(take_back(message_bytes(to, message.clone())), Some(message.clone()));
            assert_eq!(back, Delivery::Message { to, message });
        }
    }

    #[test]
    fn parcels_come_back_as_they_were() {
        let parcel = Parcel::Code { module: ModuleId([7; 32]), file: Some(vec![1, 2, 3]) };
        let bytes = parcel.to_bytes().unwrap();
        assert_eq!(read(bytes.clone()).unwrap(), Delivery::Parcel(parcel));
        for end in 0..bytes.len() {
            assert!(read(bytes[end + 1..].to_vec()).is_err(), "cut off at {end}");
        }
    }

    #[test]
    fn what_is_too_short_or_unknown_is_refused() {
        let whole = message_bytes(Pid::new(1, 1), message(Payload::Bytes(Box::default())));
        assert_eq!(whole.len(), TAIL);
        for start in 1..=TAIL {
            assert!(read(whole[start..].to_vec()).is_err());
        }
        assert!(matches!(read(vec![9, 9]), Err(BadParcel::Kind(9))));
    }
}
