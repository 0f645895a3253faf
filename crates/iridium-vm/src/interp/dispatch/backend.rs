//! The backends, and the choice between them.

use super::{looped, threaded};
use crate::interp::machine::{Exit, Run};

/// How the interpreter gets from one instruction to the next. It changes speed and nothing else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dispatch {
    /// A loop around a `match`.
    Looped,
    /// Tail calls from handler to handler.
    Threaded,
}

impl Default for Dispatch {
    /// Threaded where the build has tail calls.
    fn default() -> Self {
        if cfg!(iridium_tail_calls) { Dispatch::Threaded } else { Dispatch::Looped }
    }
}

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Until something stops it.
    Run(Dispatch),
    /// For one instruction, which ends as [`Exit::Stepped`]. Entry hooks are passed by.
    Step,
}

pub(in crate::interp) fn go(run: &mut Run<'_>, mode: Mode) -> Exit {
    match mode {
        Mode::Run(Dispatch::Looped) => looped::go::<false>(run),
        Mode::Run(Dispatch::Threaded) => threaded::go(run),
        Mode::Step => looped::go::<true>(run),
    }
}
