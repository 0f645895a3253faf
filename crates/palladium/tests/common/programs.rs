//! Runs the tests of Palladium programs on a machine without a scheduler.

use iridium_isa::Module;
use iridium_vm::Interpreter;
use palladium::Target;
use palladium::names::check;
use palladium::rc::Mode;

use super::one_file::OneFile;
use super::{End, Ran, run_with};

/// Runs all tests of a file, in both modes of the counts; one that needs a scheduler up to there.
/// Gives a line for each that fails.
pub(crate) fn failures(name: &str, text: &str) -> Vec<String> {
    let checked = check(name, &mut OneFile(name, text)).unwrap();
    if checked.has_errors() {
        return vec![checked.diagnostics().to_string()];
    }
    let mut failures = Vec::new();
    for mode in [Mode::Optimised, Mode::Plain] {
        let module = match checked.module(Target::Tests, mode) {
            Ok(module) => module,
            Err(error) => return vec![error.to_string()],
        };
        for (n, test) in checked.program.tests.iter().enumerate() {
            if let Err(why) = run(&module, n) {
                failures.push(format!("{name}: {}, {mode:?}: {why}", test.name));
            }
        }
    }
    failures
}

fn run(module: &Module, test: usize) -> Result<(), String> {
    match run_with(module, Interpreter::default(), None, test as i64) {
        Ran { end: End::Normal, live_blocks: 0, .. } | Ran { end: End::Effect, .. } => Ok(()),
        Ran { end: End::Normal, live_blocks, .. } => Err(format!("{live_blocks} blocks are left")),
        Ran { end, .. } => Err(format!("{end:?}")),
    }
}
