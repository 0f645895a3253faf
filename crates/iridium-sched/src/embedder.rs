//! What an embedder provides to a scheduler.

use crate::process::exit_info::ExitInfo;
use crate::process::request::RemoteRequest;
use crate::process::signal::Signal;
use crate::supervisor::Supervision;
use iridium_vm::{Message, Pid};

/// Where the output of processes goes. Called by the workers.
pub trait Output: Send + Sync {
    /// Takes output of a process: text in UTF-8, as much as the process has written without doing
    /// anything that others could notice. May wait until there is room.
    fn write(&self, from: Pid, text: &[u8]);

    /// Whether a process that writes now would not have to wait. [Inline
    /// workers](crate::InlineWorker), which must not be held up, leave processes to the other workers
    /// when not.
    fn has_room(&self) -> bool {
        true
    }

    /// As [`write`](Self::write), for threads that must not be held up: it does not wait, and may go
    /// past what there is room for, by what a process writes in a turn.
    fn write_at_once(&self, from: Pid, text: &[u8]) {
        self.write(from, text);
    }
}

/// Who is told how processes end. Called by the workers; must not wait.
pub trait Observer: Send + Sync {
    /// A process has ended with a reason other than normal.
    fn exited(&self, exit: &ExitInfo);

    /// A supervisor has started a child again, or has given up.
    fn supervised(&self, _supervisor: Pid, _what: &Supervision) {}

    /// No process can go on unless something comes from outside.
    fn idle(&self) {}

    /// No process runs, and there is no [fuel](crate::Config::fuel) left for those that could. Others
    /// may sleep.
    fn out_of_fuel(&self) {}
}

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

    /// The alias of this node, under which names of its own may be looked up too.
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
