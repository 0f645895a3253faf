//! The longest of everything that a peer may send.

/// Longest frame (kind and body) from a peer that is not yet admitted, in bytes.
pub const MAX_FRAME_UNADMITTED: usize = 64 * 1024;
/// Longest frame (kind and body) from an admitted peer, in bytes.
pub const MAX_FRAME_ADMITTED: usize = 16 * 1024 * 1024;
/// Longest frame (kind and body) on a link, in bytes. Long messages travel in pieces, and lists of
/// members in parts, so this is more than a node sends; and it is what each link may keep of a frame that does
/// not come whole.
pub const MAX_FRAME_LINK: usize = 256 * 1024;
/// Longest message that can be sent, after its pieces are put together, in bytes.
pub const MAX_MESSAGE: usize = 16 * 1024 * 1024;
/// Longest part of a message that travels in one frame, in bytes: 64 KiB of payload fit, together
/// with up to 1 KiB that an application puts before it.
pub const PIECE_LEN: usize = 65 * 1024;
/// Longest [`ControlRequest::Application`](crate::ControlRequest::Application), in bytes: as the
/// first message of a connection it must fit in a frame of a peer that is not yet admitted. What is
/// longer is sent over the stream that the request opens.
pub const MAX_CONTROL_REQUEST: usize = 60 * 1024;
