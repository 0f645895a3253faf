//! Processes of a scheduler as bytes, and back: one, or all.
//!
//! All processes are saved between two turns, while the workers are held. Deadlines are kept as time
//! left. A request to another node is made again, and a host function that had not been called yet is
//! called then.

mod envelope;
mod error;
#[cfg(test)]
mod golden;
mod held;
mod restore;
mod save;
mod saved;
#[cfg(test)]
mod tests;

pub use self::envelope::SNAPSHOT_VERSION;
pub use self::error::{RestoreError, SaveError};
pub use self::restore::{RestoreOptions, Restored};
pub use self::save::Stopped;
