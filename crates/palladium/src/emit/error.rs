//! Why a program becomes no module.

use std::sync::Arc;

use iridium_isa::BuildError;

/// Why there is no module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A function takes or passes more at once than there are registers, or keeps more than a block
    /// has room for.
    #[error("`{function}` takes too many values at once; it should be made into several functions")]
    TooManyRegisters {
        /// Its qualified name.
        function: Arc<str>,
    },
    /// The module breaks a rule of the machine: it is too large, or this is a fault of the compiler.
    #[error(transparent)]
    Build(#[from] BuildError),
}
