//! The control plane: ask a running node and get an answer, or open a stream to its application.

mod client;
mod long_blocks;
mod stream;

pub use client::ControlClient;
pub(crate) use long_blocks::LongBlocks;
pub use stream::{ControlReceiver, ControlSender, ControlStream};
