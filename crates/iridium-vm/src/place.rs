//! Places in a program.

use std::fmt;

use iridium_isa::Module;

/// A place in a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The instruction's index.
    pub index: u32,
    /// Source file, line and column, unless the module is stripped.
    pub source: Option<(String, u32, u32)>,
    /// The last label before it, and how many instructions after it.
    pub label: Option<(String, u32)>,
    /// The instruction as source text.
    pub instruction: String,
}

impl Place {
    /// The place of an instruction in a module.
    pub fn of(module: &Module, index: u32) -> Self {
        let source = module.lines().and_then(|table| {
            let location = table.location(index)?;
            Some((table.file(location.file)?.to_owned(), location.line, location.column))
        });
        let label = module.code_labels().iter().filter(|(_, at)| *at <= index);
        let label = label.max_by_key(|(_, at)| *at).map(|(name, at)| (name.clone(), index - at));
        Self { index, source, label, instruction: module.instruction_text(index) }
    }
}

/// `file:line:column (label+offset): instruction`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.source {
            Some((file, line, column)) => write!(f, "{file}:{line}:{column}")?,
            None => write!(f, "instruction {}", self.index)?,
        }
        match &self.label {
            Some((name, 0)) => write!(f, " ({name})")?,
            Some((name, offset)) => write!(f, " ({name}+{offset})")?,
            None => {}
        }
        write!(f, ": {}", self.instruction)
    }
}
