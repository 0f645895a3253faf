//! The client's side of the control plane: connects to a running node and asks it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use iridium_proto::{ControlReply, ControlRequest, IridiumMessage, MAX_CONTROL_REQUEST};

use crate::cause::Cause;
use crate::dialer;
use crate::endpoint::Endpoint;
use crate::error::{ClientError, StreamError};
use crate::membership::DialFailure;
use crate::secret::Security;

use super::stream::ControlStream;

/// A connection over which a running node is asked and given orders.
#[derive(Debug)]
#[must_use]
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
        let dialled = dialer::dial_any(to, security, timeout);
        let to = to.to_string();
        match dialled {
            Ok(session) => match ControlStream::new(session, Arc::default(), Arc::default()) {
                Ok(stream) => Ok(Self { to, stream, timeout }),
                Err(e) => Err(ClientError::Unreachable { to, why: Cause::new(e) }),
            },
            Err(failure @ DialFailure::Refused) => {
                Err(ClientError::Unreachable { to, why: Cause::new(failure) })
            }
            Err(DialFailure::Unreachable(why)) => Err(ClientError::Unreachable { to, why }),
            Err(DialFailure::Handshake(why)) => Err(ClientError::Handshake { to, why }),
        }
    }

    /// Sends a request that every node answers, and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError::NotUnderstood`], after which one may go on asking;
    /// [`ClientError::NoAnswer`]: the connection cannot be used any more.
    pub fn request(&mut self, request: ControlRequest) -> Result<ControlReply, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let asked = self.stream.send_message(&IridiumMessage::ControlRequest(request));
        let answer = asked.and_then(|()| self.stream.receive_message(deadline));
        match answer {
            Ok(IridiumMessage::ControlReply(ControlReply::NotUnderstood(_))) => {
                Err(ClientError::NotUnderstood { to: self.to.clone() })
            }
            Ok(IridiumMessage::ControlReply(reply)) => Ok(reply),
            Ok(other) => Err(self.no_answer(format!("it sent {} instead", other.name()).into())),
            Err(error) => Err(self.no_answer(Cause::new(error))),
        }
    }

    /// Sends a request to the application on the node that has one answer.
    ///
    /// # Errors
    /// [`ClientError::Refused`] with the node's reason, after which one may go on
    /// asking; [`ClientError::NoAnswer`] as for [`request`](Self::request).
    pub fn ask(&mut self, request: Vec<u8>) -> Result<Vec<u8>, ClientError> {
        let answers = self.ask_all(request)?;
        answers.into_iter().next().ok_or_else(|| self.no_answer("the answer is empty".into()))
    }

    /// As [`ask`](Self::ask), for a request whose answer has any number of parts.
    ///
    /// # Errors
    /// As there.
    pub fn ask_all(&mut self, request: Vec<u8>) -> Result<Vec<Vec<u8>>, ClientError> {
        let deadline = Instant::now() + self.timeout;
        self.begin(request)?;
        match self.receive_all(deadline) {
            Ok(answers) => Ok(answers),
            // The stream has ended, and the connection can be used for the next.
            Err(StreamError::Failed(why)) => Err(ClientError::Refused { to: self.to.clone(), why }),
            Err(error) => Err(self.no_answer(Cause::new(error))),
        }
    }

    fn receive_all(&mut self, deadline: Instant) -> Result<Vec<Vec<u8>>, StreamError> {
        self.stream.end()?;
        let mut answers = Vec::new();
        while let Some(answer) = self.stream.receive(deadline)? {
            answers.push(answer);
        }
        Ok(answers)
    }

    /// Opens a stream to the application on the node. A node that refuses the request
    /// says so on the stream. The connection closes with the stream.
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
            return Err(self.no_answer(Cause::new(StreamError::TooLong { len, cap })));
        }
        self.stream.reopen();
        self.stream.open(request).map_err(|error| self.no_answer(Cause::new(error)))
    }

    fn no_answer(&self, why: Cause) -> ClientError {
        ClientError::NoAnswer { to: self.to.clone(), why }
    }
}
