//! A running node: the thread that owns its view of the cluster, the threads of its connections,
//! its listeners, and the handle for programs that use it.

mod command;
mod connection;
mod control_clients;
mod dials;
mod flow;
mod handle;
mod io;
mod listener_set;
mod own_threads;
mod owner;
mod peers_file;
mod reader;
mod relief;
mod shared;
mod writer;
mod zone;

pub use flow::flow;
pub use handle::Manager;
