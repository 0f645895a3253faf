#![doc = include_str!("../README.md")]

mod code;
mod config;
pub mod control;
mod error;
mod events;
// For the package that fuzzes this one.
#[doc(hidden)]
pub mod fuzz;
mod links;
mod local_scheduler;
mod mesh;
mod metrics;
mod node;
mod operators;
mod orders;
mod remote;
mod report;
mod share;
mod sync;
mod this_node;
mod wire;

pub use config::Config;
pub use error::{NodeError, Refusal, StartError};
pub use events::{EventKind, NodeEvent};
pub use local_scheduler::LocalScheduler;
pub use node::{Node, WeakNode};
pub use report::{Inbox, NodeLoad, NodeProcesses, NodeReport, ProcessRow};
pub use wire::MAX_PAYLOAD;
