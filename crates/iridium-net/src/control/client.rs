//! The client's side of the control plane: connects to a running node and asks it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use iridium_proto::{ControlReply, ControlRequest, IridiumMessage, MAX_CONTROL_REQUEST};

use crate::dialer;
use crate::endpoint::Endpoint;
use crate::error::{ClientError, StreamError};
use crate::membership::DialFailure;
use crate::secret::Security;

use super::stream::ControlStream;

/// A connection over which a running node is asked and told things.
pub struct ControlClient {
    to: String,
    stream: ControlStream,
    timeout: Duration,
}

impl ControlClient {
    /// Connects to a node. `timeout` holds for this and for each request.
    ///
    /// # Errors
    /// [`ClientError::Unreachable`], [`ClientError::Handshake`].
    pub fn connect(
        to: &Endpoint,
        security: &Security,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        let dialled = dialer::dial(to, security, timeout);
        let to = to.to_string();
        match dialled {
            Ok((session, _)) => match ControlStream::new(session, Arc::default()) {
                Ok(stream) => Ok(Self { to, stream, timeout }),
                Err(e) => Err(ClientError::Unreachable { to, why: e.to_string() }),
            },
            Err(DialFailure::Refused) => {
                Err(ClientError::Unreachable { to, why: "nobody listens there".into() })
            }
            Err(DialFailure::Unreachable(why)) => Err(ClientError::Unreachable { to, why }),
            Err(DialFailure::Handshake(why)) => Err(ClientError::Handshake { to, why }),
        }
    }

    /// Asks what every node answers, and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError::NotUnderstood`], after which one may go on asking;
    /// [`ClientError::NoAnswer`]: the connection is of no more use then.
    pub fn request(&mut self, request: ControlRequest) -> Result<ControlReply, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let asked = self.stream.say(&IridiumMessage::ControlRequest(request));
        let answer = asked.and_then(|()| self.stream.hear(deadline));
        match answer {
            Ok(IridiumMessage::ControlReply(ControlReply::NotUnderstood(_))) => {
                Err(ClientError::NotUnderstood { to: self.to.clone() })
            }
            Ok(IridiumMessage::ControlReply(reply)) => Ok(reply),
            Ok(other) => Err(self.no_answer(&format!("it said {} instead", other.name()))),
            Err(error) => Err(self.no_answer(&error)),
        }
    }

    /// Asks the application on the node something that has one answer.
    ///
    /// # Errors
    /// [`ClientError::Refused`] when the node does not answer this, and says why;
    /// one may go on asking. [`ClientError::NoAnswer`] as for `request`.
    pub fn ask(&mut self, request: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        let answers = self.ask_all(request)?;
        answers.into_iter().next().ok_or_else(|| self.no_answer(&"it had nothing to say"))
    }

    /// As [`ask`](Self::ask), for something whose answer has several parts, or none.
    ///
    /// # Errors
    /// As there.
    pub fn ask_all(&mut self, request: Vec<u8>) -> Result<Vec<Vec<u8>>, ClientError> {
        let deadline = Instant::now() + self.timeout;
        self.begin(request)?;
        match self.hear_all(deadline) {
            Ok(answers) => Ok(answers),
            // A refusal is an end.
            Err(StreamError::Failed(why)) => Err(ClientError::Refused { to: self.to.clone(), why }),
            Err(error) => Err(self.no_answer(&error)),
        }
    }

    fn hear_all(&mut self, deadline: Instant) -> Result<Vec<Vec<u8>>, StreamError> {
        self.stream.end()?;
        let mut answers = Vec::new();
        while let Some(answer) = self.stream.receive(deadline)? {
            answers.push(answer);
        }
        Ok(answers)
    }

    /// Begins a conversation with the application on the node, of any length: a
    /// node that does not take part in it says so on the stream. The connection
    /// closes with the stream.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`], also for a request of more than
    /// [`MAX_CONTROL_REQUEST`] bytes.
    pub fn open(mut self, request: Vec<u8>) -> Result<ControlStream, ClientError> {
        self.begin(request)?;
        Ok(self.stream)
    }

    fn begin(&mut self, request: Vec<u8>) -> Result<(), ClientError> {
        let (len, cap) = (request.len(), MAX_CONTROL_REQUEST);
        if len > cap {
            return Err(self.no_answer(&StreamError::TooLong { len, cap }));
        }
        self.stream.reopen();
        self.stream.ask(request).map_err(|error| self.no_answer(&error))
    }

    fn no_answer(&self, why: &dyn std::fmt::Display) -> ClientError {
        ClientError::NoAnswer { to: self.to.clone(), why: why.to_string() }
    }
}
