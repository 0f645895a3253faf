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
//! | 4 | CRC-32 of everything before |
//! | 12 each | sections: id, length, CRC-32 |
//! | 4 | CRC-32 of everything before |
//! | … | the content of the sections, in order |
//!
//! Sections stand in the order of their ids, each once. Those below [`FIRST_OPTIONAL`] affect
//! behaviour: a reader that meets one it does not know refuses the file. The others are there for
//! people and tools: a reader leaves out those that it does not know, and they are lost when it writes
//! the module again.
//!
//! | id | section | |
//! | --- | --- | --- |
//! | 0 | code | required |
//! | 1 | data | required |
//! | 2 | entry and exports | required |
//! | 3 | imports | required |
//! | 32768 | line table | left out of a stripped module |
//! | 32769 | labels | left out when there are none |
//! | 32770 | protocols | left out when there are none |
//! | 32771 | app | left out when there is none |
//!
//! Version 1 had exactly six sections, with the ids 0 to 5, a line table of one file, and one
//! checksum, behind the list of sections. It is still read.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

use super::error::{FORMAT_VERSION, LoadError};
use super::identity::ModuleId;
use super::parts::Parts;
use super::{app, decode, encode, protocols};
use crate::bytes::{Bytes, Number};

/// The first four bytes of a module file.
pub const MAGIC: [u8; 4] = *b"EPIE";

const CODE: u32 = 0;
const DATA: u32 = 1;
const EXPORTS: u32 = 2;
const IMPORTS: u32 = 3;
/// The first of the sections that a reader need not know.
const FIRST_OPTIONAL: u32 = 0x8000;
const LINES: u32 = FIRST_OPTIONAL;
const LABELS: u32 = FIRST_OPTIONAL + 1;
const PROTOCOLS: u32 = FIRST_OPTIONAL + 2;
const APP: u32 = FIRST_OPTIONAL + 3;

/// The sections of version 1, in order, by the ids that they have now.
const VERSION_1: [u32; 6] = [CODE, DATA, EXPORTS, IMPORTS, LINES, LABELS];

/// Bytes up to the identity's end.
const HEADER: usize = 40;
/// Bytes of an entry in the list of sections.
const ENTRY: usize = 12;
const CHECKSUM: usize = 4;

/// How much is read of a module file: in memory, code takes some 65 bytes for one in the file, and names
/// some ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// The most instructions.
    pub instructions: usize,
    /// The most bytes in the file that are neither code nor data: of names, lines, protocols, the app.
    pub other_bytes: usize,
}

impl FileLimits {
    /// Whatever a module may have.
    pub const NONE: Self = Self { instructions: usize::MAX, other_bytes: usize::MAX };

