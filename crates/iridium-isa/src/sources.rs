//! The texts that a program is made from, and the places in them.

use std::cell::OnceCell;
use std::ops::Range;
use std::sync::Arc;

use super::escape::{escape, push_escaped};
use super::lines::{FileId, Location};

/// Bytes of a source line that an excerpt shows before and after its place.
const SHOWN: usize = 160;
/// Bytes of a text for which one count of its characters is kept.
const BLOCK: usize = 1024;

/// A range of bytes in a source text.
pub type Span = Range<u32>;

/// A table of source texts. A file's id is its position: the file that is added first has id 0.
///
/// To find a place takes the same short time wherever it is, also in a text that is one long line.
#[derive(Debug, Default)]
pub struct Sources<'s> {
    files: Vec<Source<'s>>,
}

impl<'s> Sources<'s> {
    /// A table without files.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a source text, of less than 4 GiB, with the name that diagnostics call it by, in which
    /// hidden characters are [escaped](escape).
    pub fn add(&mut self, name: &str, text: &'s str) -> FileId {
        self.files.push(Source { name: escape(name).into(), text, index: OnceCell::new() });
        FileId(self.files.len() as u32 - 1)
    }

    /// The names of all files, in the order of their ids.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|source| &*source.name)
    }

    /// The text of a file; `None` for an id of another table.
    pub fn text(&self, file: FileId) -> Option<&'s str> {
        self.files.get(file.0 as usize).map(|source| source.text)
    }

    /// Line and column of a byte. Past the end of the text they are those of its end; `None` for an
    /// id of another table.
    pub fn location(&self, file: FileId, offset: u32) -> Option<Location> {
        let source = self.files.get(file.0 as usize)?;
        let (line, column) = source.locate(floor(source.text, offset as usize));
        Some(Location { file, line, column })
    }

    /// The place of a span with the text around it, as a diagnostic shows it. An id of another table
    /// gives the begin of an empty text without a name.
    pub fn excerpt(&self, file: FileId, span: Span) -> Excerpt {
        match self.files.get(file.0 as usize) {
            Some(source) => source.excerpt(file, &span),
            None => {
                let location = Location { file, line: 1, column: 1 };
                Excerpt { name: "".into(), location, text: String::new(), marked: 0..0 }
            }
        }
    }

    /// The name of a file, to be shared.
    pub(crate) fn shared_name(&self, file: FileId) -> Option<&Arc<str>> {
        self.files.get(file.0 as usize).map(|source| &source.name)
    }
}

/// A marked place in a source text, with as much of its line as is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Excerpt {
    /// The name of the file.
    pub name: Arc<str>,
    /// Where the marked text begins.
    pub location: Location,
    /// The text of the line, or the part of a long line around the place. Hidden characters but
    /// tabs are [escaped](escape).
    pub text: String,
    /// The bytes of `text` that are meant. What goes on in later lines is left out.
    pub marked: Range<usize>,
}

#[derive(Debug)]
struct Source<'s> {
    name: Arc<str>,
    text: &'s str,
    /// Made for the first place that is asked for: most texts have no faults.
    index: OnceCell<Index>,
}

/// What makes finding places quick.
#[derive(Debug)]
struct Index {
    /// The byte at which each line starts.
    lines: Vec<u32>,
    /// How many characters begin before each block of the text.
    characters: Vec<u32>,
}

impl Source<'_> {
    /// Line and column of a byte, which is at the boundary of a character.
    fn locate(&self, offset: usize) -> (u32, u32) {
        let index = self.index();
        let line = index.lines.partition_point(|start| *start as usize <= offset);
        let before = self.characters(offset) - self.characters(self.line_start(line));
        (line as u32, before + 1)
    }

    fn excerpt(&self, file: FileId, span: &Span) -> Excerpt {
        let start = floor(self.text, span.start as usize);
        let end = floor(self.text, span.end as usize).max(start);
        let (line, column) = self.locate(start);
        let next_line = self.index().lines.get(line as usize);
        let line_end = next_line.map_or(self.text.len(), |next| *next as usize - 1);

        let line_start = self.line_start(line as usize);
        let shown_start = floor(self.text, line_start.max(start.saturating_sub(SHOWN)));
        let shown_end = floor(self.text, line_end.min(start + SHOWN));
        let shown = self.text.get(shown_start..shown_end).unwrap_or_default();
        let (text, marked) =
            escaped(shown.trim_end_matches('\r'), start - shown_start..end - shown_start);
        let location = Location { file, line, column };
        Excerpt { name: Arc::clone(&self.name), location, text, marked }
    }

    /// The byte at which a line, counted from 1, starts.
    fn line_start(&self, line: usize) -> usize {
        let start = line.checked_sub(1).and_then(|above| self.index().lines.get(above));
        start.map_or(0, |start| *start as usize)
    }

    /// How many characters begin before a byte.
    fn characters(&self, offset: usize) -> u32 {
        let block = offset / BLOCK;
        let before = self.index().characters.get(block).copied().unwrap_or(0);
        let rest = self.text.as_bytes().get(block * BLOCK..offset).unwrap_or_default();
        before + count_characters(rest)
    }

    fn index(&self) -> &Index {
        self.index.get_or_init(|| {
            let bytes = self.text.as_bytes();
            let breaks = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'\n');
            let lines = std::iter::once(0).chain(breaks.map(|(at, _)| at as u32 + 1)).collect();
            let mut before = 0;
            let mut characters = vec![0];
            for block in bytes.chunks(BLOCK) {
                before += count_characters(block);
                characters.push(before);
            }
            Index { lines, characters }
        })
    }
}

