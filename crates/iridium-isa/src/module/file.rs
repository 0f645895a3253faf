//! The module file `.irb`.
//!
//! All numbers are little-endian.
//!
//! | bytes | what |
//! | --- | --- |
//! | 4 | magic `EPIE` |
//! | 2 | format version |
//! | 2 | number of sections |
//! | 32 | identity |
//! | 12 each | sections: id, length, CRC-32 |
//! | 4 | CRC-32 of everything before |
//! | … | the sections in order |

use super::{LineTable, ModuleId, Parts};
use crate::instruction::{Instruction, Opcode};
use crate::operand::Bytes;
use crate::verify::InvalidModule;

/// The first four bytes of a module file.
pub const MAGIC: [u8; 4] = *b"EPIE";
/// The format that this version writes and reads.
pub const FORMAT_VERSION: u16 = 1;

const SECTIONS: [&str; 6] = ["code", "data", "exports", "imports", "lines", "labels"];
const HEADER: usize = 40;
const ENTRY: usize = 12;

/// Why a file is not a usable module.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LoadError {
    /// It does not begin with the magic.
    #[error("not an Iridium module: it does not begin with `EPIE`")]
    Foreign,
    /// A program of the original Iridium, whose binary format had no version.
    #[error("a program of the original Iridium; assemble it again from its source")]
    Original,
    /// Written by a later version.
    #[error(
        "module format {found} is newer than this version of Iridium, which reads {FORMAT_VERSION}"
    )]
    Future {
        /// The version in the file.
        found: u16,
    },
    /// The file ends too early.
    #[error("module is cut off: {found} bytes of {needed}")]
    Truncated {
        /// Bytes that the header speaks of.
        needed: u64,
        /// Bytes that are there.
        found: u64,
    },
    /// There is more than the header speaks of.
    #[error("module is damaged: {extra} bytes after its end")]
    Trailing {
        /// How many bytes too many.
        extra: u64,
    },
    /// A checksum is wrong or a section makes no sense.
    #[error("module is damaged: bad {section}")]
    Damaged {
        /// Which part.
        section: &'static str,
    },
    /// It is intact but breaks a rule of the verifier.
    #[error("invalid module: {0}")]
    Invalid(#[from] InvalidModule),
}

/// The bytes of a module file.
pub fn write(parts: &Parts, id: ModuleId) -> Vec<u8> {
    let [code, data, exports, imports] = behaviour(parts);
    let sections = [code, data, exports, imports, lines(parts), labels(parts)];
    let mut out = Vec::new();
    out.extend_from_slice(&MAGIC);
    out.extend_from_slice(&FORMAT_VERSION.to_le_bytes());
    out.extend_from_slice(&(sections.len() as u16).to_le_bytes());
    out.extend_from_slice(&id.0);
    for (number, section) in sections.iter().enumerate() {
        put(&mut out, number as u32);
        put(&mut out, section.len() as u32);
        put(&mut out, crc32fast::hash(section));
    }
    let checksum = crc32fast::hash(&out);
    put(&mut out, checksum);
    sections.iter().for_each(|section| out.extend_from_slice(section));
    out
}

/// The sections that affect behaviour: code, data, entry with exports, imports.
pub fn behaviour(parts: &Parts) -> [Vec<u8>; 4] {
    let mut code = Vec::with_capacity(parts.code.len() * 6);
    put(&mut code, parts.code.len() as u32);
    parts.code.iter().for_each(|instruction| instruction.encode(&mut code));

    let mut exports = Vec::new();
    put(&mut exports, parts.entry);
    put_names(&mut exports, &parts.exports);

    let mut imports = Vec::new();
    put(&mut imports, parts.imports.len() as u32);
    parts.imports.iter().for_each(|name| put_text(&mut imports, name));

    [code, parts.data.clone(), exports, imports]
}

fn lines(parts: &Parts) -> Vec<u8> {
    let mut out = Vec::new();
    if let Some(table) = &parts.lines {
        put_text(&mut out, &table.file);
        for (line, column) in &table.places {
            put(&mut out, *line);
            put(&mut out, *column);
        }
    }
    out
}

fn labels(parts: &Parts) -> Vec<u8> {
    let mut out = Vec::new();
    put_names(&mut out, &parts.code_labels);
    put_names(&mut out, &parts.data_labels);
    out
}

fn put(out: &mut Vec<u8>, number: u32) {
    out.extend_from_slice(&number.to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u32);
    out.extend_from_slice(text.as_bytes());
}

fn put_names(out: &mut Vec<u8>, names: &[(String, u32)]) {
    put(out, names.len() as u32);
    for (name, value) in names {
        put_text(out, name);
        put(out, *value);
    }
}

/// Reads the parts and the identity that the file claims.
pub fn read(bytes: &[u8]) -> Result<(Parts, ModuleId), LoadError> {
    let [code, data, exports, imports, lines, labels] = sections(bytes)?;
    let damaged = |section: usize| LoadError::Damaged { section: SECTIONS[section] };

    let mut reader = Bytes(exports);
    let entry = number(&mut reader).ok_or_else(|| damaged(2))?;
    let exports = names(&mut reader).filter(|_| reader.0.is_empty()).ok_or_else(|| damaged(2))?;

    let mut reader = Bytes(labels);
    let code_labels = names(&mut reader).ok_or_else(|| damaged(5))?;
    let data_labels =
        names(&mut reader).filter(|_| reader.0.is_empty()).ok_or_else(|| damaged(5))?;

    let parts = Parts {
        code: read_code(code)?,
        data: data.to_vec(),
        entry,
        exports,
        imports: read_imports(imports).ok_or_else(|| damaged(3))?,
        code_labels,
        data_labels,
        lines: if lines.is_empty() {
            None
        } else {
            Some(read_lines(lines).ok_or_else(|| damaged(4))?)
        },
    };
    let mut id = [0; 32];
    id.copy_from_slice(bytes.get(8..HEADER).ok_or(LoadError::Foreign)?);
    Ok((parts, ModuleId(id)))
}

