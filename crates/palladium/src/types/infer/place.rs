//! Places: what can be changed, and assignments.
//!
//! A place is checked as an expression first, and what that reads is then turned into the place.

use iridium_isa::Span;

use crate::core::{Arg, Expr, ExprKind, FnId, LocalId, Place, Step, Type};
use crate::diag::places as say;
use crate::diag::places::By;
use crate::syntax::ast;
use crate::types::build::{assign, block, call, expr, local, local_place, set, values};
use crate::types::checker::{Checker, Want};
use crate::types::kind::{ERROR, is_error, list_of, unit};

impl Checker {
    /// `place = value`, `place op= value`
    pub(super) fn assign(
        &mut self,
        target: &ast::Expr,
        op: Option<ast::BinaryOp>,
        op_span: &Span,
        value: &ast::Expr,
        span: &Span,
    ) -> Expr {
        if op.is_none()
            && let ast::ExprKind::Name(name) = &target.kind
            && self.is_undeclared(name)
        {
            return self.undeclared(name, value, span);
        }
        let read = self.infer(target);
        if is_error(&self.known(&read.ty)) {
            let value = self.infer(value);
            self.cx.vars.settle(&value.ty);
            return expr(ExprKind::Tuple(Vec::new()), unit(), span);
        }
        if op.is_none()
            && let Some(entry) = self.map_entry(&read)
        {
            return self.set_entry(entry, &read.ty, value, span);
        }
        let ty = read.ty.clone();
        let mut before = Vec::new();
        let place = self.place_of(read, &mut before, None);
        let text = self.text(&ty);
        let why = Some((self.place(&target.span), format!("this is `{text}`")));
        let value = match (op, &place) {
            (Some(op), Some(place)) => {
                let old = self.read(place);
                let value = self.infer(value);
                let value = self.binary_values(op, op_span, old, value, span);
                self.fit(value, &Want::Type(ty, why))
            }
            _ => self.check(value, &ty, why),
        };
        match place {
            Some(place) => block(before, assign(place, value, span)),
            None => expr(ExprKind::Tuple(Vec::new()), unit(), span),
        }
    }

    /// `m[k] = v`
    fn set_entry(
        &mut self,
        (map, key, types): (Expr, Expr, Vec<Type>),
        ty: &Type,
        value: &ast::Expr,
        span: &Span,
    ) -> Expr {
        let mut before = Vec::new();
        let key = self.kept(key, &mut before);
        let text = self.text(ty);
        let why = Some((self.place(&map.span), format!("the values of this are `{text}`")));
        let value = self.check(value, ty, why);
        let Some(map) = self.place_of(map, &mut before, None) else {
            return expr(ExprKind::Tuple(Vec::new()), unit(), span);
        };
        let put = self.library_fn("map", "set", span);
        let args = vec![Arg::InOut(map), Arg::Value(key), Arg::Value(value)];
        block(before, call(put, types, args, unit(), span))
    }

    /// The map, key and types of `m[k]`.
    fn map_entry(&mut self, read: &Expr) -> Option<(Expr, Expr, Vec<Type>)> {
        let ExprKind::Call { function, types, args } = &read.kind else { return None };
        match &args[..] {
            [Arg::Value(map), Arg::Value(key)] if self.is(*function, "map", "at") => {
                Some((map.clone(), key.clone(), types.clone()))
            }
            _ => None,
        }
    }

    /// Whether a function is this one of the library.
    fn is(&self, function: FnId, module: &str, name: &str) -> bool {
        let module = self.world.library.get(module).map(|module| self.world.module(*module));
        let key = module.and_then(|module| module.functions_named(name).first());
        key.is_some_and(|key| self.world.function(*key).reached == Some(function))
    }

    /// The place that an expression reads. What is to be done before is added to `before`. `what`
    /// says what changes it. `None`: it is none, or must not be changed, which is said.
    pub(in crate::types) fn place_of(
        &mut self,
        read: Expr,
        before: &mut Vec<Expr>,
        what: Option<&str>,
    ) -> Option<Place> {
        let Expr { kind, ty, span } = read;
        match kind {
            ExprKind::Local(id) => {
                self.check_var(id, &span, what).then(|| local_place(id, ty, &span))
            }
            ExprKind::Field { base, index } => {
                let mut place = self.place_of(*base, before, what)?;
                place.path.push(Step::Field(index));
                Some(Place { ty, span, ..place })
            }
            ExprKind::Call { function, types, args } => {
                self.element_place(function, types, args, ty, &span, before, what)
            }
            _ if is_error(&ty) => None,
            _ => {
                self.problem(say::no_place(self.place(&span), what));
                None
            }
        }
    }

