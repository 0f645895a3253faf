//! What can be wrong with bytes from a peer. Every one of these is the peer's
//! fault (or the line's), leaves the decoder unusable, and closes the connection.

use thiserror::Error;

/// Why bytes are not a message, or a message cannot become bytes.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProtoError {
    /// The declared length of a frame is over the cap in force.
    #[error("a frame of {declared} bytes is over the limit of {cap}")]
    FrameTooLong {
        /// The length in the header, in bytes.
        declared: u64,
        /// The limit at this stage of the connection, in bytes.
        cap: usize,
    },
    /// A frame without room for its kind.
    #[error("a frame of length 0")]
    FrameEmpty,
    /// The body of a known kind does not decode.
    #[error("the body of a {kind} message is malformed: {why}")]
    Body {
        /// The name of the message.
        kind: &'static str,
        /// The error of the codec.
        why: String,
    },
    /// A value that this build has received and does not know is not sent on: it would go without
    /// its body.
    #[error("a {kind} of number {number} is not known to this build")]
    Unknown {
        /// The name of the enum.
        kind: &'static str,
        /// The number of the variant.
        number: u32,
    },
    /// A message that is too large to send.
    #[error("a message of {len} bytes is over the limit of {cap}")]
    MessageTooLong {
        /// The length of the message, in bytes.
        len: usize,
        /// The longest that can be sent, in bytes.
        cap: usize,
    },
}
