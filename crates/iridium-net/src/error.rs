//! What can go wrong. Each message says what happened, and to which node, address or file; what to
//! do about it is for the program above to say, which knows how it was configured.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use iridium_proto::{MAX_VERSION, MIN_VERSION, NameError, NodeAlias, RejectReason};
use thiserror::Error;

use crate::cause::Cause;

/// Why a node did not start. Nothing is left running then.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum StartError {
    /// Another process listens at the address.
    #[error("{addr} is in use by another process")]
    PortInUse {
        /// The address.
        addr: SocketAddr,
    },
    /// Another process listens at the address for control clients alone.
    #[error("{addr}, where control clients are to connect, is in use")]
    ControlPortInUse {
        /// The address.
        addr: SocketAddr,
    },
    /// The address cannot be listened at.
    #[error("cannot listen at {addr}: {source}")]
    Bind {
        /// The address.
        addr: SocketAddr,
        /// The error of the system.
        source: io::Error,
    },
    /// A node of that alias runs on the same files.
    #[error("a node {alias} is running already (it holds {})", folder.display())]
    AliasInUse {
        /// The alias.
        alias: NodeAlias,
        /// The folder it holds.
        folder: PathBuf,
    },
    /// A file of the node cannot be read or written.
    #[error("cannot use {}: {source}", path.display())]
    Data {
        /// The file or folder.
        path: PathBuf,
        /// The error of the system.
        source: io::Error,
    },
    /// A name or port is not valid.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The system provides no thread or no random numbers.
    #[error("the system refused a resource: {0}")]
    System(#[source] io::Error),
}

/// What somebody who listens at an address has said that excludes a connection, now and later: as
/// long as the two ends are configured as they are, to try again does not help.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum HandshakeError {
    /// The other end speaks another protocol.
    #[error("it does not speak the Iridium protocol (it began with {0:?})")]
    NotIridium(String),
    /// The two ends have no protocol version in common.
    #[error(
        "it speaks protocol versions {low} to {high}, this node {MIN_VERSION} to {MAX_VERSION}"
    )]
    NoCommonVersion {
        /// The lowest it speaks.
        low: u16,
        /// The highest it speaks.
        high: u16,
    },
    /// The other end has another secret.
    #[error("it has another cluster secret")]
    WrongSecret,
    /// This end encrypts, the other does not.
    #[error("it runs without the cluster secret, which this end wants")]
    TheyAreInsecure,
    /// The other end encrypts, this one does not.
    #[error("it wants the cluster secret, which this end does without")]
    WeAreInsecure,
    /// The other end broke the protocol.
    #[error("it broke the handshake: {0}")]
    Broken(#[source] Cause),
    /// Another node listens there than the one that was dialled.
    #[error("{0} listens there")]
    OtherNode(NodeAlias),
    /// A node listens there for control clients alone; its words.
    #[error("{0}")]
    ControlOnly(String),
}

/// Why a join did not come about. The node itself goes on.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// No connection to the seed.
    #[error("cannot reach {to}: {why}")]
    Unreachable {
        /// The seed.
        to: String,
        /// The error behind this one.
        #[source]
        why: Cause,
    },
    /// Someone listens there, but the handshake failed.
    #[error("cannot join {to}: {why}")]
    Handshake {
        /// The seed.
        to: String,
        /// The error behind this one.
        #[source]
        why: HandshakeError,
    },
    /// A node of the cluster refuses this one.
    #[error("{by} refused this node: {reason}")]
    Refused {
        /// The node that refused, or its address.
        by: String,
        /// Why it refused.
        reason: RejectReason,
    },
    /// The address is this node's own.
    #[error("{to} is this node itself")]
    Yourself {
        /// The address.
        to: String,
    },
    /// The node has left the cluster or was stopped.
    #[error("the node has been stopped")]
    Stopped,
}

