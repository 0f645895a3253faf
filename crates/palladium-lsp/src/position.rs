//! Places as editors count them: lines, and units of UTF-16 in a line.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A place between two characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Position {
    /// From 0.
    pub(crate) line: u32,
    /// Units of UTF-16 before it in its line.
    pub(crate) character: u32,
}

/// From one place up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Range {
    pub(crate) start: Position,
    pub(crate) end: Position,
}

/// A text, and where its lines begin.
#[derive(Debug, Clone)]
pub(crate) struct Lines {
    pub(crate) text: Arc<str>,
    starts: Vec<u32>,
}

impl Lines {
    pub(crate) fn new(text: Arc<str>) -> Self {
        let bytes = text.as_bytes();
        let mut starts = vec![0];
        for (at, byte) in bytes.iter().enumerate() {
            // Lines end as the protocol says: with \n, \r\n, or \r alone.
            if *byte == b'\n' || (*byte == b'\r' && bytes.get(at + 1) != Some(&b'\n')) {
                starts.push(at as u32 + 1);
            }
        }
        Self { text, starts }
    }

    /// The place of an offset in bytes. One within a character is taken as its beginning.
    pub(crate) fn position(&self, offset: u32) -> Position {
        let mut offset = (offset as usize).min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.starts.partition_point(|start| *start as usize <= offset) - 1;
        let before = &self.text[self.starts[line] as usize..offset];
        let character = before.chars().map(char::len_utf16).sum::<usize>();
        Position { line: line as u32, character: character as u32 }
    }

    /// The offset of a place in bytes. What is behind the end of a line is at its end.
    pub(crate) fn offset(&self, position: Position) -> u32 {
        let Some(start) = self.starts.get(position.line as usize) else {
            return self.text.len() as u32;
        };
        let end = self.starts.get(position.line as usize + 1).map(|next| *next as usize);
        let line = &self.text[*start as usize..end.unwrap_or(self.text.len())];
        let line = line.trim_end_matches(['\r', '\n']);
        let mut units = 0;
        for (at, c) in line.char_indices() {
            units += c.len_utf16() as u32;
            if units > position.character {
                return start + at as u32;
            }
        }
        start + line.len() as u32
    }

    pub(crate) fn range(&self, span: &std::ops::Range<u32>) -> Range {
        Range { start: self.position(span.start), end: self.position(span.end) }
    }

    pub(crate) fn span(&self, range: Range) -> std::ops::Range<u32> {
        let (start, end) = (self.offset(range.start), self.offset(range.end));
        start.min(end)..end.max(start)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_counted_in_utf_16() {
        let lines = Lines::new("aé😀b\r\nx\rlast".into());
        for (offset, line, character) in [
            (0, 0, 0),
            (1, 0, 1),
            (3, 0, 2),
            (7, 0, 4),
            (8, 0, 5),
            (10, 1, 0),
            (11, 1, 1),
            (12, 2, 0),
            (16, 2, 4),
        ] {
            let position = Position { line, character };
            assert_eq!(lines.position(offset), position, "{offset}");
            assert_eq!(lines.offset(position), offset, "{position:?}");
        }
        // Within a character, behind the end of a line and of the text.
        assert_eq!(lines.position(5), Position { line: 0, character: 2 });
        assert_eq!(lines.offset(Position { line: 0, character: 3 }), 3);
        assert_eq!(lines.offset(Position { line: 0, character: 99 }), 8);
        assert_eq!(lines.offset(Position { line: 9, character: 0 }), 16);
    }
}
