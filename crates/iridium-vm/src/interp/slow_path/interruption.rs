//! Why the slow path leaves an instruction.

use crate::trap::TrapKind;

/// Why an instruction was not done, or was the last one of this run. Small, because every
/// instruction here returns a `Result` of it.
pub(super) enum Interruption {
    OutOfFuel,
    /// The environment takes no output.
    OutputFull,
    Trap(TrapKind),
    /// A trap that says more.
    TrapWith(Box<(TrapKind, String)>),
    /// It is done, and the process has ended; the run knows how.
    Ends,
    /// It is done, and the process waits; the run ends after it, and knows why.
    Waits,
}

const _: () = assert!(size_of::<Result<u32, Interruption>>() <= 2 * size_of::<u64>());

impl From<TrapKind> for Interruption {
    fn from(kind: TrapKind) -> Self {
        Interruption::Trap(kind)
    }
}
