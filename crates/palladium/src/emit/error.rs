//! Why a program becomes no module.

use std::sync::Arc;

use iridium_isa::operand::WINDOW_SPAN;
use iridium_isa::{BuildError, FileId, Span};

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
    /// A host function takes or gives more than fits in its window.
    #[error(
        "{host} cannot take or give {values} values: a host function has {WINDOW_SPAN} registers"
    )]
    HostWindow {
        /// The name of the host function.
        host: Arc<str>,
        /// How many values it takes, or gives.
        values: usize,
        /// Where it is called.
        file: FileId,
        /// The place of the call in that file.
        span: Span,
    },
    /// The module breaks a rule of the machine: it is too large, or this is a fault of the compiler.
    #[error(transparent)]
    Build(#[from] BuildError),
}
