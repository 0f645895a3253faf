//! What nodes tell each other about their processes, as bytes.
//!
//! A message between processes, of which there are many, is its payload as it is and a tail of fixed
//! length behind it, so that the receiver can cut that off and has the payload. Everything else is
//! encoded as a [`NodeMessage`].
//!
//! | bytes from the end | message between processes | node message |
//! | --- | --- | --- |
//! | 1 | 0 | 1 |
//! | 2 to 9 | tag | encoded, to the beginning |
//! | 10 to 17 | receiver | |
//! | 18 to 25 | sender | |
//! | 26 to the beginning | payload | |
//!
//! Numbers are little-endian.

use std::borrow::Cow;
use std::ops::Range;

use iridium_isa::ModuleId;
use iridium_proto::ProtoError;
use iridium_sched::{RemoteRequest, Signal};
use iridium_vm::{Completion, Limits, Message, Payload, Pid, Start};

use super::form::{from_bytes, number, numbered, to_bytes};
use crate::report::{Inbox, MAX_LIST, NodeReport, ProcessRow};

/// What stands behind the payload of a message, in bytes.
const TAIL: usize = 25;
/// The longest payload that fits into a message to another node, in bytes.
pub const MAX_PAYLOAD: usize = iridium_proto::MAX_MESSAGE - TAIL;

/// What one node tells another, apart from messages between processes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum NodeMessage {
    /// A signal from one process to another.
    Signal { from: Pid, to: Pid, signal: Signal },
    /// A process wants to know something, or wants a process. Answered by `Reply` or
    /// `NotUnderstood`.
    Request { asker: Pid, number: u64, request: RemoteRequest },
    /// The answer to a `Request`.
    Reply { asker: Pid, number: u64, reply: Completion },
    /// The code of a module is wanted. Answered by `Code`.
    CodeWanted { module: ModuleId },
    /// The code of a module; `None` when it is not here.
    Code { module: ModuleId, file: Option<Box<[u8]>> },
    /// An operator asks about this node. Answered by `Response`.
    Query { number: u64, query: Query },
    /// The answer to a `Query`.
    Response { number: u64, response: Response },
    /// The answer to a `Request` that this node does not know.
    NotUnderstood { asker: Pid, number: u64 },
}

numbered!(NodeMessage {
    0 Signal { from: Pid, to: Pid, signal: Signal };
    1 Request { asker: Pid, number: u64, request: RemoteRequest };
    2 Reply { asker: Pid, number: u64, reply: Completion };
    3 CodeWanted { module: ModuleId };
    4 Code { module: ModuleId, file: Option<Box<[u8]>> };
    5 Query { number: u64, query: Query };
    6 Response { number: u64, response: Response };
    7 NotUnderstood { asker: Pid, number: u64 };
});

/// The number of [`NodeMessage::Request`].
const REQUEST: u32 = 1;
/// The number of [`NodeMessage::Code`], and what stands before its file: that, the identity of the
/// module, that there is a file, and its length.
const CODE: u32 = 4;
const CODE_HEAD: usize = 4 + 32 + 1 + 8;
/// The number of [`NodeMessage::Query`].
const QUERY: u32 = 5;
/// The number of [`NodeMessage::Response`], and the longest: a list and what stands before it. It takes more
/// memory than it is long.
const RESPONSE: u32 = 6;
const MAX_RESPONSE: usize = MAX_LIST + 1024;
/// Of longer ones only one is read at a time.
const SHORT_RESPONSE: usize = 64 << 10;
/// The longest reason why an operator does not get what he wants.
const MAX_REASON: usize = 4096;
/// The highest number of a message.
const LAST: u32 = 7;

/// What an operator wants to know of a node.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Query {
    /// The processes of the node.
    Processes,
    /// How the node does as a whole.
    Load,
    /// A new process.
    Spawn {
        /// The module that it runs.
        module: ModuleId,
        /// The entry and the arguments.
        start: Start,
        /// The limits of the process.
        limits: Limits,
        /// The name it is to be registered under.
        name: Option<String>,
    },
    /// Which process has this name?
    WhereIs(String),
    /// What does this process understand?
    Understands(Pid),
}

numbered!(Query {
    0 Processes;
    1 Load;
    2 Spawn { module: ModuleId, start: Start, limits: Limits, name: Option<String> };
    3 WhereIs(name: String);
    4 Understands(of: Pid);
});

