//! Operators on numbers, comparisons and `in`.

use iridium_isa::Span;

use crate::core::{CompareOp, Expr, ExprKind, Op, Type};
use crate::diag::types as say;
use crate::names::world::Bound;
use crate::syntax::ast::{self, BinaryOp, UnaryOp};
use crate::types::build::{block, compare, expr, int, local, operate, set};
use crate::types::checker::{Checker, Want};
use crate::types::kind::{ERROR, as_var, is_error};

impl Checker {
    pub(super) fn unary(
        &mut self,
        op: UnaryOp,
        operand: &ast::Expr,
        span: &Span,
        want: &Want,
    ) -> Expr {
        match (op, &operand.kind) {
            (UnaryOp::Not, _) => {
                let value = self.check(operand, &Type::Bool, None);
                expr(ExprKind::Not(Box::new(value)), Type::Bool, span)
            }
            (UnaryOp::Neg, ast::ExprKind::Int(value)) => {
                let ty = self.cx.vars.number(span);
                expr(ExprKind::Int(value.wrapping_neg()), ty, span)
            }
            (UnaryOp::Neg, ast::ExprKind::Float(value)) => {
                expr(ExprKind::Float(-value), Type::Float, span)
            }
            (UnaryOp::Neg, _) => {
                let value = match want.ty().map(|ty| self.known(ty)) {
                    Some(ty) if self.cx.vars.is_numeric(&ty) => {
                        self.expr(operand, &Want::Type(ty, want.why().cloned()))
                    }
                    _ => self.infer(operand),
                };
                if !self.is_number(&value, "-", false) {
                    return expr(value.kind, ERROR, span);
                }
                let ty = value.ty.clone();
                expr(ExprKind::Op { op: Op::Neg, args: vec![value] }, ty, span)
            }
        }
    }

    pub(super) fn binary(
        &mut self,
        op: BinaryOp,
        op_span: &Span,
        left: &ast::Expr,
        right: &ast::Expr,
        span: &Span,
    ) -> Expr {
        match op {
            BinaryOp::Or => {
                let why = (self.place(op_span), "`or` asks for a Bool on each side".to_owned());
                let left = self.check(left, &Type::Bool, Some(why.clone()));
                let right = self.check(right, &Type::Bool, Some(why));
                expr(ExprKind::Or(Box::new(left), Box::new(right)), Type::Bool, span)
            }
            BinaryOp::In => self.in_(left, right, span),
            _ => {
                let left = self.infer(left);
                let right = self.infer(right);
                self.binary_values(op, op_span, left, right, span)
            }
        }
    }

    /// `left op right`, of values.
    pub(super) fn binary_values(
        &mut self,
        op: BinaryOp,
        op_span: &Span,
        left: Expr,
        right: Expr,
        span: &Span,
    ) -> Expr {
        if let Some(op) = comparison(op) {
            return self.compare(op, left, right, span);
        }
        let Some((op, text, only_int)) = arithmetic(op) else {
            return expr(ExprKind::Tuple(Vec::new()), ERROR, op_span);
        };
        if self.known(&left.ty) == Type::Duration {
            return self.of_duration(op, text, left, right, span);
        }
        if !self.is_number(&left, text, only_int) || !self.same(&left, &right, text) {
            return expr(left.kind, ERROR, span);
        }
        if !self.is_number(&right, text, only_int) {
            return expr(left.kind, ERROR, span);
        }
        let (never, ty) = (self.known(&left.ty) == Type::Never, right.ty.clone());
        let value = operate(op, left, right, span);
        if never { Expr { ty, ..value } } else { value }
    }

    /// `duration + duration`, `duration - duration`, `duration * n`
    fn of_duration(&mut self, op: Op, text: &str, left: Expr, right: Expr, span: &Span) -> Expr {
        let fits = match op {
            Op::Add | Op::Sub => self.same(&left, &right, text),
            Op::Mul => {
                let times = self.known(&right.ty);
                let whole = times == Type::Never || self.cx.vars.unify(&times, &Type::Int);
                if !whole && !is_error(&times) {
                    let found = self.text(&times);
                    self.problem(say::times(self.place(&right.span), &found));
                }
                whole
            }
            _ => {
                self.problem(say::operator(self.place(&left.span), text, "Duration"));
                false
            }
        };
        let ty = if fits { Type::Duration } else { ERROR };
        Expr { ty, ..operate(op, left, right, span) }
    }

    /// Whether something can be calculated with; if not, that is said.
    fn is_number(&mut self, value: &Expr, op: &str, only_int: bool) -> bool {
        let ty = self.known(&value.ty);
        if is_error(&ty) {
            return false;
        }
        if as_var(&ty).is_some() {
            let number = if only_int { Type::Int } else { self.cx.vars.number(&value.span) };
            return self.cx.vars.unify(&ty, &number);
        }
        let fits = if only_int { ty == Type::Int } else { self.cx.vars.is_numeric(&ty) };
        if !fits && ty != Type::Never {
            let found = self.text(&ty);
            self.problem(say::operator(self.place(&value.span), op, &found));
        }
        fits || ty == Type::Never
    }