/// Checks the header and every checksum, and cuts the file into its sections.
fn sections(bytes: &[u8]) -> Result<[&[u8]; 6], LoadError> {
    let found = bytes.len() as u64;
    if !MAGIC.starts_with(bytes.get(..4).unwrap_or(bytes)) || bytes.is_empty() {
        return Err(LoadError::Foreign);
    }
    let truncated = |needed: usize| LoadError::Truncated { needed: needed as u64, found };
    let header = bytes.first_chunk::<HEADER>().ok_or_else(|| truncated(HEADER))?;
    let version = u16::from_le_bytes([header[4], header[5]]);
    match version {
        FORMAT_VERSION => {}
        0 => return Err(LoadError::Original),
        _ => return Err(LoadError::Future { found: version }),
    }
    let table_end = HEADER + ENTRY * SECTIONS.len();
    let checked = bytes.get(..table_end).ok_or_else(|| truncated(table_end + 4))?;
    let mut reader = Bytes(bytes.get(table_end..).unwrap_or(&[]));
    let checksum = number(&mut reader).ok_or_else(|| truncated(table_end + 4))?;
    let count = usize::from(u16::from_le_bytes([header[6], header[7]]));
    if checksum != crc32fast::hash(checked) || count != SECTIONS.len() {
        return Err(LoadError::Damaged { section: "header" });
    }

    let mut table = Bytes(checked.get(HEADER..).unwrap_or(&[]));
    let mut entries = [(0usize, 0u32); SECTIONS.len()];
    for (position, entry) in entries.iter_mut().enumerate() {
        let (id, length, checksum) = (number(&mut table), number(&mut table), number(&mut table));
        match (id, length, checksum) {
            (Some(id), Some(length), Some(checksum)) if id as usize == position => {
                *entry = (length as usize, checksum);
            }
            _ => return Err(LoadError::Damaged { section: "header" }),
        }
    }
    let body = reader.0;
    let needed: u64 = entries.iter().map(|(length, _)| *length as u64).sum();
    let whole = (table_end as u64) + 4 + needed;
    match found.cmp(&whole) {
        std::cmp::Ordering::Less => return Err(LoadError::Truncated { needed: whole, found }),
        std::cmp::Ordering::Greater => return Err(LoadError::Trailing { extra: found - whole }),
        std::cmp::Ordering::Equal => {}
    }
    let mut rest = body;
    let mut cut: [&[u8]; SECTIONS.len()] = [&[]; SECTIONS.len()];
    for ((slot, (length, checksum)), name) in cut.iter_mut().zip(entries).zip(SECTIONS) {
        let (section, after) =
            rest.split_at_checked(length).ok_or(LoadError::Damaged { section: name })?;
        if crc32fast::hash(section) != checksum {
            return Err(LoadError::Damaged { section: name });
        }
        (*slot, rest) = (section, after);
    }
    Ok(cut)
}

fn read_code(section: &[u8]) -> Result<Vec<Instruction>, LoadError> {
    let damaged = LoadError::Damaged { section: SECTIONS[0] };
    let mut reader = Bytes(section);
    let count = number(&mut reader).ok_or_else(|| damaged.clone())? as usize;
    // Every instruction takes at least a byte, so a wrong count cannot reserve much.
    if count > reader.0.len() {
        return Err(damaged);
    }
    let mut code = Vec::with_capacity(count);
    for index in 0..count {
        let [number] = reader.take().ok_or_else(|| damaged.clone())?;
        let opcode = Opcode::from_number(number)
            .ok_or(InvalidModule::UnknownOpcode { number, index: index as u32 })?;
        code.push(opcode.decode(&mut reader).ok_or_else(|| damaged.clone())?);
    }
    if reader.0.is_empty() { Ok(code) } else { Err(damaged) }
}

fn read_imports(section: &[u8]) -> Option<Vec<String>> {
    let mut reader = Bytes(section);
    let count = number(&mut reader)? as usize;
    let imports = (0..count).map_while(|_| text(&mut reader)).collect::<Vec<_>>();
    (imports.len() == count && reader.0.is_empty()).then_some(imports)
}

fn read_lines(section: &[u8]) -> Option<LineTable> {
    let mut reader = Bytes(section);
    let file = text(&mut reader)?;
    let mut places = Vec::with_capacity(reader.0.len() / 8);
    while !reader.0.is_empty() {
        places.push((number(&mut reader)?, number(&mut reader)?));
    }
    Some(LineTable { file, places })
}

fn number(reader: &mut Bytes<'_>) -> Option<u32> {
    reader.take().map(u32::from_le_bytes)
}

fn text(reader: &mut Bytes<'_>) -> Option<String> {
    let length = number(reader)? as usize;
    let (head, rest) = reader.0.split_at_checked(length)?;
    reader.0 = rest;
    std::str::from_utf8(head).ok().map(str::to_owned)
}

fn names(reader: &mut Bytes<'_>) -> Option<Vec<(String, u32)>> {
    let count = number(reader)? as usize;
    let names =
        (0..count).map_while(|_| Some((text(reader)?, number(reader)?))).collect::<Vec<_>>();
    (names.len() == count).then_some(names)
}
