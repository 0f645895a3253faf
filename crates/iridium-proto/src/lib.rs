#![doc = include_str!("../README.md")]

mod codec;
mod control;
mod error;
mod frame;
mod message;
mod node;

pub use codec::{from_bytes, to_bytes};
pub use control::{ControlReply, ControlRequest, MAX_CONTROL_REQUEST, MemberView, ViewState};
pub use error::ProtoError;
pub use frame::{
    FrameDecoder, HEADER_LEN, MAX_FRAME_ADMITTED, MAX_FRAME_UNADMITTED, MAX_MESSAGE, PIECE_LEN,
    encode_frame,
};
pub use message::{
    Hello, HelloAck, Introduction, IridiumMessage, Join, MemberRecord, Members, Piece, Ping,
    PingAck, PingReq, Pong, RecordState, RejectReason,
};
pub use node::{
    DEFAULT_PORT, NameError, NodeAlias, NodeId, NodeInfo, NodeIp, NodeNumber, NodePort,
};

/// Lowest wire protocol version that this build can speak.
pub const MIN_VERSION: u16 = 1;
/// Highest wire protocol version that this build can speak.
pub const MAX_VERSION: u16 = 1;
