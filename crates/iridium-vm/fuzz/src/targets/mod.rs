//! What is done with an input, and what must hold.

mod file;
mod messages;
mod palladium;
mod program;
mod random;

pub use self::file::{module, module_seeds, snapshot, snapshot_seeds};
pub use self::messages::{palladium_messages, palladium_messages_inputs};
pub use self::palladium::{palladium_source, palladium_source_inputs};
pub use self::program::{differential, source, source_seeds};
pub use self::random::{palladium_programs, palladium_programs_inputs};
