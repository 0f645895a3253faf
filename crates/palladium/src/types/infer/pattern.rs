//! Patterns, and the names that they bind.

use std::sync::Arc;

use iridium_isa::{Span, suggest};

use crate::core::{LocalId, Pattern, PatternKind, Type};
use crate::diag::places::By;
use crate::diag::{calls as say_calls, names as say_names, types as say};
use crate::names::meaning::Meaning;
use crate::names::world::Constructor;
use crate::syntax::ast;
use crate::types::build::anything;
use crate::types::checker::{Binding, Checker};
use crate::types::kind::{ERROR, list_of};

/// The names that a pattern binds.
#[derive(Debug)]
struct Names {
    bound: Vec<(Arc<str>, LocalId, Span)>,
    /// In an alternative after the first: the names of the first.
    first: Option<Vec<(Arc<str>, LocalId, Span)>>,
    by: By,
}

impl Checker {
    /// A pattern for values of a type. Its names are bound in the current scope.
    pub(super) fn pattern(&mut self, p: &ast::Pattern, ty: &Type, by: By) -> Pattern {
        let mut names = Names { bound: Vec::new(), first: None, by };
        let pattern = self.part(p, ty, &mut names);
        for (name, local, _) in names.bound {
            self.bind(&name, Binding::Local(local));
        }
        pattern
    }

    fn part(&mut self, p: &ast::Pattern, ty: &Type, names: &mut Names) -> Pattern {
        let span = &p.span;
        let of = |kind| Pattern { kind, ty: ty.clone(), span: span.clone() };
        match &p.kind {
            ast::PatternKind::Any => anything(ty.clone(), span),
            ast::PatternKind::Error => anything(ERROR, span),
            ast::PatternKind::Bind(name) => of(PatternKind::Bind(self.bound(name, ty, names))),
            ast::PatternKind::As { pattern, name } => {
                let inner = self.part(pattern, ty, names);
                of(PatternKind::As(Box::new(inner), self.bound(name, ty, names)))
            }
            ast::PatternKind::Or(alternatives) => {
                of(PatternKind::Or(self.alternatives(alternatives, ty, names)))
            }
            ast::PatternKind::Variant { qualifier, name, fields } => {
                self.variant_part(p, qualifier.as_ref(), name, fields, ty, names)
            }
            ast::PatternKind::Literal(literal) => match self.literal(literal, ty) {
                Some(kind) => of(kind),
                None => anything(ERROR, span),
            },
            ast::PatternKind::Range { start, end, inclusive } => {
                match self.range_part(start, end, *inclusive, ty, span) {
                    Some(kind) => of(kind),
                    None => anything(ERROR, span),
                }
            }
            ast::PatternKind::Tuple(parts) => self.tuple_part(parts, ty, span, names),
            ast::PatternKind::List { patterns, open } => {
                let element = self.cx.vars.fresh(span);
                if !self.fits(&list_of(element.clone()), ty, span) {
                    self.error_parts(patterns, names);
                    return anything(ERROR, span);
                }
                let parts = patterns.iter().map(|part| self.part(part, &element, names));
                let patterns = parts.collect();
                of(PatternKind::List { patterns, open: *open })
            }
        }
    }

    /// Whether a pattern of one type is for values of another; if not, that is said.
    fn fits(&mut self, pattern: &Type, value: &Type, span: &Span) -> bool {
        let fits = self.cx.vars.unify(value, pattern);
        if !fits {
            let (expected, found) = (self.text(value), self.text(pattern));
            self.problem(say::mismatched(self.place(span), &expected, &found, None));
        }
        fits
    }

    /// The names of parts of which no type is known.
    fn error_parts(&mut self, parts: &[ast::Pattern], names: &mut Names) {
        for part in parts {
            self.part(part, &ERROR, names);
        }
    }

    fn bound(&mut self, name: &ast::Ident, ty: &Type, names: &mut Names) -> LocalId {
        let first = names.first.as_ref().and_then(|first| {
            first.iter().find(|(bound, ..)| *bound == name.text).map(|(_, local, _)| *local)
        });
        if let Some((_, _, span)) = names.bound.iter().find(|(bound, ..)| *bound == name.text) {
            let first = self.place(&span.clone());
            self.problem(say_names::declared_twice(self.place(&name.span), &name.text, first));
        }
        let local = match first {
            Some(local) => {
                self.note_local(&name.span, local);
                let declared = self.local_type(local);
                self.fits(ty, &declared, &name.span);
                local
            }
            None => {
                if names.first.is_some() {
                    self.problem(say_calls::alternatives(self.place(&name.span), &name.text));
                }
                self.local(&name.text, ty.clone(), names.by, &name.span)
            }
        };
        names.bound.push((Arc::clone(&name.text), local, name.span.clone()));
        local
    }

