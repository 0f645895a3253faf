//! The values of literals: numbers, characters, strings and the formats of f-strings.

use std::borrow::Cow;

use iridium_isa::Span;

use super::ast::{Align, Format};

/// What is wrong with a literal.
pub(super) struct Fault {
    pub(super) name: &'static str,
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: &'static str,
}

/// The number that an integer literal stands for, without its sign. Hexadecimal, octal and binary
/// ones may use all 64 bits: they stand for the bit pattern, and `true` comes with them.
pub(super) fn int(text: &str) -> Result<(u64, bool), NumberFault> {
    let digits = |from: &str, radix: u32| {
        let plain: Cow<'_, str> = match from.contains('_') {
            true => from.replace('_', "").into(),
            false => from.into(),
        };
        if plain.is_empty() || !plain.chars().all(|c| c.is_digit(radix)) {
            return Err(NumberFault::Malformed);
        }
        u64::from_str_radix(&plain, radix).map_err(|_| NumberFault::TooLarge)
    };
    let radix = match text.as_bytes() {
        [b'0', b'x' | b'X', ..] => 16,
        [b'0', b'o' | b'O', ..] => 8,
        [b'0', b'b' | b'B', ..] => 2,
        _ => return Ok((digits(text, 10)?, false)),
    };
    Ok((digits(&text[2..], radix)?, true))
}

/// Why there is no number.
pub(super) enum NumberFault {
    Malformed,
    TooLarge,
}

/// The number that a literal with a point or an exponent stands for.
pub(super) fn float(text: &str) -> Result<f64, NumberFault> {
    let value: f64 = text.replace('_', "").parse().map_err(|_| NumberFault::Malformed)?;
    if value.is_finite() { Ok(value) } else { Err(NumberFault::TooLarge) }
}

/// What stands between the quotes of a string, and how far from its beginning that begins.
pub(super) struct Quoted<'t> {
    pub(super) raw: bool,
    pub(super) triple: bool,
    pub(super) inner: &'t str,
    pub(super) offset: u32,
}

/// Takes the prefix and the quotes off a string.
pub(super) fn quoted(text: &str) -> Quoted<'_> {
    let prefix = usize::from(!text.starts_with('"'));
    let raw = text.starts_with('r');
    let rest = &text[prefix..];
    let triple = rest.len() >= 3 && rest.starts_with("\"\"\"");
    let quotes = if triple { "\"\"\"" } else { "\"" };
    let inner = rest.strip_prefix(quotes).unwrap_or(rest);
    let offset = if triple { prefix + 3 } else { prefix + 1 };
    // Of an unclosed string the end is missing.
    let inner = inner.strip_suffix(quotes).unwrap_or(inner);
    Quoted { raw, triple, inner, offset: u32::try_from(offset).unwrap_or(0) }
}

/// What is to be taken off the lines of a text between triple quotes: the blanks that all of them
/// begin with. `parts` are its pieces between the values of an f-string.
pub(super) fn indentation(parts: &[&str]) -> usize {
    let mut least = usize::MAX;
    for (at, part) in parts.iter().enumerate() {
        let last = at + 1 == parts.len();
        let mut lines = part.split('\n').skip(1).peekable();
        while let Some(line) = lines.next() {
            let text = line.trim_start_matches([' ', '\t']);
            // The line of the closing quotes counts, an empty one does not.
            let ends = lines.peek().is_none();
            if ends || !text.trim_end().is_empty() {
                least = least.min(line.len() - text.len());
            }
            if ends && !last && text.is_empty() {
                least = least.min(line.len());
            }
        }
    }
    if least == usize::MAX { 0 } else { least }
}

/// A piece of a text between triple quotes without the common indentation. The first newline goes
/// when `first`.
pub(super) fn dedent(part: &str, indentation: usize, first: bool) -> Cow<'_, str> {
    if !part.contains('\n') {
        return part.into();
    }
    let mut text = String::with_capacity(part.len());
    for (at, line) in part.split('\n').enumerate() {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if at == 0 {
            text.push_str(line);
            continue;
        }
        if at > 1 || !(first && text.is_empty()) {
            text.push('\n');
        }
        let blanks = line.bytes().take(indentation).take_while(|byte| b" \t".contains(byte));
        text.push_str(&line[blanks.count()..]);
    }
    text.into()
}

