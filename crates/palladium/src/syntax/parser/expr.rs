//! Expressions: what is between operands, by its strength.

use super::{Mark, Parser};
use crate::syntax::ast::{BinaryOp, Expr, ExprKind, Param, UnaryOp};
use crate::syntax::token::{Kind, Token};
use crate::syntax::tree::NodeKind;

/// What stands between two operands.
#[derive(Clone, Copy, PartialEq)]
enum Infix {
    Binary(BinaryOp),
    Is,
    Range,
    Within,
    Timer,
}

/// How strongly the operators bind, weakest first.
mod strength {
    pub(super) const OR_ELSE: u8 = 1;
    pub(super) const OR: u8 = 2;
    pub(super) const AND: u8 = 3;
    pub(super) const NOT: u8 = 4;
    pub(super) const COMPARE: u8 = 5;
    // Stronger than `??` and comparisons: `c.get() within 1.s ?? 0`, `c.get() within 1.s is Ok(n)`.
    pub(super) const WITHIN: u8 = 6;
    pub(super) const RANGE: u8 = 7;
    pub(super) const BIT_OR: u8 = 8;
    pub(super) const BIT_XOR: u8 = 9;
    pub(super) const BIT_AND: u8 = 10;
    pub(super) const SHIFT: u8 = 11;
    pub(super) const SUM: u8 = 12;
    pub(super) const PRODUCT: u8 = 13;
    pub(super) const MINUS: u8 = 14;
}

fn infix(kind: Kind) -> Option<(u8, Infix)> {
    use BinaryOp::*;
    let (strength, op) = match kind {
        Kind::Or | Kind::BarBar => (strength::OR, Or),
        Kind::And | Kind::AmpAmp => (strength::AND, And),
        Kind::EqEq => (strength::COMPARE, Eq),
        Kind::NotEq => (strength::COMPARE, Ne),
        Kind::Lt => (strength::COMPARE, Lt),
        Kind::Le => (strength::COMPARE, Le),
        Kind::Gt => (strength::COMPARE, Gt),
        Kind::Ge => (strength::COMPARE, Ge),
        Kind::In => (strength::COMPARE, In),
        Kind::Bar => (strength::BIT_OR, BitOr),
        Kind::Caret => (strength::BIT_XOR, BitXor),
        Kind::Amp => (strength::BIT_AND, BitAnd),
        Kind::Shl => (strength::SHIFT, Shl),
        Kind::Shr => (strength::SHIFT, Shr),
        Kind::Plus => (strength::SUM, Add),
        Kind::Minus => (strength::SUM, Sub),
        Kind::PlusWrap => (strength::SUM, AddWrap),
        Kind::MinusWrap => (strength::SUM, SubWrap),
        Kind::Star => (strength::PRODUCT, Mul),
        Kind::Slash => (strength::PRODUCT, Div),
        Kind::Percent => (strength::PRODUCT, Rem),
        Kind::StarWrap => (strength::PRODUCT, MulWrap),
        Kind::Is => return Some((strength::COMPARE, Infix::Is)),
        Kind::DotDot | Kind::DotDotEq => return Some((strength::RANGE, Infix::Range)),
        Kind::Within => return Some((strength::WITHIN, Infix::Within)),
        Kind::After | Kind::Every => return Some((strength::WITHIN, Infix::Timer)),
        _ => return None,
    };
    Some((strength, Infix::Binary(op)))
}

