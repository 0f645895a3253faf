//! Places in a program.

use std::fmt;
use std::sync::Arc;

use iridium_isa::Module;
use iridium_isa::escape::{escape, excerpt};

/// Bytes of an instruction that are shown; a jump table may have millions of labels.
const MAX_SHOWN: usize = 255;

/// A place in a program.
///
/// It is a number and the module, whose names are looked up when it is shown: most places that a
/// trap has are never shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    module: Arc<Module>,
    index: u32,
}

impl Place {
    /// The place of an instruction in a module.
    pub fn of(module: &Arc<Module>, index: u32) -> Self {
        Self { module: Arc::clone(module), index }
    }

    /// The instruction's index.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Source file, line and column, unless the module is stripped.
    pub fn source(&self) -> Option<(&str, u32, u32)> {
        let table = self.module.lines()?;
        let location = table.location(self.index)?;
        Some((table.file(location.file)?, location.line, location.column))
    }

    /// Whether it stands in the source. Without a table of lines nothing is known about that, and
    /// it counts as if it did.
    #[must_use]
    pub fn is_written(&self) -> bool {
        self.module.lines().is_none() || self.source().is_some()
    }

    /// Whether it stands in the library of a language, whose files are called `std/…`.
    pub(crate) fn is_library(&self) -> bool {
        self.source().is_some_and(|(file, ..)| file.starts_with("std/"))
    }

    /// The last label before it, and how many instructions after it.
    pub fn label(&self) -> Option<(&str, u32)> {
        self.module.label_before(self.index)
    }

    /// The instruction as source text.
    pub fn instruction(&self) -> String {
        self.module.instruction_text(self.index)
    }

    /// The place for reports to people: of a file of Palladium, `file:line:column (function)`, since
    /// nobody wrote the instruction there; else with all that is known.
    pub fn in_source(&self) -> String {
        match (self.source(), self.label()) {
            (Some((file, line, column)), Some((function, _))) if file.ends_with(".pd") => {
                format!("{}:{line}:{column} ({function})", escape(file))
            }
            _ => self.to_string(),
        }
    }
}

/// `file:line:column (label+offset): instruction`, fit to be shown.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.source() {
            Some((file, line, column)) => write!(f, "{}:{line}:{column}", escape(file))?,
            None => write!(f, "instruction {}", self.index)?,
        }
        match self.label() {
            Some((name, 0)) => write!(f, " ({name})")?,
            Some((name, offset)) => write!(f, " ({name}+{offset})")?,
            None => {}
        }
        write!(f, ": {}", excerpt(&self.instruction(), MAX_SHOWN))
    }
}
