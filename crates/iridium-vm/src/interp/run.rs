//! One run of a process on the interpreter.

use super::dispatch::{self, Mode};
use super::machine::{Exit, Run};
use super::slow_path::trap;
use crate::environment::Environment;
use crate::process::Process;
use crate::program::Program;
use crate::stop::Stop;
use crate::trap::TrapKind;

/// Runs a process that [`Process::prepare`] found fit for the program.
#[inline]
pub(crate) fn run(
    process: &mut Process,
    program: &Program,
    fuel: u64,
    environment: &mut dyn Environment,
    mode: Mode,
) -> Stop {
    let module = program.module();
    let allowed = process.limits.fuel.saturating_sub(process.fuel_spent);
    let (code, hosts) = (program.code(), program.hosts());
    let mut run = Run::new(process, code, module, hosts, environment, fuel.min(allowed));
    let exit = dispatch::go(&mut run, mode);
    let stop = run.finish();
    match (exit, stop) {
        (Exit::Stopped, Some(stop)) => stop,
        (Exit::OutOfFuel, _) if process.fuel_spent >= process.limits.fuel => {
            trap(process, module, TrapKind::FuelLimit, None)
        }
        (Exit::OutOfFuel | Exit::Stepped, None) => Stop::OutOfFuel,
        _ => trap(process, module, TrapKind::Internal, None),
    }
}
