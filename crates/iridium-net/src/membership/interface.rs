//! What goes into the membership core and what comes out of it.

use std::time::Duration;

use iridium_proto::{Features, Introduction, IridiumMessage, NodeId, NodeInfo, NodeIp};

use crate::endpoint::Endpoint;
use crate::error::JoinError;
use crate::event::{Event, JoinReport};
use crate::ids::{ConnId, DialId, JoinId};

use super::timing::Timing;

/// Time since the start of the node, from a clock that never goes back.
pub type Time = Duration;

/// Why a dial came to nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DialFailure {
    /// The machine answered that nobody listens there.
    Refused,
    /// No connection, for the reason given.
    Unreachable(String),
    /// Someone listens, but the handshake failed: another secret, another
    /// protocol, no Iridium node at all.
    Handshake(String),
}

/// Something that happened outside.
#[derive(Debug)]
pub enum Input {
    /// A dial became an authenticated connection to a node at `remote`.
    Connected {
        /// The dial.
        dial: DialId,
        /// Its connection from now on.
        conn: ConnId,
        /// The address of the other end.
        remote: NodeIp,
    },
    /// A dial came to nothing.
    DialFailed {
        /// The dial.
        dial: DialId,
        /// Why.
        failure: DialFailure,
    },
    /// Someone connected, is authenticated, and has said its first message.
    Accepted {
        /// The connection.
        conn: ConnId,
        /// The address it comes from.
        remote: NodeIp,
        /// The address under which it found this node.
        local: NodeIp,
        /// What it said.
        first: IridiumMessage,
    },
    /// A control message came in.
    Message {
        /// On this connection.
        conn: ConnId,
        /// The message.
        message: IridiumMessage,
    },
    /// A connection is gone.
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
        to: Endpoint,
    },
    /// Send a message, in order with the others on that connection.
    Send {
        /// The connection.
        conn: ConnId,
        /// The message.
        message: IridiumMessage,
    },
    /// Close a connection after what was sent on it has gone out.
    Close {
        /// The connection.
        conn: ConnId,
        /// For the log.
        why: &'static str,
    },
    /// Process messages to this node go through this connection now. `Up` or
    /// `Recovered` with this connection is emitted next; those that come from it
    /// may be let through as soon as that has been told.
    Link {
        /// The node.
        id: NodeId,
        /// The connection.
        conn: ConnId,
    },
    /// They no longer do.
    Unlink {
        /// The node.
        id: NodeId,
        /// The connection.
        conn: ConnId,
    },
    /// Tell those who listen.
    Emit(Event),
    /// A join has come to its end.
    Joined {
        /// Which one.
        join: JoinId,
        /// How it ended.
        outcome: Result<JoinReport, JoinError>,
    },
    /// A connection has these features: both ends know them.
    Features {
        /// The connection.
        conn: ConnId,
        /// What it has from now on.
        features: Features,
    },
    /// Remember these peers for the next start.
    SavePeers(Vec<NodeInfo>),
    /// This node goes on under a new identity; remember its incarnation.
    Reborn(NodeId),
}

/// What the core is told at its start.
#[derive(Debug, Clone)]
pub struct Start {
    /// Who this node is. An unspecified ip is filled in by those who see it.
    pub intro: Introduction,
    /// The time spans of the protocol.
    pub timing: Timing,
    /// The features that this node knows.
    pub features: Features,
    /// Peers of an earlier life, to be joined again.
    pub remembered: Vec<NodeInfo>,
    /// Whether another node number may be drawn when this one is taken: only
    /// as long as no process runs.
    pub may_renumber: bool,
    /// The seed of all random choices.
    pub seed: u64,
}
