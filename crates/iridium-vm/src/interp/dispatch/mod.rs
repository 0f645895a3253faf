//! From one instruction to the next.
//!
//! Two backends run the same [`semantics`](super::semantics):
//!
//! * `looped`: a loop around a `match`; portable, and what single steps use;
//! * `threaded`: every instruction carries the address of its handler, and a handler ends by calling
//!   the next one in tail position. Optimising compilers make that a jump, but stable Rust does not
//!   promise it, so `build.rs` only sets `iridium_tail_calls` where it is known to happen. Elsewhere
//!   the handlers return to a driver after each instruction, which is slow but safe.

mod looped;
mod threaded;

pub(super) use self::threaded::{Handler, define_handler, general, handler, proceed};
use super::machine::{Exit, Machine, Parts, Run, Step};
use super::{Mode, general};

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

pub(super) fn go(run: &mut Run<'_>, mode: Mode) -> Exit {
    match mode {
        Mode::Run(Dispatch::Looped) => looped::go::<false>(run),
        Mode::Run(Dispatch::Threaded) => threaded::go(run),
        Mode::Step => looped::go::<true>(run),
    }
}

/// Does the instruction at hand in safe code, out of line. Gives the machine to go on with.
#[allow(unsafe_code, reason = "the run is handed from the machine to safe code and back")]
fn out_of_line<'r>(machine: Machine<'r>) -> Result<Machine<'r>, Exit> {
    let run = machine.put_back();
    // SAFETY: the run is valid, and the only machine that reached it is gone (I6).
    let run: &mut Run<'r> = unsafe { &mut *run };
    general::execute(run)?;
    // SAFETY: the reference is not used any more, so that the machine is alone again.
    Ok(unsafe { run.machine() })
}

/// Ends dispatch before the instruction at hand.
fn stop_before(machine: Machine<'_>) -> Exit {
    machine.put_back();
    Exit::OutOfFuel
}
