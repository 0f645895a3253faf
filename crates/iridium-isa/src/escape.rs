//! Texts of others, made fit to be shown.
//!
//! The names in a program, a module or a path come from somebody else. A terminal obeys what some
//! characters in them say, so those are replaced wherever a name is shown or logged.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What stands for the rest of a text that was cut.
const CUT: char = '…';

/// A text with its hidden characters written as the escapes of the assembly language.
///
/// Hidden is what moves the cursor, begins a line or is not seen at all: control characters,
/// separators of lines, marks of direction, and characters without a width.
///
/// ```
/// use iridium_isa::escape::escape;
///
/// assert_eq!(escape("till.iasm"), "till.iasm");
/// assert_eq!(escape("\u{1b}[2Jtill\n\u{202e}"), r"\x1b[2Jtill\n\u{202e}");
/// ```
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_hidden) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    text.chars().for_each(|character| push_escaped(character, &mut escaped));
    Cow::Owned(escaped)
}

/// As [`escape`], but lines stay lines: for texts of several, which do not begin or end within what
/// somebody else has named.
pub fn escape_lines(text: &str) -> Cow<'_, str> {
    if !text.contains(|character| character != '\n' && is_hidden(character)) {
        return Cow::Borrowed(text);
    }
    let lines: Vec<_> = text.split('\n').map(escape).collect();
    Cow::Owned(lines.join("\n"))
}

/// A text that is [escaped](escape) and cut to this many bytes, the mark at its end not counted.
pub fn excerpt(text: &str, most: usize) -> Cow<'_, str> {
    // Escapes make it longer, so what is behind that many bytes is not shown in any case.
    let (shown, rest) = text.split_at(text.floor_char_boundary(most));
    let escaped = escape(shown);
    if rest.is_empty() && escaped.len() <= most {
        return escaped;
    }
    let end = escaped.floor_char_boundary(most);
    let mut cut = escaped.get(..end).unwrap_or_default().to_owned();
    cut.push(CUT);
    Cow::Owned(cut)
}

/// The end of a text in at most this many bytes: of a long path it says more than the begin.
pub fn tail(text: &str, most: usize) -> Cow<'_, str> {
    if text.len() <= most {
        return Cow::Borrowed(text);
    }
    let begin = text.ceil_char_boundary(text.len() - most.saturating_sub(CUT.len_utf8()));
    Cow::Owned(format!("{CUT}{}", text.get(begin..).unwrap_or_default()))
}

/// Whether a character must not be shown as it is.
pub fn is_hidden(character: char) -> bool {
    // All control characters, separators of lines and paragraphs, and those that Unicode lists as
    // ignorable by default, among which are the marks of direction.
    character.is_control()
        || matches!(
            character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
                | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
                | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}'
        )
}

/// Appends a character, as its escape when it is [hidden](is_hidden).
pub(crate) fn push_escaped(character: char, to: &mut String) {
    let _ = match character {
        '\n' => write!(to, "\\n"),
        '\t' => write!(to, "\\t"),
        '\r' => write!(to, "\\r"),
        '\0'..='\x7f' if is_hidden(character) => write!(to, "\\x{:02x}", u32::from(character)),
        _ if is_hidden(character) => write!(to, "\\u{{{:x}}}", u32::from(character)),
        _ => write!(to, "{character}"),
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let all = (0..=u32::from(char::MAX)).filter_map(char::from_u32);
        for character in all.filter(|character| is_hidden(*character)) {
            let escaped = escape(&format!("a{character}b")).into_owned();
            assert!(escaped.starts_with("a\\") && escaped.ends_with('b'), "{escaped}");
            assert!(escaped.is_ascii() && !escaped.contains(is_hidden), "{escaped}");
        }
        let bad = "\u{7f} \u{9b}31m \u{85} \u{200b} \u{2028} \u{2029} \u{2066} \u{feff} \u{e0041}";
        assert_eq!(
            escape(bad),
            r"\x7f \u{9b}31m \u{85} \u{200b} \u{2028} \u{2029} \u{2066} \u{feff} \u{e0041}"
        );
        assert_eq!(escape("grüße ✓ 日本 \\ ' \""), "grüße ✓ 日本 \\ ' \"");
    }

    #[test]
    fn what_is_cut_says_so_and_ends_with_a_whole_character() {
        assert_eq!(excerpt("abc", 3), "abc");
        assert_eq!(excerpt("abcd", 3), "abc…");
        assert_eq!(excerpt("aü", 2), "a…");
        assert_eq!(excerpt("\n\n", 3), r"\n\…");
        assert_eq!(excerpt(&"\u{1b}".repeat(1 << 20), 8), r"\x1b\x1b…");
        assert_eq!(tail("abc", 3), "abc");
        assert_eq!(tail("ü/ü/end", 7), "…/end");
    }
}
