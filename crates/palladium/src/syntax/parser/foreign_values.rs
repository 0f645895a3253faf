//! Values as other languages write them, told once with how they are written here.

use super::{Mark, Parser};
use crate::syntax::ast::{Expr, ExprKind};
use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

/// Words between two operands, and what to write.
const INFIXES: &[(&str, &str)] = &[
    ("div", "write `a / b`"),
    ("downTo", "write `(a..=b).rev()`"),
    ("instanceof", "write `x is Variant(_)`, or `match`"),
    ("mod", "write `a % b`"),
    ("shl", "write `a << b`"),
    ("shr", "write `a >> b`"),
    ("to", "a range is written `a..=b`, a pair `(a, b)`"),
    ("until", "write `a..b`"),
    ("xor", "write `a ^ b`"),
];

impl Parser<'_> {
    /// Tells of a `for` behind an element of a list, and passes over the rest of the list.
    pub(super) fn comprehension(&mut self) {
        let token = self.token();
        let problem = self.problem("foreign-loop", token.span(), "a list has no loop in it");
        self.tell(
            problem
                .label("begins a statement")
                .help("write `xs.map(fn(x) => …)`, before it `.filter(fn(x) => …)`"),
        );
        self.skip_until(|_| false);
    }

    /// Whether `if b else c` is here, behind a value.
    pub(super) fn at_if_behind_value(&self) -> bool {
        if !self.is_at(Kind::If) || self.token().newline {
            return false;
        }
        let ends = |kind| matches!(kind, Kind::LBrace | Kind::RBrace | Kind::FatArrow | Kind::End);
        let line = self.tokens.iter().skip(self.at + 1);
        line.take_while(|token| !token.newline && !ends(token.kind))
            .any(|token| token.kind == Kind::Else)
    }

    /// `a if b else c`, behind the first value.
    pub(super) fn if_behind_value(&mut self, mark: Mark) -> Expr {
        let token = self.bump();
        let problem = self.problem("foreign-operator", token.span(), "there is no `a if b else c`");
        self.report
            .push(problem.label("stands behind a value").help("write `if b { a } else { c }`"));
        self.expr();
        if self.eat(Kind::Else) {
            self.expr();
        }
        Expr { span: self.close(mark, NodeKind::Binary), kind: ExprKind::Error }
    }

    /// What is to be written for the word between two operands that is here.
    pub(super) fn word_between(&self) -> Option<&'static str> {
        let (token, next) = (self.token(), self.ahead(1));
        if token.kind != Kind::Name || token.newline || next.newline || !next.kind.begins_expr() {
            return None;
        }
        let text = self.text_of(token);
        INFIXES.iter().find(|(word, _)| *word == text).map(|(_, help)| *help)
    }

    /// Whether `?:` is here.
    pub(super) fn at_elvis(&self) -> bool {
        self.is_at(Kind::Question) && self.next_kind() == Kind::Colon && self.joined()
    }

    /// Whether `xs.map { x -> … }` or `{ it … }` goes on here.
    pub(super) fn at_trailing_closure(&self, before: &ExprKind) -> bool {
        let (brace, first) = (self.token(), self.ahead(1));
        brace.kind == Kind::LBrace
            && matches!(before, ExprKind::Call { .. } | ExprKind::Member { .. })
            && !brace.newline
            && !first.newline
            && first.kind == Kind::Name
            && (self.ahead(2).kind == Kind::Arrow || self.text_of(first) == "it")
    }

    pub(super) fn trailing_closure(&mut self, mark: Mark) -> Expr {
        let start = self.bump();
        self.skip_until(|_| false);
        self.eat(Kind::RBrace);
        let span = start.start..self.end_of_last();
        let message = "a closure is an argument in the parentheses";
        let problem = self.problem("foreign-closure", span, message);
        let help = "write `(fn(x) => …)`, `(fn(x) { … })`";
        self.report.push(problem.label("stands behind them").help(help));
        Expr { span: self.close(mark, NodeKind::Postfix), kind: ExprKind::Error }
    }

    /// `{a, b}` where a pattern is expected.
    pub(super) fn braces_in_pattern(&mut self) {
        let message = "braces stand only round blocks";
        let problem = self.problem("braces", self.token().span(), message);
        let help = "a tuple is written `(a, b)`; fields are read by `p.x`";
        self.report.push(problem.label("begins a block").help(help));
    }

    /// Whether `-> x` or `x -> x` follows `fn`.
    pub(super) fn at_bare_closure(&self) -> bool {
        let (token, next) = (self.token(), self.ahead(1));
        let named = token.kind == Kind::Name;
        token.kind == Kind::Arrow || named && matches!(next.kind, Kind::Arrow | Kind::FatArrow)
    }

    /// A closure whose parameters have no parentheses, from them on.
    pub(super) fn bare_closure(&mut self) -> ExprKind {
        let message = "the parameters of a closure stand in parentheses";
        let problem = self.problem("foreign-closure", self.token().span(), message);
        self.tell(problem.label("has none").help("write `fn(x) => x + 1`, `fn() => 1`"));
        self.skip_until(|parser| parser.is_at(Kind::Comma) || parser.token().newline);
        ExprKind::Error
    }

    /// `:ok`, `xs[:2]`, where a value is expected.
    pub(super) fn colon_as_value(&mut self) {
        let (colon, next) = (self.token(), self.ahead(1));
        let named = next.kind.is_name() && colon.end == next.start;
        let index = self.at.checked_sub(1).is_some_and(|at| self.tokens[at].kind == Kind::LBracket);
        if index {
            return self.colon_in_index();
        }
        if !named {
            return self.unexpected("an expression");
        }
        let span = colon.start..next.end;
        let problem = self.problem("foreign-word", span, "there are no atoms");
        self.tell(problem.label("is no value").help("declare `enum Answer { Ok, Failed }`"));
    }

    /// `xs[1:2]`
    pub(super) fn colon_in_index(&mut self) {
        let token = self.token();
        let message = "a part of a list is given by a range";
        let problem = self.problem("foreign-operator", token.span(), message);
        let help = "write `xs[a..b]`, to the end `xs[a..xs.len()]`";
        self.tell(problem.label("belongs to maps").help(help));
    }
}
