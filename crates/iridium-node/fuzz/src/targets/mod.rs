//! What is done with an input, and what must hold.

mod bytes;
mod files;
mod flow;
mod membership;

#[cfg(test)]
pub(crate) use self::bytes::decode;
pub use self::bytes::{control, frames, greeting, node_messages};
pub use self::files::{app, peers};
pub use self::flow::flow;
pub use self::membership::membership;
