//! The control plane: what operators ask of a running node and tell it.
//!
//! [`Client`] talks to a node from anywhere; the node answers on a thread for each client. What the
//! mesh itself answers, its members say, is asked with `iridium_net::ControlClient`.

mod attach;
mod client;
mod protocol;
mod serve;

pub use self::attach::Attached;
pub use self::client::{Client, ClientError, Events};
pub use self::protocol::{AppRow, ChildRow, SpawnOrder, Target};

pub(crate) use self::serve::serve;
