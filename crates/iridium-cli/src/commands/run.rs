//! `iridium run` and `iridium resume`: a program from its start, or from where
//! it was saved.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use clap::CommandFactory as _;

use iridium_isa::Module;
use iridium_isa::suggest::nearest;
use iridium_sched::Reason;
use iridium_sched::supervisor::Spec;
use iridium_vm::{Pid, Process, Program, Register};

use super::run_app;
use super::run_session::{FirstProcess, RunSession};
use crate::args::{Argument, Cli, LimitFlags, RunFlags, StartFlags};
use crate::failure::Failure;
use crate::program::file::display_name;
use crate::program::saved_state::{SavedBy, SavedState, check_place};
use crate::program::{End, Settings, load_module, prepare};
use crate::{logging, signals};

/// `iridium run FILE`
pub(crate) fn start(
    file: &Path,
    start: &StartFlags,
    limits: &LimitFlags,
    settings: Settings,
    run: &RunFlags,
) -> Result<ExitCode, Failure> {
    let module = load_module(file)?;
    logging::start_of_program()?;
    // Whoever names an entry wants just that.
    let app = module.app().filter(|_| start.entry.is_none());
    let spec = app.map(|app| Spec::of_module(&module, app, limits.limits()));
    if app.is_some_and(|app| !app.main) {
        check_flags_of_app(file, start, run)?;
        return run_app::run_module(file, module, limits.limits(), settings, run.stats);
    }
    let program = prepare(module, &settings.hosts)?;
    let process = process(file, &program, start, limits)?;
    run.save.as_deref().map_or(Ok(()), check_place)?;
    let signals = signals::receive()?;
    RunSession::start(process, program, spec, settings, signals)?.finish(run)
}

/// What is only for a program that has a first process is refused for an app that has none.
fn check_flags_of_app(file: &Path, start: &StartFlags, run: &RunFlags) -> Result<(), Failure> {
    let flag = match run {
        _ if !start.arguments.is_empty() => "--arg",
        RunFlags { json: true, .. } => "--json",
        RunFlags { registers: true, .. } => "--registers",
        RunFlags { save: Some(_), .. } => "--save",
        _ => return Ok(()),
    };
    let name = display_name(file);
    Err(Failure::usage(format!("{name} is an app without main, so {flag} means nothing for it")))
}

/// `iridium FILE`, where a missing file may be a misspelt command.
pub(crate) fn shorthand(
    file: &Path,
    flags: &StartFlags,
    limits: &LimitFlags,
    settings: Settings,
    run: &RunFlags,
) -> Result<ExitCode, Failure> {
    match unknown_command(file) {
        Some(failure) => Err(failure),
        None => start(file, flags, limits, settings, run),
    }
}

/// The failure for a word that can only be meant as a command: there is no file of that name, and
/// it does not look like a file name.
pub(crate) fn unknown_command(file: &Path) -> Option<Failure> {
    let word = file.as_os_str().to_string_lossy();
    if word.starts_with('-') || word.contains(['.', '/']) || file.exists() {
        return None;
    }
    let names = Cli::command();
    let names = names.get_subcommands().map(|command| command.get_name().to_string());
    let nearest = names.min_by_key(|name| strsim::damerau_levenshtein(&word, name));
    let hint = match nearest.filter(|name| strsim::damerau_levenshtein(&word, name) <= 2) {
        Some(name) if name == word => {
            return Some(Failure::usage(format!("flags go after the command: iridium {name} …")));
        }
        Some(name) => format!("did you mean iridium {name}?"),
        None => "iridium --help lists the commands".into(),
    };
    Some(Failure::usage(format!("there is no command and no file {word}; {hint}")))
}

/// `iridium resume STATE`
pub(crate) fn resume(file: &Path, settings: Settings, run: &RunFlags) -> Result<ExitCode, Failure> {
    let state = SavedState::read(file, SavedBy::Run, &settings.hosts)?;
    logging::start_of_program()?;
    run.save.as_deref().map_or(Ok(()), check_place)?;
    let first = match (state.process, state.ended) {
        (Some(saved), Some(reason)) => {
            let end = End::of_state(&saved.process, &saved.program, Reason(reason));
            FirstProcess::Ended { process: Arc::new(saved.process), program: saved.program, end }
        }
        (Some(saved), None) => FirstProcess::Runs(saved.program),
        (None, _) => return Err(Failure::failed(format!("{} is damaged", display_name(file)))),
    };
    let Settings { threads, engine, fuel, hosts, outside, .. } = settings;
    let settings = Settings { threads, engine, fuel, hosts, outside, ..state.settings };
    let signals = signals::receive()?;
    let session =
        RunSession::resume(&state.processes, Pid::from_bits(state.first), first, settings, signals)
            .map_err(|failure| failure.about(&display_name(file)))?;
    if session.is_over() {
        return Err(Failure::failed(format!(
            "{}: the program has ended; iridium run starts it again",
            display_name(file)
        )));
    }
    session.finish(run)
}

/// A process at its start, with its arguments.
fn process(
    file: &Path,
    program: &Program,
    flags: &StartFlags,
    limits: &LimitFlags,
) -> Result<Process, Failure> {
    let limits = limits.limits();
    let mut process = match &flags.entry {
        None => Process::new(program, limits),
        Some(label) => Process::at_label(program, label, limits)
            .ok_or_else(|| no_label(file, program.module(), label))?,
    };
    let fitting = (0..=u8::MAX).zip(&flags.arguments);
    if fitting.len() < flags.arguments.len() {
        return Err(Failure::usage("there are 256 registers, so at most 256 times --arg"));
    }
    for (number, argument) in fitting {
        process.set_register(number, register(argument));
    }
    Ok(process)
}

/// The register that an argument fills.
pub(super) fn register(argument: &Argument) -> Register {
    match *argument {
        Argument::Int(int) => Register { int, ..Register::default() },
        Argument::Float(float) => Register { float, ..Register::default() },
    }
}

/// The failure of a program that has no such label.
pub(super) fn no_label(file: &Path, module: &Module, label: &str) -> Failure {
    let mut names =
        module.code_labels().iter().chain(module.exports()).map(|(name, _)| name.as_str());
    let hint = match nearest(label, names.clone()) {
        Some(name) => format!("; did you mean {name}?"),
        None if names.next().is_none() => "; it has no labels".into(),
        None => String::new(),
    };
    Failure::usage(format!("{} has no code label {label}{hint}", display_name(file)))
}
