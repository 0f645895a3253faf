//! WebSocket, RFC 6455, without extensions.
//!
//! * [`wire`]: a connection with its frames;
//! * [`talk`]: who waits for messages, and who waits for room;
//! * [`process`]: the process that a WebSocket is.

mod process;
mod talk;
mod wire;

pub(crate) use process::{Manner, Upgrading, run};
