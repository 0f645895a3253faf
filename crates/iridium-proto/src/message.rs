//! Every message between nodes. The number of a message is its kind on the
//! wire: it is never used again for anything else, and an unknown one is
//! skipped by the receiver, so that builds of different age can be mixed.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::codec;
use crate::control::{ControlReply, ControlRequest};
use crate::error::ProtoError;
use crate::node::{NodeId, NodeInfo, NodeIp};
use crate::numbered::{body, numbered_bodies, numbered_states};
use crate::version::Features;

/// Declares the messages once: number, name, how the body is encoded (see
/// [`body!`](crate::numbered)), type.
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
                    $(body!(@any $name $(($body))?) => $kind,)*
                }
            }

            /// The name of this message, for logs.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(body!(@any $name $(($body))?) => stringify!($name),)*
                }
            }

            /// Appends the body, except for the byte string that it ends with, which is returned.
            pub(crate) fn encode_body(&self, out: &mut Vec<u8>) -> Result<&[u8], ProtoError> {
                match self {
                    $(body!(@bound body $name $(($body))?) =>
                        body!(@encode $how body out stringify!($name)),)*
                }
            }

            /// `None` for a kind that this build does not know.
            pub(crate) fn decode(
                kind: u8,
                bytes: Cow<'_, [u8]>,
            ) -> Result<Option<Self>, ProtoError> {
                match kind {
                    $($kind => body!(@decode $how $name bytes $(($body))?).map(Some),)*
                    _ => Ok(None),
                }
            }
        }
    };
}

messages! {
    /// A newcomer introduces itself to its seed and asks for the members.
    1 Hello coded (Hello);
    /// The answer to `Hello` (with the members) and to `Join` (without).
    2 HelloAck coded (HelloAck);
    /// A newcomer introduces itself to any other member.
    3 Join coded (Join);
    /// The answer to `Hello` and `Join` of a node that is refused. The connection is closed
    /// after this.
    4 Reject numbered (RejectReason);
    /// The heartbeat; answered by `Pong`.
    5 Ping coded (Ping);
    /// The answer to `Ping`.
    6 Pong coded (Pong);
    /// A list of members, sent when digests differ.
    7 Members coded (Members);
    /// Asks the receiver whether it reaches another node (an indirect probe).
    8 PingReq coded (PingReq);
    /// The answer to `PingReq`.
    9 PingAck coded (PingAck);
    /// The sender leaves the cluster; final for this incarnation.
    10 Leave plain;
    /// The sender may be sent this many more bytes of data messages.
    11 Credit coded (u64);
    /// A message from process to process.
    12 Deliver opaque (Vec<u8>);
    /// An exit, link or monitor signal from process to process.
    13 Signal opaque (Vec<u8>);
    /// A part of a `Deliver` or `Signal` that is too long for one frame.
    14 Piece coded (Piece);
    /// A control client asks a node.
    15 ControlRequest numbered (ControlRequest);
    /// A node answers a control client.
    16 ControlReply numbered (ControlReply);
    /// Nobody can dial the receiver at the address that it publishes.
    17 NotDialable coded (NodeInfo);
    /// A block of the stream that `ControlRequest::Application` opens.
    18 ControlData opaque (Vec<u8>);
    /// The sender's end of that stream.
    19 ControlEnd plain;
    /// The features that the sender knows. Each end of a new link sends it, if it knows any.
    20 Features coded (Features);
    /// The sender has a message that travels in pieces. It waits for a `Grant`.
    21 Want coded (Want);
    /// The sender has room for the message of this transfer: its pieces may come.
    22 Grant coded (u32);
    /// The sender has no room yet for the message of this transfer: a `Grant` follows when it has. With
    /// [`NO_TRANSFER`] it is what lacks credit that is to wait: the application of the sender still has what
    /// has come, and a `Credit` follows when it takes more. Who is not told so takes a receiver that gives
    /// nothing for one that does not read, and sooner.
    23 Wait coded (u32);
}

impl IridiumMessage {
    /// Whether this message belongs to the data plane: it, or what it asks room for, uses up the peer's
    /// credit and is sent in order, while control messages overtake it.
    #[must_use]
    pub fn is_data(&self) -> bool {
        matches!(self, Self::Deliver(_) | Self::Signal(_) | Self::Want(_) | Self::Piece(_))
    }
}