    fn check(self, sections: &[Section<'_>]) -> Result<(), LoadError> {
        let mut other_bytes = 0;
        for section in sections {
            match section.id {
                CODE => {
                    let count = Bytes(section.content).number::<u32>().unwrap_or(0) as usize;
                    too_large("instructions", count, self.instructions)?;
                }
                DATA => {}
                _ => other_bytes += section.content.len(),
            }
        }
        too_large("bytes of names and lines", other_bytes, self.other_bytes)
    }
}

fn too_large(what: &'static str, found: usize, most: usize) -> Result<(), LoadError> {
    if found <= most { Ok(()) } else { Err(LoadError::TooLarge { what, found, most }) }
}

/// The bytes of a module file, in pieces, so that the data is not copied.
pub(super) fn pieces(parts: &Parts, id: ModuleId) -> Vec<Cow<'_, [u8]>> {
    let behaviour = (CODE..).zip(encode::behaviour(parts));
    let lines = parts.lines.as_ref().map(|table| (LINES, encode::lines(table).into()));
    let named = !parts.code_labels.is_empty() || !parts.data_labels.is_empty();
    let labels = named.then(|| (LABELS, encode::labels(parts).into()));
    let listed = !parts.protocols.is_empty();
    let protocols = listed.then(|| (PROTOCOLS, protocols::encode(&parts.protocols).into()));
    let app = parts.app.as_ref().map(|app| (APP, app::encode(app).into()));
    let optional = lines.into_iter().chain(labels).chain(protocols).chain(app);
    let sections: Vec<(u32, Cow<'_, [u8]>)> = behaviour.chain(optional).collect();

    let mut out = Vec::with_capacity(HEADER + ENTRY * sections.len() + 2 * CHECKSUM);
    out.extend_from_slice(&MAGIC);
    FORMAT_VERSION.put(&mut out);
    (sections.len() as u16).put(&mut out);
    out.extend_from_slice(&id.0);
    put_checksum(&mut out);
    for (id, content) in &sections {
        id.put(&mut out);
        (content.len() as u32).put(&mut out);
        crc32fast::hash(content).put(&mut out);
    }
    put_checksum(&mut out);
    let content = sections.into_iter().map(|(_, content)| content);
    std::iter::once(out.into()).chain(content).collect()
}

fn put_checksum(out: &mut Vec<u8>) {
    crc32fast::hash(out).put(out);
}

/// Reads the parts and the identity that the file claims.
pub(super) fn read(bytes: &[u8]) -> Result<(Parts, ModuleId), LoadError> {
    let (mut parts, data, id) = read_all_but_data(bytes, FileLimits::NONE)?;
    parts.data = bytes.get(data).unwrap_or_default().to_vec().into();
    Ok((parts, id))
}

/// As [`read`], from a file that nobody else needs: it becomes the data, which is not copied.
pub(super) fn take(mut bytes: Vec<u8>, limits: FileLimits) -> Result<(Parts, ModuleId), LoadError> {
    let (mut parts, data, id) = read_all_but_data(&bytes, limits)?;
    bytes.truncate(data.end);
    bytes.drain(..data.start);
    bytes.shrink_to_fit();
    parts.data = bytes.into();
    Ok((parts, id))
}

/// The parts without the data, where that is in the file, and the identity that the file claims.
fn read_all_but_data(
    bytes: &[u8],
    limits: FileLimits,
) -> Result<(Parts, Range<usize>, ModuleId), LoadError> {
    let header = Header::read(bytes)?;
    let sections = header.sections(bytes)?;
    limits.check(&sections)?;
    let section = |id| sections.iter().find(|section| section.id == id);
    let find = |id| section(id).map(|found| found.content);
    let required = |id| find(id).ok_or(damaged(id));
    if let Some(unknown) = sections.iter().find(|section| !section.is_known()) {
        return Err(LoadError::UnknownSection { id: unknown.id });
    }
    let (entry, exports) = decode::exports(required(EXPORTS)?).ok_or(damaged(EXPORTS))?;
    let (code_labels, data_labels) = match find(LABELS) {
        None => Default::default(),
        Some(content) => decode::labels(content).ok_or(damaged(LABELS))?,
    };
    let protocols = match find(PROTOCOLS) {
        None => Vec::new(),
        Some(content) => protocols::decode(content).ok_or(damaged(PROTOCOLS))?,
    };
    let app = match find(APP) {
        None => None,
        Some(content) => Some(app::decode(content).ok_or(damaged(APP))?),
    };
    let lines = match (find(LINES), header.version) {
        // A stripped module of version 1.
        (None | Some([]), _) => None,
        (Some(content), 1) => Some(decode::lines_of_one_file(content).ok_or(damaged(LINES))?),
        (Some(content), _) => Some(decode::lines(content).ok_or(damaged(LINES))?),
    };
    let parts = Parts {
        code: decode::code(required(CODE)?)?,
        data: Arc::default(),
        entry,
        exports,
        imports: decode::imports(required(IMPORTS)?).ok_or(damaged(IMPORTS))?,
        code_labels,
        data_labels,
        lines,
        protocols,
        app,
    };
    let data = section(DATA).ok_or(damaged(DATA))?;
    Ok((parts, data.start..data.start + data.content.len(), header.id))
}

/// What a file begins with.
struct Header {
    version: u16,
    sections: usize,
    id: ModuleId,
}

/// A section whose checksum is right.
struct Section<'b> {
    id: u32,
    /// Where it is in the file.
    start: usize,
    content: &'b [u8],
}

impl Section<'_> {
    fn is_known(&self) -> bool {
        self.id >= FIRST_OPTIONAL || matches!(self.id, CODE | DATA | EXPORTS | IMPORTS)
    }
}

