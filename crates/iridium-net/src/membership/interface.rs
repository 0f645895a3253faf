//! What goes into the membership core and what comes out of it.

use std::net::SocketAddr;
use std::time::Duration;

use iridium_proto::{Features, Introduction, IridiumMessage, NodeId, NodeInfo, NodeIp};
use thiserror::Error;

use crate::cause::Cause;
use crate::error::{HandshakeError, JoinError};
use crate::event::{Event, JoinReport};
use crate::ids::{ConnId, DialId, JoinId};

use super::timing::Timing;

/// Time since the start of the node, from a clock that never goes back.
pub type Time = Duration;

/// Why a dial failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum DialFailure {
    /// The machine answered that nobody listens there.
    #[error("nobody listens there")]
    Refused,
    /// No connection.
    #[error("{0}")]
    Unreachable(#[source] Cause),
    /// Someone listens, but the handshake failed: another secret, another
    /// protocol, no Iridium node at all.
    #[error("{0}")]
    Handshake(#[source] HandshakeError),
}

/// Something that happened outside.
#[derive(Debug)]
pub enum Input {
    /// A dial became an authenticated connection to a node at `remote`.
    Connected {
        /// The dial.
        dial: DialId,
        /// The number of the connection from now on.
        conn: ConnId,
        /// The address of the other end.
        remote: NodeIp,
    },
    /// A dial has failed.
    DialFailed {
        /// The dial.
        dial: DialId,
        /// Why it failed.
        failure: DialFailure,
    },
    /// The system has looked up the name of a join.
    LookedUp {
        /// The join.
        join: JoinId,
        /// The addresses of the name, or why there are none.
        outcome: Result<Vec<SocketAddr>, Cause>,
    },
    /// An accepted connection is authenticated, and its first message has come.
    Accepted {
        /// The connection.
        conn: ConnId,
        /// The address it comes from.
        remote: NodeIp,
        /// The address under which it found this node.
        local: NodeIp,
        /// The message.
        first: IridiumMessage,
    },
    /// A control message came in.
    Message {
        /// The connection.
        conn: ConnId,
        /// The message.
        message: IridiumMessage,
    },
    /// A connection has ended.
    Closed {
        /// The connection.
        conn: ConnId,
    },
}

/// Something that the driver is to do.
#[derive(Debug, PartialEq, Eq)]
pub enum Action {
    /// Connect and authenticate, then report `Connected` or `DialFailed`.
    Dial {
        /// The number to report with.
        dial: DialId,
        /// Whom to dial.
        to: SocketAddr,
    },
    /// Look up a name, then report `LookedUp`, however long it takes.
    LookUp {
        /// The join to report with.
        join: JoinId,
        /// The name.
        host: String,
        /// The port of the addresses.
        port: u16,
    },
    /// Send a message, in order with the others on that connection.
    Send {
        /// The connection.
        conn: ConnId,
        /// The message.
        message: IridiumMessage,
    },
    /// Close a connection after everything sent on it has been written.
    Close {
        /// The connection.
        conn: ConnId,
        /// The reason, for the log.
        why: &'static str,
    },
    /// Data for this node is sent on this connection from now on. `Up` or `Recovered`
    /// with this connection is emitted next; data that comes on it may be delivered
    /// once that has been reported.
    Link {
        /// The node.
        id: NodeId,
        /// The connection.
        conn: ConnId,
    },
    /// Data for this node is no longer sent on this connection.
    Unlink {
        /// The node.
        id: NodeId,
        /// The connection.
        conn: ConnId,
    },
    /// Report an event.
    Emit(Event),
    /// A join has ended.
    Joined {
        /// The join.
        join: JoinId,
        /// How it ended.
        outcome: Result<JoinReport, JoinError>,
    },
    /// A connection has these features: both ends know them.
    Features {
        /// The connection.
        conn: ConnId,
        /// The features from now on.
        features: Features,
    },
    /// Remember these peers for the next start.
    SavePeers(Vec<NodeInfo>),
    /// This node has a new identity; remember its incarnation.
    IdentityChanged(NodeId),
}

/// What the core needs at its start.
#[derive(Debug, Clone)]
pub struct Start {
    /// The identity of this node. An unspecified ip is filled in by the nodes that see it.
    pub intro: Introduction,
    /// The time spans of the protocol.
    pub timing: Timing,
    /// The features that this node knows.
    pub features: Features,
    /// Peers from an earlier run, to be joined again.
    pub remembered: Vec<NodeInfo>,
    /// Whether another node number may be drawn when this one is taken: only
    /// as long as no process runs.
    pub may_renumber: bool,
    /// The seed of all random choices.
    pub seed: u64,
}