    #[expect(clippy::too_many_arguments, reason = "all of them are parts of one call")]
    fn element_place(
        &mut self,
        function: FnId,
        types: Vec<Type>,
        args: Vec<Arg>,
        ty: Type,
        span: &Span,
        before: &mut Vec<Expr>,
        what: Option<&str>,
    ) -> Option<Place> {
        let is_element = self.is(function, "list", "element") || self.is(function, "bytes", "byte");
        let by_key = self.is(function, "map", "at") || self.is(function, "map", "get_or");
        let mut args = args.into_iter().filter_map(|arg| match arg {
            Arg::Value(value) => Some(value),
            Arg::InOut(_) => None,
        });
        let (base, index, default) = match (args.next(), args.next(), args.next()) {
            (Some(base), Some(index), default) if is_element || by_key => (base, index, default),
            _ => {
                self.problem(say::no_place(self.place(span), what));
                return None;
            }
        };
        let mut place = self.place_of(base, before, what)?;
        let index = self.kept(index, before);
        if is_element {
            place.path.push(Step::Index(index));
            return Some(Place { ty, span: span.clone(), ..place });
        }
        let (name, args) = match default {
            Some(default) => {
                let map = Arg::InOut(place.clone());
                ("slot_or_insert", vec![map, Arg::Value(index), Arg::Value(default)])
            }
            None => ("slot_of", values([self.read(&place), index])),
        };
        let slot = self.library_fn("map", name, span);
        let slot = call(slot, types, args, Type::Int, span);
        let slot = self.kept(slot, before);
        place.path.push(Step::Field(self.map_values()?));
        place.path.push(Step::Index(slot));
        Some(Place { ty, span: span.clone(), ..place })
    }

    /// The position of the field of a map that has its values.
    fn map_values(&mut self) -> Option<u32> {
        let map = self.world.known_record("map", "Map")?;
        self.world.resolve_record(map);
        let fields = &self.world.records[map.0 as usize].fields;
        fields.iter().position(|(name, _)| &**name == "values").map(|nth| nth as u32)
    }

    /// The same value as a local or literal, so that it can be read again.
    pub(super) fn kept(&mut self, value: Expr, before: &mut Vec<Expr>) -> Expr {
        if matches!(value.kind, ExprKind::Int(_)) {
            return value;
        }
        let (ty, span) = (value.ty.clone(), value.span.clone());
        let id = self.temporary(ty.clone(), &span);
        before.push(set(id, value));
        local(id, ty, &span)
    }

    fn check_var(&mut self, id: LocalId, span: &Span, what: Option<&str>) -> bool {
        let is_inner = self.cx.frames.len() > 1;
        let frame = self.frame();
        let captured = frame.captures.iter().any(|(_, inner)| *inner == id);
        let declared = &mut frame.locals[id.0 as usize];
        declared.core.shared |= captured && is_inner;
        if declared.by != By::Var {
            let (name, by, at) =
                (declared.core.name.clone(), declared.by, declared.core.span.clone());
            // A variable of the prompt has no place in this file.
            let declared = (!at.is_empty()).then(|| self.place(&at));
            self.problem(say::needs_var(self.place(span), &name, what, declared, by));
            return false;
        }
        true
    }

    /// What is in a place.
    fn read(&mut self, place: &Place) -> Expr {
        let span = &place.span;
        let mut value = local(place.local, self.local_type(place.local), span);
        for step in &place.path {
            value = match step {
                Step::Field(index) => {
                    let ty = self.field_type(&value.ty, *index);
                    expr(ExprKind::Field { base: Box::new(value), index: *index }, ty, span)
                }
                Step::Index(index) => self.read_element(value, index.clone(), span),
            };
        }
        Expr { ty: place.ty.clone(), ..value }
    }

    fn read_element(&mut self, base: Expr, index: Expr, span: &Span) -> Expr {
        match self.known(&base.ty) {
            Type::List(of) => {
                let element = self.library_fn("list", "element", span);
                call(element, vec![(*of).clone()], values([base, index]), (*of).clone(), span)
            }
            _ => {
                let byte = self.library_fn("bytes", "byte", span);
                call(byte, Vec::new(), values([base, index]), Type::Int, span)
            }
        }
    }

    fn field_type(&mut self, ty: &Type, index: u32) -> Type {
        match self.known(ty) {
            Type::Tuple(types) => types.get(index as usize).cloned().unwrap_or(ERROR),
            Type::Record(id, args) => {
                self.world.resolve_record(id);
                let field = self.world.records[id.0 as usize].fields.get(index as usize);
                field.map_or(ERROR, |(_, ty)| ty.substitute(&args))
            }
            _ => list_of(ERROR),
        }
    }
}