/// Replaces the escapes of a text that begins at `at` in the file. `\xNN` is a byte in `bytes`, and
/// else a character below 128. In the text of an `format` string `{{` and `}}` are braces.
pub(super) fn unescape(
    text: &str,
    at: u32,
    bytes: bool,
    format: bool,
    faults: &mut Vec<Fault>,
) -> Vec<u8> {
    let mut result = Vec::with_capacity(text.len());
    let mut rest = text;
    while let Some(next) = rest.find(|c| c == '\\' || (format && (c == '{' || c == '}'))) {
        result.extend_from_slice(&rest.as_bytes()[..next]);
        let tail = &rest[next..];
        let length = match tail.starts_with('\\') {
            true => {
                let (length, fault) = escape(tail, bytes, &mut result);
                if let Some((message, help)) = fault {
                    let start = at + to_u32(text.len() - tail.len());
                    let span = start..start + to_u32(length);
                    faults.push(Fault { name: "bad-escape", span, message, help });
                }
                length
            }
            false => {
                result.push(tail.as_bytes()[0]);
                let twice = tail.as_bytes().get(1) == tail.as_bytes().first();
                if twice { 2 } else { 1 }
            }
        };
        rest = &tail[length..];
    }
    result.extend_from_slice(rest.as_bytes());
    result
}

const ESCAPES: &str = r#"escapes are \n \t \r \0 \\ \' \" \xNN \u{…}"#;

/// Reads the escape that a text begins with; gives its length and what is wrong with it.
fn escape(text: &str, bytes: bool, to: &mut Vec<u8>) -> (usize, Option<(String, &'static str)>) {
    let kind = text[1..].chars().next();
    let plain = match kind {
        Some('n') => b'\n',
        Some('t') => b'\t',
        Some('r') => b'\r',
        Some('0') => 0,
        Some(c @ ('\\' | '\'' | '"')) => c as u8,
        Some('x') => {
            let digits = text.get(2..4).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
            let value = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            return match value {
                Some(value) if bytes || value < 128 => {
                    to.push(value);
                    (4, None)
                }
                Some(_) => {
                    let message = "`\\x` is a character below 128 here".into();
                    (4, Some((message, "write `\\u{…}` with the number of the character")))
                }
                None => (2, Some(("`\\x` needs two hexadecimal digits".into(), ESCAPES))),
            };
        }
        Some('u') => {
            let inner = text[2..].strip_prefix('{').and_then(|rest| rest.split_once('}'));
            let digits = inner.map_or("", |(digits, _)| digits);
            let hexadecimal = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
            let value = u32::from_str_radix(digits, 16).ok().filter(|_| hexadecimal);
            let Some(scalar) = value.and_then(char::from_u32) else {
                let message = "`\\u{…}` needs the hexadecimal number of a Unicode character";
                return (2, Some((message.into(), ESCAPES)));
            };
            to.extend_from_slice(scalar.encode_utf8(&mut [0; 4]).as_bytes());
            return (4 + digits.len(), None);
        }
        Some(c) => {
            let message = format!("`\\{}` is no escape", c.escape_debug());
            return (1 + c.len_utf8(), Some((message, ESCAPES)));
        }
        None => return (1, Some(("a backslash needs what it escapes".into(), ESCAPES))),
    };
    to.push(plain);
    (2, None)
}

/// Reads what stands after the colon of a value: `[[fill]align][+][0][width][.precision][x|b|o|e]`.
pub(super) fn format(text: &str, span: Span) -> Option<Format> {
    let mut chars = text.chars().peekable();
    let align = |c: char| match c {
        '<' => Some(Align::Left),
        '^' => Some(Align::Center),
        '>' => Some(Align::Right),
        _ => None,
    };
    let mut ahead = text.chars();
    let (first, second) = (ahead.next(), ahead.next());
    let (mut fill, mut aligned) = (' ', None);
    if let (Some(first), Some(side)) = (first, second.and_then(align)) {
        (fill, aligned) = (first, Some(side));
        chars.nth(1);
    } else if let Some(side) = first.and_then(align) {
        aligned = Some(side);
        chars.next();
    }
    let plus = chars.next_if_eq(&'+').is_some();
    let zero = chars.next_if_eq(&'0').is_some();
    let number = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>| {
        let mut digits = String::new();
        while let Some(digit) = chars.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        digits
    };
    let width = match number(&mut chars).as_str() {
        "" => 0,
        digits => digits.parse().ok().filter(|width| *width <= MOST_WIDE)?,
    };
    let precision = match chars.next_if_eq(&'.') {
        Some(_) => Some(number(&mut chars).parse().ok().filter(|digits| *digits <= MOST_DIGITS)?),
        None => None,
    };
    let radix = chars.next_if(|c| "xboe".contains(*c));
    let done = chars.next().is_none();
    done.then_some(Format { span, fill, align: aligned, plus, zero, width, precision, radix })
}

/// The largest width and number of digits that a format may ask for.
const MOST_WIDE: u32 = 10_000;
const MOST_DIGITS: u32 = 100;

fn to_u32(length: usize) -> u32 {
    u32::try_from(length).unwrap_or(u32::MAX)
}
