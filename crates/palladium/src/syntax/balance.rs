//! Brackets that do not balance: the parser gets them balanced.
//!
//! A bracket that is missing is put in as an empty token, one too many becomes an error. Where a
//! brace is missing is told from the indentation, item by item, and only in an item whose brackets
//! do not balance: others may be indented as they like.

use super::report::Report;
use super::token::{Kind, Token};
use crate::diag::Problem;

/// The same tokens with brackets that balance.
pub(super) fn balance(text: &str, tokens: Vec<Token>, report: &mut Report) -> Vec<Token> {
    if unclosed(&tokens) == Some(0) {
        return tokens;
    }
    let mut balancer =
        Balancer { text, report, out: Vec::with_capacity(tokens.len() + 8), open: Vec::new() };
    let mut rest = tokens.as_slice();
    while !rest.is_empty() {
        let length = item_length(text, rest);
        let (item, others) = rest.split_at(length);
        match unclosed(item) {
            Some(0) => balancer.out.extend_from_slice(item),
            _ => balancer.item(item),
        }
        rest = others;
    }
    balancer.out
}

/// How many brackets are open at the end; nothing if one is closed that is not open.
pub(super) fn unclosed(tokens: &[Token]) -> Option<usize> {
    let mut open: Vec<Kind> = Vec::new();
    for token in tokens {
        if let Some(closer) = token.kind.closer() {
            open.push(closer);
        } else if token.kind.closes() && open.pop() != Some(token.kind) {
            return None;
        }
    }
    Some(open.len())
}

/// How many tokens there are up to the next item that begins at the left margin.
fn item_length(text: &str, tokens: &[Token]) -> usize {
    let begins = |at: &usize| begins_item(text, &tokens[*at..]);
    (1..tokens.len()).find(begins).unwrap_or(tokens.len())
}

fn begins_item(text: &str, tokens: &[Token]) -> bool {
    let next = tokens.get(1).map(|token| token.kind);
    let [first, ..] = tokens else { return false };
    let begins = match first.kind {
        Kind::Fn => next.is_some_and(|next| next.is_name() || next == Kind::SelfWord),
        Kind::App => next == Some(Kind::TypeName),
        Kind::Test => next == Some(Kind::String),
        Kind::Intrinsic => next == Some(Kind::Fn),
        Kind::Pub | Kind::Record | Kind::Enum | Kind::Actor | Kind::Alias => true,
        Kind::Import | Kind::Const | Kind::End => true,
        _ => false,
    };
    begins && (first.kind == Kind::End || first.newline && indentation(text, *first) == 0)
}

/// How far from the left margin a line begins, of which this is the first token.
fn indentation(text: &str, token: Token) -> usize {
    let blanks = text.as_bytes()[..token.start as usize].iter().rev();
    blanks.take_while(|byte| **byte != b'\n').map(|byte| if *byte == b'\t' { 4 } else { 1 }).sum()
}

/// How many brackets may stand between one and what closes it, when others are missing.
const NEAR: usize = 8;

/// A bracket that is open.
struct Open {
    token: Token,
    closer: Kind,
    /// The indentation of its line.
    indentation: usize,
    /// Whether a block may follow in it: some word has been there that one follows.
    block: bool,
    /// How many brackets of each kind are open with it that a closing one may reach.
    reach: Reach,
}

#[derive(Clone, Copy, Default)]
struct Reach {
    parens: u32,
    brackets: u32,
    braces: u32,
}

struct Balancer<'t> {
    text: &'t str,
    report: &'t mut Report,
    out: Vec<Token>,
    open: Vec<Open>,
}

