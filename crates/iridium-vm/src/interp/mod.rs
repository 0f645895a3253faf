//! The interpreter.
//!
//! * [`code`]: instructions laid out for running;
//! * [`machine`]: the state that a run keeps in machine registers, and the only unchecked accesses
//!   to it;
//! * [`semantics`]: what the fast instructions do, once, for both backends;
//! * [`forward`] and [`ways`]: operands that are still at hand from instructions before;
//! * [`fuse`]: pairs of instructions that go as one;
//! * [`general`]: what all other instructions do, and the rare cases of the fast ones;
//! * [`dispatch`]: from one instruction to the next, by a loop or by tail calls.

mod arithmetic;
mod code;
mod dispatch;
mod effects;
mod forward;
mod fuse;
mod general;
mod machine;
mod memory;
mod semantics;
mod ways;

pub(crate) use self::code::Code;
pub use self::dispatch::Dispatch;
use self::machine::{Exit, Run};
use crate::process::{Message, Payload, Process, Status, Stop, Trap, TrapKind};
use crate::program::Program;

/// Where the output of programs goes.
pub trait Sink {
    /// Takes output. Text is UTF-8; a character is never split between two calls.
    fn write(&mut self, bytes: &[u8]);
}

impl Sink for Vec<u8> {
    fn write(&mut self, bytes: &[u8]) {
        self.extend_from_slice(bytes);
    }
}

/// What a run can have at once, without being left for it. Whatever is not to be had so becomes an
/// [`Effect`](crate::Effect).
pub trait Environment {
    /// Takes output, as [`Sink::write`].
    fn write(&mut self, bytes: &[u8]);

    /// Sends a message, or hands it back.
    ///
    /// # Errors
    /// The payload, when it cannot be sent at once.
    fn send(&mut self, _to: i64, _tag: i64, payload: Payload) -> Result<(), Payload> {
        Err(payload)
    }

    /// A message with this tag, if it is there.
    fn receive(&mut self, _tag: i64) -> Option<Message> {
        None
    }
}

/// The world of a run that has nothing but somewhere to write to.
pub(crate) struct Writing<'s>(pub(crate) &'s mut dyn Sink);

impl Environment for Writing<'_> {
    fn write(&mut self, bytes: &[u8]) {
        self.0.write(bytes);
    }
}

/// How far a run goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// Until something stops it.
    Run(Dispatch),
    /// For one instruction, which ends as [`Stop::OutOfFuel`].
    Step,
}

/// Runs a process that [`Process::run`] found fit for the program.
#[inline]
pub(crate) fn run(
    process: &mut Process,
    program: &Program,
    fuel: u64,
    world: &mut dyn Environment,
    mode: Mode,
) -> Stop {
    let allowed = process.limits.fuel.saturating_sub(process.fuel_spent);
    let mut run = Run::new(process, program, world, fuel.min(allowed));
    let exit = dispatch::go(&mut run, mode);
    let stop = run.finish();
    match (exit, stop) {
        (Exit::Stopped, Some(stop)) => stop,
        (Exit::OutOfFuel, _) if process.fuel_spent >= process.limits.fuel => {
            trap(process, program, TrapKind::FuelLimit, None)
        }
        _ => Stop::OutOfFuel,
    }
}

/// Ends a process with a trap at its current instruction.
pub(crate) fn trap(
    process: &mut Process,
    program: &Program,
    kind: TrapKind,
    message: Option<String>,
) -> Stop {
    process.status = Status::Trapped(kind);
    Stop::Trapped(Box::new(Trap::new(kind, message, process, program)))
}
