//! Every message between nodes. The number of a message is its kind on the
//! wire: it is never used again for anything else, and an unknown one is
//! skipped by the receiver, which is how versions mix.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::control::{ControlReply, ControlRequest};
use crate::error::ProtoError;
use crate::node::{NodeAlias, NodeId, NodeInfo, NodeIp, NodePort};

/// Declares the messages once: number, name, how the body is encoded, type.
/// The body of a `plain` message is empty, that of a `coded` one is bincode,
/// that of an `opaque` one is the bytes themselves, so that payloads are not
/// copied element by element.
macro_rules! messages {
    ($($(#[$doc:meta])* $kind:literal $name:ident $how:ident $(($body:ty))?;)*) => {
        /// Something one node says to another.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum IridiumMessage {
            $($(#[$doc])* $name $(($body))?,)*
        }

        impl IridiumMessage {
            /// The number of this message on the wire.
            #[must_use]
            pub fn kind(&self) -> u8 {
                match self {
                    $(messages!(@pattern $name $(($body))?) => $kind,)*
                }
            }

            /// The name of this message, for logs.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(messages!(@pattern $name $(($body))?) => stringify!($name),)*
                }
            }

            pub(crate) fn encode_body(&self, out: &mut Vec<u8>) -> Result<(), ProtoError> {
                match self {
                    $(messages!(@bind body $name $(($body))?) =>
                        messages!(@encode $how body out stringify!($name)),)*
                }
            }

            /// `None` for a kind that this build does not know.
            pub(crate) fn decode(kind: u8, body: &[u8]) -> Result<Option<Self>, ProtoError> {
                match kind {
                    $($kind => messages!(@decode $how $name body).map(Some),)*
                    _ => Ok(None),
                }
            }
        }
    };
    (@pattern $name:ident) => { Self::$name };
    (@pattern $name:ident ($body:ty)) => { Self::$name(_) };
    (@bind $var:ident $name:ident) => { Self::$name };
    (@bind $var:ident $name:ident ($body:ty)) => { Self::$name($var) };
    (@encode plain $body:ident $out:ident $n:expr) => { Ok(()) };
    (@encode coded $body:ident $out:ident $n:expr) => { codec::encode($n, $body, $out) };
    (@encode opaque $body:ident $out:ident $n:expr) => {{ $out.extend_from_slice($body); Ok(()) }};
    (@decode plain $name:ident $bytes:ident) => {
        codec::decode::<()>(stringify!($name), $bytes).map(|()| Self::$name)
    };
    (@decode coded $name:ident $bytes:ident) => {
        codec::decode(stringify!($name), $bytes).map(Self::$name)
    };
    (@decode opaque $name:ident $bytes:ident) => { Ok(Self::$name($bytes.to_vec())) };
}

messages! {
    /// A newcomer to its seed: who I am; send me the members.
    1 Hello coded (Hello);
    /// The answer to `Hello` (with the members) and to `Join` (without).
    2 HelloAck coded (HelloAck);
    /// A newcomer to every other member: who I am; no list wanted.
    3 Join coded (Join);
    /// No: the connection is closed after this.
    4 Reject coded (RejectReason);
    /// The heartbeat; answered by `Pong`.
    5 Ping coded (Ping);
    /// The answer to `Ping`.
    6 Pong coded (Pong);
    /// A list of members, sent when digests differ.
    7 Members coded (Members);
    /// Please find out whether that node answers you.
    8 PingReq coded (PingReq);
    /// What came of a `PingReq`.
    9 PingAck coded (PingAck);
    /// I am leaving for good (in this incarnation).
    10 Leave plain;
    /// The receiver of process messages has this many more bytes of room.
    11 Credit coded (u64);
    /// A message from process to process.
    12 Deliver opaque (Vec<u8>);
    /// An exit, link or monitor signal from process to process.
    13 Signal opaque (Vec<u8>);
    /// A part of a `Deliver` or `Signal` that is too long for one frame.
    14 Piece coded (Piece);
    /// A control client asks a node.
    15 ControlRequest coded (ControlRequest);
    /// A node answers a control client.
    16 ControlReply coded (ControlReply);
    /// Nobody can dial you at the address that you publish.
    17 NotDialable coded (NodeInfo);
    /// A part of the conversation that `ControlRequest::Application` opens.
    18 ControlData opaque (Vec<u8>);
    /// The sender has no more to say in that conversation.
    19 ControlEnd plain;
}

impl IridiumMessage {
    /// Whether this message belongs to the data plane: it takes room from the
    /// peer's credit and waits its turn, where control messages overtake.
    #[must_use]
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Deliver(_) | Self::Signal(_) | Self::Piece(_))
    }
}