    fn alternatives(
        &mut self,
        alternatives: &[ast::Pattern],
        ty: &Type,
        names: &mut Names,
    ) -> Vec<Pattern> {
        let outer = std::mem::take(&mut names.bound);
        let mut first: Option<Vec<(Arc<str>, LocalId, Span)>> = None;
        let mut checked = Vec::new();
        for alternative in alternatives {
            let known = first.clone().or_else(|| names.first.clone());
            let mut inner = Names { bound: Vec::new(), first: known, by: names.by };
            checked.push(self.part(alternative, ty, &mut inner));
            match &first {
                None => first = Some(inner.bound),
                Some(first) => {
                    let missing = first
                        .iter()
                        .find(|(name, ..)| !inner.bound.iter().any(|(bound, ..)| bound == name));
                    if let Some((name, ..)) = missing {
                        let place = self.place(&alternative.span);
                        self.problem(say_calls::alternatives(place, name));
                    }
                }
            }
        }
        names.bound = outer;
        names.bound.extend(first.unwrap_or_default());
        checked
    }

    fn tuple_part(
        &mut self,
        parts: &[ast::Pattern],
        ty: &Type,
        span: &Span,
        names: &mut Names,
    ) -> Pattern {
        let types: Vec<Type> = match self.known(ty) {
            Type::Tuple(types) if types.len() == parts.len() => types.to_vec(),
            _ => parts.iter().map(|part| self.cx.vars.fresh(&part.span)).collect(),
        };
        if !self.fits(&Type::Tuple(types.clone().into()), ty, span) {
            self.error_parts(parts, names);
            return anything(ERROR, span);
        }
        let parts = parts.iter().zip(&types).map(|(part, ty)| self.part(part, ty, names)).collect();
        Pattern { kind: PatternKind::Tuple(parts), ty: ty.clone(), span: span.clone() }
    }

    fn variant_part(
        &mut self,
        p: &ast::Pattern,
        qualifier: Option<&ast::Ident>,
        name: &ast::Ident,
        fields: &ast::VariantPattern,
        ty: &Type,
        names: &mut Names,
    ) -> Pattern {
        let found = match qualifier {
            Some(qualifier) => self.qualified_constructor(qualifier, name),
            None => self.constructor(name, Some(ty)),
        };
        if let Some(found) = found {
            self.note(&name.span, Meaning::Constructor(found));
        }
        let Some((constructor, shape)) = found.and_then(|found| self.shape(found, &p.span)) else {
            if let ast::VariantPattern::Fields(fields) = fields {
                fields.iter().for_each(|(_, part)| {
                    self.part(part, &ERROR, names);
                });
            }
            return anything(ERROR, &p.span);
        };
        let fits = self.fits(&shape.ty, ty, &p.span);
        if let ast::VariantPattern::Fields(fields) = fields {
            let labels = fields.iter().filter_map(|(label, _)| label.as_ref());
            self.note_labels(constructor, &shape.fields, labels);
        }
        let parts = self.field_parts(p, name, fields, &shape.fields, fits, names);
        if !fits {
            return anything(ERROR, &p.span);
        }
        let kind = match constructor {
            Constructor::Variant(of, variant) => {
                PatternKind::Variant { of, variant, fields: parts }
            }
            Constructor::Record(record) => PatternKind::Record { record, fields: parts },
            Constructor::Actor(_) => PatternKind::Any,
        };
        Pattern { kind, ty: ty.clone(), span: p.span.clone() }
    }

