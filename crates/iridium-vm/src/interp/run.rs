//! One run of a process on the interpreter.

use std::sync::Arc;

use iridium_isa::Module;

use super::dispatch::{self, Mode};
use super::machine::{Exit, Run};
use super::slow_path::trap;
use crate::environment::Environment;
use crate::process::Process;
use crate::program::Program;
use crate::stop::Stop;
use crate::trap::TrapKind;

/// Runs a process that [`Process::prepare`] found fit for the program. When there is no fuel left, it
/// says so before it comes back.
// As a function of its own it writes what it returns to where the caller wants it, and no copy is made.
#[inline(never)]
pub(crate) fn run(
    process: &mut Process,
    program: &Program,
    fuel: u64,
    environment: &mut dyn Environment,
    mode: Mode,
    out_of_fuel: impl FnOnce(&Process),
) -> Stop {
    let module = program.module();
    let allowed = process.limits.fuel.saturating_sub(process.fuel_spent);
    let (code, hosts) = (program.code(), program.hosts());
    let mut run = Run::new(process, code, module, hosts, environment, fuel.min(allowed));
    let exit = dispatch::go(&mut run, mode);
    match run.finish() {
        Some(stop) if exit == Exit::Stopped => stop,
        stop => ran_out(process, module, exit, stop, out_of_fuel),
    }
}

/// What becomes of a run that nothing has stopped.
#[cold]
fn ran_out(
    process: &mut Process,
    module: &Arc<Module>,
    exit: Exit,
    stop: Option<Stop>,
    out_of_fuel: impl FnOnce(&Process),
) -> Stop {
    match (exit, stop) {
        (Exit::OutOfFuel, _) if process.fuel_spent >= process.limits.fuel => {
            trap(process, module, TrapKind::FuelLimit, None)
        }
        (Exit::OutOfFuel | Exit::Stepped, None) => {
            out_of_fuel(process);
            Stop::OutOfFuel
        }
        _ => trap(process, module, TrapKind::Internal, None),
    }
}
