//! The control plane: ask a running node and get an answer, or open a stream to its application.

mod client;
mod stream;

pub use client::ControlClient;
pub use stream::{ControlReceiver, ControlSender, ControlStream};
