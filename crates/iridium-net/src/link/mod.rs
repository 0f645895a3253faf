//! One connection to another node, shared by its reader, its writer, the owner
//! of the mesh and those who send on it.

mod assembly;
mod client;
mod outbox;
mod queue;
mod send_half;
mod window;

pub(crate) use assembly::{Assembled, Assembly};
pub use client::ClusterClient;
pub(crate) use outbox::{FLUSH, Taken};
pub use window::{Delivery, Room};
