//! Conditions, `if` and `match`: ways that part and meet again.

use iridium_isa::Span;

use crate::core::{Arm, Expr, ExprKind, Type};
use crate::diag::places::By;
use crate::diag::types as say;
use crate::diag::types::Why;
use crate::syntax::ast;
use crate::types::build::{branch, dropped, expr, nothing};
use crate::types::checker::{Checker, Want};
use crate::types::kind::{ERROR, unit};

impl Checker {
    /// A condition. The names that it binds where it is true are in the current scope from here on.
    pub(super) fn condition(&mut self, e: &ast::Expr, why: Option<&Why>) -> Expr {
        let span = &e.span;
        match &e.kind {
            ast::ExprKind::Binary { op: ast::BinaryOp::And, op_span, left, right } => {
                let why = self.sides_of_and(op_span);
                let left = self.condition(left, Some(&why));
                self.and_also(left, op_span, right, span)
            }
            ast::ExprKind::Is { value, pattern } => {
                let value = self.infer(value);
                self.matches(value, pattern, span)
            }
            _ => {
                self.push_scope();
                let found = self.check(e, &Type::Bool, why.cloned());
                self.pop_scope();
                found
            }
        }
    }

    /// `left and right`, of which the left side has been checked.
    pub(super) fn and_also(
        &mut self,
        left: Expr,
        op_span: &Span,
        right: &ast::Expr,
        span: &Span,
    ) -> Expr {
        let why = self.sides_of_and(op_span);
        let right = self.condition(right, Some(&why));
        expr(ExprKind::And(Box::new(left), Box::new(right)), Type::Bool, span)
    }

    fn sides_of_and(&self, op_span: &Span) -> Why {
        (self.place(op_span), "`and` asks for a Bool on each side".to_owned())
    }

    pub(super) fn matches(&mut self, value: Expr, pattern: &ast::Pattern, span: &Span) -> Expr {
        let ty = value.ty.clone();
        let pattern = self.pattern(pattern, &ty, By::Pattern);
        expr(ExprKind::Is { value: Box::new(value), pattern }, Type::Bool, span)
    }

    /// The condition of a statement that begins with `word`.
    pub(super) fn condition_of(&mut self, word: &str, e: &ast::Expr, span: &Span) -> Expr {
        let word_span = span.start..span.start + word.len() as u32;
        let why = (self.place(&word_span), format!("`{word}` asks for a Bool"));
        self.condition(e, Some(&why))
    }

    pub(super) fn if_(
        &mut self,
        condition: &ast::Expr,
        then: &ast::Block,
        otherwise: Option<&ast::Expr>,
        span: &Span,
        want: &Want,
    ) -> Expr {
        self.push_scope();
        let condition = self.condition_of("if", condition, span);
        let Some(otherwise) = otherwise else {
            let then = self.block(then, &Want::Drop);
            self.pop_scope();
            let value = branch(condition, dropped(then), nothing(span), unit(), span);
            return self.without_else(value, want);
        };
        let mut join = Join::new(want);
        let then = self.block(then, &join.want);
        self.pop_scope();
        let then = self.join(&mut join, then, "the first branch gives this");
        let otherwise = self.expr(otherwise, &join.want);
        let otherwise = self.join(&mut join, otherwise, "");
        branch(condition, then, otherwise, join.result(), span)
    }

    /// The value of an `if` without `else` may only be dropped.
    fn without_else(&mut self, mut value: Expr, want: &Want) -> Expr {
        if let Want::Type(ty, why) = want
            && !self.cx.vars.unify(ty, &unit())
        {
            let expected = self.text(ty);
            self.problem(say::no_else(self.place(&value.span), &expected, why.as_ref()));
            value.ty = ERROR;
        }
        value
    }

    pub(super) fn match_(
        &mut self,
        value: &ast::Expr,
        arms: &[ast::Arm],
        span: &Span,
        want: &Want,
    ) -> Expr {
        let value = self.infer(value);
        let mut join = Join::new(want);
        let matched = self.match_value(value, arms, span, &mut join);
        Expr { ty: join.result(), ..matched }
    }

    /// A match on a value; its type is that of the join.
    pub(super) fn match_value(
        &mut self,
        value: Expr,
        arms: &[ast::Arm],
        span: &Span,
        join: &mut Join,
    ) -> Expr {
        let mut checked = Vec::new();
        for arm in arms {
            self.push_scope();
            let pattern = self.pattern(&arm.pattern, &value.ty.clone(), By::Pattern);
            let guard = arm.guard.as_ref().map(|guard| self.condition(guard, None));
            let body = self.expr(&arm.body, &join.want);
            let body = self.join(join, body, "an earlier arm gives this");
            self.pop_scope();
            checked.push(Arm { pattern, guard, body });
        }
        let ty = join.ty.clone().unwrap_or(Type::Never);
        expr(ExprKind::Match { value: Box::new(value), arms: checked }, ty, span)
    }

    /// Takes one way into account. The first that comes to an end decides what the others give,
    /// when nothing else has.
    pub(super) fn join(&mut self, join: &mut Join, way: Expr, why: &str) -> Expr {
        if matches!(join.want, Want::Drop) {
            let way = dropped(way);
            if way.ty != Type::Never {
                join.ty = Some(unit());
            }
            return way;
        }
        if self.known(&way.ty) == Type::Never {
            return way;
        }
        if matches!(join.want, Want::Any) {
            let why: Why = (self.place(&way.span), why.to_owned());
            join.want = Want::Type(way.ty.clone(), Some(why));
        }
        join.ty.get_or_insert_with(|| way.ty.clone());
        way
    }
}

/// What the ways of a branch have in common.
pub(super) struct Join {
    pub(super) want: Want,
    /// What those give that come to an end; `None` when none does.
    ty: Option<Type>,
}

impl Join {
    pub(super) fn new(want: &Want) -> Self {
        Self { want: want.clone(), ty: None }
    }

    pub(super) fn result(self) -> Type {
        self.ty.unwrap_or(Type::Never)
    }
}