    /// Whether both sides of an operator have one type; if not, that is said.
    fn same(&mut self, left: &Expr, right: &Expr, op: &str) -> bool {
        if self.known(&left.ty) == Type::Never || self.known(&right.ty) == Type::Never {
            return true;
        }
        // A process is the same one whatever is known of what it receives.
        let pids = [&left.ty, &right.ty].map(|ty| matches!(self.known(ty), Type::Pid(_)));
        let same = pids == [true, true] || self.cx.vars.unify(&left.ty, &right.ty);
        if !same {
            let (expected, found) = (self.text(&left.ty), self.text(&right.ty));
            let (left, right) = (self.place(&left.span), self.place(&right.span));
            self.problem(say::sides(right, op, left, (&expected, &found)));
        }
        same
    }

    fn compare(&mut self, op: CompareOp, left: Expr, right: Expr, span: &Span) -> Expr {
        if self.same(&left, &right, sign(op)) {
            let bound = match op {
                CompareOp::Eq | CompareOp::Ne => Bound::Eq,
                _ => Bound::Ord,
            };
            self.need(bound, &left.ty, span, None);
        }
        compare(op, left, right, span)
    }

    /// `x in a..b`, `x in collection`
    fn in_(&mut self, left: &ast::Expr, right: &ast::Expr, span: &Span) -> Expr {
        if let ast::ExprKind::Range { start, end, inclusive } = &right.kind {
            let value = self.check(left, &Type::Int, None);
            let start = self.check(start, &Type::Int, None);
            let end = self.check(end, &Type::Int, None);
            let x = self.temporary(Type::Int, span);
            let x_value = local(x, Type::Int, span);
            let below = if *inclusive { CompareOp::Le } else { CompareOp::Lt };
            let from = compare(CompareOp::Le, start, x_value.clone(), span);
            let to = compare(below, x_value, end, span);
            let both = expr(ExprKind::And(Box::new(from), Box::new(to)), Type::Bool, span);
            return block(vec![set(x, value)], both);
        }
        let value = self.infer(left);
        let collection = self.infer(right);
        if is_error(&self.known(&collection.ty)) {
            return expr(value.kind, ERROR, span);
        }
        let ty = self.known(&collection.ty);
        for name in ["contains", "has"] {
            if let Some(&method) = self.world.methods(self.cx.module, &ty, name).found.first() {
                let element = value.ty.clone();
                let x = self.temporary(element.clone(), span);
                let value_span = value.span.clone();
                let x_value = local(x, element, &value_span);
                let called = self.call_with(method, vec![collection, x_value], span);
                return block(vec![set(x, value)], called);
            }
        }
        let found = self.text(&ty);
        self.problem(say::operator(self.place(&right.span), "in", &found));
        expr(value.kind, ERROR, span)
    }

    /// `start..end` as a value.
    pub(super) fn range(
        &mut self,
        start: &ast::Expr,
        end: &ast::Expr,
        inclusive: bool,
        span: &Span,
    ) -> Expr {
        let is_text =
            |e: &ast::Expr| matches!(e.kind, ast::ExprKind::String(_) | ast::ExprKind::Format(_));
        if is_text(start) || is_text(end) {
            self.problem(say::range_of_texts(self.place(span)));
            return self.hole(span);
        }
        let start = self.check(start, &Type::Int, None);
        let end = self.check(end, &Type::Int, None);
        let end = if inclusive {
            let end_span = end.span.clone();
            operate(Op::Add, end, int(1, &end_span), &end_span)
        } else {
            end
        };
        match self.world.known_record("range", "Range") {
            Some(record) => {
                let kind = ExprKind::Record { record, fields: vec![start, end] };
                expr(kind, Type::Record(record, [].into()), span)
            }
            None => expr(ExprKind::Tuple(vec![start, end]), ERROR, span),
        }
    }
}

fn comparison(op: BinaryOp) -> Option<CompareOp> {
    Some(match op {
        BinaryOp::Eq => CompareOp::Eq,
        BinaryOp::Ne => CompareOp::Ne,
        BinaryOp::Lt => CompareOp::Lt,
        BinaryOp::Le => CompareOp::Le,
        BinaryOp::Gt => CompareOp::Gt,
        BinaryOp::Ge => CompareOp::Ge,
        _ => return None,
    })
}

fn sign(op: CompareOp) -> &'static str {
    match op {
        CompareOp::Eq => "==",
        CompareOp::Ne => "!=",
        CompareOp::Lt => "<",
        CompareOp::Le => "<=",
        CompareOp::Gt => ">",
        CompareOp::Ge => ">=",
    }
}

/// The operator, how it is written, and whether it is of integers alone.
fn arithmetic(op: BinaryOp) -> Option<(Op, &'static str, bool)> {
    Some(match op {
        BinaryOp::Add => (Op::Add, "+", false),
        BinaryOp::Sub => (Op::Sub, "-", false),
        BinaryOp::Mul => (Op::Mul, "*", false),
        BinaryOp::Div => (Op::Div, "/", false),
        BinaryOp::Rem => (Op::Rem, "%", true),
        BinaryOp::AddWrap => (Op::AddWrap, "+%", true),
        BinaryOp::SubWrap => (Op::SubWrap, "-%", true),
        BinaryOp::MulWrap => (Op::MulWrap, "*%", true),
        BinaryOp::BitAnd => (Op::BitAnd, "&", true),
        BinaryOp::BitOr => (Op::BitOr, "|", true),
        BinaryOp::BitXor => (Op::BitXor, "^", true),
        BinaryOp::Shl => (Op::Shl, "<<", true),
        BinaryOp::Shr => (Op::Shr, ">>", true),
        _ => return None,
    })
}