impl Balancer<'_> {
    fn item(&mut self, tokens: &[Token]) {
        let count = |kind| tokens.iter().filter(|token| token.kind == kind).count();
        let surplus = count(Kind::RBrace) > count(Kind::LBrace);
        let mut line = 0;
        for token in tokens {
            if token.newline {
                line = indentation(self.text, *token);
                self.dedent(*token, line);
            }
            match token.kind.closer() {
                Some(closer) => self.opens(*token, closer, line),
                None if token.kind.closes() => self.closes(*token, line, surplus),
                None => self.push(*token),
            }
        }
        self.close_down_to(0);
    }

    fn push(&mut self, token: Token) {
        use Kind::*;
        if let Some(open) = self.open.last_mut() {
            open.block |= matches!(token.kind, Fn | If | Else | Match | Loop | Receive | FatArrow);
        }
        self.out.push(token);
    }

    fn opens(&mut self, token: Token, closer: Kind, indentation: usize) {
        if token.kind == Kind::LBrace {
            let over =
                |open: &Open| matches!(open.closer, Kind::RParen | Kind::RBracket) && !open.block;
            let kept = self.open.iter().rposition(|open| !over(open)).map_or(0, |at| at + 1);
            self.close_down_to(kept);
        }
        let mut reach = self.reach();
        match token.kind {
            Kind::LParen => reach.parens += 1,
            Kind::LBracket => reach.brackets += 1,
            Kind::LBrace => reach = Reach { braces: reach.braces + 1, ..Reach::default() },
            _ => reach = Reach::default(),
        }
        self.open.push(Open { token, closer, indentation, block: false, reach });
        self.out.push(token);
    }

    fn reach(&self) -> Reach {
        self.open.last().map_or(Reach::default(), |open| open.reach)
    }

    /// Closes what a line that begins further left shows to be over.
    fn dedent(&mut self, token: Token, line: usize) {
        let over = |open: &Open| match token.kind {
            Kind::RBrace => open.closer == Kind::RBrace && line < open.indentation,
            kind => !kind.closes() && open.closer != Kind::FormatClose && line <= open.indentation,
        };
        // The first token of an item is no line of its inside.
        let kept = self.open.iter().rposition(|open| !over(open)).map_or(0, |at| at + 1);
        let kept = if token.kind == Kind::RBrace { kept.max(1) } else { kept };
        self.close_down_to(kept);
    }

    fn closes(&mut self, token: Token, line: usize, surplus: bool) {
        let reach = self.reach();
        let reached = match token.kind {
            Kind::RParen => reach.parens > 0,
            Kind::RBracket => reach.brackets > 0,
            Kind::RBrace => reach.braces > 0,
            _ => self.open.iter().any(|open| open.closer == Kind::FormatClose),
        };
        let misplaced = |open: &Open| {
            surplus && token.kind == Kind::RBrace && token.newline && line > open.indentation
        };
        if reached && !self.open.last().is_some_and(misplaced) {
            let opener = self.open.iter().rposition(|open| open.closer == token.kind);
            self.close_down_to(opener.map_or(0, |opener| opener + 1));
            self.open.pop();
            self.out.push(token);
            return;
        }
        if let Some(opener) = self.behind_brace(token.kind, line) {
            self.close_down_to(opener + 1);
            self.open.pop();
            self.out.push(token);
            return;
        }
        match self.open.last() {
            Some(open) if matches!(open.closer, Kind::RParen | Kind::RBracket) => {
                if token.kind == Kind::RBrace { self.extra(token) } else { self.wrong(token) }
            }
            _ => self.extra(token),
        }
    }

    /// The opening bracket of `xs.each(fn(x) { … )`, which a brace hides that is not closed.
    fn behind_brace(&self, closer: Kind, line: usize) -> Option<usize> {
        let near = self.open.len().saturating_sub(NEAR);
        let found = near + self.open[near..].iter().rposition(|open| open.closer == closer)?;
        let same_line = self.open[found..].iter().all(|open| open.indentation == line);
        same_line.then_some(found)
    }

    /// `(1, 2]`
    fn wrong(&mut self, token: Token) {
        let Some(open) = self.open.pop() else { return };
        let (opener, closer) = (open.token.kind.name(), open.closer);
        let place = self.report.place(token.span());
        let message = format!("{opener} is closed by {}", token.kind.name());
        let problem = Problem::error("wrong-bracket", place.clone(), message)
            .label(format!("needs {}", closer.name()))
            .because(self.report.place(open.token.span()), "is opened here")
            .fix(place, closer.name().trim_matches('`'));
        self.report.push(problem);
        self.out.push(Token { kind: closer, ..token });
    }

    fn extra(&mut self, token: Token) {
        let again = self.out.last().is_some_and(|last| last.kind == Kind::Error);
        self.out.push(Token { kind: Kind::Error, ..token });
        let before = self.open.last().map_or(0, |open| open.token.start);
        if again || self.report.has_unclosed_string(before..token.start) {
            return;
        }
        let place = self.report.place(token.span());
        let message = format!("this {} closes nothing", token.kind.name());
        let problem = Problem::error("extra-bracket", place.clone(), message)
            .label("is opened nowhere")
            .fix(place, "");
        self.report.push(problem);
    }

    /// Closes all brackets but the first `kept`, and tells of the innermost.
    fn close_down_to(&mut self, kept: usize) {
        if self.open.len() <= kept {
            return;
        }
        let end = self.out.last().map_or(0, |token| token.end);
        let mut closed = self.open.split_off(kept);
        if let Some(innermost) = closed.last() {
            self.missing(innermost.token, innermost.closer, end);
        }
        while let Some(open) = closed.pop() {
            self.out.push(Token { kind: open.closer, newline: false, start: end, end });
        }
    }

    fn missing(&mut self, opener: Token, closer: Kind, end: u32) {
        if self.report.has_unclosed_string(opener.start..end.max(opener.end)) {
            return;
        }
        let brace = closer == Kind::RBrace;
        let name = if brace { "missing-brace" } else { "missing-bracket" };
        let place = self.report.place(opener.span());
        let here = self.report.place(end..end);
        let sign = closer.name();
        let message = format!("this {} is not closed", opener.kind.name());
        let problem = Problem::error(name, place, message)
            .label(format!("has no {sign}"))
            .because(here.clone(), format!("the {sign} is missing here, as it seems"));
        self.report.push(match brace {
            true => problem.fix(here, "\n}"),
            false => problem.fix(here, sign.trim_matches('`')),
        });
    }
}