/// The answer to a [`Query`].
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Response {
    /// The processes of the node, or the first of them and how many more there are.
    Processes { rows: Vec<ProcessRow>, more: u64 },
    /// How the node does as a whole.
    Load(Box<NodeReport>),
    /// The new process, or why there is none.
    Spawned(Result<Pid, String>),
    /// The process with that name.
    Found(Option<Pid>),
    /// The node does not know this question.
    NotUnderstood,
    /// What the process understands, or why that is not known.
    Understands(Result<Inbox, String>),
}

impl Response {
    /// Without processes that are not of the node which answers: an operator who is given one may end it. And
    /// with no longer reason than one reads.
    pub(crate) fn of_node(mut self, node: u32) -> Self {
        match &mut self {
            Self::Processes { rows, .. } => rows.retain(|row| row.pid.node() == node),
            Self::Found(found) => *found = found.filter(|pid| pid.node() == node),
            Self::Spawned(Ok(pid)) if pid.node() != node => {
                return Self::Spawned(Err(format!(
                    "it answers with process {pid} of another node"
                )));
            }
            Self::Spawned(Err(why)) | Self::Understands(Err(why)) => {
                why.truncate(why.floor_char_boundary(MAX_REASON));
            }
            _ => {}
        }
        self
    }
}

numbered!(Response {
    0 Processes { rows: Vec<ProcessRow>, more: u64 };
    1 Load(report: Box<NodeReport>);
    2 Spawned(outcome: Result<Pid, String>);
    3 Found(pid: Option<Pid>);
    4 NotUnderstood;
    5 Understands(inbox: Result<Inbox, String>);
});

numbered!(Result<Inbox, String> {
    0 Ok(inbox: Inbox);
    1 Err(why: String);
});

/// What has come from another node.
#[derive(Debug, PartialEq)]
pub(crate) enum Delivery {
    /// A message between processes.
    Message { to: Pid, message: Message },
    /// Anything else.
    NodeMessage(NodeMessage),
}

/// A question that this build does not understand: who waits for the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Question {
    /// A process, with its number for the question.
    OfProcess { asker: Pid, number: u64 },
    /// An operator.
    OfOperator { number: u64 },
}

/// What another node has sent means nothing to this one.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BadMessage {
    #[error("it is too short")]
    Short,
    #[error("it ends with {0}, which is no kind of content")]
    Content(u8),
    #[error("it is an answer of {0} bytes, which is too long")]
    Long(usize),
    #[error("it answers a question that was not asked, or is not open any more")]
    Unasked,
    #[error("its kind {0} is of a later version")]
    Unknown(u32),
    #[error("it cannot be understood; the version of the other node may be another")]
    NotUnderstood {
        /// Who is to be told.
        question: Option<Question>,
        source: ProtoError,
    },
}

const MESSAGE: u8 = 0;
const NODE_MESSAGE: u8 = 1;

/// The bytes of a message: its payload, which stays where it is, and what stands behind that.
pub(crate) fn message_bytes(to: Pid, message: Message) -> (Vec<u8>, [u8; TAIL]) {
    let mut tail = [MESSAGE; TAIL];
    let words = [message.sender, to.bits(), message.tag];
    for (place, word) in tail.as_chunks_mut().0.iter_mut().zip(words) {
        *place = word.to_le_bytes();
    }
    let payload = match message.payload {
        Payload::Word(word) => word.to_vec(),
        Payload::Bytes(payload) => payload.into_vec(),
    };
    (payload, tail)
}

/// The bytes of a [`NodeMessage::Code`] with a file of these pieces, of which there is one copy then.
pub(crate) fn code_bytes(module: ModuleId, pieces: &[Cow<'_, [u8]>]) -> Vec<u8> {
    let len: usize = pieces.iter().map(|piece| piece.len()).sum();
    let mut bytes = Vec::with_capacity(CODE_HEAD + len + 1);
    bytes.extend_from_slice(&CODE.to_le_bytes());
    bytes.extend_from_slice(&module.0);
    bytes.push(1);
    bytes.extend_from_slice(&(len as u64).to_le_bytes());
    pieces.iter().for_each(|piece| bytes.extend_from_slice(piece));
    bytes.push(NODE_MESSAGE);
    bytes
}

impl NodeMessage {
    /// Its bytes.
    ///
    /// # Errors
    /// When they are more than a message may have, as those of a module can be.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, ProtoError> {
        let mut bytes = to_bytes(self)?;
        bytes.push(NODE_MESSAGE);
        Ok(bytes)
    }
}

/// The payload of its bytes.
pub(crate) fn payload(bytes: Vec<u8>) -> Payload {
    match bytes[..].try_into() {
        Ok(word) => Payload::Word(word),
        Err(_) => Payload::Bytes(bytes.into_boxed_slice()),
    }
}

