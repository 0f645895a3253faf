//! The end of a function's check: what was unknown is known, or else that is said.

use std::collections::BTreeSet;

use iridium_isa::Span;

use super::checker::Checker;
use super::kind::{as_param, is_open};
use super::unify::Vars;
use crate::core::walk::each_child_mut;
use crate::core::{Arg, Body, Expr, ExprKind, Function, Pattern, PatternKind, Place, Type};
use crate::diag::types as say;

impl Checker {
    /// Puts the types that were found into functions, and checks what had to wait for them.
    pub(crate) fn finish(&mut self, functions: &mut [&mut Function]) {
        for function in functions.iter_mut() {
            self.unknown_locals(function);
        }
        let mut finisher = Finisher { vars: &self.cx.vars, unknown: BTreeSet::new() };
        for function in functions.iter_mut() {
            finisher.function(function);
        }
        for (start, end) in finisher.unknown {
            let place = self.place(&(start..end));
            self.problem(say::unknown_type(place, None, "_"));
        }
        self.check_needs();
    }

    /// Says which locals have no type. It is more than to say which expression has none.
    fn unknown_locals(&mut self, function: &Function) {
        let Body::Code(body) = &function.body else { return };
        let mut binds = Vec::new();
        bound_spans(body, &mut binds);
        for (local, span) in binds {
            let declared = &function.locals[local as usize];
            if declared.name.is_empty() || self.cx.vars.last(&declared.ty).is_ok() {
                continue;
            }
            let shape = self.text(&declared.ty);
            let place = self.place(&span);
            self.problem(say::unknown_type(place, Some(&declared.name), &shape));
            self.cx.vars.silence(&declared.ty);
        }
    }

    fn check_needs(&mut self) {
        let mut said: BTreeSet<(u32, u32, &str)> = BTreeSet::new();
        for need in std::mem::take(&mut self.cx.needs) {
            let Ok(ty) = self.cx.vars.last(&need.ty) else { continue };
            let generics = self.cx.generics.clone();
            let Some((path, part)) = self.world.lack(need.bound, &ty, &generics) else { continue };
            if !said.insert((need.span.start, need.span.end, need.bound.name())) {
                continue;
            }
            let place = self.place(&need.span);
            let generic = as_param(&part).and_then(|nth| generics.get(nth));
            let problem = match generic {
                Some(generic) => {
                    let bounds: Vec<&str> =
                        generic.bounds.iter().map(|bound| bound.name()).collect();
                    let declared = self.place(&generic.span);
                    say::parameter_bound(place, need.bound.name(), &generic.name, declared, &bounds)
                }
                None => {
                    let (ty, of) = (self.text(&ty), self.text(&part));
                    let part = path.strip_prefix('.').map(|path| (path, &*of));
                    say::bound(place, need.bound.name(), &ty, part, need.why.as_ref())
                }
            };
            self.problem(problem);
        }
    }
}

/// The locals that patterns bind, with their places.
fn bound_spans(body: &Expr, found: &mut Vec<(u32, Span)>) {
    let mut pattern = |pattern: &Pattern| in_pattern(pattern, found);
    match &body.kind {
        ExprKind::Let { pattern: p, .. } | ExprKind::Is { pattern: p, .. } => pattern(p),
        ExprKind::Match { arms, .. } => arms.iter().for_each(|arm| pattern(&arm.pattern)),
        _ => {}
    }
    crate::core::walk::each_child(body, &mut |child| bound_spans(child, found));
}

fn in_pattern(pattern: &Pattern, found: &mut Vec<(u32, Span)>) {
    match &pattern.kind {
        PatternKind::Bind(local) => found.push((local.0, pattern.span.clone())),
        PatternKind::As(_, local) => found.push((local.0, pattern.span.clone())),
        _ => {}
    }
    pattern.parts().iter().for_each(|part| in_pattern(part, found));
}

struct Finisher<'v> {
    vars: &'v Vars,
    /// Where something has no type.
    unknown: BTreeSet<(u32, u32)>,
}

impl Finisher<'_> {
    fn function(&mut self, function: &mut Function) {
        self.ty(&mut function.result);
        for local in &mut function.locals {
            self.ty(&mut local.ty);
        }
        if let Body::Code(body) = &mut function.body {
            self.expr(body);
        }
    }

    fn ty(&mut self, ty: &mut Type) {
        if !is_open(ty) {
            return;
        }
        match self.vars.last(ty) {
            Ok(known) => *ty = known,
            Err(span) => {
                self.unknown.insert((span.start, span.end));
            }
        }
    }

    fn types(&mut self, types: &mut [Type]) {
        types.iter_mut().for_each(|ty| self.ty(ty));
    }

    fn expr(&mut self, expr: &mut Expr) {
        self.ty(&mut expr.ty);
        match &mut expr.kind {
            ExprKind::Int(value) if expr.ty == Type::Float => {
                expr.kind = ExprKind::Float(*value as f64);
            }
            ExprKind::Fn { types, .. } | ExprKind::Closure { types, .. } => self.types(types),
            ExprKind::Call { types, args, .. } => {
                self.types(types);
                self.places(args);
            }
            ExprKind::Spawn { types, .. } => self.types(types),
            ExprKind::Receive(receive) => self.ty(&mut receive.of),
            ExprKind::CallValue { args, .. } => self.places(args),
            ExprKind::Show { out, .. } => self.place(out),
            ExprKind::Assign { place, .. } => self.place(place),
            ExprKind::Let { pattern, .. } | ExprKind::Is { pattern, .. } => self.pattern(pattern),
            ExprKind::Match { arms, .. } => {
                arms.iter_mut().for_each(|arm| self.pattern(&mut arm.pattern));
            }
            _ => {}
        }
        each_child_mut(expr, &mut |child| self.expr(child));
    }

    fn places(&mut self, args: &mut [Arg]) {
        for arg in args {
            if let Arg::InOut(place) = arg {
                self.place(place);
            }
        }
    }

    fn place(&mut self, place: &mut Place) {
        self.ty(&mut place.ty);
    }

    fn pattern(&mut self, pattern: &mut Pattern) {
        self.ty(&mut pattern.ty);
        match &mut pattern.kind {
            PatternKind::Int(value) if pattern.ty == Type::Float => {
                pattern.kind = PatternKind::Float(*value as f64);
            }
            PatternKind::IntRange(start, end) if pattern.ty == Type::Float => {
                let (start, end) = (*start as f64, *end as f64);
                pattern.kind = PatternKind::FloatRange { start, end, inclusive: true };
            }
            PatternKind::As(inner, _) => self.pattern(inner),
            PatternKind::Or(parts)
            | PatternKind::Tuple(parts)
            | PatternKind::List { patterns: parts, .. }
            | PatternKind::Variant { fields: parts, .. }
            | PatternKind::Record { fields: parts, .. } => {
                parts.iter_mut().for_each(|part| self.pattern(part));
            }
            _ => {}
        }
    }
}
