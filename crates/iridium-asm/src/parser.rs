//! Lines to statements, labels and data.

use std::cell::Cell;
use std::collections::HashMap;

use iridium_isa::reference::{lookup, mnemonics};
use iridium_isa::syntax::{Scope, Symbol, Value};
use iridium_isa::{MAX_CODE, MAX_DATA, Opcode, Span, is_name};

use super::lexer::{LexError, Lexer, Token};
use super::report::Report;

/// What a source is assembled onto: nothing for a file, all lines before for a REPL.
#[derive(Debug, Clone, Default)]
pub(super) struct Base {
    pub(super) code: u32,
    pub(super) data: u32,
    pub(super) symbols: HashMap<String, Symbol>,
    pub(super) imports: HashMap<String, u16>,
    pub(super) in_data: bool,
}

/// A source after parsing: everything but what depends on labels further down.
#[derive(Debug, Default)]
pub(super) struct Draft<'s> {
    pub(super) statements: Vec<Statement>,
    pub(super) values: Vec<(Value<'s>, Span)>,
    pub(super) symbols: HashMap<&'s str, Definition>,
    pub(super) data: Vec<u8>,
    pub(super) entry: Option<(&'s str, Span)>,
    pub(super) exports: Vec<(&'s str, Span)>,
    /// Imported host functions with their numbers.
    pub(super) imports: HashMap<&'s str, u16>,
    pub(super) in_data: bool,
}

/// An instruction whose operands are not yet matched.
#[derive(Debug)]
pub(super) struct Statement {
    /// The forms that its mnemonic has.
    pub(super) forms: &'static [Opcode],
    /// Its operands: a range of [`Draft::values`].
    pub(super) operands: (u32, u32),
    /// The mnemonic in the source.
    pub(super) span: Span,
    /// The end of the line, where a missing operand would stand.
    pub(super) end: u32,
    /// Line and column, counted from 1.
    pub(super) place: (u32, u32),
}

/// Where a label stands.
#[derive(Debug)]
pub(super) struct Definition {
    pub(super) symbol: Symbol,
    pub(super) span: Span,
    pub(super) used: Cell<bool>,
}

/// Labels and imports of a draft together with those of its base.
pub(super) struct Names<'d, 's> {
    pub(super) draft: &'d Draft<'s>,
    pub(super) base: &'d Base,
}

impl Scope for Names<'_, '_> {
    fn symbol(&self, name: &str) -> Option<Symbol> {
        match self.draft.symbols.get(name) {
            Some(definition) => {
                definition.used.set(true);
                Some(definition.symbol)
            }
            None => self.base.symbols.get(name).copied(),
        }
    }

    fn import(&self, name: &str) -> Option<u16> {
        self.draft.imports.get(name).or_else(|| self.base.imports.get(name)).copied()
    }

    fn data_length(&self) -> u32 {
        self.base.data + self.draft.data.len() as u32
    }
}

/// Parses a source. Everything that is wrong goes to the report; the draft holds the rest.
pub(super) fn parse<'s>(source: &'s str, base: &Base, report: &mut Report<'s>) -> Draft<'s> {
    let mut parser = Parser {
        base,
        report,
        draft: Draft { in_data: base.in_data, ..Draft::default() },
        line: 0,
    };
    let mut start = 0;
    for line in source.split('\n') {
        parser.line += 1;
        parser.line(line, start);
        start += line.len() as u32 + 1;
    }
    parser.draft
}

struct Parser<'s, 'r> {
    base: &'r Base,
    report: &'r mut Report<'s>,
    draft: Draft<'s>,
    line: u32,
}

impl<'s> Parser<'s, '_> {
    fn error(&mut self, span: Span, message: impl Into<String>, help: Option<String>) {
        self.report.error(span, message, help);
    }

    fn lex_error(&mut self, error: LexError) {
        self.error(error.span, error.message, error.help.map(str::to_owned));
    }

    /// Reads a line up to its first mistake.
    fn line(&mut self, line: &'s str, start: u32) {
        let mut lexer = Lexer::new(line, start);
        loop {
            match lexer.next() {
                None => return,
                Some(Err(error)) => return self.lex_error(error),
                Some(Ok((Token::Label(name), span))) => self.label(name, span),
                Some(Ok((Token::Directive(name), span))) => {
                    return self.directive(name, span, &mut lexer);
                }
                Some(Ok((Token::Word(word), span))) => {
                    let column = column(line, (span.start - start) as usize);
                    return self.instruction(word, span, column, &mut lexer);
                }
                Some(Ok((Token::Value(value), span))) => {
                    let message = format!("expected an instruction, found {}", value.form());
                    return self.error(span, message, None);
                }
                Some(Ok((Token::Text(_), span))) => {
                    let help = "strings stand in the data section: `name: .asciiz 'text'`";
                    let message = "expected an instruction, found a string";
                    return self.error(span, message, Some(help.into()));
                }
            }
        }
    }

    fn label(&mut self, name: &'s str, span: Span) {
        let symbol = if self.draft.in_data {
            Symbol::Data(self.base.data + self.draft.data.len() as u32)
        } else {
            Symbol::Code(self.base.code + self.draft.statements.len() as u32)
        };
        if self.taken(name) {
            return self.error(span, format!("the name `{name}` is already taken"), None);
        }
        let definition = Definition { symbol, span, used: Cell::new(false) };
        self.draft.symbols.insert(name, definition);
    }

    /// Labels and imports share one set of names.
    fn taken(&self, name: &str) -> bool {
        self.base.symbols.contains_key(name)
            || self.base.imports.contains_key(name)
            || self.draft.symbols.contains_key(name)
            || self.draft.imports.contains_key(name)
    }

    fn instruction(&mut self, word: &str, span: Span, column: u32, lexer: &mut Lexer<'s>) {
        let forms = lookup(word);
        if forms.is_empty() {
            let help = self.report.did_you_mean(word, mnemonics);
            return self.error(span, format!("no mnemonic `{word}`"), help);
        }
        if self.draft.in_data {
            let help = Some("open the code with `.code`".to_owned());
            return self.error(span, "an instruction in the data section", help);
        }
        let Some(operands) = self.values(lexer) else { return };
        if self.base.code as usize + self.draft.statements.len() >= MAX_CODE - 1 {
            if self.draft.statements.len() < MAX_CODE {
                self.error(span, format!("more than {MAX_CODE} instructions"), None);
            }
            return;
        }
        let end = lexer.end().start;
        let place = (self.line, column);
        self.draft.statements.push(Statement { forms, operands, span, end, place });
    }

    /// Reads operands to the end of the line; `None` after a mistake.
    fn values(&mut self, lexer: &mut Lexer<'s>) -> Option<(u32, u32)> {
        let first = self.draft.values.len() as u32;
        loop {
            match lexer.next() {
                None => return Some((first, self.draft.values.len() as u32)),
                Some(Ok((Token::Value(value), span))) => self.draft.values.push((value, span)),
                Some(Ok((Token::Word(word), span))) => {
                    let help = operand_help(word);
                    self.error(span, format!("expected an operand, found `{word}`"), help);
                    return None;
                }
                Some(Ok((_, span))) => {
                    self.error(span, "expected an operand", None);
                    return None;
                }
                Some(Err(error)) => {
                    self.lex_error(error);
                    return None;
                }
            }
        }
    }

    fn directive(&mut self, name: &str, span: Span, lexer: &mut Lexer<'s>) {
        const DIRECTIVES: [&str; 12] = [
            ".data", ".code", ".asciiz", ".ascii", ".integer", ".i64", ".f64", ".byte", ".zero",
            ".entry", ".export", ".import",
        ];
        let folded = name.to_ascii_lowercase();
        match folded.as_str() {
            "data" | "code" => {
                self.draft.in_data = folded == "data";
                self.nothing_more(lexer);
            }
            "entry" | "export" => self.named_code(folded == "entry", span, lexer),
            "import" => self.import(span, lexer),
            _ if !DIRECTIVES.iter().any(|known| known.get(1..) == Some(&folded)) => {
                let written = format!(".{name}");
                let help = self.report.did_you_mean(&written, || DIRECTIVES.into_iter());
                self.error(span, format!("no directive `{written}`"), help);
            }
            _ if !self.draft.in_data => {
                let help = Some("open the data section with `.data`".to_owned());
                self.error(span, "data outside the data section", help);
            }
            "asciiz" | "ascii" => self.text_data(folded == "asciiz", span, lexer),
            _ => self.number_data(&folded, span, lexer),
        }
        let room = MAX_DATA - self.base.data as usize;
        if self.draft.data.len() > room {
            // Not emptied, or the next line could fill it all again.
            self.draft.data.truncate(room);
            self.error(lexer.end(), format!("more than {MAX_DATA} bytes of data"), None);
        }
    }

    fn nothing_more(&mut self, lexer: &mut Lexer<'s>) {
        match lexer.next() {
            None => {}
            Some(Ok((_, span))) => self.error(span, "expected nothing more on this line", None),
            Some(Err(error)) => self.lex_error(error),
        }
    }

    fn named_code(&mut self, entry: bool, span: Span, lexer: &mut Lexer<'s>) {
        match lexer.next() {
            Some(Ok((Token::Value(Value::Label(name)), place))) => {
                if !entry {
                    self.draft.exports.push((name, place));
                } else if self.draft.entry.replace((name, place.clone())).is_some() {
                    return self.error(place, "a second `.entry`", None);
                }
                self.nothing_more(lexer);
            }
            Some(Err(error)) => self.lex_error(error),
            _ => self.error(span, "expected a code label such as `@name`", None),
        }
    }

    fn import(&mut self, span: Span, lexer: &mut Lexer<'s>) {
        match lexer.next() {
            Some(Ok((Token::Word(name) | Token::Value(Value::Label(name)), place))) => {
                if self.taken(name) {
                    return self.error(place, format!("the name `{name}` is already taken"), None);
                }
                let number = self.base.imports.len() + self.draft.imports.len();
                match u16::try_from(number) {
                    Ok(number) if number < u16::MAX && is_name(name) => {
                        self.draft.imports.insert(name, number);
                    }
                    _ => return self.error(place, format!("cannot import `{name}`"), None),
                }
                self.nothing_more(lexer);
            }
            Some(Err(error)) => self.lex_error(error),
            _ => self.error(span, "expected the name of a host function", None),
        }
    }

    fn text_data(&mut self, ended: bool, span: Span, lexer: &mut Lexer<'s>) {
        match lexer.next() {
            Some(Ok((Token::Text(bytes), _))) => {
                self.draft.data.extend_from_slice(&bytes);
                if ended {
                    self.draft.data.push(0);
                }
                self.nothing_more(lexer);
            }
            Some(Err(error)) => self.lex_error(error),
            _ => self.error(span, "expected a string such as `'text'`", None),
        }
    }

    fn number_data(&mut self, directive: &str, span: Span, lexer: &mut Lexer<'s>) {
        let mut count = 0;
        loop {
            let (value, place) = match lexer.next() {
                None if count > 0 => return,
                None => return self.error(span, "expected a number such as `#5`", None),
                Some(Err(error)) => return self.lex_error(error),
                Some(Ok((Token::Value(value), place))) => (value, place),
                Some(Ok((_, place))) => {
                    return self.error(place, "expected a number such as `#5`", None);
                }
            };
            count += 1;
            if let Err(message) = self.number_datum(directive, value) {
                return self.error(place, message, None);
            }
            if directive == "zero" {
                return self.nothing_more(lexer);
            }
        }
    }

    fn number_datum(&mut self, directive: &str, value: Value<'_>) -> Result<(), String> {
        let data = &mut self.draft.data;
        match (directive, value) {
            ("f64", Value::Float(number)) => data.extend_from_slice(&number.to_le_bytes()),
            ("f64", Value::Integer(number)) => {
                data.extend_from_slice(&(number as f64).to_le_bytes())
            }
            ("i64", Value::Integer(number)) => data.extend_from_slice(&number.to_le_bytes()),
            ("integer", Value::Integer(number)) => {
                let fits = (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(&number);
                if !fits {
                    return Err(format!("{number} does not fit in 32 bits"));
                }
                data.extend_from_slice(&(number as i32).to_le_bytes());
            }
            ("byte", Value::Integer(number)) => {
                if !(-128..=255).contains(&number) {
                    return Err(format!("{number} does not fit in a byte"));
                }
                data.push(number as u8);
            }
            ("zero", Value::Integer(number)) => {
                let room = MAX_DATA - self.base.data as usize;
                match usize::try_from(number) {
                    Ok(length)
                        if data.len() + length.min(MAX_DATA) <= room && length <= MAX_DATA =>
                    {
                        data.resize(data.len() + length, 0);
                    }
                    _ => return Err(format!("{number} is not a length from 0 to {MAX_DATA}")),
                }
            }
            (_, value) => return Err(format!("expected a number, found {}", value.form())),
        }
        Ok(())
    }
}

fn operand_help(word: &str) -> Option<String> {
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return Some(format!("write `#{word}` for a number or `${word}` for a register"));
    }
    is_name(word).then(|| format!("write `@{word}` for a label"))
}

/// The column of a byte of a line: characters before it, and 1.
fn column(line: &str, at: usize) -> u32 {
    line.get(..at).unwrap_or("").chars().count() as u32 + 1
}
