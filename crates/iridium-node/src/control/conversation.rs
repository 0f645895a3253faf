//! The client's end of a call that is answered more than once.

use std::time::Instant;

use iridium_net::{ControlStream, StreamError};

use super::error::{At as _, ClientError};
use super::protocol::Answer;
use crate::wire::from_bytes;

/// A conversation with a node.
pub(super) struct Conversation {
    pub(super) to: String,
    pub(super) stream: ControlStream,
}

impl Conversation {
    /// The next answer; `None` when the node has no more to say.
    pub(super) fn receive(&mut self, deadline: Instant) -> Result<Option<Answer>, ClientError> {
        match self.receive_bytes(deadline) {
            Ok(Some(bytes)) => Ok(Some(from_bytes(&bytes)?)),
            Ok(None) => Ok(None),
            Err(error) => Err(error.at(&self.to)),
        }
    }

    pub(super) fn receive_bytes(
        &mut self,
        deadline: Instant,
    ) -> Result<Option<Vec<u8>>, StreamError> {
        self.stream.receive(deadline)
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.stream.send(bytes).map_err(|error| error.at(&self.to))
    }

    pub(super) fn unexpected(&self, answer: Option<&Answer>) -> ClientError {
        unexpected(&self.to, answer)
    }
}

/// What is wrong with an answer that does not go with the question.
pub(super) fn unexpected(to: &str, answer: Option<&Answer>) -> ClientError {
    let to = to.to_string();
    match answer {
        Some(Answer::NotUnderstood) => ClientError::NotUnderstood { to },
        _ => ClientError::UnexpectedAnswer { to },
    }
}
