//! Pieces of core, put together.

use std::sync::Arc;

use iridium_isa::Span;

use super::kind::unit;
use crate::core::{
    Arg, CompareOp, EnumId, Expr, ExprKind, FnId, LocalId, Op, Pattern, PatternKind, Place, Type,
};

pub(crate) fn expr(kind: ExprKind, ty: Type, span: &Span) -> Expr {
    Expr { kind, ty, span: span.clone() }
}

pub(crate) fn nothing(span: &Span) -> Expr {
    expr(ExprKind::Tuple(Vec::new()), unit(), span)
}

pub(crate) fn int(value: i64, span: &Span) -> Expr {
    expr(ExprKind::Int(value), Type::Int, span)
}

pub(crate) fn boolean(value: bool, span: &Span) -> Expr {
    expr(ExprKind::Int(value.into()), Type::Bool, span)
}

pub(crate) fn string(value: &str, span: &Span) -> Expr {
    expr(ExprKind::String(value.into()), Type::String, span)
}

pub(crate) fn local(local: LocalId, ty: Type, span: &Span) -> Expr {
    expr(ExprKind::Local(local), ty, span)
}

pub(crate) fn local_place(local: LocalId, ty: Type, span: &Span) -> Place {
    Place { local, path: Vec::new(), ty, span: span.clone() }
}

/// `let local = value`
pub(crate) fn set(local: LocalId, value: Expr) -> Expr {
    let span = value.span.clone();
    let pattern =
        Pattern { kind: PatternKind::Bind(local), ty: value.ty.clone(), span: span.clone() };
    let kind = ExprKind::Let { pattern, value: Box::new(value), otherwise: None };
    expr(kind, unit(), &span)
}

pub(crate) fn assign(place: Place, value: Expr, span: &Span) -> Expr {
    expr(ExprKind::Assign { place, value: Box::new(value) }, unit(), span)
}

/// Statements and a value; the value alone when there are none.
pub(crate) fn block(stmts: Vec<Expr>, value: Expr) -> Expr {
    if stmts.is_empty() {
        return value;
    }
    let (ty, span) = (value.ty.clone(), value.span.clone());
    expr(ExprKind::Block { stmts, value: Box::new(value) }, ty, &span)
}

/// Does it, and gives nothing.
pub(crate) fn dropped(value: Expr) -> Expr {
    if super::kind::is_unit(&value.ty) || value.ty == Type::Never {
        return value;
    }
    let span = value.span.clone();
    block(vec![value], nothing(&span))
}

pub(crate) fn branch(condition: Expr, then: Expr, otherwise: Expr, ty: Type, span: &Span) -> Expr {
    let (condition, then, otherwise) = (Box::new(condition), Box::new(then), Box::new(otherwise));
    expr(ExprKind::If { condition, then, otherwise }, ty, span)
}

pub(crate) fn compare(op: CompareOp, left: Expr, right: Expr, span: &Span) -> Expr {
    let (left, right) = (Box::new(left), Box::new(right));
    expr(ExprKind::Compare { op, left, right }, Type::Bool, span)
}

pub(crate) fn operate(op: Op, left: Expr, right: Expr, span: &Span) -> Expr {
    let ty = left.ty.clone();
    expr(ExprKind::Op { op, args: vec![left, right] }, ty, span)
}

pub(crate) fn call(
    function: FnId,
    types: Vec<Type>,
    args: Vec<Arg>,
    ty: Type,
    span: &Span,
) -> Expr {
    expr(ExprKind::Call { function, types, args }, ty, span)
}

pub(crate) fn values(values: impl IntoIterator<Item = Expr>) -> Vec<Arg> {
    values.into_iter().map(Arg::Value).collect()
}

/// Leaves the loop.
pub(crate) fn leave(span: &Span) -> Expr {
    expr(ExprKind::Break, Type::Never, span)
}

pub(crate) fn variant(of: EnumId, variant: u32, fields: Vec<Expr>, ty: Type, span: &Span) -> Expr {
    expr(ExprKind::Variant { of, variant, fields }, ty, span)
}

pub(crate) fn bind(local: LocalId, ty: Type, span: &Span) -> Pattern {
    Pattern { kind: PatternKind::Bind(local), ty, span: span.clone() }
}

pub(crate) fn anything(ty: Type, span: &Span) -> Pattern {
    Pattern { kind: PatternKind::Any, ty, span: span.clone() }
}

pub(crate) fn variant_pattern(
    of: EnumId,
    variant: u32,
    fields: Vec<Pattern>,
    ty: Type,
    span: &Span,
) -> Pattern {
    Pattern { kind: PatternKind::Variant { of, variant, fields }, ty, span: span.clone() }
}

/// The name of something that the compiler makes within something else.
pub(crate) fn within(path: &str, name: impl std::fmt::Display) -> Arc<str> {
    format!("{path}.{name}").into()
}