/// A line with its hidden characters but tabs escaped, and where the marked bytes are in it then.
fn escaped(line: &str, marked: Range<usize>) -> (String, Range<usize>) {
    let mut text = String::with_capacity(line.len());
    let (mut from, mut to) = (None, None);
    for (at, character) in line.char_indices() {
        if at >= marked.start {
            from.get_or_insert(text.len());
        }
        if at >= marked.end {
            to.get_or_insert(text.len());
        }
        match character {
            '\t' => text.push('\t'),
            _ => push_escaped(character, &mut text),
        }
    }
    let end = text.len();
    (text, from.unwrap_or(end)..to.unwrap_or(end))
}

/// In UTF-8 all bytes of a character but the first begin with the bits 10.
fn count_characters(bytes: &[u8]) -> u32 {
    bytes.iter().filter(|byte| **byte & 0xc0 != 0x80).count() as u32
}

/// The boundary of a character at or before a byte.
pub(crate) fn floor(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_columns_count_from_one_and_in_characters() {
        let text = "one\nzwei ü drei\n\nlast";
        let mut sources = Sources::new();
        let (_, file) = (sources.add("a", ""), sources.add("b", text));
        for (offset, _) in text.char_indices().chain([(text.len(), ' ')]) {
            let before = text.get(..offset).unwrap_or_default();
            let line = before.matches('\n').count() as u32 + 1;
            let column = before.rsplit('\n').next().map_or(0, |l| l.chars().count()) as u32 + 1;
            let expected = Some(Location { file, line, column });
            assert_eq!(sources.location(file, offset as u32), expected, "{offset}");
        }
        let end = sources.location(file, text.len() as u32);
        assert_eq!(sources.location(file, u32::MAX), end, "past the end");
        assert_eq!(sources.location(FileId(2), 0), None);
    }

    #[test]
    fn columns_of_a_long_line_go_on_through_all_blocks() {
        let text = "äbc".repeat(BLOCK);
        let mut sources = Sources::new();
        let file = sources.add("long", &text);
        for (number, (offset, _)) in text.char_indices().enumerate() {
            let found = sources.location(file, offset as u32).map(|at| at.column);
            assert_eq!(found, Some(number as u32 + 1));
        }
        let excerpt = sources.excerpt(file, 2000..2002);
        assert!(excerpt.text.len() <= 2 * SHOWN);
        assert_eq!(excerpt.text.get(excerpt.marked), text.get(2000..2002));
    }

    #[test]
    fn hidden_characters_are_escaped_and_what_is_marked_stays_so() {
        let mut sources = Sources::new();
        let file = sources.add("a\u{1b}[2J", "\tab\u{1b}c\u{202e}d");
        let excerpt = sources.excerpt(file, 3..8);
        assert_eq!(&*excerpt.name, r"a\x1b[2J");
        assert_eq!(excerpt.text, "\tab\\x1bc\\u{202e}d");
        assert_eq!(excerpt.text.get(excerpt.marked), Some(r"\x1bc\u{202e}"));
    }

    #[test]
    fn what_is_marked_ends_with_its_line() {
        let mut sources = Sources::new();
        let file = sources.add("a", "first\r\nsecond\n");
        let excerpt = sources.excerpt(file, 2..10);
        assert_eq!((excerpt.text.as_str(), excerpt.marked), ("first", 2..5));
        let empty = sources.excerpt(file, 14..14);
        assert_eq!((empty.location.line, empty.text.as_str(), empty.marked), (3, "", 0..0));
    }
}
