//! How the calls of an operator get to the node: over a socket, or by a function call.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use iridium_isa::Module;
use iridium_net::ControlClient;
use iridium_vm::Pid;

use super::conversation::Conversation;
use super::error::ClientError;
use super::protocol::{Answer, Call, SpawnOrder};
use crate::operators::Operators;
use crate::wire::{from_bytes, to_bytes};

/// How long a node may take to start a process, elsewhere perhaps.
const SPAWN_WITHIN: Duration = Duration::from_secs(40);

/// How the calls of a [`Client`](super::Client) get to the node.
pub trait Transport {
    /// Makes a call and waits for its answers, most often one.
    ///
    /// # Errors
    /// [`ClientError`].
    fn call(&mut self, call: Call) -> Result<Vec<Answer>, ClientError>;

    /// Starts a process of a module, which is sent along.
    ///
    /// # Errors
    /// [`ClientError`].
    fn spawn(self, order: SpawnOrder, module: &Module) -> Result<Pid, ClientError>;

    /// The node, for messages to people.
    fn node(&self) -> String;
}

/// Over a socket, from anywhere.
#[must_use]
pub struct Socket {
    pub(super) to: String,
    pub(super) control: ControlClient,
}

impl Socket {
    pub(super) fn open(self, call: &Call) -> Result<Conversation, ClientError> {
        Ok(Conversation { stream: self.control.open(to_bytes(call)?)?, to: self.to })
    }
}

impl Transport for Socket {
    fn call(&mut self, call: Call) -> Result<Vec<Answer>, ClientError> {
        let answers = self.control.ask_all(to_bytes(&call)?)?;
        answers.iter().map(|answer| Ok(from_bytes(answer)?)).collect()
    }

    fn spawn(self, order: SpawnOrder, module: &Module) -> Result<Pid, ClientError> {
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

    fn node(&self) -> String {
        self.to.clone()
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("to", &self.to).finish_non_exhaustive()
    }
}

/// By a function call, in the process of the node.
#[must_use]
pub struct Direct(pub(crate) Arc<Operators>);

impl Transport for Direct {
    fn call(&mut self, call: Call) -> Result<Vec<Answer>, ClientError> {
        Ok(vec![self.0.call(call, &self.0.held_at_home())?])
    }

    fn spawn(self, order: SpawnOrder, module: &Module) -> Result<Pid, ClientError> {
        let program = self.0.programs.load_foreign(module.clone())?;
        Ok(self.0.spawn(&order, &program)?)
    }

    fn node(&self) -> String {
        self.0.this.alias().map_or_else(|| "this node".into(), ToString::to_string)
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Direct").field(&self.node()).finish()
    }
}
