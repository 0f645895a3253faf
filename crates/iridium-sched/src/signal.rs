//! What processes say to each other, wherever they live.

use iridium_vm::{Message, Payload, Pid};
use serde::{Deserialize, Serialize};

use crate::reason::Reason;

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
        matches!(self, Signal::Message(message) if is_mail(message))
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

/// Whether a process has sent a message, and not the system.
pub(crate) fn is_mail(message: &Message) -> bool {
    message.tag >= 0
}

/// A message of the system about a process or node, with numbers as its payload.
pub(crate) fn system_message(tag: i64, about: i64, numbers: &[i64]) -> Message {
    let payload = match numbers {
        [word] => Payload::Word(word.to_le_bytes()),
        words => Payload::Bytes(words.iter().flat_map(|word| word.to_le_bytes()).collect()),
    };
    Message { tag, sender: about, payload }
}
