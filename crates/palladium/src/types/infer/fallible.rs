//! `x?`, `x!` and `x ?? y`: what to do when there is no value.

use iridium_isa::Span;

use crate::core::{Arm, EnumId, Expr, ExprKind, LocalId, Pattern, Trap, Type};
use crate::diag::types as say;
use crate::syntax::ast;
use crate::types::build::{
    anything, bind, block, expr, local, set, string, variant, variant_pattern,
};
use crate::types::checker::{Checker, Want};
use crate::types::kind::{ERROR, as_var, is_error};

/// A type whose values may be missing.
enum Fallible {
    Option(EnumId, Type),
    Result(EnumId, Type, Type),
}

impl Checker {
    /// `x?`
    pub(super) fn try_(&mut self, value: &ast::Expr, span: &Span) -> Expr {
        let value = self.infer(value);
        match self.fallible(&value, "?") {
            Some(Fallible::Option(id, of)) => {
                let passed = self.pass_none(id, span);
                self.taken(value, id, of, None, passed, span)
            }
            Some(Fallible::Result(id, of, error)) => {
                let caught = self.temporary(error.clone(), span);
                let passed = self.pass_error(id, caught, &error, span);
                self.taken(value, id, of, Some((caught, error)), passed, span)
            }
            None => self.hole(span),
        }
    }

    /// `x!`
    pub(super) fn unwrap(&mut self, value: &ast::Expr, span: &Span) -> Expr {
        let value = self.infer(value);
        let trap = |text: Expr| {
            expr(ExprKind::Trap { kind: Trap::Unwrap, text: Box::new(text) }, Type::Never, span)
        };
        match self.fallible(&value, "!") {
            Some(Fallible::Option(id, of)) => {
                let trap = trap(string("there is no value: None", span));
                self.taken(value, id, of, None, trap, span)
            }
            Some(Fallible::Result(id, of, error)) => {
                let caught = self.temporary(error.clone(), span);
                let text = self.temporary(Type::String, span);
                let begin = set(text, string("there is no value: ", span));
                let shown = self.show(text, local(caught, error.clone(), span), false);
                let trap = trap(local(text, Type::String, span));
                let trap = block(vec![begin, shown], trap);
                self.taken(value, id, of, Some((caught, error)), trap, span)
            }
            None => self.hole(span),
        }
    }

    /// `x ?? y`
    pub(super) fn or_else(
        &mut self,
        left: &ast::Expr,
        right: &ast::Expr,
        span: &Span,
        want: &Want,
    ) -> Expr {
        let value = self.infer(left);
        let Some(fallible) = self.fallible(&value, "??") else {
            let other = self.infer(right);
            self.cx.vars.settle(&other.ty);
            return self.hole(span);
        };
        let (Fallible::Option(id, of) | Fallible::Result(id, of, _)) = &fallible;
        let (id, of) = (*id, of.clone());
        if let Some(ty) = want.ty() {
            let ty = ty.clone();
            if !is_error(&ty) && !crate::types::kind::is_unit(&self.known(&ty)) {
                self.cx.vars.unify(&of, &ty);
            }
        }
        let text = self.text(&of);
        let why = (self.place(&value.span), format!("there would be `{text}` here"));
        let other = self.check(right, &of, Some(why));
        let error = match fallible {
            Fallible::Option(..) => None,
            Fallible::Result(_, _, error) => Some((self.temporary(error.clone(), span), error)),
        };
        self.taken(value, id, of, error, other, span)
    }

    /// What a type has when it has something; `None` when it always has, which is said.
    fn fallible(&mut self, value: &Expr, op: &str) -> Option<Fallible> {
        let ty = self.known(&value.ty);
        if let Type::Enum(id, args) = &ty {
            if Some(*id) == self.world.known_enum("option", "Option") {
                return Some(Fallible::Option(*id, args[0].clone()));
            }
            if Some(*id) == self.world.known_enum("result", "Result") {
                return Some(Fallible::Result(*id, args[0].clone(), args[1].clone()));
            }
        }
        if as_var(&ty).is_some() && !self.cx.vars.is_number(&ty) {
            self.problem(say::unknown_type(self.place(&value.span), None, "_"));
            self.cx.vars.silence(&ty);
        } else if !is_error(&ty) && ty != Type::Never {
            let found = self.text(&ty);
            self.problem(say::not_fallible(self.place(&value.span), op, &found));
        }
        None
    }

