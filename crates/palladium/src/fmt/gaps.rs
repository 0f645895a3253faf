//! What stands between two tokens: comments and empty lines.

/// A comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Comment<'t> {
    /// Its text, from the `#` on.
    pub(super) text: &'t str,
    /// Whether it has a line of its own.
    pub(super) own_line: bool,
    /// Whether an empty line stands before it.
    pub(super) empty_before: bool,
}

/// What stands before a token.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Gap<'t> {
    pub(super) comments: Vec<Comment<'t>>,
    /// Whether an empty line stands between the last comment and the token.
    pub(super) empty: bool,
}

/// Reads the text between two tokens, the first of which is the beginning of the file when `first`.
pub(super) fn gap(text: &str, first: bool) -> Gap<'_> {
    if !text.bytes().any(|byte| matches!(byte, b'\n' | b'#')) {
        return Gap::default();
    }
    let mut gap = Gap::default();
    let mut empty = 0;
    for (at, line) in text.split('\n').enumerate() {
        let comment = line.trim();
        if comment.is_empty() {
            empty += usize::from(at > 0);
            continue;
        }
        let own_line = first || at > 0;
        gap.comments.push(Comment { text: comment, own_line, empty_before: empty > 0 });
        empty = 0;
    }
    // The last piece is the beginning of the token's own line.
    let own = usize::from(text.rfind('\n').is_some_and(|at| text[at..].trim().is_empty()));
    gap.empty = empty > own;
    gap
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_lines_are_those_without_anything() {
        assert!(!gap("\n    ", false).empty);
        assert!(gap("\n\n    ", false).empty);
        assert!(!gap(" # a\n", false).empty);
        assert!(gap(" # a\n\n", false).empty);
        let found = gap(" # a\n\n # b\n  ", false);
        assert_eq!(found.comments.len(), 2);
        assert!(!found.comments[0].own_line && found.comments[1].own_line);
        assert!(found.comments[1].empty_before && !found.empty);
    }
}
