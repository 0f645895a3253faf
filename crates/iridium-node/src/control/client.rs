//! The client's side: one question each, or a conversation.

use std::time::{Duration, Instant};

use iridium_isa::Module;
use iridium_net::{ControlClient, ControlStream, Endpoint, Security, StreamError};
use iridium_proto::{ProtoError, from_bytes, to_bytes};
use iridium_sched::Reason;
use iridium_vm::{Payload, Pid};
use thiserror::Error;

use super::protocol::{AppRow, Reply, Request, SpawnOrder, Target};
use crate::hub::NodeEvent;
use crate::report::{NodeLoad, NodeProcesses};

/// How long a node may take to start a process, elsewhere perhaps.
const SPAWN_WITHIN: Duration = Duration::from_secs(40);

/// How long a node may take to begin a conversation.
pub(super) const BEGIN_WITHIN: Duration = Duration::from_secs(10);

/// Why a node did not do what it was asked.
#[derive(Debug, Error)]
pub enum ClientError {
    /// It cannot be reached, does not answer, or says why not.
    #[error(transparent)]
    Control(#[from] iridium_net::ClientError),
    /// It says why not, or the conversation broke off.
    #[error("{to}: {why}")]
    Stream {
        /// The address of the node.
        to: String,
        /// What happened.
        why: StreamError,
    },
    /// It gave an answer to another question, as only another version does.
    #[error("{to} gave an answer to another question; its version may be another")]
    Odd {
        /// The address of the node.
        to: String,
    },
    /// The question or the answer cannot be encoded.
    #[error(transparent)]
    Encoding(#[from] ProtoError),
}

/// Asks a running node and tells it things, from anywhere.
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
        for part in self.control.ask_all(to_bytes(&Request::Processes { all })?)? {
            match from_bytes(&part)? {
                Reply::Processes(nodes) => listed.extend(nodes),
                _ => return Err(self.odd()),
            }
        }
        Ok(listed)
    }

    /// How the nodes do, by alias.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn loads(&mut self) -> Result<Vec<NodeLoad>, ClientError> {
        match self.ask(&Request::Loads)? {
            Reply::Loads(loads) => Ok(loads),
            _ => Err(self.odd()),
        }
    }

    /// The apps of the node.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn apps(&mut self) -> Result<Vec<AppRow>, ClientError> {
        match self.ask(&Request::Apps)? {
            Reply::Apps(apps) => Ok(apps),
            _ => Err(self.odd()),
        }
    }

    /// Sends a message to a process in nobody's name. Gives the process.
    ///
    /// # Errors
    /// [`ClientError`], also when nobody has the name.
    pub fn send(&mut self, to: Target, tag: i64, payload: Payload) -> Result<Pid, ClientError> {
        self.done(&Request::Send { to, tag, payload })
    }

    /// Ends a process for a reason; only [`Reason::KILLED`] cannot be trapped. Gives the process.
    ///
    /// # Errors
    /// [`ClientError`], also when nobody has the name.
    pub fn kill(&mut self, to: Target, reason: Reason) -> Result<Pid, ClientError> {
        self.done(&Request::Kill { to, reason })
    }

    fn done(&mut self, request: &Request) -> Result<Pid, ClientError> {
        match self.ask(request)? {
            Reply::Done(pid) => Ok(pid),
            _ => Err(self.odd()),
        }
    }

    /// Starts a process of a module, which is sent along if the node does not have it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn spawn(self, order: SpawnOrder, module: &Module) -> Result<Pid, ClientError> {
        let mut talk = self.open(&Request::Spawn(Box::new(order)))?;
        let deadline = Instant::now() + SPAWN_WITHIN;
        loop {
            match talk.hear(deadline)? {
                Some(Reply::CodeWanted) => talk.say_bytes(&module.to_bytes())?,
                Some(Reply::Spawned(pid)) => return Ok(pid),
                _ => return Err(talk.odd()),
            }
        }
    }

    /// What happens at the node from now on.
    ///
    /// # Errors
    /// [`ClientError`].
    pub fn events(self) -> Result<Events, ClientError> {
        let mut talk = self.open(&Request::Events)?;
        match talk.hear(Instant::now() + BEGIN_WITHIN)? {
            Some(Reply::Follows) => Ok(Events(talk)),
            _ => Err(talk.odd()),
        }
    }

    fn ask(&mut self, request: &Request) -> Result<Reply, ClientError> {
        Ok(from_bytes(&self.control.ask(to_bytes(request)?)?)?)
    }

    pub(super) fn open(self, request: &Request) -> Result<Talk, ClientError> {
        Ok(Talk { stream: self.control.open(to_bytes(request)?)?, to: self.to })
    }

    fn odd(&self) -> ClientError {
        ClientError::Odd { to: self.to.clone() }
    }
}

/// What happens at a node, for as long as one listens.
pub struct Events(Talk);

impl Events {
    /// The next event; `None` when the deadline comes first.
    ///
    /// # Errors
    /// [`ClientError::Stream`] when the node has stopped, or this end did not keep up.
    pub fn next(&mut self, deadline: Instant) -> Result<Option<NodeEvent>, ClientError> {
        match self.0.hear(deadline) {
            Ok(Some(Reply::Event(event))) => Ok(Some(event)),
            Err(ClientError::Stream { why: StreamError::TimedOut, .. }) => Ok(None),
            Err(error) => Err(error),
            Ok(_) => Err(self.0.odd()),
        }
    }
}

/// A conversation with a node.
pub(super) struct Talk {
    pub(super) to: String,
    pub(super) stream: ControlStream,
}

impl Talk {
    pub(super) fn hear(&mut self, deadline: Instant) -> Result<Option<Reply>, ClientError> {
        match self.stream.receive(deadline) {
            Ok(Some(bytes)) => Ok(Some(from_bytes(&bytes)?)),
            Ok(None) => Ok(None),
            Err(error) => Err(error.at(&self.to)),
        }
    }

    fn say_bytes(&mut self, bytes: &[u8]) -> Result<(), ClientError> {
        self.stream.send(bytes).map_err(|error| error.at(&self.to))
    }

    pub(super) fn odd(&self) -> ClientError {
        ClientError::Odd { to: self.to.clone() }
    }
}

/// What went wrong with a conversation, with the node in it.
pub(super) trait At {
    fn at(self, to: &str) -> ClientError;
}

impl At for StreamError {
    fn at(self, to: &str) -> ClientError {
        ClientError::Stream { to: to.to_string(), why: self }
    }
}
