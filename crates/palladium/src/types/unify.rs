//! What is found out about unknown types of one function.

use iridium_isa::Span;

use super::kind::{ERROR, any, as_param, as_var, is_error, is_open, replace, var};
use crate::core::Type;

/// The unknown types of a function. None of them outlives it.
#[derive(Debug, Default)]
pub(crate) struct Vars {
    vars: Vec<Var>,
    /// The parameters of the function that are `Int` or `Float`.
    numeric: Vec<bool>,
}

#[derive(Debug)]
struct Var {
    is: Option<Type>,
    /// It is that of a number without a point: `Int`, unless it must be `Float`.
    number: bool,
    /// It was given something that never comes to an end.
    diverges: bool,
    /// What asked for it.
    span: Span,
}

impl Vars {
    pub(crate) fn new(numeric: Vec<bool>) -> Self {
        Self { vars: Vec::new(), numeric }
    }

    pub(crate) fn fresh(&mut self, span: &Span) -> Type {
        self.add(span, false)
    }

    pub(crate) fn number(&mut self, span: &Span) -> Type {
        self.add(span, true)
    }

    fn add(&mut self, span: &Span, number: bool) -> Type {
        self.vars.push(Var { is: None, number, diverges: false, span: span.clone() });
        var(self.vars.len() - 1)
    }

    /// What a type is, as far as its outermost part.
    pub(crate) fn shallow(&self, ty: &Type) -> Type {
        let mut ty = ty;
        while let Some(is) = as_var(ty).and_then(|number| self.vars[number].is.as_ref()) {
            ty = is;
        }
        ty.clone()
    }

    /// What a type is, with all that is known.
    pub(crate) fn deep(&self, ty: &Type) -> Type {
        if !is_open(ty) {
            return ty.clone();
        }
        replace(ty, &mut |param| {
            as_var(param)?;
            let known = self.shallow(param);
            Some(if as_var(&known).is_some() { known } else { self.deep(&known) })
        })
    }

    /// What it is in the end. `Err` is where something asked for it and nothing told.
    pub(crate) fn last(&self, ty: &Type) -> Result<Type, Span> {
        let ty = self.deep(ty);
        if !is_open(&ty) {
            return Ok(ty);
        }
        let mut unknown = None;
        let ty = replace(&ty, &mut |param| {
            let var = &self.vars[as_var(param)?];
            Some(if var.number {
                Type::Int
            } else if var.diverges {
                Type::Never
            } else {
                unknown.get_or_insert_with(|| var.span.clone());
                ERROR
            })
        });
        unknown.map_or(Ok(ty), Err)
    }

    /// Numbers without a point are of `Int` from here on, when nothing else has been said.
    pub(crate) fn settle(&mut self, ty: &Type) {
        let ty = self.deep(ty);
        any(&ty, &mut |part| {
            if let Some(number) = as_var(part)
                && self.vars[number].number
            {
                self.vars[number].is = Some(Type::Int);
            }
            false
        });
    }

    pub(crate) fn is_number(&self, ty: &Type) -> bool {
        as_var(&self.shallow(ty)).is_some_and(|number| self.vars[number].number)
    }

    /// Something that never comes to an end was given where this is wanted.
    pub(crate) fn diverges(&mut self, ty: &Type) {
        if let Some(number) = as_var(&self.shallow(ty)) {
            self.vars[number].diverges = true;
        }
    }

    /// Nothing more is to be said about what is unknown in a type.
    pub(crate) fn silence(&mut self, ty: &Type) {
        let ty = self.deep(ty);
        any(&ty, &mut |part| {
            if let Some(number) = as_var(part) {
                self.vars[number].is = Some(ERROR);
            }
            false
        });
    }

    /// Makes two types the same, if that is possible.
    pub(crate) fn unify(&mut self, a: &Type, b: &Type) -> bool {
        let (a, b) = (self.shallow(a), self.shallow(b));
        if is_error(&a) || is_error(&b) {
            self.silence(&a);
            self.silence(&b);
            return true;
        }
        match (as_var(&a), as_var(&b)) {
            (Some(x), Some(y)) if x == y => true,
            (Some(x), Some(y)) => {
                let (number, diverges) = (self.vars[x].number, self.vars[x].diverges);
                self.vars[y].number |= number;
                self.vars[y].diverges |= diverges;
                self.vars[x].is = Some(b);
                true
            }
            (Some(x), None) => self.bind(x, b),
            (None, Some(y)) => self.bind(y, a),
            (None, None) => self.unify_known(&a, &b),
        }
    }

    fn bind(&mut self, number: usize, ty: Type) -> bool {
        if self.vars[number].number && !self.is_numeric(&ty) {
            return false;
        }
        let within = any(&self.deep(&ty), &mut |part| as_var(part) == Some(number));
        if !within {
            self.vars[number].is = Some(ty);
        }
        !within
    }

    /// Whether numbers are of this type.
    pub(crate) fn is_numeric(&self, ty: &Type) -> bool {
        let param = as_param(ty).and_then(|nth| self.numeric.get(nth).copied());
        matches!(ty, Type::Int | Type::Float) || param == Some(true)
    }

    fn unify_known(&mut self, a: &Type, b: &Type) -> bool {
        match (a, b) {
            (Type::Tuple(a), Type::Tuple(b)) => self.unify_all(a, b),
            (Type::Record(x, a), Type::Record(y, b)) => x == y && self.unify_all(a, b),
            (Type::Enum(x, a), Type::Enum(y, b)) => x == y && self.unify_all(a, b),
            (Type::List(a), Type::List(b))
            | (Type::Pid(a), Type::Pid(b))
            | (Type::Reply(a), Type::Reply(b)) => self.unify(a, b),
            (Type::Fn(a), Type::Fn(b)) => {
                // What never comes to an end gives whatever is wanted.
                self.unify_all(&a.params, &b.params)
                    && (self.shallow(&a.result) == Type::Never || self.unify(&a.result, &b.result))
            }
            (a, b) => a == b,
        }
    }

    fn unify_all(&mut self, a: &[Type], b: &[Type]) -> bool {
        a.len() == b.len() && a.iter().zip(b).all(|(a, b)| self.unify(a, b))
    }
}
