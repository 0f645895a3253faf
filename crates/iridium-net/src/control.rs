//! The client's side of the control plane: ask a running node, get an answer.

use std::time::{Duration, Instant};

use iridium_proto::{ControlReply, ControlRequest, IridiumMessage};

use crate::dialer;
use crate::endpoint::Endpoint;
use crate::error::ClientError;
use crate::membership::DialFailure;
use crate::secret::Security;
use crate::session::{Session, SessionError};

/// A connection over which a running node is asked and told things.
pub struct ControlClient {
    to: String,
    session: Session,
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
            Ok((session, _)) => Ok(Self { to, session, timeout }),
            Err(DialFailure::Refused) => {
                Err(ClientError::Unreachable { to, why: "nobody listens there".into() })
            }
            Err(DialFailure::Unreachable(why)) => Err(ClientError::Unreachable { to, why }),
            Err(DialFailure::Handshake(why)) => Err(ClientError::Handshake { to, why }),
        }
    }

    /// Asks and waits for the answer.
    ///
    /// # Errors
    /// [`ClientError::NoAnswer`]; the connection is of no more use then.
    pub fn request(&mut self, request: ControlRequest) -> Result<ControlReply, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let no_answer = |why: String| ClientError::NoAnswer { to: self.to.clone(), why };
        let asked = self.session.send(&IridiumMessage::ControlRequest(request));
        let answer = asked.and_then(|()| self.session.receive(deadline));
        match answer {
            Ok(IridiumMessage::ControlReply(reply)) => Ok(reply),
            Ok(other) => Err(no_answer(format!("it said {} instead", other.name()))),
            Err(SessionError::Closed) => Err(no_answer("it closed the connection".into())),
            Err(error) => Err(no_answer(error.to_string())),
        }
    }
}

impl Drop for ControlClient {
    fn drop(&mut self) {
        self.session.close();
    }
}
