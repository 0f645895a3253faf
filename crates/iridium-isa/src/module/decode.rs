//! The content of a module file's sections, read. Whatever is `None` here is damaged.

use super::error::LoadError;
use super::forms::{list, text};
use super::verify::InvalidModule;
use crate::bytes::Bytes;
use crate::instruction::{Instruction, Opcode};
use crate::lines::{FileId, LineTable, Location};

/// Names with the instruction or the data that each stands for.
type Names = Vec<(String, u32)>;

pub(super) fn code(section: &[u8]) -> Result<Vec<Instruction>, LoadError> {
    let damaged = LoadError::Damaged { section: "code" };
    let mut reader = Bytes(section);
    let count = reader.number::<u32>().ok_or_else(|| damaged.clone())?;
    // Every instruction takes at least a byte, so a wrong count cannot reserve much.
    if count as usize > reader.0.len() {
        return Err(damaged);
    }
    let mut code = Vec::with_capacity(count as usize);
    for index in 0..count {
        let number = reader.number().ok_or_else(|| damaged.clone())?;
        let opcode =
            Opcode::from_number(number).ok_or(InvalidModule::UnknownOpcode { number, index })?;
        code.push(opcode.decode(&mut reader).ok_or_else(|| damaged.clone())?);
    }
    if reader.0.is_empty() { Ok(code) } else { Err(damaged) }
}

/// The entry and the exports.
pub(super) fn exports(section: &[u8]) -> Option<(u32, Names)> {
    let mut reader = Bytes(section);
    let read = (reader.number()?, names(&mut reader)?);
    reader.0.is_empty().then_some(read)
}

pub(super) fn imports(section: &[u8]) -> Option<Vec<String>> {
    let mut reader = Bytes(section);
    let imports = texts(&mut reader)?;
    reader.0.is_empty().then_some(imports)
}

/// The line table of version 1: one file, then line and column of each instruction.
pub(super) fn lines_of_one_file(section: &[u8]) -> Option<LineTable> {
    let mut reader = Bytes(section);
    let mut table = LineTable::new();
    let file = table.add_file(text(&mut reader)?);
    while !reader.0.is_empty() {
        table.push(location(file, reader.number()?, reader.number()?));
    }
    Some(table)
}

pub(super) fn lines(section: &[u8]) -> Option<LineTable> {
    let mut reader = Bytes(section);
    let mut table = LineTable::new();
    for name in texts(&mut reader)? {
        table.add_file(name);
    }
    while !reader.0.is_empty() {
        let file = FileId(reader.number()?);
        table.push(location(file, reader.number()?, reader.number()?));
    }
    Some(table)
}

/// The labels of the code, and those of the data.
pub(super) fn labels(section: &[u8]) -> Option<(Names, Names)> {
    let mut reader = Bytes(section);
    let read = (names(&mut reader)?, names(&mut reader)?);
    reader.0.is_empty().then_some(read)
}

/// Line 0 stands for no location.
fn location(file: FileId, line: u32, column: u32) -> Option<Location> {
    (line > 0).then_some(Location { file, line, column })
}

fn names(reader: &mut Bytes<'_>) -> Option<Names> {
    list(reader, |reader| Some((text(reader)?.to_owned(), reader.number()?)))
}

fn texts(reader: &mut Bytes<'_>) -> Option<Vec<String>> {
    list(reader, |reader| text(reader).map(str::to_owned))
}