    /// The value that is there, or else what `otherwise` gives.
    fn taken(
        &mut self,
        value: Expr,
        id: EnumId,
        of: Type,
        error: Option<(LocalId, Type)>,
        otherwise: Expr,
        span: &Span,
    ) -> Expr {
        let is_option = error.is_none();
        let there = self.temporary(of.clone(), span);
        let some = self.variant_number(id, if is_option { "Some" } else { "Ok" });
        let some =
            variant_pattern(id, some, vec![bind(there, of.clone(), span)], value.ty.clone(), span);
        let missing = match error {
            None => anything(value.ty.clone(), span),
            Some((caught, error)) => self.err_pattern(id, caught, error, &value.ty, span),
        };
        let arms = vec![
            Arm { pattern: some, guard: None, body: local(there, of.clone(), span) },
            Arm { pattern: missing, guard: None, body: otherwise },
        ];
        expr(ExprKind::Match { value: Box::new(value), arms }, of, span)
    }

    fn err_pattern(
        &mut self,
        id: EnumId,
        caught: LocalId,
        error: Type,
        ty: &Type,
        span: &Span,
    ) -> Pattern {
        let err = self.variant_number(id, "Err");
        variant_pattern(id, err, vec![bind(caught, error, span)], ty.clone(), span)
    }

    fn variant_number(&self, id: EnumId, name: &str) -> u32 {
        let variants = &self.world.enums[id.0 as usize].variants;
        variants.iter().position(|variant| &*variant.name == name).unwrap_or(0) as u32
    }

    /// `return None`
    fn pass_none(&mut self, id: EnumId, span: &Span) -> Expr {
        let result = self.frame().result.clone();
        let inner = self.cx.vars.fresh(span);
        self.cx.vars.diverges(&inner);
        if !self.cx.vars.unify(&result, &Type::Enum(id, [inner].into())) {
            self.passes_nothing("None", &result, span);
            return self.hole(span);
        }
        let none = self.variant_number(id, "None");
        let none = variant(id, none, Vec::new(), result, span);
        expr(ExprKind::Return(Box::new(none)), Type::Never, span)
    }

    /// `return Err(caught)`, wrapped in a variant of the function's error when that must be.
    fn pass_error(&mut self, id: EnumId, caught: LocalId, error: &Type, span: &Span) -> Expr {
        let result = self.frame().result.clone();
        let outer = match self.known(&result) {
            Type::Enum(of, args) if of == id => args[1].clone(),
            other if as_var(&other).is_some() => {
                let of = self.cx.vars.fresh(span);
                self.cx.vars.diverges(&of);
                self.cx.vars.unify(&result, &Type::Enum(id, [of, error.clone()].into()));
                error.clone()
            }
            other if is_error(&other) => return self.hole(span),
            _ => {
                self.passes_nothing("an error", &result, span);
                return self.hole(span);
            }
        };
        let caught = local(caught, error.clone(), span);
        let passed = match self.wrapper(&outer, error) {
            Some((of, nth)) => variant(of, nth, vec![caught], outer, span),
            None if self.cx.vars.unify(&outer, error) => caught,
            None => {
                let (expected, found) = (self.text(&outer), self.text(error));
                let why = self.frame().result_why.clone();
                let place = self.place(span);
                self.problem(say::other_error(place, &expected, &found, why.as_ref()));
                return self.hole(span);
            }
        };
        let err = self.variant_number(id, "Err");
        let err = variant(id, err, vec![passed], result, span);
        expr(ExprKind::Return(Box::new(err)), Type::Never, span)
    }

    /// The one variant of the function's error that has an error of this type in it.
    fn wrapper(&mut self, outer: &Type, error: &Type) -> Option<(EnumId, u32)> {
        let error = self.cx.vars.deep(error);
        let Type::Enum(id, args) = self.cx.vars.deep(outer) else { return None };
        if is_error(&error) || as_var(&error).is_some() {
            return None;
        }
        if matches!(&error, Type::Enum(of, _) if *of == id) {
            return None;
        }
        self.world.resolve_enum(id);
        let variants = self.world.enums[id.0 as usize].variants.iter().enumerate();
        let mut fitting = variants.filter(|(_, variant)| match &variant.fields[..] {
            [(_, ty)] => ty.substitute(&args) == error,
            _ => false,
        });
        match (fitting.next(), fitting.next()) {
            (Some((nth, _)), None) => Some((id, nth as u32)),
            _ => None,
        }
    }

    fn passes_nothing(&mut self, what: &str, result: &Type, span: &Span) {
        if *result == ERROR {
            return;
        }
        let gives = self.text(result);
        let why = self.frame().result_why.clone();
        let place = self.place(span);
        let in_main = self.cx.frames.len() == 1 && self.cx.path.ends_with(".main");
        self.problem(say::try_outside(place, what, &gives, in_main, why.as_ref()));
    }
}
