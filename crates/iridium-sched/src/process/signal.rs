//! What processes send to each other, wherever they live: messages, and the signals of links and
//! monitors.

use super::reason::Reason;
use iridium_vm::codec::numbered;
use iridium_vm::{Message, Payload, Pid};

numbered! {
    /// What one process can do to another. Between two processes signals keep their order.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Signal {
        /// A message.
        0 = Message(Message),
        /// `from` is linked to you now.
        1 = Link {
            /// The process that has made the link.
            from: Pid,
        },
        /// `from` is not linked to you any more.
        2 = Unlink {
            /// The process that has undone the link.
            from: Pid,
        },
        /// `from`, to which you are linked, has ended.
        3 = Exit {
            /// The process that has ended.
            from: Pid,
            /// Why.
            reason: Reason,
        },
        /// `from` wants you to exit.
        4 = Kill {
            /// The process that wants it.
            from: Pid,
            /// The reason that you are to exit with.
            reason: Reason,
        },
        /// `from` wants to be told of your end.
        5 = Monitor {
            /// The process that wants it.
            from: Pid,
            /// The reference that it has given to the monitor.
            reference: i64,
        },
        /// `from` does not want to be told any more.
        6 = Demonitor {
            /// The process that has monitored.
            from: Pid,
            /// The reference of the monitor.
            reference: i64,
        },
        /// `from`, which you monitor, has ended.
        7 = Down {
            /// The process that has ended.
            from: Pid,
            /// The reference of your monitor.
            reference: i64,
            /// Why it has ended.
            reason: Reason,
        },
        /// All processes of a node are out of reach.
        8 = NodeLost {
            /// The number of the node.
            node: u32,
        },
    }
}

impl Signal {
    /// Whether it is a message that a process has sent.
    pub(crate) fn is_user_message(&self) -> bool {
        matches!(self, Signal::Message(message) if is_user_message(message))
    }

    /// The reply to this signal when it cannot be delivered to `to`: an exit for a link, a down for
    /// a monitor, else none; with whom to send it to.
    /// Messages and all others are dropped.
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
pub(crate) fn is_user_message(message: &Message) -> bool {
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
