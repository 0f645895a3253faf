//! Expressions: which method is for which, and whether what is found is what is wanted.

use crate::core::{Expr, ExprKind, Type};
use crate::diag::types as say;
use crate::diag::{control, types::Why};
use crate::syntax::ast;
use crate::types::build::{boolean, expr, nothing};
use crate::types::checker::{Checker, How, Want};
use crate::types::kind::{ERROR, MAX_SIZE, any, is_unit};

/// How deep expressions may stand in each other.
const MAX_DEPTH: u32 = 250;

impl Checker {
    /// An expression of whatever type.
    pub(super) fn infer(&mut self, e: &ast::Expr) -> Expr {
        self.expr(e, &Want::Any)
    }

    /// An expression of a type, with the reason why it must be that.
    pub(super) fn check(&mut self, e: &ast::Expr, ty: &Type, why: Option<Why>) -> Expr {
        self.expr(e, &Want::Type(ty.clone(), why))
    }

    pub(in crate::types) fn expr(&mut self, e: &ast::Expr, want: &Want) -> Expr {
        if self.cx.depth > MAX_DEPTH {
            self.problem(say::too_deep(self.place(&e.span)));
            return self.wrong(e);
        }
        self.cx.depth += 1;
        let found = self.any_expr(e, want);
        self.cx.depth -= 1;
        let found = self.fit(found, want);
        self.limit(found)
    }

    /// In the place of what is wrong in a way that has been told.
    pub(super) fn wrong(&self, e: &ast::Expr) -> Expr {
        expr(ExprKind::Tuple(Vec::new()), ERROR, &e.span)
    }

    /// Sees to it that something has the type that is wanted.
    pub(super) fn fit(&mut self, mut found: Expr, want: &Want) -> Expr {
        let Want::Type(wanted, why) = want else { return found };
        if self.known(&found.ty) == Type::Never {
            self.cx.vars.diverges(wanted);
            return found;
        }
        if !self.cx.vars.unify(wanted, &found.ty) {
            let (expected, is) = (self.text(wanted), self.text(&found.ty));
            self.problem(say::mismatched(self.place(&found.span), &expected, &is, why.as_ref()));
            self.cx.vars.silence(&found.ty);
            found.ty = ERROR;
        }
        found
    }

    /// Types that grow without end are refused before they take all memory.
    fn limit(&mut self, mut found: Expr) -> Expr {
        if matches!(found.ty, Type::Tuple(_) | Type::Record(..) | Type::Enum(..) | Type::List(_)) {
            let mut size = 0;
            let ty = self.cx.vars.shallow(&found.ty);
            if self.is_larger(&ty, &mut size) {
                self.problem(say::too_large(self.place(&found.span)));
                found.ty = ERROR;
            }
        }
        found
    }

    fn is_larger(&self, ty: &Type, size: &mut u32) -> bool {
        any(ty, &mut |part| {
            *size += 1;
            let known = self.cx.vars.shallow(part);
            *size > MAX_SIZE || (known != *part && self.is_larger(&known, size))
        })
    }

