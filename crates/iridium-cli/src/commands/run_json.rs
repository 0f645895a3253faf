//! How a program ended, as the line of `--json`.

use serde::Serialize;

use iridium_vm::Process;

use crate::failure::Failure;
use crate::program::End;

/// How many registers of the current window are listed.
const REGISTERS: u8 = 32;

/// The documented shape of `run --json`; fields may be added, not changed.
#[derive(Debug, Serialize)]
struct RunJson {
    status: &'static str,
    /// The code of `exit`, or the reason of an exit signal; else the exit code of the command.
    code: i64,
    trap: Option<String>,
    registers: Vec<i64>,
    /// `None` for NaN and infinities, which JSON does not have.
    floats: Vec<Option<f64>>,
    flag: bool,
    /// Of this process since its start, however often it was saved and resumed.
    fuel: u64,
    /// Of all processes in this run.
    output_bytes: u64,
}

/// The line for a process that ended so and makes the command exit with `exit`.
pub(super) fn to_json(
    end: &End,
    exit: u8,
    process: &Process,
    output_bytes: u64,
) -> Result<String, Failure> {
    let (status, trap) = match end {
        End::Halted(_) => ("halted", None),
        End::Exited(_) | End::ExitSignal(_) => ("exited", None),
        End::Trapped(trap) => ("trapped", Some(trap.kind.to_string())),
        End::OutOfFuel => ("out-of-fuel", None),
        End::Interrupted(_) => ("interrupted", None),
        End::Deadlock => ("deadlock", None),
    };
    let registers = (0..REGISTERS).map(|number| process.register(number));
    let outcome = RunJson {
        status,
        code: match end {
            End::Exited(code) => *code,
            End::ExitSignal(reason) => reason.0,
            _ => i64::from(exit),
        },
        trap,
        registers: registers.clone().map(|register| register.int).collect(),
        floats: registers.map(|register| Some(register.float).filter(|x| x.is_finite())).collect(),
        flag: process.flag(),
        fuel: process.fuel_spent(),
        output_bytes,
    };
    serde_json::to_string(&outcome).map_err(|error| Failure::failed(error.to_string()))
}
