#![doc = include_str!("../README.md")]

mod code;
mod config;
pub mod control;
mod desk;
mod error;
mod hub;
mod metrics;
mod node;
mod operate;
mod report;
mod router;
mod solo;
mod sync;

pub use config::Config;
pub use error::{SpawnError, StartError};
pub use hub::{Happening, NodeEvent};
pub use node::Node;
pub use report::{NodeLoad, NodeProcesses, NodeReport, ProcessRow};
pub use router::MAX_PAYLOAD;
pub use solo::Solo;
