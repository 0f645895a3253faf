//! Signs of other languages between two operands: what they are here is told, and reading goes on
//! behind them.

use super::{Mark, Parser};
use crate::syntax::ast::{BinaryOp, Expr, ExprKind};
use crate::syntax::token::{Kind, Token};
use crate::syntax::tree::NodeKind;

/// Two tokens without anything between them that are one operator elsewhere, and what to write.
const PAIRS: &[(Kind, Kind, &str)] = &[
    (Kind::Question, Kind::Colon, "write `a ?? b`"),
    (Kind::Bar, Kind::Gt, "write `f(x)`, or `x.f()` of a function whose first parameter is `self`"),
    (Kind::Lt, Kind::Gt, "texts are joined with an f-string: f\"{a}{b}\"; unequal is `!=`"),
    (Kind::Plus, Kind::Plus, "join texts with an f-string: f\"{a}{b}\", lists by `a.concat(b)`"),
    (Kind::Star, Kind::Star, "write `x.pow(n)`"),
    (Kind::Plus, Kind::Dot, "write `+`, which is for Floats as well"),
    (Kind::Minus, Kind::Dot, "write `-`, which is for Floats as well"),
    (Kind::Star, Kind::Dot, "write `*`, which is for Floats as well"),
    (Kind::Slash, Kind::Dot, "write `/`, which is for Floats as well"),
];

