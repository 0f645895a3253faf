//! What processes say to each other, wherever they live.

use serde::{Deserialize, Serialize};

use super::{Pid, Reason};

/// The content of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Payload {
    /// Eight bytes: an integer, or a float's bits.
    Word([u8; 8]),
    /// Bytes from memory.
    Bytes(Box<[u8]>),
}

impl Payload {
    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Payload::Word(bytes) => bytes,
            Payload::Bytes(bytes) => bytes,
        }
    }
}

/// A message as `recv` sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its tag; those of the system are negative.
    pub tag: i64,
    /// The sender's pid.
    pub sender: i64,
    /// Its content, which becomes the current message.
    pub payload: Payload,
}

impl Message {
    /// The tag of a message that tells a process of an exit signal.
    pub const EXIT: i64 = -2;
    /// The tag of a message that tells of the end of a monitored process.
    pub const DOWN: i64 = -3;
    /// The tag of a message that tells of a node that has come up.
    pub const NODE_UP: i64 = -4;
    /// The tag of a message that tells of a node that is gone.
    pub const NODE_DOWN: i64 = -5;

    /// Whether a process has sent it, and not the system.
    pub(crate) fn is_of_process(&self) -> bool {
        self.tag >= 0
    }

    /// A message of the system about a process or node, with numbers as its payload.
    pub(crate) fn of_system(tag: i64, about: i64, numbers: &[i64]) -> Self {
        let payload = match numbers {
            [word] => Payload::Word(word.to_le_bytes()),
            words => Payload::Bytes(words.iter().flat_map(|word| word.to_le_bytes()).collect()),
        };
        Self { tag, sender: about, payload }
    }
}

/// What one process can do to another. Between two processes signals keep their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Signal {
    /// A message.
    Message(Message),
    /// `from` is linked to you now.
    Link {
        /// The process that has made the link.
        from: Pid,
    },
    /// `from` is not linked to you any more.
    Unlink {
        /// The process that has undone the link.
        from: Pid,
    },
    /// `from`, to which you are linked, has ended.
    Exit {
        /// The process that has ended.
        from: Pid,
        /// Why.
        reason: Reason,
    },
    /// `from` wants you to end.
    Kill {
        /// The process that wants it.
        from: Pid,
        /// The reason that you are to end with.
        reason: Reason,
    },
    /// `from` wants to be told of your end.
    Monitor {
        /// The process that wants it.
        from: Pid,
        /// Its name for this wish.
        reference: i64,
    },
    /// `from` does not want to be told any more.
    Demonitor {
        /// The process that has monitored.
        from: Pid,
        /// Its name for the wish.
        reference: i64,
    },
    /// `from`, which you monitor, has ended.
    Down {
        /// The process that has ended.
        from: Pid,
        /// Your name for the wish to be told.
        reference: i64,
        /// Why it has ended.
        reason: Reason,
    },
    /// All processes of a node are out of reach.
    NodeLost {
        /// The number of the node.
        node: u32,
    },
}

impl Signal {
    /// Whether it is a message that a process has sent.
    pub(crate) fn is_mail(&self) -> bool {
        matches!(self, Signal::Message(message) if message.is_of_process())
    }

    /// The answer to a signal that cannot reach `to`, for `reason`: whom to tell, and what.
    /// Messages and the like are lost without a word.
    pub fn undeliverable(&self, to: Pid, reason: Reason) -> Option<(Pid, Signal)> {
        match *self {
            Signal::Link { from } => Some((from, Signal::Exit { from: to, reason })),
            Signal::Monitor { from, reference } => {
                Some((from, Signal::Down { from: to, reference, reason }))
            }
            _ => None,
        }
    }
}
