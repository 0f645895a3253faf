//! Runs the tests of Palladium programs on a machine without a scheduler.

use iridium_vm::{Hosts, Interpreter, Limits, Process, Program, Stop};
use palladium::names::{Checked, LoadError, Loaded, Loader, check};
use palladium::{diag, emit, lower, rc};

/// A program of one file.
struct OneFile<'a> {
    name: &'a str,
    text: &'a str,
}

impl Loader for OneFile<'_> {
    fn load(&mut self, path: &str) -> Result<Loaded, LoadError> {
        match path == self.name {
            true => Ok(Loaded { name: self.name.into(), text: self.text.into() }),
            false => Err(LoadError::NotFound),
        }
    }
}

/// Runs all tests of a file that can run without a scheduler and host functions, in both modes of
/// the counts. Gives a line for each that fails.
pub(crate) fn failures(name: &str, text: &str) -> Vec<String> {
    let checked = check(name, &mut OneFile { name, text }).unwrap();
    if checked.has_errors() {
        return vec![diag::diagnostics(&checked.problems, &checked.sources()).to_string()];
    }
    let mut failures = Vec::new();
    for (n, test) in checked.program.tests.iter().enumerate() {
        for mode in [rc::Mode::Optimised, rc::Mode::Plain] {
            if let Err(why) = run(&checked, n, mode) {
                failures.push(format!("{name}: {}, {mode:?}: {why}", test.name));
            }
        }
    }
    failures
}

fn run(checked: &Checked, test: usize, mode: rc::Mode) -> Result<(), String> {
    let mut program = lower::lower(&checked.program, lower::Target::Test(test));
    rc::insert(&mut program, mode);
    let module = emit::module(&program, &checked.sources()).map_err(|e| e.to_string())?;
    let Ok(program) = Program::new(module, &Hosts::new()) else { return Ok(()) };
    let limits = Limits { heap: 1 << 28, ..Limits::default() };
    let mut process = Process::new(&program, limits);
    let mut output = Vec::new();
    let fuel = 1 << 34;
    let stop = process.run_on(&Interpreter::default(), &program, fuel, &mut output).unwrap();
    match stop {
        Stop::Exited(0) if process.live_blocks() == 0 => Ok(()),
        Stop::Exited(0) => Err(format!("{} blocks are left", process.live_blocks())),
        Stop::Effect(_) => Ok(()),
        Stop::Trapped(trap) => {
            let place = trap.backtrace.first().map(ToString::to_string);
            Err(format!("{:?} {} at {place:?}", trap.kind, trap.message.unwrap_or_default()))
        }
        stop => Err(format!("{stop:?}")),
    }
}