/// The identity of a node, as it says itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Introduction {
    /// The alias of the node, and the address to dial. An unspecified ip stands for the one the receiver sees.
    pub info: NodeInfo,
    /// The id of this incarnation of the node.
    pub id: NodeId,
    /// How often this incarnation has contradicted (refuted) that it is suspect or down.
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
    /// The newcomer.
    pub intro: Introduction,
    /// The protocol version it runs, for the log.
    pub version: u16,
    /// The features that it knows.
    pub features: Features,
}

/// The first message of a newcomer to each member that the seed named.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Join {
    /// The newcomer.
    pub intro: Introduction,
}

/// The connection is a link from here on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HelloAck {
    /// The node that answers.
    pub intro: Introduction,
    /// The address that the newcomer is seen to come from.
    pub seen: NodeIp,
    /// Every member the seed knows, itself left out. Empty in the answer to `Join`.
    pub nodes: Vec<MemberRecord>,
}

/// What the sender knows of a member.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// The alias of the member, and the address that it listens on.
    pub info: NodeInfo,
    /// The id of this incarnation of the member.
    pub id: NodeId,
    /// The highest refutation counter seen of that incarnation.
    pub refutation: u32,
    /// The state in which the sender sees the member.
    pub state: RecordState,
}

numbered_states! {
    /// How one node sees another. A record with an unknown state is skipped.
    pub enum RecordState {
        /// The member answers.
        0 Alive;
        /// The member has fallen silent.
        1 Suspect;
        /// The member is down: neither the sender nor those it asked reach it.
        2 Down;
        /// The member has left the cluster.
        3 Left;
        /// The member was down or had left, and an operator has had it forgotten.
        4 Forgotten;
    }
}

/// The heartbeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {
    /// A number that comes back in the `Pong`.
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
    /// The members that the sender knows, itself included.
    pub nodes: Vec<MemberRecord>,
    /// Whether the sender wants the receiver's list back.
    pub answer: bool,
}

/// An indirect probe: does `target` answer you?
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingReq {
    /// A number that comes back in the `PingAck`.
    pub token: u64,
    /// The incarnation that is to be probed.
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

/// The number that no transfer has.
pub const NO_TRANSFER: u32 = 0;

/// Asks for room for a long message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// The number of the message, which none has that is asked for or in transfer on this link: not
    /// [`NO_TRANSFER`].
    pub transfer: u32,
    /// The length of the whole message, in bytes: over [`PIECE_LEN`](crate::PIECE_LEN), and
    /// [`MAX_MESSAGE`](crate::MAX_MESSAGE) at most.
    pub len: u32,
}

/// A part of a long message, which the receiver has granted. The parts of one transfer come in order;
/// parts of other transfers and other messages may come between them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    /// The number of the message, as in its [`Want`].
    pub transfer: u32,
    /// The kind of the whole message. One of a kind that this build does not know is skipped as a
    /// whole.
    pub kind: u8,
    /// Whether this part completes it. It has the length that was asked for then.
    pub last: bool,
    /// The bytes of this part.
    #[serde(with = "codec::bytes")]
    pub bytes: Vec<u8>,
}

numbered_bodies! {
    /// Why a node refuses another.
    pub enum RejectReason {
        /// A live node, this one, has that alias.
        0 AliasTaken coded (NodeInfo);
        /// A live node has that node number; draw another.
        1 NumberTaken plain;
        /// This later incarnation of that alias is known; come back with a larger one.
        2 Outdated coded (u64);
        /// The newcomer dialled itself.
        3 Yourself plain;
        /// The two nodes are linked already.
        4 AlreadyLinked plain;
        /// The node that was dialled is leaving the cluster.
        5 Leaving plain;
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AliasTaken(holder) => {
                let (alias, addr) = (&holder.alias, holder.addr());
                write!(f, "the alias {alias} is taken by a live node at {addr}")
            }
            Self::NumberTaken => write!(f, "the node number is taken by a live node"),
            Self::Outdated(last @ u64::MAX) => {
                write!(f, "the incarnation of that alias is at its end ({last}) and cannot grow")
            }
            Self::Outdated(incarnation) => {
                write!(f, "a later incarnation of that alias is known: {incarnation}")
            }
            Self::Yourself => write!(f, "the address is this node's own"),
            Self::AlreadyLinked => write!(f, "the nodes are linked already"),
            Self::Leaving => write!(f, "the node is leaving the cluster"),
            Self::Unknown(number) => {
                write!(f, "the node gives a reason that this build does not know (number {number})")
            }
        }
    }
}