/// Why a member was not forgotten. Nothing has changed then.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ForgetError {
    /// No member of that alias is known, or it has been forgotten already.
    #[error("no member {alias} is known")]
    Unknown {
        /// The alias.
        alias: NodeAlias,
    },
    /// The alias is this node's own.
    #[error("{alias} is this node itself")]
    Yourself {
        /// The alias.
        alias: NodeAlias,
    },
    /// The member may be alive.
    #[error("{alias} is not down; only a member that is down or has left can be forgotten")]
    NotDown {
        /// The alias.
        alias: NodeAlias,
    },
    /// The node has left the cluster or was stopped.
    #[error("the node has been stopped")]
    Stopped,
}

impl JoinError {
    /// Whether the seed has refused this node for good: to try again does not help as long as both
    /// are configured as they are. Somebody who cannot be reached may be there later.
    pub(crate) fn is_for_good(&self) -> bool {
        matches!(self, Self::Handshake { .. } | Self::Refused { .. })
    }
}

/// Why a message was not queued. There will be no other reasons: a sender decides for each what
/// becomes of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SendError {
    /// There is no link to that node now.
    #[error("there is no link to that node")]
    NotLinked,
    /// The queue to that node is full; try again later.
    #[error("the queue to that node is full")]
    WouldBlock,
    /// The message is too long for any node.
    #[error("a message of {len} bytes is over the limit of {cap}")]
    TooLong {
        /// The length of the message, in bytes.
        len: usize,
        /// The longest that can be sent, in bytes.
        cap: usize,
    },
}

/// A message that was not queued, returned to the caller with the reason.
#[derive(Clone, PartialEq, Eq, Error)]
#[error("{why}")]
pub struct Refused {
    /// The reason for the refusal.
    pub why: SendError,
    /// The message, without its [`Tail`](crate::Tail).
    pub bytes: Vec<u8>,
}

impl fmt::Debug for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Refused({:?}, {} bytes)", self.why, self.bytes.len())
    }
}

impl From<Refused> for SendError {
    fn from(refused: Refused) -> Self {
        refused.why
    }
}

/// Why nothing was sent on a control stream, or received from it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StreamError {
    /// Nothing came before the deadline. The stream is as it was.
    #[error("nothing came in time")]
    TimedOut,
    /// The connection was closed, or the node stops.
    #[error("the connection was closed")]
    Closed,
    /// The other end did not read for 10 s; the connection is closed.
    #[error("the other end does not read")]
    NotRead,
    /// The node does not answer the request, for the reason given.
    #[error("{0}")]
    Failed(String),
    /// The other end broke the protocol; the connection cannot be used any more.
    #[error("the other end broke the protocol: {0}")]
    Broken(String),
    /// The message is too long; nothing was sent.
    #[error("{len} bytes are over the limit of {cap}")]
    TooLong {
        /// The length of the message, in bytes.
        len: usize,
        /// The longest that can be sent, in bytes.
        cap: usize,
    },
}

/// Why a control client got no answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ClientError {
    /// Nobody answers at the address.
    #[error("no node answers at {to}: {why}")]
    Unreachable {
        /// The address.
        to: String,
        /// The error behind this one.
        #[source]
        why: Cause,
    },
    /// Someone listens there, but the handshake failed.
    #[error("the node at {to} refused this client: {why}")]
    Handshake {
        /// The address.
        to: String,
        /// The error behind this one.
        #[source]
        why: HandshakeError,
    },
    /// The node stopped answering.
    #[error("the node at {to} gave no answer: {why}")]
    NoAnswer {
        /// The address.
        to: String,
        /// The error behind this one.
        #[source]
        why: Cause,
    },
    /// The node does not know the request: it runs an earlier build.
    #[error("the node at {to} does not know this request")]
    NotUnderstood {
        /// The address.
        to: String,
    },
    /// The node refused the request.
    #[error("the node at {to} refused the request: {why}")]
    Refused {
        /// The address.
        to: String,
        /// The reason that the node has given.
        why: String,
    },
}
