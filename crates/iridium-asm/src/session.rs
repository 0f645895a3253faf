//! Assembling line by line onto what is already there, for a REPL.

use iridium_isa::syntax::Symbol;
use iridium_isa::{
    BuildError, DATA_BASE, Diagnostics, FileId, Instruction, Location, Module, ModuleBuilder,
};

use super::parser::{Base, parse};
use super::report::Report;
use super::resolve::{Origin, resolve};
use super::{MAX_SOURCE, line_table_name};

/// A module that grows.
///
/// Every entry is appended to the code and the data; the positions of what is there already do not
/// change, so a process can go on in the grown module, at the entry's first instruction:
///
/// ```
/// use iridium_asm::Session;
///
/// let mut session = Session::new("repl");
/// let first = session.enter("load $0 #40")?;
/// let second = session.enter("twice: addi $0 #1 $0\naddi $0 #1 $0")?;
/// assert_eq!((first.start, second.start), (0, 1));
/// assert_eq!(second.module.code().len(), 4, "with a `hlt` at the end");
/// assert_eq!(session.symbols(), [("twice", 1)]);
///
/// assert!(session.enter("djmp @nowhere").is_err(), "a bad line changes nothing");
/// # Ok::<(), iridium_isa::Diagnostics>(())
/// ```
#[derive(Debug, Clone)]
pub struct Session {
    name: String,
    /// What was entered, without the `hlt` that every module of the session ends with.
    builder: ModuleBuilder,
    base: Base,
    /// The session in the line table, with the lines entered so far.
    origin: Origin,
}

/// An entry, ready to run.
#[derive(Debug, Clone)]
pub struct Entered {
    /// All that was entered so far, ended by a `hlt`.
    pub module: Module,
    /// The first instruction of this entry, or the final `hlt` when it had none.
    pub start: u32,
}

impl Session {
    /// An empty session; the name stands in diagnostics and traps.
    pub fn new(name: impl Into<String>) -> Self {
        Self::with(name.into(), ModuleBuilder::new(), None)
    }

    /// A session that goes on from a module. What was there keeps its places in its files; what is
    /// entered stands in a file with the name of the session.
    pub fn from_module(name: impl Into<String>, module: &Module) -> Self {
        let name = name.into();
        let known = entered_before(&line_table_name(&name), module);
        let mut session = Self::with(name, ModuleBuilder::from_module(module.clone()), known);
        let last = module.lines().and_then(|table| table.locations().last().copied().flatten());
        if last.is_some() {
            session.builder.set_location(last);
        }
        let code = module.code_labels().iter().chain(module.exports());
        let code = code.map(|(name, at)| (name.clone(), Symbol::Code(*at)));
        let data = module.data_labels().iter();
        let data = data.map(|(name, at)| (name.clone(), Symbol::Data(*at)));
        session.base.symbols = code.chain(data).collect();
        session.base.imports =
            (0..).zip(module.imports()).map(|(n, name)| (name.clone(), n)).collect();
        session
    }

    fn with(name: String, mut builder: ModuleBuilder, known: Option<Origin>) -> Self {
        let origin = known.unwrap_or_else(|| {
            let file = builder.add_file(line_table_name(&name));
            // Where the final `hlt` stands before anything is entered.
            builder.set_location(Some(Location { file, line: 1, column: 1 }));
            Origin { file, lines: 0 }
        });
        let base =
            Base { code: builder.position(), data: builder.data_position().0, ..Base::default() };
        Self { name, builder, base, origin }
    }

    /// Assembles one or more lines.
    ///
    /// # Errors
    /// All errors of the entry; the session is as it was before.
    pub fn enter(&mut self, text: &str) -> Result<Entered, Diagnostics> {
        let mut report = Report::new(&self.name, text);
        if text.len() > MAX_SOURCE {
            report.whole_file(format!("an entry is at most {MAX_SOURCE} bytes long"));
            return Err(report.finish());
        }
        let mut draft = parse(text, &self.base, &mut report);
        let mut builder = self.builder.clone();
        resolve(&mut draft, &self.base, self.origin, &mut builder, &mut report);
        if report.has_errors() {
            return Err(report.finish());
        }
        let module = match ended(builder.clone()) {
            Ok(module) => module,
            Err(error) => {
                report.whole_file(error.to_string());
                return Err(report.finish());
            }
        };
        let start = self.base.code;
        self.base.code = builder.position();
        self.base.data = builder.data_position().0;
        self.base.in_data = draft.in_data;
        for (name, definition) in &draft.symbols {
            self.base.symbols.insert((*name).to_owned(), definition.symbol);
        }
        for (name, number) in &draft.imports {
            self.base.imports.insert((*name).to_owned(), *number);
        }
        self.origin.lines += text.lines().count().max(1) as u32;
        self.builder = builder;
        Ok(Entered { module, start })
    }

    /// Labels with what they stand for, sorted by name: instruction indices and data addresses.
    pub fn symbols(&self) -> Vec<(&str, i64)> {
        let symbols = self.base.symbols.iter();
        let mut symbols: Vec<_> = symbols.map(|(name, at)| (name.as_str(), value(*at))).collect();
        symbols.sort_unstable();
        symbols
    }

    /// What a label stands for: an instruction index or a data address.
    pub fn symbol(&self, name: &str) -> Option<i64> {
        self.base.symbols.get(name).copied().map(value)
    }

    /// How many instructions there are so far, without the `hlt` that every module ends with.
    pub fn length(&self) -> u32 {
        self.base.code
    }
}

fn value(symbol: Symbol) -> i64 {
    match symbol {
        Symbol::Code(index) => i64::from(index),
        Symbol::Data(offset) => DATA_BASE + i64::from(offset),
    }
}

/// The module with its final `hlt`.
fn ended(mut builder: ModuleBuilder) -> Result<Module, BuildError> {
    builder.push(Instruction::Hlt {});
    builder.finish()
}

/// Where an earlier session of the same name has left off in a module.
fn entered_before(name: &str, module: &Module) -> Option<Origin> {
    let table = module.lines()?;
    let file = FileId(table.files().iter().position(|file| file == name)? as u32);
    let locations = table.locations().iter().flatten().filter(|at| at.file == file);
    Some(Origin { file, lines: locations.map(|at| at.line).max().unwrap_or(0) })
}
