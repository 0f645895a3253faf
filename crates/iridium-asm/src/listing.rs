//! The lines of sources beside the instructions that were made of them.

use std::collections::HashMap;

use iridium_isa::{FileId, LineTable, Location, Sources};

/// What was told last, and what there is to tell.
pub(crate) struct Listing<'s> {
    table: &'s LineTable,
    /// The lines of each source, by its name.
    lines: HashMap<&'s str, Vec<&'s str>>,
    last: Option<(FileId, u32)>,
}

impl<'s> Listing<'s> {
    pub(crate) fn new(table: &'s LineTable, sources: &'s Sources<'s>) -> Self {
        let texts = (0..).map(FileId).map_while(|file| sources.text(file));
        let lines = sources.names().zip(texts.map(|text| text.lines().collect())).collect();
        Self { table, lines, last: None }
    }

    /// What stands beside an instruction: the line that it comes from, if that is not the line of the
    /// one before; the name of the file, where that changes.
    pub(crate) fn next(&mut self, index: u32) -> Option<String> {
        let Location { file, line, .. } = self.table.location(index)?;
        let last = self.last.replace((file, line));
        if last == Some((file, line)) {
            return None;
        }
        let name = self.table.file(file)?;
        let text = self.lines.get(name).and_then(|lines| lines.get(line.checked_sub(1)? as usize));
        let text = text.map(|text| text.trim_end()).unwrap_or_default();
        let place = match last {
            Some((before, _)) if before == file => format!("{line:>4}"),
            _ => format!("{name}:{line}"),
        };
        Some(format!("{place} | {text}").trim_end().to_owned())
    }
}
