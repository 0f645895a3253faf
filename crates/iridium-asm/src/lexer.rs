//! Source text to tokens.

use iridium_isa::syntax::Value;
use iridium_isa::{MAX_NAME, Span, is_name_char};

/// A piece of a source line.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'s> {
    /// `name:`
    Label(&'s str),
    /// `.name`
    Directive(&'s str),
    /// A mnemonic, or a bare name after `.import`.
    Word(&'s str),
    /// An operand.
    Value(Value<'s>),
    /// A string with its escapes replaced.
    Text(Vec<u8>),
}

/// What cannot be read, with help if there is any.
#[derive(Debug)]
pub(super) struct LexError {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) help: Option<&'static str>,
}

/// Reads the tokens of one line.
pub(super) struct Lexer<'s> {
    line: &'s str,
    at: usize,
    /// Where the line starts in the source.
    start: u32,
}

impl<'s> Lexer<'s> {
    /// A lexer for the line that starts at this byte of the source.
    pub(super) fn new(line: &'s str, start: u32) -> Self {
        Self { line, at: 0, start }
    }

    /// An empty span behind the last token.
    pub(super) fn end(&self) -> Span {
        let at = self.start + self.line.get(..self.at).unwrap_or("").trim_end().len() as u32;
        at..at
    }

    /// The next token; `None` at the end of the line or at a comment.
    pub(super) fn next(&mut self) -> Option<Result<(Token<'s>, Span), LexError>> {
        let bytes = self.line.as_bytes();
        while matches!(bytes.get(self.at), Some(b' ' | b'\t' | b',' | b'\r' | 0x0c)) {
            self.at += 1;
        }
        let from = self.at;
        let token = match bytes.get(from)? {
            b';' => return None,
            b'$' => self.register(),
            b'#' => self.number(),
            b'@' => self.label_use(),
            b'\'' | b'"' => self.text(),
            _ => self.word(),
        };
        let token = match self.word_length(from) {
            length if length > MAX_NAME => {
                let message = format!("a word of {length} bytes");
                self.error(from, message, Some("names and operands have at most 255 bytes"))
            }
            _ => token,
        };
        let span = self.span(from);
        Some(token.map(|token| (token, span)))
    }

    /// Bytes of the token that was just read, without its sign; 0 for a string.
    fn word_length(&self, from: usize) -> usize {
        let written = self.line.as_bytes().get(from..self.at).unwrap_or_default();
        match written {
            [b'\'' | b'"', ..] => 0,
            [b'$' | b'#' | b'@' | b'.', word @ ..] | [word @ .., b':'] | word => word.len(),
        }
    }

    fn span(&self, from: usize) -> Span {
        self.start + from as u32..self.start + self.at as u32
    }

    fn error<T>(
        &self,
        from: usize,
        message: String,
        help: Option<&'static str>,
    ) -> Result<T, LexError> {
        Err(LexError { span: self.span(from), message, help })
    }

    /// Takes name characters.
    fn name(&mut self) -> &'s str {
        let rest = self.line.get(self.at..).unwrap_or("");
        let ascii = rest
            .bytes()
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'))
            .count();
        let length = match rest.as_bytes().get(ascii) {
            Some(byte) if !byte.is_ascii() => {
                rest.find(|c: char| !is_name_char(c)).unwrap_or(rest.len())
            }
            _ => ascii,
        };
        self.at += length;
        rest.get(..length).unwrap_or("")
    }

    /// Takes everything up to the next blank, to mark it as one mistake.
    fn rest_of_word(&mut self) -> &'s str {
        let rest = self.line.get(self.at..).unwrap_or("");
        let length =
            rest.find(|c: char| c.is_whitespace() || c == ',' || c == ';').unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or("")
    }

    fn word(&mut self) -> Result<Token<'s>, LexError> {
        let from = self.at;
        let name = self.name();
        if name.is_empty() {
            let found = self.line.get(from..).and_then(|rest| rest.chars().next());
            self.at += found.map_or(1, char::len_utf8);
            let message = match found {
                // Such as nobody sees: with its number it can be looked for.
                Some(c) if c.escape_debug().len() > 2 => {
                    format!("unexpected character U+{:04X}", u32::from(c))
                }
                found => format!("unexpected `{}`", found.unwrap_or_default()),
            };
            return self.error(from, message, None);
        }
        if self.line.as_bytes().get(self.at) == Some(&b':') {
            self.at += 1;
            if name.starts_with('.') {
                return self.error(from, "a label cannot begin with `.`".into(), None);
            }
            return Ok(Token::Label(name));
        }
        Ok(name.strip_prefix('.').map_or(Token::Word(name), Token::Directive))
    }

    fn register(&mut self) -> Result<Token<'s>, LexError> {
        let from = self.at;
        self.at += 1;
        let digits = self.rest_of_word();
        match digits.parse::<u8>() {
            Ok(number) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                Ok(Token::Value(Value::Register(number)))
            }
            _ => {
                let message = format!("no register `${digits}`");
                self.error(from, message, Some("registers are `$0` to `$255`"))
            }
        }
    }

    fn label_use(&mut self) -> Result<Token<'s>, LexError> {
        let from = self.at;
        self.at += 1;
        let name = self.rest_of_word();
        if iridium_isa::is_name(name) {
            return Ok(Token::Value(Value::Label(name)));
        }
        let message = format!("`@{name}` is no label");
        self.error(from, message, Some("a label is letters, digits, `_` and `.`"))
    }

    fn number(&mut self) -> Result<Token<'s>, LexError> {
        let from = self.at;
        self.at += 1;
        if self.line.as_bytes().get(self.at) == Some(&b'\'') {
            return self.character(from);
        }
        let text = self.rest_of_word();
        match parse_number(text) {
            Ok(value) => Ok(Token::Value(value)),
            Err(NumberFault::TooLarge) => {
                self.error(from, format!("`#{text}` does not fit in 64 bits"), None)
            }
            Err(NumberFault::Malformed) => self.error(
                from,
                format!("`#{text}` is no number"),
                Some("numbers look like `#5`, `#-5`, `#0x1F`, `#0b101`, `#1_000`, `#'a'`, `#1.5`, `#-2e-3`, `#inf`, `#nan`"),
            ),
        }
    }

    fn character(&mut self, from: usize) -> Result<Token<'s>, LexError> {
        let bytes = match self.text()? {
            Token::Text(bytes) => bytes,
            other => return Ok(other),
        };
        let text = String::from_utf8_lossy(&bytes);
        let mut characters = text.chars();
        match (characters.next(), characters.next(), bytes.as_slice()) {
            (_, _, [byte]) => Ok(Token::Value(Value::Integer(i64::from(*byte)))),
            (Some(one), None, _) => Ok(Token::Value(Value::Integer(i64::from(u32::from(one))))),
            _ => self.error(from, "a character literal holds one character".into(), None),
        }
    }

    fn text(&mut self) -> Result<Token<'s>, LexError> {
        let from = self.at;
        let quote = self.line.as_bytes().get(from).copied().unwrap_or(b'"');
        self.at += 1;
        let mut bytes = Vec::new();
        loop {
            let Some(byte) = self.line.as_bytes().get(self.at).copied() else {
                let quote = char::from(quote);
                return self.error(from, format!("the string is not closed with {quote}"), None);
            };
            self.at += 1;
            match byte {
                b'\\' => self.escape(&mut bytes)?,
                _ if byte == quote => return Ok(Token::Text(bytes)),
                _ => bytes.push(byte),
            }
        }
    }

    fn escape(&mut self, to: &mut Vec<u8>) -> Result<(), LexError> {
        let from = self.at - 1;
        let kind = self.line.get(self.at..).and_then(|rest| rest.chars().next());
        self.at += kind.map_or(0, char::len_utf8);
        let unknown = "escapes are \\n \\t \\r \\0 \\\\ \\' \\\" \\xNN \\u{…}";
        match kind {
            Some('n') => to.push(b'\n'),
            Some('t') => to.push(b'\t'),
            Some('r') => to.push(b'\r'),
            Some('0') => to.push(0),
            Some('\\') => to.push(b'\\'),
            Some('\'') => to.push(b'\''),
            Some('"') => to.push(b'"'),
            Some('x') => {
                let digits = self.line.get(self.at..self.at + 2).unwrap_or("");
                let value =
                    u8::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'));
                let Some(value) = value else {
                    return self.error(from, "`\\x` needs two hexadecimal digits".into(), None);
                };
                self.at += 2;
                to.push(value);
            }
            Some('u') => {
                let rest = self.line.get(self.at..).unwrap_or("");
                let digits =
                    rest.strip_prefix('{').and_then(|rest| rest.split_once('}')).map(|(d, _)| d);
                let scalar = digits
                    .filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
                    .and_then(|digits| u32::from_str_radix(digits, 16).ok())
                    .and_then(char::from_u32);
                let (Some(scalar), Some(digits)) = (scalar, digits) else {
                    let message = "`\\u{…}` needs the hexadecimal number of a Unicode scalar";
                    return self.error(from, message.into(), None);
                };
                self.at += digits.len() + 2;
                to.extend_from_slice(scalar.encode_utf8(&mut [0; 4]).as_bytes());
            }
            _ => return self.error(from, "unknown escape".into(), Some(unknown)),
        }
        Ok(())
    }
}

