//! Literals, and f-strings with the expressions in them.

use std::sync::Arc;

use super::Parser;
use crate::diag::Problem;
use crate::syntax::ast::{Expr, ExprKind, Format, FormatPart};
use crate::syntax::literal::{
    Fault, NumberFault, dedent, float, format, indentation, int, quoted, unescape,
};
use crate::syntax::token::{Kind, Token};
use crate::syntax::tree::NodeKind;

impl Parser<'_> {
    /// A literal that is one token, but for a sign before it.
    pub(super) fn literal(&mut self) -> ExprKind {
        let token = self.token();
        match token.kind {
            Kind::Int | Kind::Float => return self.number(false),
            Kind::True | Kind::False => {
                self.bump();
                return ExprKind::Bool(token.kind == Kind::True);
            }
            _ => {}
        }
        self.bump();
        match token.kind {
            Kind::Char => self.char(token),
            Kind::Bytes => ExprKind::Bytes(self.quoted(token).into()),
            _ => ExprKind::String(Arc::from(into_text(self.quoted(token)))),
        }
    }

    /// A number; the minus before it has been read when `negative`.
    pub(super) fn number(&mut self, negative: bool) -> ExprKind {
        let token = self.bump();
        let text = self.text_of(token);
        if token.kind == Kind::Float {
            return match float(text) {
                Ok(value) => ExprKind::Float(if negative { -value } else { value }),
                Err(fault) => self.bad_number(token, fault),
            };
        }
        let most = if negative { 1 << 63 } else { (1 << 63) - 1 };
        match int(text) {
            Ok((value, bits)) if bits || value <= most => {
                let value = value.cast_signed();
                ExprKind::Int(if negative { value.wrapping_neg() } else { value })
            }
            Ok(_) => self.bad_number(token, NumberFault::TooLarge),
            Err(fault) => self.bad_number(token, fault),
        }
    }

    fn bad_number(&mut self, token: Token, fault: NumberFault) -> ExprKind {
        let text = self.text_of(token);
        let problem = match fault {
            NumberFault::Malformed => self
                .problem("bad-number", token.span(), format!("`{text}` is no number"))
                .label("cannot be read")
                .help("numbers are written as 1_000, 0xff, 0b101, 0o17, 1.5 and 1e9"),
            NumberFault::TooLarge if token.kind == Kind::Float => self
                .problem("number-too-large", token.span(), "this number does not fit into a Float")
                .label("is too large")
                .help("the largest Float is about 1.8e308; infinite is `Float.infinity`"),
            NumberFault::TooLarge => self
                .problem("number-too-large", token.span(), "this number does not fit into an Int")
                .label("is too large")
                .help("the largest Int is 9_223_372_036_854_775_807; a Float is `1e30`"),
        };
        self.report.push(problem);
        ExprKind::Error
    }

    fn char(&mut self, token: Token) -> ExprKind {
        let inner = self.text_of(token);
        let inner = inner.get(1..inner.len().saturating_sub(1)).unwrap_or_default();
        let mut faults = Vec::new();
        let text = into_text(unescape(inner, token.start + 1, false, false, &mut faults));
        self.faults(faults);
        let mut chars = text.chars();
        if let (Some(only), None) = (chars.next(), chars.next()) {
            return ExprKind::Char(only);
        }
        let message = match text.is_empty() {
            true => "there is no character between these quotes",
            false => "single quotes stand round one character",
        };
        let place = self.report.place(token.span());
        let problem = self.problem("not-a-character", token.span(), message);
        let problem = problem
            .label("is no character")
            .help("a string stands between double quotes")
            .fix(place, format!("\"{}\"", inner.replace('"', "\\\"")));
        self.report.push(problem);
        ExprKind::Error
    }

    /// What a string stands for.
    pub(super) fn quoted(&mut self, token: Token) -> Vec<u8> {
        let quoted = quoted(self.text_of(token));
        let text = match quoted.triple {
            true => dedent(quoted.inner, indentation(&[quoted.inner]), true),
            false => quoted.inner.into(),
        };
        if quoted.raw {
            return text.into_owned().into_bytes();
        }
        let mut faults = Vec::new();
        let bytes = token.kind == Kind::Bytes;
        let value = unescape(&text, token.start + quoted.offset, bytes, false, &mut faults);
        self.faults_of(token, quoted.triple, faults);
        value
    }

    /// A string as the name of a test.
    pub(super) fn plain_string(&mut self) -> Arc<str> {
        let token = self.bump();
        Arc::from(into_text(self.quoted(token)))
    }

    /// Faults in a text without its indentation: their places are those of the whole string.
    fn faults_of(&mut self, token: Token, triple: bool, mut faults: Vec<Fault>) {
        if triple {
            faults.iter_mut().for_each(|fault| fault.span = token.span());
        }
        self.faults(faults);
    }

    fn faults(&mut self, faults: Vec<Fault>) {
        for fault in faults {
            let place = self.report.place(fault.span);
            let problem = Problem::error(fault.name, place, fault.message);
            self.report.push(problem.label("cannot be read").help(fault.help));
        }
    }

    /// An f-string.
    pub(super) fn format_string(&mut self) -> ExprKind {
        let start = self.bump();
        let triple = self.text_of(start).ends_with("\"\"\"");
        let indentation = if triple { self.format_indentation() } else { 0 };
        let mut parts = Vec::new();
        let mut first = true;
        loop {
            let mark = self.mark();
            match self.kind() {
                Kind::FormatText => {
                    let token = self.bump();
                    parts.push(self.format_text(token, triple, indentation, first));
                }
                Kind::FormatOpen => {
                    parts.push(self.format_value());
                    self.close(mark, NodeKind::Format);
                }
                _ => break,
            }
            first = false;
        }
        self.eat(Kind::FormatEnd);
        parts.retain(|part| !matches!(part, FormatPart::Text(text) if text.is_empty()));
        ExprKind::Format(parts)
    }

    /// The common indentation of the f-string that begins before the current token.
    fn format_indentation(&self) -> usize {
        let mut parts = Vec::new();
        let mut depth = 0u32;
        for token in &self.tokens[self.at..] {
            match token.kind {
                Kind::FormatStart => depth += 1,
                Kind::FormatEnd if depth == 0 => break,
                Kind::FormatEnd => depth -= 1,
                Kind::FormatText if depth == 0 => parts.push(self.text_of(*token)),
                // A value is there, so the piece before it does not end its line.
                Kind::FormatClose if depth == 0 => parts.push(""),
                _ => {}
            }
        }
        indentation(&parts)
    }

    fn format_text(
        &mut self,
        token: Token,
        triple: bool,
        indentation: usize,
        first: bool,
    ) -> FormatPart {
        let text = self.text_of(token);
        let text = if triple { dedent(text, indentation, first) } else { text.into() };
        let mut faults = Vec::new();
        let value = unescape(&text, token.start, false, true, &mut faults);
        self.faults_of(token, triple, faults);
        FormatPart::Text(Arc::from(into_text(value)))
    }

    /// `{value:format}`
    fn format_value(&mut self) -> FormatPart {
        self.bump();
        let outside = std::mem::replace(&mut self.rounds, true);
        let value = match self.is_at(Kind::FormatClose) {
            true => self.empty_value(),
            false => self.expr(),
        };
        if !self.lost && !self.is_at(Kind::FormatSpec) && !self.is_at(Kind::FormatClose) {
            self.unexpected_in_list(Kind::FormatClose);
        }
        self.skip_until(|parser| parser.is_at(Kind::FormatSpec));
        self.lost = false;
        let format = self.is_at(Kind::FormatSpec).then(|| self.format_spec()).flatten();
        self.skip_until(|_| false);
        self.rounds = outside;
        self.expect(Kind::FormatClose);
        FormatPart::Value { value, format }
    }

    fn empty_value(&mut self) -> Expr {
        let span = self.token().span();
        let problem =
            self.problem("empty-value", span.clone(), "there is no value in these braces");
        let problem = problem.label("needs a value before it");
        self.report.push(problem.help("braces as text are written twice: `{{` and `}}`"));
        Expr { span, kind: ExprKind::Error }
    }

    fn format_spec(&mut self) -> Option<Format> {
        let token = self.bump();
        let text = &self.text_of(token)[1..];
        let span = token.start + 1..token.end;
        let found = format(text, span.clone());
        if found.is_none() {
            let message = format!("`{}` is no format", iridium_isa::escape::escape(text));
            let problem = self.problem("bad-format", span, message).label("cannot be read");
            let help = "a format is `[[fill]< ^ or >][+][0][width][.precision][x|b|o|e]`";
            self.report.push(problem.help(help));
        }
        found
    }
}

/// Of bytes that come from a text and from whole characters.
fn into_text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