/// Who a node is, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduction {
    /// Where others dial it. An unspecified ip stands for the one the receiver sees.
    pub info: NodeInfo,
    /// Which life of that node.
    pub id: NodeId,
    /// How often this life has contradicted a rumour of its end.
    pub refutation: u32,
}

impl Introduction {
    /// The introduction with its ip filled in, if it was left to the receiver.
    #[must_use]
    pub fn seen_from(mut self, ip: NodeIp) -> Self {
        if self.info.ip.is_unspecified() {
            self.info.ip = ip;
        }
        self
    }
}

/// The first message of a newcomer to its seed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Who it is.
    pub intro: Introduction,
    /// The protocol version it runs, for the log.
    pub version: u16,
    /// Bits for features that both ends must know before they are used. None yet.
    pub features: u64,
}

/// The first message of a newcomer to each member that the seed named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// Who it is.
    pub intro: Introduction,
}

/// The connection is a link from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloAck {
    /// Who answers.
    pub intro: Introduction,
    /// The address that the newcomer is seen to come from.
    pub seen: NodeIp,
    /// Every member the seed knows, itself left out. Empty in the answer to `Join`.
    pub nodes: Vec<MemberRecord>,
}

/// What the sender knows of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// Where it listens.
    pub info: NodeInfo,
    /// Which life of it.
    pub id: NodeId,
    /// The highest refutation counter seen of that life.
    pub refutation: u32,
    /// How the sender sees it.
    pub state: RecordState,
}

/// How one node sees another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordState {
    /// It answers.
    Alive,
    /// It has fallen silent.
    Suspect,
    /// It was given up.
    Down,
    /// It said goodbye.
    Left,
}

/// The heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// Comes back in the `Pong`.
    pub token: u64,
    /// Digest of the sender's member list.
    pub digest: u64,
}

/// The answer to a heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// The token of the `Ping`.
    pub token: u64,
    /// Digest of the sender's member list.
    pub digest: u64,
}

/// A member list; the answer to a digest that differs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Members {
    /// What the sender knows, itself included.
    pub nodes: Vec<MemberRecord>,
    /// Whether the sender wants the receiver's list back.
    pub answer: bool,
}

/// An indirect probe: does `target` answer you?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingReq {
    /// Comes back in the `PingAck`.
    pub token: u64,
    /// Which life of which node.
    pub target: NodeId,
}

/// The outcome of an indirect probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingAck {
    /// The token of the `PingReq`.
    pub token: u64,
    /// Whether the target answered.
    pub reached: bool,
}

/// A part of a long message. The parts of one transfer come in order; parts of
/// other transfers and other messages may come between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// Which message, among those in transfer on this link.
    pub transfer: u32,
    /// The kind of the whole message.
    pub kind: u8,
    /// Whether this part completes it.
    pub last: bool,
    /// The bytes of this part.
    #[serde(with = "codec::bytes")]
    pub bytes: Vec<u8>,
}

/// Why a node does not take another in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RejectReason {
    /// A live node has that alias.
    AliasTaken {
        /// The alias that is in use.
        alias: NodeAlias,
        /// The address of the node that holds it.
        ip: NodeIp,
        /// The port of the node that holds it.
        port: NodePort,
    },
    /// A live node has that node number; draw another.
    NumberTaken,
    /// A later life of that alias is known; come back with a larger incarnation.
    Outdated {
        /// The largest incarnation known.
        incarnation: u64,
    },
    /// You dialled yourself.
    Yourself,
    /// You are linked to this node already.
    AlreadyLinked,
    /// This node is leaving the cluster.
    Leaving,
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AliasTaken { alias, ip, port } => {
                let holder = std::net::SocketAddr::new(ip.0, port.number());
                write!(f, "the alias {alias} is taken by a live node at {holder}")
            }
            Self::NumberTaken => write!(f, "the node number is taken by a live node"),
            Self::Outdated { incarnation } => {
                write!(f, "a later life of that alias is known (incarnation {incarnation})")
            }
            Self::Yourself => write!(f, "the address is this node's own"),
            Self::AlreadyLinked => write!(f, "the nodes are linked already"),
            Self::Leaving => write!(f, "the node is leaving the cluster"),
        }
    }
}
