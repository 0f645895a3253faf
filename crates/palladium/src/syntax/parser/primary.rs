//! What an expression begins with, and what follows it without an operator.

use super::Parser;
use crate::syntax::ast::{Arg, Arm, Block, Expr, ExprKind, Ident};
use crate::syntax::token::Kind;
use crate::syntax::tree::NodeKind;

use super::pattern::begins_pattern;

impl Parser<'_> {
    /// An operand with all calls, indices, fields, `?` and `!` after it.
    pub(super) fn postfix(&mut self) -> Expr {
        let mark = self.mark();
        let kind = self.primary();
        let expr = Expr { span: self.close(mark, NodeKind::Expr), kind };
        self.postfixes(mark, expr)
    }

    pub(super) fn postfixes(&mut self, mark: super::Mark, mut expr: Expr) -> Expr {
        while !self.at_break() {
            if self.at_turbofish() {
                expr = self.turbofish(mark, &expr);
                continue;
            }
            if self.at_trailing_closure(&expr.kind) {
                expr = self.trailing_closure(mark);
                continue;
            }
            self.dot_for_colons();
            let postfix = match self.kind() {
                Kind::Question if self.at_elvis() => false,
                Kind::LParen | Kind::LBracket | Kind::Dot | Kind::Bang => true,
                Kind::Question => !self.at_or_else() && !self.at_ternary(),
                _ => false,
            };
            if !postfix || !self.may_grow() {
                break;
            }
            let base = Box::new(expr);
            let (kind, node) = match self.kind() {
                Kind::LParen => {
                    let args = self.args(Kind::RParen, Self::arg);
                    (ExprKind::Call { callee: base, args }, NodeKind::Call)
                }
                Kind::LBracket => {
                    let args = self.args(Kind::RBracket, Self::index);
                    (ExprKind::Index { base, args }, NodeKind::Call)
                }
                Kind::Dot => {
                    self.bump();
                    (ExprKind::Member { base, name: self.member() }, NodeKind::Postfix)
                }
                Kind::Bang if self.at_send() => (self.send(), NodeKind::Postfix),
                Kind::Bang => {
                    self.bump();
                    (ExprKind::Unwrap(base), NodeKind::Postfix)
                }
                _ => {
                    self.bump();
                    (ExprKind::Try(base), NodeKind::Postfix)
                }
            };
            expr = Expr { span: self.close(mark, node), kind };
        }
        expr
    }

    /// Whether the current `?` is the first of a `??`.
    pub(super) fn at_or_else(&self) -> bool {
        let (first, second, next) = (self.token(), self.ahead(1), self.ahead(2));
        second.kind == Kind::Question
            && first.end == second.start
            && !next.newline
            && !next.kind.closes()
            && !matches!(next.kind, Kind::Comma | Kind::Dot | Kind::Question | Kind::End)
    }

    fn member(&mut self) -> Ident {
        let token = self.token();
        match token.kind {
            kind if kind.is_name() => {}
            Kind::TypeName | Kind::Int => {}
            kind if kind.is_reserved() && !token.newline => return self.reserved(),
            _ => {
                self.unexpected("a name");
                return self.no_name();
            }
        }
        self.bump();
        self.ident(token)
    }

    /// Arguments in brackets, of which the current token is the first.
    fn args(&mut self, closer: Kind, arg: fn(&mut Self) -> Arg) -> Vec<Arg> {
        let mark = self.mark();
        self.bump();
        let args = self.list(closer, Kind::begins_expr, arg);
        self.close(mark, NodeKind::Args);
        args
    }

    fn arg(&mut self) -> Arg {
        let mark = self.mark();
        let label = self.label();
        let inout = self.eat(Kind::Amp);
        let value = self.expr();
        let (label, value) = match (label, self.kind()) {
            (None, Kind::Eq) => self.label_with_equals(value),
            (label, _) => (label, value),
        };
        Arg { span: self.close(mark, NodeKind::Arg), label, inout, value }
    }

    /// An index, or a type, of which those of functions are no expressions.
    fn index(&mut self) -> Arg {
        if !self.at_fn_type() {
            return self.arg();
        }
        let mark = self.mark();
        let ty = self.ty();
        let value = Expr { span: ty.span.clone(), kind: ExprKind::FnType(ty) };
        Arg { span: self.close(mark, NodeKind::Arg), label: None, inout: false, value }
    }

    /// Whether a type of functions begins here: it ends without the body that a closure has.
    fn at_fn_type(&self) -> bool {
        if !self.is_at(Kind::Fn) || self.next_kind() != Kind::LParen {
            return false;
        }
        let mut depth = 0u32;
        for token in self.tokens.iter().skip(self.at + 1) {
            match token.kind {
                Kind::LParen | Kind::LBracket => depth += 1,
                Kind::RBracket | Kind::Comma if depth == 0 => return true,
                Kind::RParen | Kind::RBracket if depth > 0 => depth -= 1,
                Kind::FatArrow | Kind::LBrace | Kind::RParen | Kind::RBrace | Kind::End => {
                    return false;
                }
                _ => {}
            }
        }
        false
    }

    fn primary(&mut self) -> ExprKind {
        match self.kind() {
            Kind::SelfWord => {
                let token = self.bump();
                ExprKind::Name(self.ident(token))
            }
            Kind::TypeName => {
                let token = self.bump();
                ExprKind::TypeName(self.ident(token))
            }
            Kind::Int | Kind::Float | Kind::Char | Kind::String | Kind::Bytes => self.literal(),
            Kind::True | Kind::False => self.literal(),
            Kind::FormatStart => self.format_string(),
            Kind::LParen if self.at_foreign_closure() => self.foreign_closure(),
            Kind::LParen => self.tuple(),
            Kind::DotDot if self.at_spread() => self.spread(),
            Kind::Bar | Kind::BarBar => self.foreign_closure(),
            Kind::LBracket => self.collection(),
            Kind::If => self.if_(),
            Kind::Match => self.match_(),
            Kind::Receive => self.receive(),
            Kind::Loop => {
                self.bump();
                ExprKind::Loop(self.block())
            }
            kind if kind.is_name() && self.at_foreign_closure() => self.foreign_closure(),
            kind if kind.is_name() => self.foreign_beginning().unwrap_or_else(|| {
                let token = self.bump();
                ExprKind::Name(self.ident(token))
            }),
            _ => self.no_expr(),
        }
    }

    fn tuple(&mut self) -> ExprKind {
        let mark = self.mark();
        self.bump();
        let values = self.list(Kind::RParen, Kind::begins_expr, Self::element);
        self.close(mark, NodeKind::Args);
        match <[Expr; 1]>::try_from(values) {
            Ok([only]) => only.kind,
            Err(values) => ExprKind::Tuple(values),
        }
    }

    fn element(&mut self) -> Expr {
        let mark = self.mark();
        let value = self.expr();
        self.close(mark, NodeKind::Arg);
        value
    }

    /// A list or a map.
    fn collection(&mut self) -> ExprKind {
        let mark = self.mark();
        self.bump();
        if self.is_at(Kind::Colon) && self.next_kind() == Kind::RBracket {
            self.bump();
            self.bump();
            self.close(mark, NodeKind::Args);
            return ExprKind::Map(Vec::new());
        }
        let mut comprehension = false;
        let pairs = self.list(Kind::RBracket, Kind::begins_expr, |parser| {
            let mark = parser.mark();
            let key = parser.expr();
            let value = parser.eat(Kind::Colon).then(|| parser.expr());
            if parser.is_at(Kind::For) {
                parser.comprehension();
                comprehension = true;
            }
            parser.close(mark, NodeKind::Arg);
            (key, value)
        });
        let span = self.close(mark, NodeKind::Args);
        if comprehension {
            return ExprKind::Error;
        }
        if pairs.iter().all(|(_, value)| value.is_none()) {
            return ExprKind::List(pairs.into_iter().map(|(key, _)| key).collect());
        }
        let length = pairs.len();
        let map: Vec<_> =
            pairs.into_iter().filter_map(|(key, value)| value.map(|value| (key, value))).collect();
        if map.len() < length {
            let problem = self.problem("mixed-list", span, "some of these have a key, others not");
            self.report.push(problem.label("is neither a list nor a map"));
            return ExprKind::Error;
        }
        ExprKind::Map(map)
    }

    pub(super) fn if_(&mut self) -> ExprKind {
        self.bump();
        let condition = Box::new(self.condition());
        let then = self.block();
        let otherwise = match self.kind() {
            Kind::Else => {
                self.bump();
                Some(Box::new(self.else_branch()))
            }
            Kind::Name if self.at_elif() => Some(Box::new(self.elif())),
            _ => None,
        };
        ExprKind::If { condition, then, otherwise }
    }

    fn else_branch(&mut self) -> Expr {
        let mark = self.mark();
        if !self.is_at(Kind::If) {
            return self.block_expr();
        }
        let kind = self.nested(Self::if_).unwrap_or(ExprKind::Error);
        Expr { span: self.close(mark, NodeKind::Expr), kind }
    }

    /// A block as an expression.
    pub(super) fn block_expr(&mut self) -> Expr {
        let block = self.block();
        Expr { span: block.span.clone(), kind: ExprKind::Block(block) }
    }

    pub(super) fn match_(&mut self) -> ExprKind {
        self.bump();
        let value = Box::new(self.condition());
        let mut arms = Vec::new();
        self.arms(|parser| arms.push(parser.arm(false)));
        ExprKind::Match { value, arms }
    }

    fn receive(&mut self) -> ExprKind {
        self.bump();
        let (mut arms, mut after) = (Vec::new(), None);
        self.arms(|parser| {
            if !parser.is_at(Kind::After) || parser.next_kind() == Kind::FatArrow {
                let system = parser.is_at(Kind::System) && parser.next_kind() == Kind::TypeName;
                arms.push(parser.arm(system));
                return;
            }
            let mark = parser.mark();
            let first = parser.bump();
            let time = Box::new(parser.expr());
            parser.arm_arrow();
            let body = Box::new(parser.body());
            parser.close(mark, NodeKind::Arm);
            if after.is_some() {
                let message = "there can be only one `after`";
                let problem = parser.problem("second-after", first.span(), message);
                parser.report.push(problem.label("is the second"));
            }
            after = Some((time, body));
        });
        ExprKind::Receive { arms, after }
    }

    fn arms(&mut self, arm: impl FnMut(&mut Self)) {
        let mark = self.mark();
        if !self.opens_block() {
            return self.skip_indented(mark);
        }
        self.lines(true, arm);
        self.close(mark, NodeKind::Block);
    }

    fn arm(&mut self, system: bool) -> Arm {
        let mark = self.mark();
        if system {
            self.bump();
        }
        if begins_pattern(self.kind()) || self.kind().is_reserved() {
            self.old_case();
        }
        self.else_as_pattern();
        let pattern = self.pattern();
        self.foreign_guard();
        let guard = self.eat(Kind::If).then(|| self.condition());
        self.arm_arrow();
        let body = self.body();
        Arm { span: self.close(mark, NodeKind::Arm), system, pattern, guard, body }
    }

    /// The block of an `if`, a loop or a function.
    pub(super) fn block(&mut self) -> Block {
        let mark = self.mark();
        let stmts = self.nested(|parser| match parser.opens_block() {
            true => parser.stmts(),
            false => parser.indented_stmts(mark),
        });
        Block { span: self.close(mark, NodeKind::Block), stmts: stmts.unwrap_or_default() }
    }
}
