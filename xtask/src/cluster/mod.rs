//! A cluster of `iridium node` processes on this machine.
//!
//! All about it is in its folder under `target/`, so that any later call can show or stop
//! it, also when the call that started it was killed:
//!
//! ```text
//! cluster.json       the nodes: alias, port, process
//! cluster.lock       held while a cluster is being started
//! logs/node1.log     what each node prints and logs
//! data/node1/        what each node keeps
//! ```

mod demo;
mod down;
mod folder;
mod log;
mod members;
mod ports;
mod process;
mod state;
mod up;
mod view;

pub(crate) use folder::Cluster;
pub(crate) use log::tail;
pub(crate) use members::{Member, Members};
pub(crate) use ports::free_ports;
pub(crate) use process::Process;