impl Parser<'_> {
    /// Whether the next token follows the current one without anything between them.
    pub(super) fn joined(&self) -> bool {
        self.token().end == self.ahead(1).start
    }

    /// Whether an operator of another language is here.
    pub(super) fn at_foreign_infix(&self) -> bool {
        let converts = self.is_at(Kind::As) && !self.token().newline;
        converts
            || self.at_ternary()
            || self.at_strictly_equal()
            || self.at_if_behind_value()
            || self.foreign_pair().is_some()
            || self.word_between().is_some()
    }

    /// What is to be written for the two tokens that are here.
    fn foreign_pair(&self) -> Option<&'static str> {
        let (first, second, operand) = (self.token(), self.ahead(1), self.ahead(2));
        let (_, _, help) =
            PAIRS.iter().find(|pair| (pair.0, pair.1) == (first.kind, second.kind))?;
        let wanted = self.joined() && operand.kind.begins_expr() && !operand.newline;
        wanted.then_some(*help)
    }

    fn at_strictly_equal(&self) -> bool {
        let equal = matches!(self.kind(), Kind::EqEq | Kind::NotEq);
        equal && self.next_kind() == Kind::Eq && self.joined()
    }

    /// Reads on behind an operator of another language.
    pub(super) fn foreign_infix(&mut self, mark: Mark, left: Expr) -> Expr {
        if self.at_strictly_equal() {
            return self.strictly_equal(mark, left);
        }
        let (pair, word) = (self.foreign_pair(), self.word_between());
        let Some(help) = pair.or(word) else {
            return match self.kind() {
                Kind::As => self.conversion(mark),
                Kind::If => self.if_behind_value(mark),
                _ => self.ternary(mark),
            };
        };
        let start = self.bump();
        let span = start.start..if pair.is_some() { self.bump().end } else { start.end };
        // In a chain the first is told.
        if !matches!(left.kind, ExprKind::Error) {
            let text = self.text.get(span.start as usize..span.end as usize).unwrap_or_default();
            let problem = self.problem("foreign-operator", span, format!("there is no `{text}`"));
            self.report.push(problem.label("is no operator here").help(help));
        }
        self.operand();
        Expr { span: self.close(mark, NodeKind::Binary), kind: ExprKind::Error }
    }

    /// `a === b` and `a !== b`
    fn strictly_equal(&mut self, mark: Mark, left: Expr) -> Expr {
        let (first, second) = (self.bump(), self.bump());
        let (op, right) = match first.kind {
            Kind::EqEq => (BinaryOp::Eq, "=="),
            _ => (BinaryOp::Ne, "!="),
        };
        let span = first.start..second.end;
        let place = self.report.place(span.clone());
        let problem =
            self.problem("foreign-operator", span.clone(), format!("there is no `{right}=`"));
        self.report.push(problem.label(format!("is written `{right}`")).fix(place, right));
        let (left, right) = (Box::new(left), Box::new(self.operand()));
        let kind = ExprKind::Binary { op, op_span: span, left, right };
        Expr { span: self.close(mark, NodeKind::Binary), kind }
    }

    /// Whether the `?` of `a ? b : c` is here.
    pub(super) fn at_ternary(&self) -> bool {
        let (token, next) = (self.token(), self.ahead(1));
        let apart = token.end < next.start && self.end_of_last() < token.start;
        if token.kind != Kind::Question || !apart || next.newline || !next.kind.begins_expr() {
            return false;
        }
        let mut open = 0usize;
        for token in self.tokens.iter().skip(self.at + 1) {
            match token.kind {
                Kind::Colon if open == 0 => return true,
                kind if kind.opens() => open += 1,
                kind if kind.closes() && open == 0 => return false,
                kind if kind.closes() => open -= 1,
                Kind::Comma if open == 0 => return false,
                _ if token.newline => return false,
                _ => {}
            }
        }
        false
    }

    fn ternary(&mut self, mark: Mark) -> Expr {
        let token = self.bump();
        let problem = self.problem("foreign-operator", token.span(), "there is no `a ? b : c`");
        self.report.push(problem.label("passes an error on").help("write `if a { b } else { c }`"));
        self.expr();
        if self.eat(Kind::Colon) {
            self.expr();
        }
        Expr { span: self.close(mark, NodeKind::Binary), kind: ExprKind::Error }
    }

    /// `x as Type`
    fn conversion(&mut self, mark: Mark) -> Expr {
        let token = self.bump();
        let problem = self.problem("foreign-operator", token.span(), "there is no `x as TYPE`");
        self.report.push(
            problem
                .label("is for patterns and imports")
                .help("numbers are converted by `n.to_float()` and `x.to_int()`"),
        );
        self.ty();
        Expr { span: self.close(mark, NodeKind::Binary), kind: ExprKind::Error }
    }

    /// `pid ! message`, where the current token is the `!`.
    pub(super) fn at_send(&self) -> bool {
        let (token, next) = (self.token(), self.ahead(1));
        let apart = token.end < next.start && self.end_of_last() < token.start;
        let message = matches!(next.kind, Kind::Name | Kind::TypeName | Kind::String | Kind::Int);
        token.kind == Kind::Bang && apart && message && !next.newline
    }

    pub(super) fn send(&mut self) -> ExprKind {
        let token = self.bump();
        let problem =
            self.problem("foreign-operator", token.span(), "a message is not sent with `!`");
        self.report.push(
            problem
                .label("takes a value out of a Result")
                .help("write `pid.message(x)` to an actor, else `pid.send(Message(x))`"),
        );
        self.operand();
        ExprKind::Error
    }

    /// `::` where a dot belongs.
    pub(super) fn dot_for_colons(&mut self) {
        let next = self.ahead(1);
        if self.kind() != Kind::Colon || next.kind != Kind::Colon || !self.joined() {
            return;
        }
        let span = self.bump().start..next.end;
        let place = self.report.place(span.clone());
        let problem = self.problem("foreign-operator", span, "there is no `::`");
        self.report.push(problem.label("is to be a dot").fix(place, "."));
        self.tokens[self.at].kind = Kind::Dot;
    }

    /// Whether the `..` here stands before an element or argument, and not in `xs[..2]`.
    pub(super) fn at_spread(&self) -> bool {
        let before = |distance: usize| self.at.checked_sub(distance).map(|at| self.tokens[at]);
        match before(1).map(|token| token.kind) {
            Some(Kind::Comma | Kind::LParen) => self.rounds,
            Some(Kind::LBracket) => !before(2).is_some_and(|token| token.kind.can_end()),
            _ => false,
        }
    }

    /// `..xs` and `...xs` as an element or argument, of which the first token is here.
    pub(super) fn spread(&mut self) -> ExprKind {
        let first = self.bump();
        if self.is_at(Kind::Dot) && first.end == self.token().start {
            self.bump();
        }
        let span = first.start..self.end_of_last();
        let problem = self.problem("foreign-operator", span, "there is no spread");
        self.report.push(
            problem
                .label("belongs to ranges")
                .help("join lists by `a.concat(b)`; change a copy of a record: `var b = a`"),
        );
        self.operand();
        ExprKind::Error
    }

    /// Tells that a sign is of another language, and what to write for it.
    fn sign_instead(&mut self, token: Token, right: &str) {
        let text = self.text_of(token);
        let message = format!("`{text}` is no operator of the language");
        let place = self.report.place(token.span());
        let problem = self.problem("foreign-operator", token.span(), message);
        let problem = problem.label(format!("is written `{}`", right.trim()));
        self.report.push(problem.fix(place, right));
    }

    /// `&&` and `||`
    pub(super) fn foreign_operator(&mut self, op: Token) {
        match op.kind {
            Kind::AmpAmp => self.sign_instead(op, "and"),
            Kind::BarBar => self.sign_instead(op, "or"),
            _ => {}
        }
    }

    /// `!x`
    pub(super) fn foreign_not(&mut self) {
        let token = self.bump();
        self.sign_instead(token, "not ");
    }

    /// `or` between two patterns
    pub(super) fn or_in_pattern(&mut self) {
        let token = self.bump();
        let message = "alternatives of a pattern are separated by `|`";
        let place = self.report.place(token.span());
        let problem = self.problem("foreign-operator", token.span(), message);
        self.report.push(problem.label("is `|` in a pattern").fix(place, "|"));
    }

    /// `x is not pattern`, after `is`
    pub(super) fn is_not(&mut self) {
        let token = self.bump();
        let problem = self.problem("foreign-operator", token.span(), "there is no `is not`");
        let problem = problem.label("belongs before the whole");
        self.report.push(problem.help("write `not (x is …)`"));
    }

    pub(super) fn tell_not_in(&mut self) {
        let token = self.bump();
        let problem = self.problem("foreign-operator", token.span(), "there is no `not in`");
        let problem = problem.label("belongs before the whole");
        self.report.push(problem.help("write `not (x in xs)`"));
    }
}