enum NumberFault {
    Malformed,
    TooLarge,
}

/// Decimal, hexadecimal and binary integers, and floats. Hexadecimal and binary literals may use all
/// 64 bits: they stand for the bit pattern.
fn parse_number(text: &str) -> Result<Value<'static>, NumberFault> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text),
    };
    if digits.is_empty() {
        return Err(NumberFault::Malformed);
    }
    for (prefix, radix) in [("0x", 16), ("0X", 16), ("0b", 2), ("0B", 2)] {
        if let Some(digits) = digits.strip_prefix(prefix) {
            let magnitude = magnitude(digits, radix)?;
            return Ok(Value::Integer(if negative {
                if magnitude > 1 << 63 {
                    return Err(NumberFault::TooLarge);
                }
                (magnitude as i64).wrapping_neg()
            } else {
                magnitude as i64
            }));
        }
    }
    if digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_') {
        let magnitude = i128::from(magnitude(digits, 10)?);
        let number = if negative { -magnitude } else { magnitude };
        return i64::try_from(number).map(Value::Integer).map_err(|_| NumberFault::TooLarge);
    }
    float(negative, digits)
}

fn magnitude(digits: &str, radix: u64) -> Result<u64, NumberFault> {
    let mut value = Some(0u64);
    let mut some = false;
    for character in digits.chars() {
        if character == '_' {
            continue;
        }
        let digit = character.to_digit(radix as u32).ok_or(NumberFault::Malformed)?;
        some = true;
        value = value
            .and_then(|value| value.checked_mul(radix))
            .and_then(|value| value.checked_add(u64::from(digit)));
    }
    if !some {
        return Err(NumberFault::Malformed);
    }
    value.ok_or(NumberFault::TooLarge)
}

fn float(negative: bool, digits: &str) -> Result<Value<'static>, NumberFault> {
    let number = if digits.eq_ignore_ascii_case("nan") {
        return Ok(Value::Float(f64::NAN));
    } else if digits.eq_ignore_ascii_case("inf") {
        f64::INFINITY
    } else if digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        digits.replace('_', "").parse().map_err(|_| NumberFault::Malformed)?
    } else {
        return Err(NumberFault::Malformed);
    };
    Ok(Value::Float(if negative { -number } else { number }))
}