    /// The patterns for all fields, in their order.
    fn field_parts(
        &mut self,
        p: &ast::Pattern,
        name: &ast::Ident,
        fields: &ast::VariantPattern,
        declared: &[(Option<Arc<str>>, Type)],
        fits: bool,
        names: &mut Names,
    ) -> Vec<Pattern> {
        let given = match fields {
            ast::VariantPattern::Rest => {
                let any = |(_, ty): &(_, Type)| anything(ty.clone(), &p.span);
                return declared.iter().map(any).collect();
            }
            ast::VariantPattern::None => &Vec::new(),
            ast::VariantPattern::Fields(given) => given,
        };
        let mut parts: Vec<Option<Pattern>> = declared.iter().map(|_| None).collect();
        let mut next = 0;
        let mut wrong = false;
        for (label, part) in given {
            let at = match label {
                Some(label) => self.labelled(label, declared),
                None => Some(next),
            };
            let field = at.and_then(|at| declared.get(at));
            let ty = field.filter(|_| fits).map_or(ERROR, |(_, ty)| ty.clone());
            let part = self.part(part, &ty, names);
            wrong |= label.is_some() && at.is_none();
            if let Some(at) = at {
                next = at + 1;
                match parts.get_mut(at) {
                    Some(slot) => *slot = Some(part),
                    None => next = declared.len() + 1,
                }
            }
        }
        if !wrong && (next > declared.len() || parts.iter().any(Option::is_none)) {
            let place = self.place(&p.span);
            let given = given.len();
            self.problem(say_calls::pattern_fields(place, &name.text, declared, given));
        }
        parts.into_iter().map(|part| part.unwrap_or_else(|| anything(ERROR, &p.span))).collect()
    }

    fn labelled(
        &mut self,
        label: &ast::Ident,
        declared: &[(Option<Arc<str>>, Type)],
    ) -> Option<usize> {
        let at = declared.iter().position(|(name, _)| name.as_ref() == Some(&label.text));
        if at.is_none() {
            let names = declared.iter().filter_map(|(name, _)| name.as_deref());
            let near = suggest::nearest(&label.text, names);
            let place = self.place(&label.span);
            self.problem(say_names::unknown(place, "field", &label.text, near));
        }
        at
    }

    /// A literal as a pattern. It must be of the type of the values.
    fn literal(&mut self, literal: &ast::Expr, ty: &Type) -> Option<PatternKind> {
        let span = &literal.span;
        let (kind, found) = match &literal.kind {
            ast::ExprKind::Int(value) => (PatternKind::Int(*value), self.cx.vars.number(span)),
            ast::ExprKind::Unary { op: ast::UnaryOp::Neg, operand } => match &operand.kind {
                ast::ExprKind::Int(value) => {
                    (PatternKind::Int(value.wrapping_neg()), self.cx.vars.number(span))
                }
                ast::ExprKind::Float(value) => (PatternKind::Float(-value), Type::Float),
                _ => return None,
            },
            ast::ExprKind::Float(value) => (PatternKind::Float(*value), Type::Float),
            ast::ExprKind::Bool(value) => (PatternKind::Int((*value).into()), Type::Bool),
            ast::ExprKind::Char(value) => (PatternKind::Int(u32::from(*value).into()), Type::Char),
            ast::ExprKind::String(value) => (PatternKind::String(value.clone()), Type::String),
            ast::ExprKind::Bytes(value) => (PatternKind::Bytes(value.clone()), Type::Bytes),
            _ => return None,
        };
        self.fits(&found, ty, span).then_some(kind)
    }

    fn range_part(
        &mut self,
        start: &ast::Expr,
        end: &ast::Expr,
        inclusive: bool,
        ty: &Type,
        span: &Span,
    ) -> Option<PatternKind> {
        let from = self.literal(start, ty)?;
        let to = self.literal(end, ty)?;
        let is_float = self.known(ty) == Type::Float;
        let float = |kind: &PatternKind| match kind {
            PatternKind::Float(value) => Some(*value),
            PatternKind::Int(value) if is_float => Some(*value as f64),
            _ => None,
        };
        match (&from, &to) {
            (PatternKind::Int(from), PatternKind::Int(to)) if !is_float => {
                let last = if inclusive { Some(*to) } else { to.checked_sub(1) };
                match last.filter(|last| from <= last) {
                    Some(last) => Some(PatternKind::IntRange(*from, last)),
                    None => {
                        self.problem(say_calls::empty_range(self.place(span)));
                        None
                    }
                }
            }
            _ => match (float(&from), float(&to)) {
                (Some(start), Some(end)) => Some(PatternKind::FloatRange { start, end, inclusive }),
                _ => {
                    self.problem(say_calls::range_of(self.place(span)));
                    None
                }
            },
        }
    }
}
