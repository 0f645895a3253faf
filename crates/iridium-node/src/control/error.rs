//! What can go wrong between an operator and a node.

use iridium_net::StreamError;
use iridium_proto::ProtoError;
use thiserror::Error;

use crate::error::NodeError;

/// Why a node did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// It cannot be reached, does not answer, or says why not.
    #[error(transparent)]
    Control(#[from] iridium_net::ClientError),
    /// It was asked directly and says why not.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// It says why not, or the conversation broke off.
    #[error("{to}: {source}")]
    Stream {
        /// The address of the node.
        to: String,
        /// What happened.
        source: StreamError,
    },
    /// It does not know what it was asked, as a node of another version may not.
    #[error("{to} does not understand this; its version may be another")]
    NotUnderstood {
        /// The address of the node.
        to: String,
    },
    /// Its answer does not go with the question, as only another version gives it.
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