    fn any_expr(&mut self, e: &ast::Expr, want: &Want) -> Expr {
        let span = &e.span;
        match &e.kind {
            ast::ExprKind::Int(value) => {
                expr(ExprKind::Int(*value), self.cx.vars.number(span), span)
            }
            ast::ExprKind::Float(value) => expr(ExprKind::Float(*value), Type::Float, span),
            ast::ExprKind::Bool(value) => boolean(*value, span),
            ast::ExprKind::Char(value) => {
                expr(ExprKind::Int(i64::from(u32::from(*value))), Type::Char, span)
            }
            ast::ExprKind::String(value) => self.plain_text(value, span),
            ast::ExprKind::Bytes(value) => expr(ExprKind::Bytes(value.clone()), Type::Bytes, span),
            ast::ExprKind::Format(parts) => self.format(parts, span),
            ast::ExprKind::Name(name) => self.name(name),
            ast::ExprKind::TypeName(name) => self.constructor_name(name, want),
            ast::ExprKind::Member { base, name } => self.member(base, name, span, want),
            ast::ExprKind::Call { callee, args } => self.call(callee, args, span, want),
            ast::ExprKind::FnType(_) => {
                self.problem(say::type_as_value(self.place(span)));
                self.hole(span)
            }
            ast::ExprKind::Index { base, args } => self.index(base, args, span, want),
            ast::ExprKind::Try(value) => self.try_(value, span),
            ast::ExprKind::Unwrap(value) => self.unwrap(value, span),
            ast::ExprKind::Unary { op, operand } => self.unary(*op, operand, span, want),
            ast::ExprKind::Binary { op: ast::BinaryOp::And, .. } | ast::ExprKind::Is { .. } => {
                self.push_scope();
                let found = self.condition(e, None);
                self.pop_scope();
                found
            }
            ast::ExprKind::Binary { op: ast::BinaryOp::OrElse, left, right, .. } => {
                self.or_else(left, right, span, want)
            }
            ast::ExprKind::Binary { op, op_span, left, right } => {
                self.binary(*op, op_span, left, right, span)
            }
            ast::ExprKind::Range { start, end, inclusive } => {
                self.range(start, end, *inclusive, span)
            }
            ast::ExprKind::Tuple(parts) => self.tuple(parts, span, want),
            ast::ExprKind::List(elements) => self.list(elements, span, want),
            ast::ExprKind::Map(entries) => self.map(entries, span, want),
            ast::ExprKind::If { condition, then, otherwise } => {
                self.if_(condition, then, otherwise.as_deref(), span, want)
            }
            ast::ExprKind::Block(block) => self.block(block, want),
            ast::ExprKind::Match { value, arms } => self.match_(value, arms, span, want),
            ast::ExprKind::Loop(body) => self.loop_(body, span),
            ast::ExprKind::Closure { params, result, body } => {
                self.closure(params, result.as_ref(), body, span, want)
            }
            ast::ExprKind::Return(value) => self.return_(value.as_deref(), span),
            ast::ExprKind::Break => self.leave_loop(true, span),
            ast::ExprKind::Continue => self.leave_loop(false, span),
            ast::ExprKind::Stmt(stmt) => self.stmt(stmt),
            ast::ExprKind::Receive { arms, after } => {
                self.receive(arms, after.as_ref(), span, want)
            }
            ast::ExprKind::Spawn { call, node } => self.spawn(call, node.as_deref(), span),
            ast::ExprKind::Within { call, time } => self.timed(call, time, How::Within, want),
            ast::ExprKind::Timer { call, time, repeated } => {
                let how = if *repeated { How::Every } else { How::After };
                self.timed(call, time, how, want)
            }
            ast::ExprKind::Become(call) => self.become_(call, span),
            ast::ExprKind::Error => self.wrong(e),
        }
    }

    fn tuple(&mut self, parts: &[ast::Expr], span: &iridium_isa::Span, want: &Want) -> Expr {
        if parts.is_empty() {
            return nothing(span);
        }
        let wanted = match want.ty().map(|ty| self.known(ty)) {
            Some(Type::Tuple(types)) if types.len() == parts.len() => Some(types),
            _ => None,
        };
        let parts: Vec<Expr> = parts
            .iter()
            .enumerate()
            .map(|(nth, part)| match &wanted {
                Some(types) => self.check(part, &types[nth], want.why().cloned()),
                None => self.infer(part),
            })
            .collect();
        let types = parts.iter().map(|part| part.ty.clone()).collect();
        expr(ExprKind::Tuple(parts), Type::Tuple(types), span)
    }

    pub(super) fn return_(&mut self, value: Option<&ast::Expr>, span: &iridium_isa::Span) -> Expr {
        if self.cx.is_entry && self.cx.frames.len() == 1 {
            // The variables of the entry would have no values.
            self.problem(control::return_at_prompt(self.place(span)));
            return expr(ExprKind::Tuple(Vec::new()), Type::Never, span);
        }
        let (result, why) = (self.frame().result.clone(), self.frame().result_why.clone());
        let value = match value {
            Some(value) => self.check(value, &result, why),
            None => {
                if !self.cx.vars.unify(&result, &crate::types::kind::unit()) {
                    let expected = self.text(&result);
                    self.problem(control::bare_return(self.place(span), &expected, why.as_ref()));
                }
                nothing(span)
            }
        };
        expr(ExprKind::Return(Box::new(value)), Type::Never, span)
    }

    fn leave_loop(&mut self, is_break: bool, span: &iridium_isa::Span) -> Expr {
        match self.frame().loops.last_mut() {
            Some(left) => *left |= is_break,
            None => {
                let word = if is_break { "break" } else { "continue" };
                self.problem(control::outside_loop(self.place(span), word));
            }
        }
        expr(if is_break { ExprKind::Break } else { ExprKind::Continue }, Type::Never, span)
    }

    /// Whether a body that should give this gives nothing, so that its last expression is dropped.
    pub(super) fn gives_nothing(&self, ty: &Type) -> bool {
        is_unit(&self.known(ty))
    }
}
