//! From text to tokens.
//!
//! It never fails: what is no token is told and becomes an [`Error`](Kind::Error) token. An f-string
//! becomes several tokens, and however it breaks off, its parts are closed, if need be with empty
//! tokens.

use iridium_isa::escape::escape;

use super::report::Report;
use super::token::{Kind, Token};
use crate::diag::{Place, Problem};

/// The tokens of a text, which end with [`Kind::End`].
pub(super) fn lex(text: &str, report: &mut Report) -> Vec<Token> {
    let mut lexer = Lexer {
        text,
        at: 0,
        newline: true,
        modes: Vec::new(),
        outermost_line: None,
        tokens: Vec::with_capacity(text.len() / 4),
        report,
    };
    lexer.run();
    lexer.tokens
}

/// Where in an f-string the lexer is.
#[derive(Clone, Copy)]
enum Mode {
    /// In the text of the string that begins at `start`.
    Text { start: usize, triple: bool },
    /// Between the braces of a string, in this many brackets.
    Hole { braces: u32, rounds: u32 },
}

struct Lexer<'t> {
    text: &'t str,
    at: usize,
    /// Whether a line has begun since the last token.
    newline: bool,
    modes: Vec<Mode>,
    /// The outermost of them that ends with its line at the latest.
    outermost_line: Option<usize>,
    tokens: Vec<Token>,
    report: &'t mut Report,
}

