//! How a scheduler reaches the processes of other nodes: provided by an embedder.

use crate::process::request::RemoteRequest;
use crate::process::signal::Signal;
use iridium_vm::{Message, Pid};

/// The other nodes. None of these may wait.
pub trait Distribution: Send + Sync {
    /// Sends a message to a process of another node. Messages and signals from one process to
    /// another keep their order.
    ///
    /// # Errors
    /// [`SendRefused`]; nothing was sent then.
    fn message(&self, from: Pid, to: Pid, message: Message) -> Result<(), SendRefused>;

    /// Sends a signal to a process of another node, behind all that `from` has sent there.
    ///
    /// # Errors
    /// The signal, when the node is out of reach.
    fn signal(&self, from: Pid, to: Pid, signal: Signal) -> Result<(), Signal>;

    /// Asks another node. The reply goes to [`Scheduler::reply`](crate::Scheduler::reply), with the
    /// asker and its number for the request.
    ///
    /// # Errors
    /// The node is out of reach.
    fn request(
        &self,
        from: Pid,
        number: u64,
        request: &RemoteRequest,
    ) -> Result<(), NodeUnreachable>;

    /// The numbers of the nodes that are alive, in ascending order, with this one.
    fn nodes(&self) -> Vec<u32>;

    /// The alias of this node; `whereis name@alias` with it is a local lookup.
    fn alias(&self) -> &str;
}

/// A message that was not sent. One to a node that is out of reach counts as sent.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendRefused {
    /// There is no credit for it now: too much is under way to the node. A program that sends is
    /// suspended until [`Scheduler::credit_available`](crate::Scheduler::credit_available) is called.
    #[error("there is no credit for messages to the node now")]
    NoCredit(Message),
    /// It is too long to be sent to another node at all. A program that sends traps with
    /// `bad-message`.
    #[error("the message is too long for another node")]
    TooLong(Message),
}

impl SendRefused {
    /// The message.
    pub fn into_message(self) -> Message {
        match self {
            Self::NoCredit(message) | Self::TooLong(message) => message,
        }
    }
}

/// A node is out of reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the node is out of reach")]
pub struct NodeUnreachable;

/// No other nodes.
#[derive(Debug, Clone, Copy)]
pub struct Standalone {
    /// The number of this node.
    pub node: u32,
}

impl Distribution for Standalone {
    fn message(&self, _: Pid, _: Pid, _: Message) -> Result<(), SendRefused> {
        Ok(())
    }

    fn signal(&self, _: Pid, _: Pid, signal: Signal) -> Result<(), Signal> {
        Err(signal)
    }

    fn request(&self, _: Pid, _: u64, _: &RemoteRequest) -> Result<(), NodeUnreachable> {
        Err(NodeUnreachable)
    }

    fn nodes(&self) -> Vec<u32> {
        vec![self.node]
    }

    fn alias(&self) -> &str {
        ""
    }
}
