#![doc = include_str!("../README.md")]

mod codec;
mod control;
mod error;
mod frame;
mod limits;
mod message;
mod node;
mod numbered;
mod version;

pub use codec::{from_bytes, to_bytes};
pub use control::{ControlReply, ControlRequest, MemberView, ViewState};
pub use error::ProtoError;
pub use frame::{FrameDecoder, HEAD_LEN, HEADER_LEN, encode_frame, encode_frame_head, frame_head};
pub use limits::{
    MAX_CONTROL_REQUEST, MAX_FRAME_ADMITTED, MAX_FRAME_LINK, MAX_FRAME_UNADMITTED, MAX_MESSAGE,
    PIECE_LEN,
};
pub use message::{
    Hello, HelloAck, Introduction, IridiumMessage, Join, MemberRecord, Members, NO_TRANSFER, Piece,
    Ping, PingAck, PingReq, Pong, RecordState, RejectReason, Want,
};
pub use node::{
    DEFAULT_PORT, NameError, NodeAlias, NodeId, NodeInfo, NodeIp, NodeNumber, NodePort,
};
pub use version::{Features, MAX_VERSION, MIN_VERSION};
