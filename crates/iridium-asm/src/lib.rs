//! The assembler: source text to a verified module.
//!
//! * `lexer` cuts a source into tokens;
//! * `parser` reads lines into statements, labels and data;
//! * `resolve` turns statements into instructions once all labels are known;
//! * `lint` looks for what assembles but is probably a mistake;
//! * `disasm` goes the other way: a module as source text;
//! * [`Session`] assembles line by line onto what is already there, for a REPL.
//!
//! ```
//! use crate::Assembler;
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
mod parser;
mod resolve;
mod session;

pub use self::disasm::disassemble;
use self::parser::{Base, parse};
pub use self::session::{Entered, Session};
use iridium_isa::{Diagnostics, LineTable, Module, Parts};

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
        let mut report = Diagnostics::new(&self.file);
        if source.len() > MAX_SOURCE {
            report.whole_file(format!(
                "the source is {} bytes long; the assembler takes at most {MAX_SOURCE}",
                source.len()
            ));
            return Err(report);
        }
        let base = Base::default();
        let mut draft = parse(source, &base, &mut report);
        let ends = resolve::add_final_hlt(&mut draft, &base);
        let parts = resolve::resolve(&draft, &base, source, &mut report);
        if report.has_errors() {
            report.sort();
            return Err(report);
        }
        lint::lint(&draft, &parts, ends, source, &mut report);
        report.sort();
        let lines = LineTable { file: self.file.clone(), places: draft.places() };
        match Module::verified(Parts { lines: Some(lines), ..parts }) {
            Ok(module) => Ok(Assembled { module, warnings: report }),
            Err(error) => {
                report.whole_file(error.to_string());
                Err(report)
            }
        }
    }
}
