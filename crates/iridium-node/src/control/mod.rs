//! The control plane: what operators ask of a running node and tell it.
//!
//! [`Client`] is the one way to ask: over a socket from anywhere, or directly in the node's own
//! process, with [`Node::client`](crate::Node::client). Each question is a [`Call`], and each way
//! leads to the same code. A node answers sockets on a thread for each client. What the mesh itself
//! answers, such as its members, is asked with [`Client::mesh`].

mod attach;
mod call;
mod client;
mod conversation;
mod error;
pub(crate) mod protocol;
mod serve;
mod transport;

pub use self::attach::Attached;
pub use self::client::{Client, Events};
pub use self::error::ClientError;
pub use self::protocol::{Answer, AppRow, Call, ChildRow, SpawnOrder, Target};
pub use self::transport::{Direct, Socket, Transport};

pub(crate) use self::serve::serve;