/// Reads what another node has sent. Of answers to operators only those are read that `is_awaited` says of
/// the number of the question.
pub(crate) fn read(
    mut bytes: Vec<u8>,
    is_awaited: impl Fn(u64) -> bool,
) -> Result<Delivery, BadMessage> {
    match bytes.split_last() {
        Some((&MESSAGE, rest)) => {
            let (payload, tail) = rest.split_last_chunk().ok_or(BadMessage::Short)?;
            let [sender, to, tag] = words(tail);
            bytes.truncate(payload.len());
            let message = Message { tag, sender, payload: self::payload(bytes) };
            Ok(Delivery::Message { to: Pid::from_bits(to), message })
        }
        Some((&NODE_MESSAGE, rest)) => match file_of_code(rest) {
            Some((module, file)) => {
                bytes.truncate(file.end);
                bytes.drain(..file.start);
                let file = Some(bytes.into_boxed_slice());
                Ok(Delivery::NodeMessage(NodeMessage::Code { module, file }))
            }
            None => read_node_message(rest, is_awaited).map(Delivery::NodeMessage),
        },
        Some((content, _)) => Err(BadMessage::Content(*content)),
        None => Err(BadMessage::Short),
    }
}

/// Whether these bytes are of a long [`NodeMessage::Response`].
pub(crate) fn is_long_answer(bytes: &[u8]) -> bool {
    let is_answer = bytes.last() == Some(&NODE_MESSAGE) && number(bytes) == Some(RESPONSE);
    is_answer && bytes.len() > SHORT_RESPONSE
}

/// Where the file is in the bytes of a [`NodeMessage::Code`] that has one. It may be as long as a message
/// can be, so it is not copied.
fn file_of_code(bytes: &[u8]) -> Option<(ModuleId, Range<usize>)> {
    let (head, file) = bytes.split_at_checked(CODE_HEAD)?;
    let (kind, head) = head.split_first_chunk()?;
    let (id, head) = head.split_first_chunk()?;
    let (is_there, len) = head.split_first()?;
    let len = u64::from_le_bytes(*len.first_chunk()?);
    let is_file = u32::from_le_bytes(*kind) == CODE && *is_there == 1 && len == file.len() as u64;
    is_file.then_some((ModuleId(*id), CODE_HEAD..bytes.len()))
}

fn read_node_message(
    bytes: &[u8],
    is_awaited: impl Fn(u64) -> bool,
) -> Result<NodeMessage, BadMessage> {
    match number(bytes) {
        None => Err(BadMessage::Short),
        Some(unknown) if unknown > LAST => Err(BadMessage::Unknown(unknown)),
        Some(RESPONSE) if bytes.len() > MAX_RESPONSE => Err(BadMessage::Long(bytes.len())),
        Some(RESPONSE) if !word(bytes, 4).is_some_and(is_awaited) => Err(BadMessage::Unasked),
        Some(_) => from_bytes(bytes).map_err(|source| {
            let question = question(bytes);
            BadMessage::NotUnderstood { question, source }
        }),
    }
}

/// The question that a node message begins with, if it is one.
fn question(bytes: &[u8]) -> Option<Question> {
    match number(bytes)? {
        REQUEST => Some(Question::OfProcess {
            asker: Pid::from_bits(word(bytes, 4)? as i64),
            number: word(bytes, 12)?,
        }),
        QUERY => Some(Question::OfOperator { number: word(bytes, 4)? }),
        _ => None,
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|word| u64::from_le_bytes(*word))
}