impl Lexer<'_> {
    fn run(&mut self) {
        if self.text.starts_with("#!") {
            self.at = end_of_line(self.text, 0);
        }
        while self.at < self.text.len() {
            match self.modes.last() {
                Some(&Mode::Text { start, triple }) => self.format_text(start, triple),
                _ => self.token(),
            }
        }
        self.close_formats(0);
        self.push(Kind::End, self.at);
    }

    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn starts_with(&self, text: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(text.as_bytes())
    }

    /// Adds the token that ends before the current byte.
    fn push(&mut self, kind: Kind, start: usize) {
        let (start, end) = (to_u32(start), to_u32(self.at));
        self.tokens.push(Token { kind, newline: self.newline, start, end });
        self.newline = false;
    }

    fn place(&self, start: usize, end: usize) -> Place {
        self.report.place(to_u32(start)..to_u32(end))
    }

    fn token(&mut self) {
        let start = self.at;
        match self.byte(0) {
            b'\n' => {
                if let Some(outermost) = self.outermost_line {
                    self.close_formats(outermost);
                }
                self.at += 1;
                self.newline = true;
            }
            b' ' | b'\t' | b'\r' => self.at += 1,
            b'#' => self.at = end_of_line(self.text, start),
            b'/' if self.byte(1) == b'/' => self.foreign_comment("//"),
            b'/' if self.byte(1) == b'*' => self.comment_over_lines(),
            b'-' if self.newline && self.starts_with("-- ") => self.foreign_comment("--"),
            b'~' if self.byte(1) == b'=' => self.unequal(),
            b'a'..=b'z' | b'_' | b'A'..=b'Z' => self.word(),
            b'0'..=b'9' => self.number(),
            b'"' => self.string(Kind::String, 0),
            b'\'' => self.char(),
            b'`' => self.backticks(),
            _ => self.sign(),
        }
    }

    fn word(&mut self) {
        let start = self.at;
        if self.byte(1) == b'"' {
            match self.byte(0) {
                b'r' => return self.string(Kind::String, 1),
                b'b' => return self.string(Kind::Bytes, 1),
                b'f' => return self.format_start(),
                _ => {}
            }
        }
        while matches!(self.byte(0), b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_') {
            self.at += 1;
        }
        let text = &self.text[start..self.at];
        let kind = match text.as_bytes() {
            b"_" => Kind::Underscore,
            [b'A'..=b'Z', ..] => Kind::TypeName,
            _ => Kind::word(text).unwrap_or(Kind::Name),
        };
        self.push(kind, start);
    }

    /// A number. Its value is looked at later; here counts only where it ends.
    fn number(&mut self) {
        let start = self.at;
        let digits = |byte: u8| byte.is_ascii_digit() || byte == b'_';
        if self.tokens.last().is_some_and(|token| token.kind == Kind::Dot) {
            self.skip_while(|byte| byte.is_ascii_digit());
            return self.push(Kind::Int, start);
        }
        if self.byte(0) == b'0' && matches!(self.byte(1), b'x' | b'X' | b'b' | b'B' | b'o' | b'O') {
            self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
            return self.push(Kind::Int, start);
        }
        let mut kind = Kind::Int;
        self.skip_while(digits);
        if self.byte(0) == b'.' && self.byte(1).is_ascii_digit() {
            kind = Kind::Float;
            self.at += 1;
            self.skip_while(digits);
        }
        let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
            kind = Kind::Float;
            self.at += 1 + sign;
            self.skip_while(digits);
        }
        // `12abc` is one token that is no number, and not a number and a name.
        self.skip_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        self.push(kind, start);
    }

    fn skip_while(&mut self, wanted: impl Fn(u8) -> bool) {
        while self.at < self.text.len() && wanted(self.byte(0)) {
            self.at += 1;
        }
    }

    /// A string that is one token, after a prefix of so many bytes.
    fn string(&mut self, kind: Kind, prefix: usize) {
        let start = self.at;
        let raw = self.byte(0) == b'r';
        self.at += prefix;
        let triple = self.starts_with("\"\"\"");
        self.at += if triple { 3 } else { 1 };
        loop {
            match self.byte(0) {
                _ if self.at >= self.text.len() => break,
                b'\n' if !triple => break,
                b'\\' if !raw => self.escape(),
                b'"' if !triple || self.starts_with("\"\"\"") => {
                    self.at += if triple { 3 } else { 1 };
                    return self.push(kind, start);
                }
                _ => self.at += 1,
            }
        }
        if !triple {
            self.at = end_of_broken(self.text, start + prefix + 1, self.at);
        }
        self.unclosed(start, triple, quotes(triple));
        self.push(kind, start);
    }

    /// A backslash and what stands after it, but for a newline.
    fn escape(&mut self) {
        self.at += 1;
        if self.byte(0) != b'\n' {
            self.at += self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        }
    }

    fn unclosed(&mut self, start: usize, triple: bool, closers: &str) {
        let quotes = quotes(triple);
        let place = self.place(start, self.at);
        let end = self.place(self.at, self.at);
        let problem = Problem::error("unclosed-string", place, "the string is not closed")
            .label(format!("needs a `{quotes}` at its end"))
            .fix(end, closers);
        self.report.push(match triple {
            true => problem,
            false => problem.help("a string over several lines stands between `\"\"\"`"),
        });
    }

    fn format_start(&mut self) {
        let start = self.at;
        self.at += 1;
        let triple = self.starts_with("\"\"\"");
        self.at += if triple { 3 } else { 1 };
        self.push(Kind::FormatStart, start);
        if !triple && self.outermost_line.is_none() {
            self.outermost_line = Some(self.modes.len());
        }
        self.modes.push(Mode::Text { start, triple });
    }

    fn leave(&mut self) {
        self.modes.pop();
        self.outermost_line = self.outermost_line.filter(|outermost| *outermost < self.modes.len());
    }

    /// The text of an f-string up to the next `{`, or its end.
    fn format_text(&mut self, string: usize, triple: bool) {
        let start = self.at;
        loop {
            match self.byte(0) {
                _ if self.at >= self.text.len() => return self.push_text(start),
                b'\n' if !triple => {
                    self.at = end_of_broken(self.text, start, self.at);
                    self.push_text(start);
                    self.unclosed(string, false, quotes(false));
                    self.leave();
                    return self.push(Kind::FormatEnd, self.at);
                }
                b'\\' => self.escape(),
                b'{' if self.byte(1) == b'{' => self.at += 2,
                b'}' if self.byte(1) == b'}' => self.at += 2,
                b'}' => self.lone_brace(),
                b'{' => {
                    self.push_text(start);
                    let open = self.at;
                    self.at += 1;
                    self.push(Kind::FormatOpen, open);
                    self.modes.push(Mode::Hole { braces: 0, rounds: 0 });
                    return;
                }
                b'"' if !triple || self.starts_with("\"\"\"") => {
                    self.push_text(start);
                    let quotes = self.at;
                    self.at += if triple { 3 } else { 1 };
                    self.leave();
                    return self.push(Kind::FormatEnd, quotes);
                }
                _ => self.at += 1,
            }
        }
    }

    fn push_text(&mut self, start: usize) {
        if start < self.at {
            self.push(Kind::FormatText, start);
        }
    }

    fn lone_brace(&mut self) {
        let place = self.place(self.at, self.at + 1);
        self.at += 1;
        self.report.push(
            Problem::error("lone-brace", place.clone(), "this `}` of an f-string closes nothing")
                .label("begins nowhere")
                .help("a brace as text is written twice: `}}`")
                .fix(place, "}}"),
        );
    }

    /// Closes the f-strings that the text breaks off in, from the mode `first` on.
    fn close_formats(&mut self, first: usize) {
        let Some(&Mode::Text { start, triple }) = self.modes.get(first) else {
            return;
        };
        let known = self.report.last().is_some_and(|last| {
            last.name == "unclosed-string" && last.primary.0.span.start >= to_u32(start)
        });
        if !known {
            let closers = self.modes[first..].iter().rev().map(|mode| match mode {
                Mode::Hole { .. } => "}",
                Mode::Text { triple, .. } => quotes(*triple),
            });
            let closers: String = closers.take(MOST_CLOSERS).collect();
            self.unclosed(start, triple, &closers);
        }
        while self.modes.len() > first {
            let hole = matches!(self.modes.last(), Some(Mode::Hole { .. }));
            self.leave();
            self.push(if hole { Kind::FormatClose } else { Kind::FormatEnd }, self.at);
        }
    }

    /// `'a'`, and what stands between single quotes instead of double ones.
    fn char(&mut self) {
        let start = self.at;
        self.at += 1;
        loop {
            match self.byte(0) {
                b'\n' | 0 if self.at >= self.text.len() || self.byte(0) == b'\n' => break,
                b'\\' => self.escape(),
                b'\'' => {
                    self.at += 1;
                    return self.push(Kind::Char, start);
                }
                _ => self.at += 1,
            }
        }
        self.at = end_of_broken(self.text, start + 1, self.at);
        let place = self.place(start, self.at);
        let message = "the character is not closed";
        self.report.push(
            Problem::error("unclosed-string", place, message).label("needs a `'` at its end"),
        );
        self.push(Kind::Error, start);
    }

    /// A text between backticks, which other languages have for texts with values in them.
    fn backticks(&mut self) {
        let start = self.at;
        let Some(length) = self.text[start + 1..].find('`') else { return self.unknown() };
        let inner = &self.text[start + 1..start + 1 + length];
        self.at += length + 2;
        let place = self.place(start, self.at);
        let quotes = quotes(inner.contains('\n'));
        let prefix = if inner.contains("${") { "f" } else { "" };
        let inner = inner.replace("${", "{").replace('"', "\\\"");
        let message = "a text stands between double quotes";
        self.report.push(
            Problem::error("foreign-string", place.clone(), message)
                .label("stands between backticks")
                .help("write f\"…{x}…\" for a text with values in it; over lines f\"\"\"…\"\"\"")
                .fix(place, format!("{prefix}{quotes}{inner}{quotes}")),
        );
        self.push(Kind::Error, start);
    }

    /// `~=`
    fn unequal(&mut self) {
        let start = self.at;
        self.at += 2;
        let place = self.place(start, self.at);
        self.report.push(
            Problem::error("foreign-operator", place.clone(), "there is no `~=`")
                .label("is written `!=`")
                .fix(place, "!="),
        );
        self.push(Kind::NotEq, start);
    }

    /// `/* … */`
    fn comment_over_lines(&mut self) {
        let rest = &self.text[self.at..];
        let length = rest.find("*/").map_or(rest.len(), |end| end + 2);
        self.newline |= rest[..length].contains('\n');
        let place = self.place(self.at, self.at + 2);
        self.report.push(
            Problem::error("foreign-comment", place, "`/*` begins no comment")
                .label("is no sign of the language")
                .help("a comment begins with `#`, in each of its lines"),
        );
        self.at += length;
    }

    /// `// …`, which other languages have for comments or for division.
    fn foreign_comment(&mut self, sign: &str) {
        let place = self.place(self.at, self.at + 2);
        let message = format!("`{sign}` begins no comment");
        let problem = Problem::error("foreign-comment", place.clone(), message)
            .label("is no sign of the language");
        self.report.push(
            match self.newline {
                true => problem.help("a comment begins with `#`"),
                false => {
                    problem.help("a comment begins with `#`; `/` divides integers without a rest")
                }
            }
            .fix(place, "#"),
        );
        self.at = end_of_line(self.text, self.at);
    }

    fn sign(&mut self) {
        let start = self.at;
        let (kind, length) = sign(&self.text.as_bytes()[start..]);
        if kind == Kind::Error {
            return self.unknown();
        }
        if let Some(Mode::Hole { braces, rounds }) = self.modes.last_mut() {
            match kind {
                Kind::RBrace if *braces == 0 => {
                    self.leave();
                    self.at += 1;
                    return self.push(Kind::FormatClose, start);
                }
                Kind::LBrace => *braces += 1,
                Kind::RBrace => *braces -= 1,
                Kind::LParen | Kind::LBracket => *rounds += 1,
                Kind::RParen | Kind::RBracket => *rounds = rounds.saturating_sub(1),
                Kind::Colon if *braces == 0 && *rounds == 0 => return self.format_spec(),
                _ => {}
            }
        }
        self.at += length;
        self.push(kind, start);
    }

    /// `:` and the format of a value, up to the closing brace.
    fn format_spec(&mut self) {
        let start = self.at;
        self.at += 1;
        self.skip_while(|byte| !matches!(byte, b'}' | b'"' | b'\n'));
        self.push(Kind::FormatSpec, start);
    }

    /// Signs that begin no token, up to the next that may.
    fn unknown(&mut self) {
        let start = self.at;
        let known = |c: char| c.is_ascii() && sign(&[c as u8]).0 != Kind::Error;
        let plain = |c: char| c.is_ascii_alphanumeric() || c.is_whitespace() || "_\"'#".contains(c);
        let rest = &self.text[start..];
        let length = rest.char_indices().skip(1).find(|(_, c)| known(*c) || plain(*c));
        self.at += length.map_or(rest.len(), |(at, _)| at);
        let place = self.place(start, self.at);
        let text = &self.text[start..self.at];
        let shown = escape(text);
        let message = format!("`{shown}` is no sign of the language");
        let problem = Problem::error("unknown-sign", place, message).label("cannot be read");
        self.report.push(match text.chars().all(char::is_alphabetic) {
            true => problem.help("names are made of the letters a to z, digits and `_`"),
            false => problem,
        });
        self.push(Kind::Error, start);
    }
}

