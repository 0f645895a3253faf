//! One connection to another node: its queue, its receive window, and its handle.

mod asked;
mod assembly;
mod backlog;
mod budget;
mod client;
mod credit;
mod gate;
mod grace;
mod lanes;
mod ledger;
mod message;
mod outbox;
mod queue;
mod room;
mod send_half;
mod window;

pub(crate) use assembly::{Assembled, Assembly};
pub(crate) use backlog::{Backlog, Stalled};
pub use client::ClusterClient;
pub(crate) use client::LinkBells;
pub(crate) use credit::WINDOW;
pub(crate) use gate::{Admission, Place};
pub(crate) use grace::grace;
pub(crate) use message::{Outgoing, cost};
pub use message::{SharedBytes, Tail};
pub(crate) use outbox::{FLUSH, WriterStep};
pub(crate) use queue::MAX_TRANSFERS;
pub(crate) use room::Room;
pub(crate) use send_half::SendHalf;
pub use window::{Delivery, WindowPermit};
