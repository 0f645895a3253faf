//! The check of a program, from the path of its first file.

use iridium_isa::{Severity, Sources};

use super::loader::{LoadError, Loader};
use super::source_file::SourceFile;
use super::world::World;
use crate::core::Program;
use crate::diag::Problem;
use crate::types::program;

/// A program that has been checked. It can only be compiled when no problem is an error.
#[derive(Debug, Clone)]
pub struct Checked {
    /// The typed tree.
    pub program: Program,
    /// What is wrong, in the order in which it was found.
    pub problems: Vec<Problem>,
    /// All files that were read, by their ids.
    pub files: Vec<SourceFile>,
}

impl Checked {
    /// Whether something is wrong, so that the program cannot be compiled.
    pub fn has_errors(&self) -> bool {
        self.problems.iter().any(|problem| problem.severity == Severity::Error)
    }

    /// The files, so that problems can be shown.
    pub fn sources(&self) -> Sources<'_> {
        SourceFile::sources(&self.files)
    }
}

/// Checks the program that begins in the file `root`, which is named as the loader knows it: files
/// that it imports are looked for in the same folder.
///
/// # Errors
///
/// When the file itself cannot be read. All else that is wrong is in the problems.
pub fn check(root: &str, loader: &mut dyn Loader) -> Result<Checked, LoadError> {
    let mut world = World::default();
    let module = world.read_program(root, loader)?;
    let (program, world) = program::check(world, Some(module));
    Ok(Checked { program, problems: world.problems, files: world.files })
}
