//! Assembling line by line onto what is already there, for a REPL.

use std::collections::HashMap;

use super::parser::{Base, parse};
use super::{MAX_SOURCE, resolve};
use iridium_isa::source::Symbol;
use iridium_isa::{Diagnostics, Instruction, InvalidModule, LineTable, Module, Parts};

/// A module that grows.
///
/// Every entry is appended to the code and the data; the positions of what is there already do not
/// change, so a process can go on in the grown module:
///
/// ```
/// use iridium_vm::{Hosts, Limits, Process, Program, Stop};
/// use crate::Session;
///
/// let mut session = Session::new("repl");
/// let mut process: Option<Process> = None;
/// for line in ["load $0 #40", "twice: addi $0 #1 $0", "addi $0 #1 $0"] {
///     let entered = session.enter(line)?;
///     let program = Program::new(entered.module, &Hosts::new())?;
///     let process = process.get_or_insert_with(|| Process::new(&program, Limits::default()));
///     process.continue_with(&program, entered.start);
///     assert!(matches!(process.run(&program, 1_000, &mut Vec::new())?, Stop::Halted(_)));
/// }
/// assert_eq!(process.map(|process| process.register(0).int), Some(42));
///
/// assert!(session.enter("jmp @nowhere").is_err(), "a bad line changes nothing");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Session {
    name: String,
    /// What was entered, without the `hlt` that every module of the session ends with.
    parts: Parts,
    base: Base,
    /// Lines entered so far.
    lines: u32,
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
        let name = name.into();
        let lines = Some(LineTable { file: name.clone(), places: Vec::new() });
        let parts = Parts { lines, ..Parts::default() };
        Self { name, parts, base: Base::default(), lines: 0 }
    }

    /// A session that goes on from a module.
    pub fn from_module(name: impl Into<String>, module: &Module) -> Self {
        let mut session = Self { parts: module.clone().into_parts(), ..Self::new(name) };
        let places = session.parts.lines.get_or_insert_default();
        places.places.resize(session.parts.code.len(), (0, 0));
        // Entries count on, so that no place of theirs passes for one in the module's source.
        session.lines = places.places.iter().map(|(line, _)| *line).max().unwrap_or(0);
        let code = session.parts.code_labels.iter().chain(&session.parts.exports);
        let code = code.map(|(name, at)| (name.clone(), Symbol::Code(*at)));
        let data = session.parts.data_labels.iter();
        let data = data.map(|(name, at)| (name.clone(), Symbol::Data(*at)));
        session.base.symbols = code.chain(data).collect();
        session.base.imports = numbered(&session.parts.imports);
        session.base.code = session.parts.code.len() as u32;
        session.base.data = session.parts.data.len() as u32;
        session
    }

    /// Assembles one or more lines.
    ///
    /// # Errors
    /// All errors of the entry; the session is as it was before.
    pub fn enter(&mut self, text: &str) -> Result<Entered, Diagnostics> {
        let mut report = Diagnostics::new(&self.name);
        if text.len() > MAX_SOURCE {
            report.whole_file(format!("an entry is at most {MAX_SOURCE} bytes long"));
            return Err(report);
        }
        let draft = parse(text, &self.base, &mut report);
        let new = resolve::resolve(&draft, &self.base, text, &mut report);
        if report.has_errors() {
            report.sort();
            return Err(report);
        }
        let start = self.base.code;
        let mut parts = self.parts.clone();
        if draft.entry.is_some() {
            parts.entry = new.entry;
        }
        parts.code.extend(new.code);
        parts.data.extend(new.data);
        parts.exports.extend(new.exports);
        parts.imports.extend(new.imports);
        parts.code_labels.extend(new.code_labels);
        parts.data_labels.extend(new.data_labels);
        if let Some(table) = &mut parts.lines {
            let moved =
                draft.places().into_iter().map(|(line, column)| (line + self.lines, column));
            table.places.extend(moved);
        }
        let module = ended(parts.clone()).map_err(|error| {
            report.whole_file(error.to_string());
            report
        })?;
        for (name, definition) in &draft.symbols {
            self.base.symbols.insert((*name).to_owned(), definition.symbol);
        }
        self.base.imports = numbered(&parts.imports);
        self.base.code = parts.code.len() as u32;
        self.base.data = parts.data.len() as u32;
        self.base.in_data = draft.in_data;
        self.lines += text.lines().count().max(1) as u32;
        self.parts = parts;
        Ok(Entered { module, start })
    }

    /// Labels with what they stand for, sorted by name: instruction indices and data addresses.
    pub fn symbols(&self) -> Vec<(String, i64)> {
        let value = |symbol: &Symbol| match symbol {
            Symbol::Code(index) => i64::from(*index),
            Symbol::Data(offset) => iridium_isa::DATA_BASE + i64::from(*offset),
        };
        let symbols = self.base.symbols.iter();
        let mut symbols: Vec<_> = symbols.map(|(name, at)| (name.clone(), value(at))).collect();
        symbols.sort();
        symbols
    }

    /// All instructions so far, as source text.
    pub fn listing(&self) -> Vec<String> {
        match ended(self.parts.clone()) {
            Ok(module) => (0..self.base.code).map(|at| module.instruction_text(at)).collect(),
            Err(_) => Vec::new(),
        }
    }
}

/// The module with its final `hlt`.
fn ended(mut parts: Parts) -> Result<Module, InvalidModule> {
    parts.code.push(Instruction::Hlt {});
    if let Some(table) = &mut parts.lines {
        let last = table.places.last().copied().unwrap_or((1, 1));
        table.places.push(last);
    }
    Module::verified(parts)
}

fn numbered(imports: &[String]) -> HashMap<String, u16> {
    imports.iter().enumerate().map(|(number, name)| (name.clone(), number as u16)).collect()
}
