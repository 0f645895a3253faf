//! Modules back to source text.

use std::collections::HashSet;
use std::fmt::{self, Write as _};

use iridium_isa::text::{Names, generated_label};
use iridium_isa::{LineTable, Module, Parts, Sources};

use crate::listing::Listing;

/// How far sources are from the margin of instructions.
const WIDTH: usize = 30;

/// Bytes on a `.byte` line.
const BYTES_A_LINE: usize = 16;

/// Source text that assembles to the same code, data, entry, exports and imports.
pub fn disassemble(module: &Module) -> Disassembly<'_> {
    let parts = module.parts();
    Disassembly { parts, labels: code_labels(parts), beside: None }
}

/// The same, with the lines of its sources beside the instructions, as comments.
pub fn listing<'m>(module: &'m Module, sources: &'m Sources<'m>) -> Disassembly<'m> {
    Disassembly { beside: module.lines().map(|table| (table, sources)), ..disassemble(module) }
}

/// A module as source text, which is made while it is [written](fmt::Display): it may be many times
/// as long as the module.
#[derive(Debug)]
pub struct Disassembly<'m> {
    parts: &'m Parts,
    /// The labels that are printed, in the order of their instructions.
    labels: Vec<(String, u32)>,
    /// What is printed beside the instructions.
    beside: Option<(&'m LineTable, &'m Sources<'m>)>,
}

impl fmt::Display for Disassembly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { parts, labels, beside } = self;
        let mut beside = beside.map(|(table, sources)| Listing::new(table, sources));
        let names = Names { code: labels, data: &parts.data_labels, imports: &parts.imports };
        print_data(parts, f)?;
        f.write_str(".code\n")?;
        parts.imports.iter().try_for_each(|name| writeln!(f, ".import {name}"))?;
        parts.exports.iter().try_for_each(|(name, _)| writeln!(f, ".export @{name}"))?;
        let mut line = String::new();
        if parts.entry != 0 {
            names.code(parts.entry, &mut line);
            writeln!(f, ".entry {line}")?;
        }
        let mut labels = labels.iter().peekable();
        for (index, instruction) in (0..).zip(&parts.code) {
            while let Some((label, _)) = labels.next_if(|(_, at)| *at == index) {
                writeln!(f, "{label}:")?;
            }
            line.clear();
            instruction.print(&names, &mut line);
            match beside.as_mut().and_then(|beside| beside.next(index)) {
                Some(source) => writeln!(f, "    {line:<WIDTH$} ; {source}")?,
                None => writeln!(f, "    {line}")?,
            }
        }
        Ok(())
    }
}

/// The labels that are printed: those that the module has, the exports, and generated ones for
/// targets that have none.
fn code_labels(parts: &Parts) -> Vec<(String, u32)> {
    let named = parts.code_labels.iter().chain(&parts.exports);
    let mut taken: HashSet<&str> =
        parts.data_labels.iter().map(|(name, _)| name.as_str()).collect();
    let mut labels: Vec<(String, u32)> =
        named.clone().filter(|(name, _)| taken.insert(name)).cloned().collect();
    let mut labelled = vec![false; parts.code.len()];
    let mut is_new =
        |at: u32| labelled.get_mut(at as usize).is_some_and(|seen| !std::mem::replace(seen, true));
    named.for_each(|(_, at)| {
        is_new(*at);
    });
    let targets = parts.code.iter().flat_map(|instruction| instruction.targets());
    for target in targets.chain([&parts.entry]).filter(|target| is_new(**target)) {
        let mut name = generated_label(*target);
        let numbered = (1..).map(|number| format!("{}_{number}", generated_label(*target)));
        for other in numbered {
            if !taken.contains(name.as_str()) {
                break;
            }
            name = other;
        }
        labels.push((name, *target));
    }
    labels.sort_by_key(|(_, at)| *at);
    labels
}

fn print_data(parts: &Parts, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if parts.data.is_empty() && parts.data_labels.is_empty() {
        return Ok(());
    }
    f.write_str(".data\n")?;
    let mut labels = parts.data_labels.iter().peekable();
    let mut start = 0;
    loop {
        while let Some((label, _)) = labels.next_if(|(_, at)| *at as usize == start) {
            writeln!(f, "{label}:")?;
        }
        let end = labels.peek().map_or(parts.data.len(), |(_, at)| *at as usize);
        if end == start {
            return Ok(());
        }
        print_chunk(parts.data.get(start..end).unwrap_or(&[]), f)?;
        start = end;
    }
}

fn print_chunk(bytes: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let printable = |byte: &u8| *byte == b' ' || byte.is_ascii_graphic() || *byte == b'\n';
    match bytes.split_last() {
        Some((0, string)) if !string.is_empty() && string.iter().all(printable) => {
            f.write_str("    .asciiz \"")?;
            for byte in string {
                match byte {
                    b'\n' => f.write_str("\\n")?,
                    b'"' => f.write_str("\\\"")?,
                    b'\\' => f.write_str("\\\\")?,
                    _ => f.write_char(char::from(*byte))?,
                }
            }
            f.write_str("\"\n")
        }
        _ if bytes.len() > BYTES_A_LINE && bytes.iter().all(|byte| *byte == 0) => {
            writeln!(f, "    .zero #{}", bytes.len())
        }
        _ => {
            for line in bytes.chunks(BYTES_A_LINE) {
                f.write_str("    .byte")?;
                line.iter().try_for_each(|byte| write!(f, " #{byte}"))?;
                f.write_char('\n')?;
            }
            Ok(())
        }
    }
}
