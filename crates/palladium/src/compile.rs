//! From the files of a program to its module.

use iridium_isa::{Diagnostic, Diagnostics, Module, Sources};

use crate::diag::{Problem, diagnostics, memory};
use crate::lower::{Target, lower};
use crate::mir::Program;
use crate::names::{Checked, Loader, SourceFile, check};
use crate::rc::Mode;
use crate::{emit, rc};

/// A module, and what is to be said about its source.
#[derive(Debug, Clone)]
pub struct Compiled {
    /// What runs.
    pub module: Module,
    /// What is probably a mistake.
    pub warnings: Diagnostics,
    /// The sources that it was made of.
    pub files: Vec<SourceFile>,
}

/// Compiles the program that begins in the file `root`, as the loader knows it.
///
/// The same sources give the same module, on every machine.
///
/// # Errors
/// All that is wrong with the program, and its warnings.
pub fn compile(
    root: &str,
    loader: &mut dyn Loader,
    target: Target,
) -> Result<Compiled, Diagnostics> {
    let checked = look_at(root, loader)?;
    if checked.has_errors() {
        return Err(checked.diagnostics());
    }
    if target == Target::Main
        && checked.program.main.is_none()
        && checked.program.starts.is_empty()
        && checked.program.app.is_none()
    {
        let what = "there is no `fn main()`, with which a program begins";
        return Err(just(Diagnostic::error(what)));
    }
    let module = checked.module(target, Mode::Optimised)?;
    Ok(Compiled { module, warnings: checked.diagnostics(), files: checked.files })
}

/// Checks the program that begins in the file `root`, as the loader knows it.
///
/// # Errors
/// When that file cannot be read. All else is in the [`Checked`] program.
pub fn look_at(root: &str, loader: &mut dyn Loader) -> Result<Checked, Diagnostics> {
    check(root, loader)
        .map_err(|error| just(Diagnostic::error(format!("cannot read {root}: {error}"))))
}

/// The module of a program whose references are counted.
///
/// # Errors
/// When the program, or a function of it, is too large for the machine, or a host function has too many
/// arguments.
pub(crate) fn emitted(program: &Program, sources: &Sources) -> Result<Module, Diagnostics> {
    emit::module(program, sources).map_err(|error| {
        let said = Diagnostic::error(error.to_string());
        just(match error {
            emit::Error::HostWindow { file, span, .. } => {
                said.primary(sources.excerpt(file, span), "called here")
            }
            emit::Error::TooManyRegisters { .. } | emit::Error::Build(_) => said,
        })
    })
}

pub(crate) fn just(diagnostic: Diagnostic) -> Diagnostics {
    let mut report = Diagnostics::new();
    report.push(diagnostic);
    report
}

impl Checked {
    /// All that is to be said about the program, as a person reads it.
    pub fn diagnostics(&self) -> Diagnostics {
        diagnostics(&self.problems, &self.sources())
    }

    /// The module that does what the target says. The program must have no errors.
    ///
    /// # Errors
    /// When the program, or a function of it, is too large for the machine.
    pub fn module(&self, target: Target, mode: Mode) -> Result<Module, Diagnostics> {
        emitted(&self.counted(target, mode), &self.sources())
    }

    fn counted(&self, target: Target, mode: Mode) -> Program {
        let mut program = lower(&self.program, target);
        rc::insert(&mut program, mode);
        program
    }

    /// Where shared values are copied before they are changed, in what `main` and the tests reach.
    /// The program must have no errors.
    pub fn copies(&self) -> Vec<Problem> {
        let tests = (!self.program.tests.is_empty()).then_some(Target::Tests);
        let main = self.program.main.map(|_| Target::Main);
        let mut copies: Vec<rc::Copied> = Vec::new();
        for target in main.into_iter().chain(tests) {
            copies.extend(rc::copies_of_shared(&self.counted(target, Mode::Optimised)));
        }
        copies.sort();
        copies.dedup_by(|one, other| (one.file, one.at.0) == (other.file, other.at.0));
        copies.iter().map(memory::copies).collect()
    }
}