impl Parser<'_> {
    /// Any expression.
    pub(super) fn expr(&mut self) -> Expr {
        self.operators(0)
    }

    /// What stands beside an operator of another language.
    pub(super) fn operand(&mut self) -> Expr {
        self.operators(strength::RANGE)
    }

    /// An operand without operators behind it.
    pub(super) fn bare_operand(&mut self) -> Expr {
        let span = self.here();
        self.nested(|parser| parser.prefix(strength::MINUS))
            .unwrap_or(Expr { span, kind: ExprKind::Error })
    }

    /// An expression in which all operators bind at least so strongly.
    fn operators(&mut self, least: u8) -> Expr {
        let mark = self.mark();
        let span = self.here();
        self.nested(|parser| {
            let first = parser.prefix(least);
            parser.infixes(mark, first, least)
        })
        .unwrap_or(Expr { span, kind: ExprKind::Error })
    }

    fn infixes(&mut self, mark: Mark, mut left: Expr, least: u8) -> Expr {
        let mut compared = false;
        while !self.at_break() {
            if self.is_at(Kind::Question) && self.at_or_else() {
                if least > strength::OR_ELSE || !self.may_grow() {
                    break;
                }
                left = self.or_else(mark, left);
                continue;
            }
            if self.at_not_in() && least <= strength::COMPARE {
                left = self.not_in(mark, left);
                continue;
            }
            if self.at_foreign_infix() {
                if least > strength::COMPARE || !self.may_grow() {
                    break;
                }
                left = self.foreign_infix(mark, left);
                continue;
            }
            let Some((strength, op)) = infix(self.kind()) else { break };
            if strength < least || !self.may_grow() {
                break;
            }
            let token = self.bump();
            left = self.infix(mark, left, token, strength, op);
            if strength == strength::COMPARE {
                if compared {
                    left.kind = self.chained(token);
                }
                compared = true;
            }
        }
        left
    }

    fn infix(&mut self, mark: Mark, left: Expr, op: Token, strength: u8, infix: Infix) -> Expr {
        self.foreign_operator(op);
        if infix == Infix::Is {
            return self.is(mark, left);
        }
        if infix == Infix::Range && self.at_open_range() {
            return self.open_range(mark, op);
        }
        let right = Box::new(self.operators(strength + 1));
        let left = Box::new(left);
        let kind = match infix {
            Infix::Binary(binary) => {
                ExprKind::Binary { op: binary, op_span: op.span(), left, right }
            }
            Infix::Range => {
                let inclusive = op.kind == Kind::DotDotEq;
                ExprKind::Range { start: left, end: right, inclusive }
            }
            Infix::Within => ExprKind::Within { call: left, time: right },
            Infix::Timer | Infix::Is => {
                ExprKind::Timer { call: left, time: right, repeated: op.kind == Kind::Every }
            }
        };
        Expr { span: self.close(mark, NodeKind::Binary), kind }
    }

    /// `left ?? right`, where the current token is the first `?`.
    fn or_else(&mut self, mark: Mark, left: Expr) -> Expr {
        let start = self.bump().start;
        let op_span = start..self.bump().end;
        let right = Box::new(self.operators(strength::OR_ELSE));
        let (op, left) = (BinaryOp::OrElse, Box::new(left));
        let kind = ExprKind::Binary { op, op_span, left, right };
        Expr { span: self.close(mark, NodeKind::Binary), kind }
    }

    fn is(&mut self, mark: Mark, value: Expr) -> Expr {
        let negated = self.is_at(Kind::Not).then(|| self.is_not());
        let pattern = self.pattern_of_is();
        let value = Box::new(value);
        let span = self.close(mark, NodeKind::Binary);
        let is = Expr { span: span.clone(), kind: ExprKind::Is { value, pattern } };
        match negated {
            Some(()) => Expr { span, kind: not(is) },
            None => is,
        }
    }

    /// Whether `not in` is here.
    fn at_not_in(&self) -> bool {
        self.is_at(Kind::Not) && self.next_kind() == Kind::In
    }

    fn not_in(&mut self, mark: Mark, left: Expr) -> Expr {
        self.tell_not_in();
        let op = self.bump();
        let is_in = Infix::Binary(BinaryOp::In);
        let expr = self.infix(mark, left, op, strength::COMPARE, is_in);
        Expr { span: expr.span.clone(), kind: not(expr) }
    }

    /// An operand with what may stand before it.
    fn prefix(&mut self, least: u8) -> Expr {
        let mark = self.mark();
        let kind = match self.kind() {
            Kind::Minus if self.at_least_int() => {
                self.bump();
                let kind = self.number(true);
                let span = self.close(mark, NodeKind::Expr);
                return self.postfixes(mark, Expr { span, kind });
            }
            Kind::Minus => {
                self.bump();
                let operand = Box::new(self.operators(strength::MINUS));
                ExprKind::Unary { op: UnaryOp::Neg, operand }
            }
            Kind::Not => {
                self.bump();
                not(self.operators(least.max(strength::NOT)))
            }
            Kind::Bang => {
                self.foreign_not();
                not(self.operators(strength::MINUS))
            }
            Kind::Spawn => self.spawn(),
            Kind::Fn => self.closure(),
            Kind::Return => {
                self.bump();
                let value = !self.at_break() && self.kind().begins_expr();
                ExprKind::Return(value.then(|| Box::new(self.expr())))
            }
            Kind::Break => {
                self.bump();
                ExprKind::Break
            }
            Kind::Continue => {
                self.bump();
                ExprKind::Continue
            }
            Kind::Become => {
                self.bump();
                ExprKind::Become(Box::new(self.expr()))
            }
            _ => return self.postfix(),
        };
        Expr { span: self.close(mark, NodeKind::Expr), kind }
    }

    /// Whether the least of all integers is here: without its sign it would be too large.
    fn at_least_int(&self) -> bool {
        let next = self.ahead(1);
        next.kind == Kind::Int
            && self.text_of(next).bytes().filter(|byte| *byte != b'_').eq(*b"9223372036854775808")
    }

    fn spawn(&mut self) -> ExprKind {
        self.bump();
        let call = self.nested(Self::spawned);
        let on = self.is_at(Kind::On) && !self.at_break();
        let node = on.then(|| {
            self.bump();
            Box::new(self.postfix())
        });
        call.map_or(ExprKind::Error, |call| ExprKind::Spawn { call: Box::new(call), node })
    }

    /// A call; a closure is read too, so that the checker can say what to do with it.
    fn spawned(&mut self) -> Expr {
        if !self.is_at(Kind::Fn) {
            return self.postfix();
        }
        let mark = self.mark();
        let kind = self.closure();
        Expr { span: self.close(mark, NodeKind::Expr), kind }
    }

    fn closure(&mut self) -> ExprKind {
        self.bump();
        if self.at_bare_closure() {
            return self.bare_closure();
        }
        if self.kind().is_name() {
            self.named_closure();
        }
        let params = self.closure_params();
        let typed = !self.arrow_of_body() && self.eat(Kind::Arrow);
        let result = typed.then(|| self.ty());
        let body = Box::new(match self.is_at(Kind::LBrace) {
            true => self.block_expr(),
            false => {
                self.closure_arrow();
                self.body()
            }
        });
        ExprKind::Closure { params, result, body }
    }

    fn closure_params(&mut self) -> Vec<Param> {
        if self.is_at(Kind::LParen) {
            return self.params();
        }
        self.unexpected("`(`");
        Vec::new()
    }
}

fn not(operand: Expr) -> ExprKind {
    ExprKind::Unary { op: UnaryOp::Not, operand: Box::new(operand) }
}
