//! How a program ended, as the line of `--json`.

use serde::Serialize;

use iridium_vm::{Place, Process};

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
    /// What a trap says: the text of a panic, the `Err` of a Palladium program's main.
    message: Option<String>,
    /// Where it trapped.
    at: Option<At>,
    registers: Vec<i64>,
    /// `None` for NaN and infinities, which JSON does not have.
    floats: Vec<Option<f64>>,
    flag: bool,
    /// Of this process since its start, however often it was saved and resumed.
    fuel: u64,
    /// Of all processes in this run.
    output_bytes: u64,
}

/// A place in a source, and in the module.
#[derive(Debug, Serialize)]
struct At {
    /// `None` for a module without line numbers, as are `line` and `column`.
    file: Option<String>,
    line: Option<u32>,
    column: Option<u32>,
    /// The last label before it: in Palladium the function.
    label: Option<String>,
    instruction: u32,
}

impl At {
    fn of(place: &Place) -> Self {
        let source = place.source();
        Self {
            file: source.map(|(file, ..)| file.to_owned()),
            line: source.map(|(_, line, _)| line),
            column: source.map(|(.., column)| column),
            label: place.label().map(|(label, _)| label.to_owned()),
            instruction: place.index(),
        }
    }
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
    let trapped = match end {
        End::Trapped(trap) => Some(trap),
        _ => None,
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
        message: trapped.and_then(|trap| trap.message.clone()),
        at: trapped.and_then(|trap| trap.backtrace.first()).map(At::of),
        registers: registers.clone().map(|register| register.int).collect(),
        floats: registers.map(|register| Some(register.float).filter(|x| x.is_finite())).collect(),
        flag: process.flag(),
        fuel: process.fuel_spent(),
        output_bytes,
    };
    serde_json::to_string(&outcome).map_err(|error| Failure::failed(error.to_string()))
}
