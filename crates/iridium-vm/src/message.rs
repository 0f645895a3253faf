//! Messages between processes.

use serde::{Deserialize, Serialize};

use crate::codec::numbered;

numbered! {
    /// The content of a message.
    #[derive(Debug, Clone, PartialEq, Eq)]
    pub enum Payload {
        /// Eight bytes: an integer, or a float's bits.
        0 = Word([u8; 8]),
        /// Bytes from memory.
        1 = Bytes(Box<[u8]>),
    }
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
    /// Tags from here on are those of replies. A process gets a message with one while it
    /// [waits for it](crate::Effect::MonitorReply), and at no other time.
    pub const REPLY: i64 = 1 << 62;

    /// What `recv` tells of it: tag, sender, length of the content.
    #[inline]
    pub(crate) fn words(&self) -> [i64; 3] {
        [self.tag, self.sender, self.payload.bytes().len() as i64]
    }

    /// Whether it is the reply to a call: a message that only one who waits for it gets.
    pub fn is_reply(&self) -> bool {
        self.tag >= Self::REPLY
    }
}
