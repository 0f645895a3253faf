//! `iridium test`: the `test` blocks of Palladium files.

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, select};
use serde::Serialize;

use iridium_sched::{ExitInfo, SpawnOptions};
use iridium_vm::{Limits, Process, Program, Register};
use palladium::Target;
use palladium::core::Test;
use palladium::names::Checked;
use palladium::rc::Mode;

use super::json;
use crate::failure::Failure;
use crate::output;
use crate::program::file::{display_name, read_text};
use crate::program::load::refused;
use crate::program::palladium_files::palladium_files;
use crate::program::palladium_source::look_at;
use crate::program::{End, Environment, Settings, Stream, prepare};
use crate::signals::{self, Signal};

/// How long the output of a test may take to be written before its outcome is.
const OUTPUT_WITHIN: Duration = Duration::from_secs(5);

/// What has come of all tests.
#[derive(Debug, Default, Serialize)]
struct Report {
    passed: usize,
    failed: usize,
    tests: Vec<Outcome>,
}

/// What has come of a test.
#[derive(Debug, Serialize)]
struct Outcome {
    file: String,
    name: String,
    line: u32,
    passed: bool,
    /// Why it failed.
    message: Option<String>,
    seconds: f64,
}

/// Runs the tests of files, and of all files in folders, whose names contain the filter. With
/// `as_json` the outcomes are one line of JSON at the end, and what the tests print goes before it.
pub(crate) fn run(
    paths: &[PathBuf],
    filter: Option<&str>,
    as_json: bool,
    settings: Settings,
) -> Result<ExitCode, Failure> {
    let files = palladium_files(paths)?;
    let signals = signals::receive()?;
    let environment = Environment::start(settings, Stream::to(io::stdout()))?;
    let mut runner = Runner { environment, signals, report: Report::default(), as_json };
    let mut refused_files = 0;
    for file in &files {
        match checked(file) {
            Ok(checked) => runner.run_file(file, &checked, filter)?,
            // With one file its failure is that of the command.
            Err(failure) if files.len() == 1 => return Err(failure),
            Err(failure) => {
                failure.print();
                refused_files += 1;
            }
        }
    }
    runner.environment.scheduler.shutdown();
    runner.finish(refused_files, &files, filter)
}

fn checked(file: &Path) -> Result<Checked, Failure> {
    let name = display_name(file);
    let fail = |errors: &_| refused(&name, "compile", errors);
    let checked = look_at(file, &read_text(file)?).map_err(|errors| fail(&errors))?;
    if checked.has_errors() { Err(fail(&checked.diagnostics())) } else { Ok(checked) }
}

struct Runner {
    environment: Environment,
    signals: Receiver<Signal>,
    report: Report,
    as_json: bool,
}

impl Runner {
    fn run_file(
        &mut self,
        file: &Path,
        checked: &Checked,
        filter: Option<&str>,
    ) -> Result<(), Failure> {
        let name = display_name(file);
        // Those of files that it imports are theirs.
        let own = |test: &Test| {
            checked.files.get(test.file.0 as usize).is_some_and(|file| *file.name == *name)
        };
        let wanted = |text: &str| filter.is_none_or(|filter| text.contains(filter));
        let sources = checked.sources();
        let tests = checked.program.tests.iter().enumerate();
        let tests: Vec<_> = tests.filter(|(_, test)| own(test) && wanted(&test.name)).collect();
        if tests.is_empty() {
            return Ok(());
        }
        if !self.as_json {
            output::print_line(&name)?;
        }
        let module = checked.module(Target::Tests, Mode::Optimised);
        let module = module.map_err(|errors| refused(&name, "compile", &errors))?;
        let program = prepare(module, &self.environment.settings.hosts)?;
        for (nth, test) in tests {
            let began = Instant::now();
            let message = self.run_test(&program, nth)?;
            let line = sources.location(test.file, test.span.start).map_or(0, |at| at.line);
            self.note(Outcome {
                file: name.clone(),
                name: test.name.to_string(),
                line,
                passed: message.is_none(),
                message,
                seconds: began.elapsed().as_secs_f64(),
            })?;
        }
        Ok(())
    }

    /// Runs the test at this position to its end. Gives why it failed.
    fn run_test(&self, program: &Arc<Program>, nth: usize) -> Result<Option<String>, Failure> {
        let mut process = Process::new(program, Limits::default());
        process.set_register(0, Register { int: nth as i64, ..Register::default() });
        let options = SpawnOptions { group: false };
        let started = self.environment.scheduler.spawn_with(process, program, options);
        let started = started.map_err(|error| Failure::failed(error.to_string()))?;
        let message = select! {
            recv(started.exit) -> exit => exit.map_or_else(|_| None, |exit| why_failed(&exit)),
            recv(self.signals) -> _ => return Err(Failure::failed("interrupted")),
        };
        self.environment.stream.end_line(OUTPUT_WITHIN)?;
        Ok(message)
    }

    fn note(&mut self, outcome: Outcome) -> Result<(), Failure> {
        if !self.as_json {
            let mark = if outcome.passed { "ok  " } else { "FAIL" };
            output::print_line(&format!("  {mark}  {}", outcome.name))?;
            for line in outcome.message.iter().flat_map(|message| message.lines()) {
                output::print_line(&format!("        {line}"))?;
            }
        }
        let counter =
            if outcome.passed { &mut self.report.passed } else { &mut self.report.failed };
        *counter += 1;
        self.report.tests.push(outcome);
        Ok(())
    }

    fn finish(
        self,
        refused: usize,
        files: &[PathBuf],
        filter: Option<&str>,
    ) -> Result<ExitCode, Failure> {
        let Report { passed, failed, .. } = self.report;
        if self.as_json {
            output::print_line(&json(&self.report)?)?;
        } else if passed + failed > 0 {
            output::print_line(&summary(passed, failed))?;
        }
        match (refused, failed, passed) {
            (0, 0, 0) => Err(Failure::failed(no_test(files, filter))),
            (0, 0, _) => Ok(ExitCode::SUCCESS),
            (0, _, _) => Ok(ExitCode::FAILURE),
            _ => Err(Failure::failed(format!("{refused} of {} files do not compile", files.len()))),
        }
    }
}

/// That no test was found, and where none is.
fn no_test(files: &[PathBuf], filter: Option<&str>) -> String {
    let what = match filter {
        Some(filter) => format!("there is no test with {filter} in its name"),
        None => "there are no tests; write one as: test \"what it shows\" { assert … }".into(),
    };
    match files {
        [file] => format!("{}: {what}", display_name(file)),
        files => format!("{} files: {what}", files.len()),
    }
}

fn summary(passed: usize, failed: usize) -> String {
    let tests =
        if passed + failed == 1 { "1 test".into() } else { format!("{} tests", passed + failed) };
    match failed {
        0 => format!("{tests} passed"),
        _ => format!("{tests}: {passed} passed, {failed} failed"),
    }
}

/// Why a test that has ended has failed; `None` when it has passed.
fn why_failed(exit: &ExitInfo) -> Option<String> {
    match End::of(exit) {
        End::Halted(0) | End::Exited(0) => None,
        End::Trapped(trap) => Some(trap.to_string()),
        End::Halted(code) | End::Exited(code) => Some(format!("ended with {code}")),
        _ => Some("it was ended by a signal".into()),
    }
}
