//! Runs the tests of Palladium programs on a machine without a scheduler.

use iridium_vm::Interpreter;
use palladium::Target;
use palladium::names::{Checked, check};
use palladium::rc::Mode;

use super::one_file::OneFile;
use super::{End, Ran, run_on};

/// Runs all tests of a file, in both modes of the counts; one that needs a scheduler up to there.
/// Gives a line for each that fails.
pub(crate) fn failures(name: &str, text: &str) -> Vec<String> {
    let checked = check(name, &mut OneFile(name, text)).unwrap();
    if checked.has_errors() {
        return vec![checked.diagnostics().to_string()];
    }
    let mut failures = Vec::new();
    for (n, test) in checked.program.tests.iter().enumerate() {
        for mode in [Mode::Optimised, Mode::Plain] {
            if let Err(why) = run(&checked, n, mode) {
                failures.push(format!("{name}: {}, {mode:?}: {why}", test.name));
            }
        }
    }
    failures
}

fn run(checked: &Checked, test: usize, mode: Mode) -> Result<(), String> {
    let module = checked.module(Target::Test(test), mode).map_err(|error| error.to_string())?;
    match run_on(&module, Interpreter::default(), None) {
        Ran { end: End::Normal, live_blocks: 0, .. } | Ran { end: End::Effect, .. } => Ok(()),
        Ran { end: End::Normal, live_blocks, .. } => Err(format!("{live_blocks} blocks are left")),
        Ran { end, .. } => Err(format!("{end:?}")),
    }
}