impl Header {
    fn read(bytes: &[u8]) -> Result<Self, LoadError> {
        if bytes.is_empty() || !MAGIC.starts_with(bytes.get(..MAGIC.len()).unwrap_or(bytes)) {
            return Err(LoadError::Foreign);
        }
        let header = bytes.first_chunk::<HEADER>().ok_or_else(|| truncated(HEADER, bytes))?;
        let version = u16::from_le_bytes([header[4], header[5]]);
        let sections = usize::from(u16::from_le_bytes([header[6], header[7]]));
        match version {
            0 => return Err(LoadError::Original),
            1 if sections != VERSION_1.len() => {
                return Err(LoadError::Damaged { section: "header" });
            }
            1 => {}
            FORMAT_VERSION => check(bytes, HEADER)?,
            _ => return Err(LoadError::Future { found: version }),
        }
        let mut id = [0; 32];
        id.copy_from_slice(&header[8..]);
        Ok(Self { version, sections, id: ModuleId(id) })
    }

    /// Cuts the file into its sections, after checking all checksums.
    fn sections<'b>(&self, bytes: &'b [u8]) -> Result<Vec<Section<'b>>, LoadError> {
        let list = HEADER + if self.version == 1 { 0 } else { CHECKSUM };
        let list_end = list + ENTRY * self.sections;
        check(bytes, list_end)?;
        let listed = bytes.get(list..list_end).unwrap_or_default();
        let entries: Vec<[u32; 3]> = listed.chunks_exact(ENTRY).map(entry).collect();
        let found = bytes.len() as u64;
        let lengths = entries.iter().map(|[_, length, _]| u64::from(*length)).sum::<u64>();
        let needed = (list_end + CHECKSUM) as u64 + lengths;
        match found.cmp(&needed) {
            Ordering::Less => return Err(LoadError::Truncated { needed, found }),
            Ordering::Greater => return Err(LoadError::Trailing { extra: found - needed }),
            Ordering::Equal => {}
        }

        let mut rest = Bytes(bytes.get(list_end + CHECKSUM..).unwrap_or_default());
        let mut start = list_end + CHECKSUM;
        let mut sections: Vec<Section<'b>> = Vec::with_capacity(entries.len());
        for (position, [written, length, checksum]) in entries.into_iter().enumerate() {
            let id = self.current_id(written, position)?;
            let content = rest.slice(length as usize).ok_or(damaged(id))?;
            if crc32fast::hash(content) != checksum {
                return Err(damaged(id));
            }
            if sections.last().is_some_and(|last| last.id >= id) {
                return Err(LoadError::Damaged { section: "header" });
            }
            sections.push(Section { id, start, content });
            start += content.len();
        }
        Ok(sections)
    }

    /// The id that a section has in this version of the format.
    fn current_id(&self, written: u32, position: usize) -> Result<u32, LoadError> {
        match (self.version, VERSION_1.get(position)) {
            (1, Some(id)) if written as usize == position => Ok(*id),
            (1, _) => Err(LoadError::Damaged { section: "header" }),
            _ => Ok(written),
        }
    }
}

/// Compares the checksum at `end` with that of everything before it.
fn check(bytes: &[u8], end: usize) -> Result<(), LoadError> {
    let whole = bytes.get(..end).zip(bytes.get(end..end + CHECKSUM));
    let (checked, checksum) = whole.ok_or_else(|| truncated(end + CHECKSUM, bytes))?;
    if crc32fast::hash(checked).to_le_bytes() == checksum {
        Ok(())
    } else {
        Err(LoadError::Damaged { section: "header" })
    }
}

fn entry(bytes: &[u8]) -> [u32; 3] {
    let mut reader = Bytes(bytes);
    std::array::from_fn(|_| reader.number().unwrap_or_default())
}

fn truncated(needed: usize, bytes: &[u8]) -> LoadError {
    LoadError::Truncated { needed: needed as u64, found: bytes.len() as u64 }
}

fn damaged(id: u32) -> LoadError {
    let section = match id {
        CODE => "code",
        DATA => "data",
        EXPORTS => "exports",
        IMPORTS => "imports",
        LINES => "lines",
        LABELS => "labels",
        PROTOCOLS => "protocols",
        APP => "app",
        _ => "section",
    };
    LoadError::Damaged { section }
}
