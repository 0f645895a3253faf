//! The client's side: calls that are answered once, and conversations.

use std::fmt;
use std::time::{Duration, Instant};

use iridium_isa::Module;
use iridium_net::{ControlClient, ControlStream, Endpoint, Security, StreamError};
use iridium_proto::ProtoError;
use iridium_sched::Reason;
use iridium_vm::{Payload, Pid};
use thiserror::Error;

use super::protocol::{Answer, AppRow, Call, EVENT, SpawnOrder, Target};
use crate::events::NodeEvent;
use crate::report::{NodeLoad, NodeProcesses};
use crate::wire::{from_bytes, number, to_bytes};

/// How long a node may take to start a process, elsewhere perhaps.
const SPAWN_WITHIN: Duration = Duration::from_secs(40);

/// How long a node may take to begin a conversation.
pub(super) const BEGIN_WITHIN: Duration = Duration::from_secs(10);

/// Why a node did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// It cannot be reached, does not answer, or says why not.
    #[error(transparent)]
    Control(#[from] iridium_net::ClientError),
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

/// A connection to a running node, to ask it and tell it things from anywhere.
#[must_use]
pub struct Client {
    to: String,
    control: ControlClient,
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
        Ok(Self { to: to.to_string(), control })
    }

    /// The mesh's own questions, on the same connection.
    pub fn mesh(&mut self) -> &mut ControlClient {
        &mut self.control
    }

    /// The processes of the node, or of all nodes, by alias. Of each the first 4 MiB are listed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn processes(&mut self, all: bool) -> Result<Vec<NodeProcesses>, ClientError> {
        let mut listed = Vec::new();
        for part in self.control.ask_all(to_bytes(&Call::Processes { all })?)? {
            match from_bytes(&part)? {
                Answer::Processes(nodes) => listed.extend(nodes),
                other => return Err(unexpected(&self.to, Some(&other))),
            }
        }
        Ok(listed)
    }

    /// How the nodes do, by alias.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn loads(&mut self) -> Result<Vec<NodeLoad>, ClientError> {
        match self.ask(&Call::Loads)? {
            Answer::Loads(loads) => Ok(loads),
            other => Err(unexpected(&self.to, Some(&other))),
        }
    }

    /// The apps of the node.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn apps(&mut self) -> Result<Vec<AppRow>, ClientError> {
        match self.ask(&Call::Apps)? {
            Answer::Apps(apps) => Ok(apps),
            other => Err(unexpected(&self.to, Some(&other))),
        }
    }

    /// Sends a message to a process in nobody's name. Gives the process.
    ///
    /// # Errors
    /// [`ClientError`], also when nobody has the name.
    pub fn send(&mut self, to: Target, tag: i64, payload: Payload) -> Result<Pid, ClientError> {
        self.done(&Call::Send { to, tag, payload })
    }

    /// Ends a process for a reason; only [`Reason::KILLED`] cannot be trapped. Gives the process.
    ///
    /// # Errors
    /// [`ClientError`], also when nobody has the name.
    pub fn kill(&mut self, to: Target, reason: Reason) -> Result<Pid, ClientError> {
        self.done(&Call::Kill { to, reason })
    }

    fn done(&mut self, call: &Call) -> Result<Pid, ClientError> {
        match self.ask(call)? {
            Answer::Done(pid) => Ok(pid),
            other => Err(unexpected(&self.to, Some(&other))),
        }
    }

    /// Starts a process of a module, which is sent along if the node does not have it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn spawn(self, order: SpawnOrder, module: &Module) -> Result<Pid, ClientError> {
        let mut conversation = self.open(&Call::Spawn(Box::new(order)))?;
        let deadline = Instant::now() + SPAWN_WITHIN;
        loop {
            match conversation.receive(deadline)? {
                Some(Answer::CodeWanted) => conversation.send(&module.to_bytes())?,
                Some(Answer::Spawned(pid)) => return Ok(pid),
                other => return Err(conversation.unexpected(other.as_ref())),
            }
        }
    }

    /// What happens at the node from now on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn events(self) -> Result<Events, ClientError> {
        let mut conversation = self.open(&Call::Events)?;
        match conversation.receive(Instant::now() + BEGIN_WITHIN)? {
            Some(Answer::Subscribed) => Ok(Events(conversation)),
            other => Err(conversation.unexpected(other.as_ref())),
        }
    }

    fn ask(&mut self, call: &Call) -> Result<Answer, ClientError> {
        Ok(from_bytes(&self.control.ask(to_bytes(call)?)?)?)
    }

    pub(super) fn open(self, call: &Call) -> Result<Conversation, ClientError> {
        Ok(Conversation { stream: self.control.open(to_bytes(call)?)?, to: self.to })
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("to", &self.to).finish_non_exhaustive()
    }
}

/// What happens at a node, for as long as this is not dropped.
#[must_use]
pub struct Events(Conversation);

impl Events {
    /// The next event; `None` when the deadline comes first.
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
                    log::debug!(
                        "skipped an event of {} that a later version has: {error}",
                        self.0.to
                    );
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

/// A conversation with a node.
pub(super) struct Conversation {
    pub(super) to: String,
    pub(super) stream: ControlStream,
}

impl Conversation {
    pub(super) fn receive(&mut self, deadline: Instant) -> Result<Option<Answer>, ClientError> {
        match self.receive_bytes(deadline) {
            Ok(Some(bytes)) => Ok(Some(from_bytes(&bytes)?)),
            Ok(None) => Ok(None),
            Err(error) => Err(error.at(&self.to)),
        }
    }

    fn receive_bytes(&mut self, deadline: Instant) -> Result<Option<Vec<u8>>, StreamError> {
        self.stream.receive(deadline)
    }

    fn send(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
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

/// What went wrong with a conversation, with the node in it.
pub(super) trait At {
    fn at(self, to: &str) -> ClientError;
}

impl At for StreamError {
    fn at(self, to: &str) -> ClientError {
        ClientError::Stream { to: to.to_string(), source: self }
    }
}
