//! The control plane: what operators ask of a running node and tell it.
//!
//! [`Client`] talks to a node from anywhere; the node answers on a thread for each client. What the
//! mesh itself answers, such as its members, is asked with [`Client::mesh`].

mod attach;
mod client;
pub(crate) mod protocol;
mod serve;

pub use self::attach::Attached;
pub use self::client::{Client, ClientError, Events};
pub use self::protocol::{AppRow, ChildRow, SpawnOrder, Target};

pub(crate) use self::serve::serve;
