//! What is done with an input, and what must hold.

mod file;
mod program;

pub use self::file::{module, module_seeds, snapshot, snapshot_seeds};
pub use self::program::{differential, source, source_seeds};
