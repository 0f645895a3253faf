//! `iridium run` and `iridium resume`: a program to its end.

use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use clap::CommandFactory as _;

use iridium_vm::process::Register;
use iridium_vm::{Limits, Process, Program, Status};

use super::outcome;
use crate::args::{Argument, Cli, RunFlags, StartFlags};
use crate::failure::Failure;
use crate::program::load::name;
use crate::program::{Driver, End, Stream, load, prepare, state, view};
use crate::{output, signals};

/// `iridium run FILE`
pub(crate) fn start(file: &Path, start: &StartFlags, run: &RunFlags) -> Result<ExitCode, Failure> {
    let program = prepare(load(file)?.module)?;
    let process = process(file, &program, start)?;
    finish(process, &program, run)
}

/// `iridium FILE`, where a file that is not there may be a slip in a command.
pub(crate) fn short(file: &Path, flags: &StartFlags, run: &RunFlags) -> Result<ExitCode, Failure> {
    let word = file.as_os_str().to_string_lossy();
    if word != "-" && !word.contains(['.', '/']) && !file.exists() {
        let names = Cli::command();
        let names = names.get_subcommands().map(|command| command.get_name().to_string());
        let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(&word, name));
        let hint = match nearest.filter(|name| strsim::damerau_levenshtein(&word, name) <= 2) {
            Some(name) if name == word => {
                return Err(Failure::usage(format!(
                    "flags stand behind the command: iridium {name} …"
                )));
            }
            Some(name) => format!("did you mean iridium {name}?"),
            None => "iridium --help lists the commands".into(),
        };
        return Err(Failure::usage(format!("there is no command and no file {word}; {hint}")));
    }
    start(file, flags, run)
}

/// `iridium resume STATE`
pub(crate) fn resume(file: &Path, run: &RunFlags) -> Result<ExitCode, Failure> {
    let (process, program) = state::restore(file)?;
    if !matches!(process.status(), Status::Ready | Status::Waiting) {
        return Err(Failure::failed(format!(
            "{}: the process has ended; !restore in the REPL shows what it left",
            name(file)
        )));
    }
    finish(process, &program, run)
}

/// A process at its start, with its arguments.
fn process(file: &Path, program: &Program, flags: &StartFlags) -> Result<Process, Failure> {
    let limits = match flags.heap_limit {
        Some(heap) => Limits { heap, ..Limits::default() },
        None => Limits::default(),
    };
    let mut process = match &flags.entry {
        None => Process::new(program, limits),
        Some(label) => Process::at_label(program, label, limits)
            .ok_or_else(|| no_label(file, program, label))?,
    };
    let fitting = (0..=u8::MAX).zip(&flags.arguments);
    if fitting.len() < flags.arguments.len() {
        return Err(Failure::usage("there are 256 registers, so at most 256 times --arg"));
    }
    for (number, argument) in fitting {
        let register = match *argument {
            Argument::Int(int) => Register { int, ..Register::default() },
            Argument::Float(float) => Register { float, ..Register::default() },
        };
        process.set_register(number, register);
    }
    Ok(process)
}

fn no_label(file: &Path, program: &Program, label: &str) -> Failure {
    let module = program.module();
    let names = module.code_labels().iter().chain(module.exports()).map(|(name, _)| name);
    let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(label, name));
    let hint = match nearest {
        Some(name) => format!("; did you mean {name}?"),
        None => ", nor any other".into(),
    };
    Failure::usage(format!("{} has no code label {label}{hint}", name(file)))
}

/// Runs a process and tells how it ended.
fn finish(mut process: Process, program: &Program, flags: &RunFlags) -> Result<ExitCode, Failure> {
    let driver = Driver::new(signals::arriving()?);
    let mut stream = Stream::new();
    let fuel = flags.fuel.unwrap_or(u64::MAX);
    let end = driver.run(&mut process, program, fuel, &mut stream);
    if matches!(end, Ok(End::Interrupted(_))) {
        stream.note_interrupt();
    }
    // What goes to a file is the program's own, byte for byte.
    if flags.json || flags.registers || io::stdout().is_terminal() {
        stream.end_line()?;
    }
    let end = end?;
    // Also one that has ended, so that no earlier state passes for its own.
    if let Some(path) = &flags.save {
        state::save(path, &process, program.module())?;
    }
    let exit = exit_code(&end, flags.save.is_some());
    tell(&end, &process, program, flags.save.as_deref());
    if flags.registers {
        output::line(&view::all(&process))?;
    }
    if flags.json {
        output::line(&outcome::to_json(&end, exit, &process, stream.bytes())?)?;
    }
    Ok(exit.into())
}

/// Whoever asks for a state to go on from has got what was asked for.
fn exit_code(end: &End, saved: bool) -> u8 {
    match end {
        End::Halted(_) => 0,
        End::Exited(code) => (code & 0xFF) as u8,
        End::OutOfFuel if saved => 0,
        End::Trapped(_) | End::OutOfFuel => 1,
        // As a shell reports a process that a signal has ended.
        End::Interrupted(signal) => 128 + *signal as u8,
    }
}

/// Says on stderr why a program did not come to its end.
fn tell(end: &End, process: &Process, program: &Program, saved: Option<&Path>) {
    let what = match end {
        End::Halted(_) | End::Exited(_) => return,
        End::Trapped(trap) => return output::trap(trap),
        End::OutOfFuel => format!("out of fuel after {}", process.fuel_spent()),
        End::Interrupted(_) => "interrupted".into(),
    };
    let places = process.backtrace(program);
    let place = places.first().map(|place| format!(" at {place}")).unwrap_or_default();
    match saved {
        Some(path) => {
            let path = path.display();
            output::complain(&format!("{what}{place}\ngoes on with: iridium resume {path}\n"));
        }
        None => output::error(&format!("{what}{place}; with --save STATE it could go on")),
    }
}
