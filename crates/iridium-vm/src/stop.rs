//! Why a run came back, or could not begin.

use iridium_isa::ModuleId;

use crate::effect::Effect;
use crate::trap::Trap;
use crate::validate::InvalidState;

/// Why a run came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// The fuel of this run is used up; running again goes on.
    OutOfFuel,
    /// There is no room for what the process is about to write; running again goes on.
    OutputFull,
    /// `hlt`, with `$0`.
    Halted(i64),
    /// `exit`, with its code.
    Exited(i64),
    /// A trap, with where it happened.
    Trapped(Box<Trap>),
    /// The process wants something and waits until [`Process::complete`](crate::Process::complete) answers.
    Effect(Effect),
}

/// Why a process cannot be run. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The program is made from another module. Both are boxed to keep what a run returns small: it
    /// does so every microsecond or two.
    #[error("the process belongs to module {process}, not to {program}")]
    OtherModule {
        /// Its module.
        process: Box<ModuleId>,
        /// The module of the program.
        program: Box<ModuleId>,
    },
    /// The state does not go with the module: it was restored from something that was tampered with.
    #[error("the state of the process is not one that its module can be in: {0}")]
    InvalidState(#[from] InvalidState),
    /// The last effect has not been answered.
    #[error("the process waits for an answer to its last effect")]
    Waiting,
    /// It has ended.
    #[error("the process has ended")]
    Ended,
}