/// The three numbers before the last byte.
fn words(tail: &[u8; TAIL - 1]) -> [i64; 3] {
    let mut words = [0; 3];
    for (word, bytes) in words.iter_mut().zip(tail.as_chunks::<8>().0) {
        *word = i64::from_le_bytes(*bytes);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: Vec<u8>) -> Result<Delivery, BadMessage> {
        super::read(bytes, |_| true)
    }

    fn message(payload: Payload) -> Message {
        Message { tag: -7, sender: Pid::new(5, 6).bits(), payload }
    }

    fn whole(to: Pid, message: Message) -> Vec<u8> {
        let (payload, tail) = message_bytes(to, message);
        [&payload[..], &tail].concat()
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
            let back = read(whole(to, message.clone())).unwrap();
            assert_eq!(super::payload(message_bytes(to, message.clone()).0), message.payload);
            assert_eq!(back, Delivery::Message { to, message });
        }
    }

    #[test]
    fn node_messages_come_back_as_they_were() {
        let message = NodeMessage::Code { module: ModuleId([7; 32]), file: Some([1, 2, 3].into()) };
        let bytes = message.to_bytes().unwrap();
        assert_eq!(code_bytes(ModuleId([7; 32]), &[vec![1].into(), vec![2, 3].into()]), bytes);
        let general = from_bytes::<NodeMessage>(&bytes[..bytes.len() - 1]).unwrap();
        assert_eq!(general, message, "the form is that of all others");
        assert_eq!(read(bytes.clone()).unwrap(), Delivery::NodeMessage(message));
        let longer = [&bytes[..bytes.len() - 1], &[9, NODE_MESSAGE]].concat();
        assert!(read(longer).is_err(), "more than its length says");
        for end in 0..bytes.len() {
            assert!(read(bytes[end + 1..].to_vec()).is_err(), "cut off at {end}");
        }
    }

    #[test]
    fn what_is_too_short_or_unknown_is_refused() {
        let whole = whole(Pid::new(1, 1), message(Payload::Bytes(Box::default())));
        assert_eq!(whole.len(), TAIL);
        for start in 1..=TAIL {
            assert!(read(whole[start..].to_vec()).is_err());
        }
        assert!(matches!(read(vec![9, 9]), Err(BadMessage::Content(9))));
    }

    #[test]
    fn an_answer_that_nobody_awaits_or_no_node_makes_is_not_even_read() {
        let names = vec![String::new(); MAX_LIST / 8];
        let row = ProcessRow::named(Pid::new(1, 1), names);
        let response = Response::Processes { rows: vec![row.clone(), row], more: 0 };
        let bytes = NodeMessage::Response { number: 1, response }.to_bytes().unwrap();
        assert!(matches!(read(bytes), Err(BadMessage::Long(_))));
        let response = || NodeMessage::Response { number: 7, response: Response::Found(None) };
        let bytes = || response().to_bytes().unwrap();
        let awaited = super::read(bytes(), |number| number == 7).unwrap();
        assert_eq!(awaited, Delivery::NodeMessage(response()));
        assert!(matches!(super::read(bytes(), |number| number == 8), Err(BadMessage::Unasked)));
    }

    #[test]
    fn a_node_answers_with_processes_of_its_own() {
        let (its, other) = (Pid::new(2, 1), Pid::new(3, 1));
        let found = |pid| Response::Found(Some(pid));
        assert_eq!(found(its).of_node(2), found(its));
        assert_eq!(found(other).of_node(2), Response::Found(None));
        assert_eq!(Response::Spawned(Ok(its)).of_node(2), Response::Spawned(Ok(its)));
        assert!(matches!(Response::Spawned(Ok(other)).of_node(2), Response::Spawned(Err(_))));
        match Response::Spawned(Err("ß".repeat(MAX_REASON))).of_node(2) {
            Response::Spawned(Err(why)) => assert_eq!(why.len(), MAX_REASON),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn long_answers_are_known_before_they_are_read() {
        let response = Response::Spawned(Err("x".repeat(SHORT_RESPONSE)));
        let long = NodeMessage::Response { number: 1, response }.to_bytes().unwrap();
        assert!(is_long_answer(&long) && !is_long_answer(&long[1..]));
        let response = Response::Found(None);
        let short = NodeMessage::Response { number: 1, response }.to_bytes().unwrap();
        assert!(!is_long_answer(&short));
        let (mut message, tail) =
            message_bytes(Pid::new(1, 1), message(Payload::Bytes(long.into())));
        message.extend(tail);
        assert!(!is_long_answer(&message), "between processes");
    }

    #[test]
    fn who_asks_what_is_not_known_is_found_out() {
        let asker = Pid::new(3, 4);
        let question = |bytes: Vec<u8>| match read(bytes) {
            Err(BadMessage::NotUnderstood { question, .. }) => question,
            other => panic!("{other:?}"),
        };
        let of_process = iridium_proto::to_bytes(&(1_u32, asker, 7_u64, 99_u32, 1_u64)).unwrap();
        assert_eq!(
            question([of_process, vec![1]].concat()),
            Some(Question::OfProcess { asker, number: 7 })
        );
        let of_operator = iridium_proto::to_bytes(&(5_u32, 8_u64, 99_u32)).unwrap();
        assert_eq!(
            question([of_operator, vec![1]].concat()),
            Some(Question::OfOperator { number: 8 })
        );
        let signal = iridium_proto::to_bytes(&(0_u32, asker, asker, 99_u32)).unwrap();
        assert_eq!(question([signal, vec![1]].concat()), None);
        let later = iridium_proto::to_bytes(&(LAST + 1, 5_u64)).unwrap();
        let later = read([later, vec![1]].concat());
        assert!(matches!(later, Err(BadMessage::Unknown(number)) if number == LAST + 1));
    }
}
