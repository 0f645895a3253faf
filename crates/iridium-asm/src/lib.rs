//! The assembler: source text to a verified module.
//!
//! * `lexer` cuts a source into tokens;
//! * `parser` reads lines into statements, labels and data;
//! * `resolve` turns statements into instructions once all labels are known;
//! * `lint` looks for what assembles but is probably a mistake;
//! * `disasm` goes the other way: a module as source text;
//! * `report` collects what there is to say about the source;
//! * [`Session`] assembles line by line onto what is already there, for a REPL.
//!
//! ```
//! use iridium_asm::Assembler;
//!
//! let assembled = Assembler::new("double.iasm").assemble("add $0 $0 $0\nhlt\n")?;
//! assert_eq!(assembled.module.code().len(), 2);
//!
//! let errors = Assembler::new("typo.iasm").assemble("laod $0 #1\nhlt\n").unwrap_err();
//! assert!(errors.to_string().contains("did you mean `load`?"));
//! # Ok::<(), iridium_isa::Diagnostics>(())
//! ```

mod disasm;
mod lexer;
mod lint;
mod listing;
mod parser;
mod report;
mod resolve;
mod session;

use iridium_isa::escape::{escape, tail};
use iridium_isa::{Diagnostics, MAX_NAME, Module, ModuleBuilder};

pub use self::disasm::{Disassembly, disassemble, listing};
use self::parser::{Base, parse};
use self::report::Report;
use self::resolve::Origin;
pub use self::session::{Entered, Session};

/// The longest source text in bytes.
pub const MAX_SOURCE: usize = 64 << 20;

/// Assembles whole source files.
#[derive(Debug, Clone)]
pub struct Assembler {
    file: String,
}

/// A module and what should be said about its source.
#[derive(Debug, Clone)]
pub struct Assembled {
    /// The verified module.
    pub module: Module,
    /// Warnings; they do not keep the module from running.
    pub warnings: Diagnostics,
}

impl Assembler {
    /// An assembler for a source of this name, which appears in diagnostics and traps.
    pub fn new(file: impl Into<String>) -> Self {
        Self { file: file.into() }
    }

    /// Assembles a source text.
    ///
    /// # Errors
    /// All errors of the text, in the order of their lines.
    pub fn assemble(&self, source: &str) -> Result<Assembled, Diagnostics> {
        // Some editors begin a text with a mark that says that it is one.
        let source = source.strip_prefix('\u{feff}').unwrap_or(source);
        let mut report = Report::new(&self.file, source);
        if source.len() > MAX_SOURCE {
            report.whole_file(format!(
                "the source is {} bytes long; the assembler takes at most {MAX_SOURCE}",
                source.len()
            ));
            return Err(report.finish());
        }
        let base = Base::default();
        let mut draft = parse(source, &base, &mut report);
        let ends = resolve::add_final_hlt(&mut draft, &base);
        let mut builder = ModuleBuilder::new();
        let origin = Origin { file: builder.add_file(line_table_name(&self.file)), lines: 0 };
        resolve::resolve(&mut draft, &base, origin, &mut builder, &mut report);
        if report.has_errors() {
            return Err(report.finish());
        }
        match builder.finish() {
            Ok(module) => {
                lint::lint(&draft, &module, ends, &mut report);
                Ok(Assembled { module, warnings: report.finish() })
            }
            Err(error) => {
                report.whole_file(error.to_string());
                Err(report.finish())
            }
        }
    }
}

/// The name of a source as a line table can hold it.
fn line_table_name(name: &str) -> String {
    tail(&escape(name), MAX_NAME).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_path_is_named_by_its_end() {
        let path = "ü/".repeat(200) + "end.iasm";
        let assembled = Assembler::new(path).assemble("hlt").map(|assembled| assembled.module);
        let files = assembled.map(|module| module.lines().map(|table| table.files().to_vec()));
        let Ok(Some([name])) = files.as_ref().map(|files| files.as_deref()) else {
            unreachable!("one file: {files:?}")
        };
        assert!(name.len() <= MAX_NAME, "{}", name.len());
        assert!(name.starts_with("…") && name.ends_with("/ü/end.iasm"), "{name}");
    }
}

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
