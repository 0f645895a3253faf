//! What can go wrong between an operator and a node.

use iridium_net::StreamError;
use iridium_proto::ProtoError;
use thiserror::Error;

use crate::error::NodeError;

/// Why a node did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The node cannot be reached, does not answer, or refuses and says why.
    #[error(transparent)]
    Control(#[from] iridium_net::ClientError),
    /// The node was asked in its own process, and refuses.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// The node refuses and says why, or the conversation broke off.
    #[error("{to}: {source}")]
    Stream {
        /// The address of the node.
        to: String,
        /// The error of the conversation.
        source: StreamError,
    },
    /// The node does not know the question, as one of another version may not.
    #[error("{to} does not understand this; its version may be another")]
    NotUnderstood {
        /// The address of the node.
        to: String,
    },
    /// The answer does not go with the question, as only a node of another version would send.
    #[error("{to} gave an answer to another question; its version may be another")]
    UnexpectedAnswer {
        /// The address of the node.
        to: String,
    },
    /// The question or the answer cannot be encoded.
    #[error(transparent)]
    Encoding(#[from] ProtoError),
}

/// What went wrong with a conversation, with the node in it.
pub(super) trait At {
    fn at(self, to: &str) -> ClientError;
}

impl At for StreamError {
    fn at(self, to: &str) -> ClientError {
        ClientError::Stream { to: to.to_string(), source: self }
    }
}
