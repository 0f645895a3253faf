//! HTTP.
//!
//! * [`limits`]: what clients may take;
//! * [`paced`]: connections whose clients have only so much time;
//! * [`mod@serve`]: connections, and what is spoken on them; [`streams`]: those of HTTP/2;
//! * [`pages`]: pages about this process;
//! * [`functions`]: servers of programs; [`listener`]: requests that came; [`exchange`]: those that wait
//!   for their answers; [`head`]: their heads as texts;
//! * [`upgrade`]: requests that become a WebSocket;
//! * [`client`]: servers that programs ask; [`mod@fetch`]: how they are asked; [`pool`]: connections that
//!   are kept; [`mod@open`]: WebSockets that programs open.

mod client;
mod crowd;
mod exchange;
mod fetch;
mod functions;
mod head;
mod limits;
mod listener;
mod open;
mod paced;
mod pages;
mod pool;
mod serve;
mod streams;
mod upgrade;

pub(crate) use client::add_client;
pub(crate) use functions::add_server;
pub use limits::HttpLimits;
pub(crate) use open::add_websocket;
pub use pages::{Page, PageListener, PageServer};