/// The most brackets and quotes that are proposed to close a string.
const MOST_CLOSERS: usize = 8;

fn quotes(triple: bool) -> &'static str {
    if triple { "\"\"\"" } else { "\"" }
}

/// The sign that a text begins with, and its length.
fn sign(text: &[u8]) -> (Kind, usize) {
    use Kind::*;
    let byte = |at: usize| text.get(at).copied().unwrap_or(0);
    let (second, third) = (byte(1), byte(2));
    match (byte(0), second, third) {
        (b'.', b'.', b'=') => (DotDotEq, 3),
        (b'+', b'%', b'=') => (PlusWrapEq, 3),
        (b'-', b'%', b'=') => (MinusWrapEq, 3),
        (b'*', b'%', b'=') => (StarWrapEq, 3),
        (b'<', b'<', b'=') => (ShlEq, 3),
        (b'>', b'>', b'=') => (ShrEq, 3),
        (b'.', b'.', _) => (DotDot, 2),
        (b'-', b'>', _) => (Arrow, 2),
        (b'=', b'>', _) => (FatArrow, 2),
        (b'+', b'=', _) => (PlusEq, 2),
        (b'-', b'=', _) => (MinusEq, 2),
        (b'*', b'=', _) => (StarEq, 2),
        (b'/', b'=', _) => (SlashEq, 2),
        (b'%', b'=', _) => (PercentEq, 2),
        (b'&', b'=', _) => (AmpEq, 2),
        (b'|', b'=', _) => (BarEq, 2),
        (b'^', b'=', _) => (CaretEq, 2),
        (b'+', b'%', _) => (PlusWrap, 2),
        (b'-', b'%', _) => (MinusWrap, 2),
        (b'*', b'%', _) => (StarWrap, 2),
        (b'<', b'<', _) => (Shl, 2),
        (b'>', b'>', _) => (Shr, 2),
        (b'=', b'=', _) => (EqEq, 2),
        (b'!', b'=', _) => (NotEq, 2),
        (b'<', b'=', _) => (Le, 2),
        (b'>', b'=', _) => (Ge, 2),
        (b'&', b'&', _) => (AmpAmp, 2),
        (b'|', b'|', _) => (BarBar, 2),
        (b'(', ..) => (LParen, 1),
        (b')', ..) => (RParen, 1),
        (b'[', ..) => (LBracket, 1),
        (b']', ..) => (RBracket, 1),
        (b'{', ..) => (LBrace, 1),
        (b'}', ..) => (RBrace, 1),
        (b',', ..) => (Comma, 1),
        (b';', ..) => (Semicolon, 1),
        (b':', ..) => (Colon, 1),
        (b'.', ..) => (Dot, 1),
        (b'?', ..) => (Question, 1),
        (b'!', ..) => (Bang, 1),
        (b'=', ..) => (Eq, 1),
        (b'+', ..) => (Plus, 1),
        (b'-', ..) => (Minus, 1),
        (b'*', ..) => (Star, 1),
        (b'/', ..) => (Slash, 1),
        (b'%', ..) => (Percent, 1),
        (b'&', ..) => (Amp, 1),
        (b'|', ..) => (Bar, 1),
        (b'^', ..) => (Caret, 1),
        (b'<', ..) => (Lt, 1),
        (b'>', ..) => (Gt, 1),
        _ => (Error, 1),
    }
}

/// Where the line with this byte ends.
fn end_of_line(text: &str, from: usize) -> usize {
    text.as_bytes()[from..]
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(text.len(), |at| from + at)
}

/// Where a string probably was to end that runs to the end of its line: before the brackets and
/// commas there, so that they are not missing as well.
fn end_of_broken(text: &str, from: usize, end: usize) -> usize {
    let line = text.get(from..end).unwrap_or("");
    let kept = line.trim_end_matches(|c: char| c.is_whitespace() || ")]}{,;".contains(c));
    from + kept.len()
}

/// Of an offset in a text, which has less than 4 GiB.
fn to_u32(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
