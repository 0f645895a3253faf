//! Operators ask a node and tell it things.

use std::fmt;
use std::time::{Duration, Instant};

use iridium_isa::Module;
use iridium_net::{ControlClient, Endpoint, Security, StreamError};
use iridium_sched::Reason;
use iridium_vm::{Payload, Pid};

use super::conversation::{Conversation, unexpected};
use super::error::{At as _, ClientError};
use super::protocol::{Answer, AppRow, Call, EVENT, SpawnOrder, Target};
use super::transport::{Socket, Transport};
use crate::events::NodeEvent;
use crate::report::{Inbox, NodeLoad, NodeProcesses};
use crate::wire::{from_bytes, number};

/// How long a node may take to begin a conversation.
const BEGIN_WITHIN: Duration = Duration::from_secs(10);

/// Asks a running node and tells it things: over a socket from anywhere, or directly where one has
/// the [`Node`](crate::Node).
#[derive(Debug)]
#[must_use]
pub struct Client<T = Socket> {
    pub(crate) transport: T,
}

impl Client {
    /// Connects to a node. `timeout` holds for this and for each question.
    ///
    /// # Errors
    /// [`ClientError::Control`].
    pub fn connect(
        to: &Endpoint,
        security: &Security,
        timeout: Duration,
    ) -> Result<Self, ClientError> {
        let control = ControlClient::connect(to, security, timeout)?;
        Ok(Self { transport: Socket { to: to.to_string(), control } })
    }

    /// The mesh's own questions, on the same connection.
    pub fn mesh(&mut self) -> &mut ControlClient {
        &mut self.transport.control
    }

    /// Subscribes to the events of the node from now on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn events(self) -> Result<Events, ClientError> {
        match self.open(&Call::Events)? {
            (conversation, Some(Answer::Subscribed)) => Ok(Events(conversation)),
            (conversation, other) => Err(conversation.unexpected(other.as_ref())),
        }
    }

    /// Begins a conversation. Returns it and its first answer.
    pub(super) fn open(self, call: &Call) -> Result<(Conversation, Option<Answer>), ClientError> {
        let mut conversation = self.transport.open(call)?;
        let first = conversation.receive(Instant::now() + BEGIN_WITHIN)?;
        Ok((conversation, first))
    }
}

impl<T: Transport> Client<T> {
    /// The processes of the node, or of all nodes, by alias. Waits for the other nodes, 3 s at most.
    /// Over a socket, the first 4 MiB of each are listed, 8 MiB of all, and less while operators are told much.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn processes(&mut self, all: bool) -> Result<Vec<NodeProcesses>, ClientError> {
        let mut listed = Vec::new();
        for answer in self.transport.call(Call::Processes { all })? {
            match answer {
                Answer::Processes(nodes) => listed.extend(nodes),
                other => return Err(self.unexpected(Some(&other))),
            }
        }
        Ok(listed)
    }

    /// How the nodes of the cluster do, by alias. Waits for the other nodes, 3 s at most.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn loads(&mut self) -> Result<Vec<NodeLoad>, ClientError> {
        match self.ask(Call::Loads)? {
            Some(Answer::Loads(loads)) => Ok(loads),
            other => Err(self.unexpected(other.as_ref())),
        }
    }

    /// The apps of the node.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn apps(&mut self) -> Result<Vec<AppRow>, ClientError> {
        match self.ask(Call::Apps)? {
            Some(Answer::Apps(apps)) => Ok(apps),
            other => Err(self.unexpected(other.as_ref())),
        }
    }

    /// Sends a message to a process in nobody's name. Returns the process.
    ///
    /// # Errors
    /// [`ClientError`], also when nobody has the name.
    pub fn send(&mut self, to: Target, tag: i64, payload: Payload) -> Result<Pid, ClientError> {
        self.done(Call::Send { to, tag, payload })
    }

    /// Ends a process for a reason; only [`Reason::KILLED`] cannot be trapped. Returns the process.
    ///
    /// # Errors
    /// [`ClientError`], also when nobody has the name.
    pub fn kill(&mut self, to: Target, reason: Reason) -> Result<Pid, ClientError> {
        self.done(Call::Kill { to, reason })
    }

    /// What a process understands, and which one it is.
    ///
    /// # Errors
    /// [`ClientError`], also when nobody has the name.
    pub fn understands(&mut self, of: Target) -> Result<(Pid, Inbox), ClientError> {
        match self.ask(Call::Understands { of })? {
            Some(Answer::Understands { pid, inbox }) => Ok((pid, inbox)),
            other => Err(self.unexpected(other.as_ref())),
        }
    }

    /// Starts a process of a module, which is sent along.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn spawn(self, order: SpawnOrder, module: &Module) -> Result<Pid, ClientError> {
        self.transport.spawn(order, module)
    }

    fn done(&mut self, call: Call) -> Result<Pid, ClientError> {
        match self.ask(call)? {
            Some(Answer::Done(pid)) => Ok(pid),
            other => Err(self.unexpected(other.as_ref())),
        }
    }

    fn ask(&mut self, call: Call) -> Result<Option<Answer>, ClientError> {
        Ok(self.transport.call(call)?.into_iter().next())
    }

    fn unexpected(&self, answer: Option<&Answer>) -> ClientError {
        unexpected(&self.transport.node(), answer)
    }
}

/// A subscription to the events of a node. It ends when it is dropped.
#[must_use]
pub struct Events(Conversation);

impl Events {
    /// The next event; `None` when the deadline comes first. Events of a later version, which this
    /// one does not know, are passed over.
    ///
    /// # Errors
    /// [`ClientError::Stream`] when the node has stopped, or this end did not keep up.
    pub fn next(&mut self, deadline: Instant) -> Result<Option<NodeEvent>, ClientError> {
        loop {
            let bytes = match self.0.receive_bytes(deadline) {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return Err(self.0.unexpected(None)),
                Err(StreamError::TimedOut) => return Ok(None),
                Err(error) => return Err(error.at(&self.0.to)),
            };
            match from_bytes(&bytes) {
                Ok(Answer::Event(event)) => return Ok(Some(event)),
                Ok(other) => return Err(self.0.unexpected(Some(&other))),
                Err(error) if number(&bytes) == Some(EVENT) => {
                    log::debug!("passed over an event of {}: {error}", self.0.to);
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl fmt::Debug for Events {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events").field("to", &self.0.to).finish_non_exhaustive()
    }
}
