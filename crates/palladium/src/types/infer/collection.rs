//! Lists, maps, and what is in brackets after a value.

use iridium_isa::Span;

use crate::core::{Arg, Expr, ExprKind, Type};
use crate::diag::types as say;
use crate::names::world::Bound;
use crate::syntax::ast;
use crate::types::build::{block, call, expr, int, local, local_place, operate, set, values};
use crate::types::checker::{Checker, Want};
use crate::types::kind::{ERROR, as_var, is_error, list_of, unit};

impl Checker {
    pub(super) fn list(&mut self, elements: &[ast::Expr], span: &Span, want: &Want) -> Expr {
        let mut element = match want.ty().map(|ty| self.known(ty)) {
            Some(Type::List(of)) => Want::Type((*of).clone(), want.why().cloned()),
            _ => Want::Any,
        };
        let mut checked = Vec::new();
        for e in elements {
            let found = self.expr(e, &element);
            if matches!(element, Want::Any) && self.known(&found.ty) != Type::Never {
                let why = (self.place(&e.span), "the first element is this".to_owned());
                element = Want::Type(found.ty.clone(), Some(why));
            }
            checked.push(found);
        }
        let of = match element {
            Want::Type(ty, _) => ty,
            Want::Any | Want::Drop => self.cx.vars.fresh(span),
        };
        expr(ExprKind::List(checked), list_of(of), span)
    }

    /// `[k: v]`
    pub(super) fn map(
        &mut self,
        entries: &[(ast::Expr, ast::Expr)],
        span: &Span,
        want: &Want,
    ) -> Expr {
        let Some(record) = self.world.known_record("map", "Map") else {
            return expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        };
        let (key, value) = match want.ty().map(|ty| self.known(ty)) {
            Some(Type::Record(id, types)) if id == record => (types[0].clone(), types[1].clone()),
            _ => (self.cx.vars.fresh(span), self.cx.vars.fresh(span)),
        };
        self.need(Bound::Hash, &key, span, None);
        let types = vec![key.clone(), value.clone()];
        let ty = Type::Record(record, types.clone().into());
        let new = self.library_fn("map", "new", span);
        let empty = call(new, types.clone(), Vec::new(), ty.clone(), span);
        if entries.is_empty() {
            return empty;
        }
        let made = self.temporary(ty.clone(), span);
        let mut stmts = vec![set(made, empty)];
        let put = self.library_fn("map", "set", span);
        for (k, v) in entries {
            let why = |place, text: &str| Some((place, text.to_owned()));
            let first = self.place(&entries[0].0.span);
            let k = self.check(k, &key, why(first, "the first key is this"));
            let first = self.place(&entries[0].1.span);
            let v = self.check(v, &value, why(first, "the first value is this"));
            let place = Arg::InOut(local_place(made, ty.clone(), span));
            let args = vec![place, Arg::Value(k), Arg::Value(v)];
            stmts.push(call(put, types.clone(), args, unit(), span));
        }
        block(stmts, local(made, ty, span))
    }

    /// `xs[i]`, `xs[a..b]`, `m[k]`, `m[k, default: d]`
    pub(super) fn index(
        &mut self,
        base: &ast::Expr,
        args: &[ast::Arg],
        span: &Span,
        _want: &Want,
    ) -> Expr {
        let wrong = expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        let base = self.infer(base);
        let ty = self.known(&base.ty);
        if is_error(&ty) || ty == Type::Never {
            return wrong;
        }
        if as_var(&ty).is_some() {
            self.problem(say::unknown_type(self.place(&base.span), None, "_"));
            self.cx.vars.silence(&ty);
            return wrong;
        }
        match (&ty, args) {
            (Type::Record(id, types), [key, rest @ ..])
                if Some(*id) == self.world.known_record("map", "Map") =>
            {
                self.map_index(base, types, key, rest, span)
            }
            (Type::List(_) | Type::String | Type::Bytes, [index]) if index.label.is_none() => {
                self.element_or_slice(base, &ty, &index.value, span)
            }
            _ => {
                let found = self.text(&ty);
                self.problem(say::not_indexed(self.place(span), &found));
                wrong
            }
        }
    }

    fn map_index(
        &mut self,
        map: Expr,
        types: &[Type],
        key: &ast::Arg,
        rest: &[ast::Arg],
        span: &Span,
    ) -> Expr {
        let text = self.text(&types[0]);
        let why = (self.place(&map.span), format!("the keys of this are `{text}`"));
        let key = self.check(&key.value, &types[0], Some(why));
        let value = types[1].clone();
        match rest {
            [] => {
                let at = self.library_fn("map", "at", span);
                call(at, types.to_vec(), values([map, key]), value, span)
            }
            [default] if default.label.as_ref().is_some_and(|l| &*l.text == "default") => {
                let text = self.text(&value);
                let why = (self.place(&map.span), format!("the values of this are `{text}`"));
                let default = self.check(&default.value, &value, Some(why));
                let get = self.library_fn("map", "get_or", span);
                call(get, types.to_vec(), values([map, key, default]), value, span)
            }
            _ => {
                self.problem(say::map_index(self.place(span)));
                expr(ExprKind::Tuple(Vec::new()), ERROR, span)
            }
        }
    }

    fn element_or_slice(&mut self, base: Expr, ty: &Type, index: &ast::Expr, span: &Span) -> Expr {
        let module = match ty {
            Type::List(_) => "list",
            Type::String => "string",
            _ => "bytes",
        };
        let types: Vec<Type> = match ty {
            Type::List(of) => vec![(**of).clone()],
            _ => Vec::new(),
        };
        if let ast::ExprKind::Range { start, end, inclusive } = &index.kind {
            let start = self.check(start, &Type::Int, None);
            let mut end = self.check(end, &Type::Int, None);
            if *inclusive {
                let at = end.span.clone();
                end = operate(crate::core::Op::Add, end, int(1, &at), &at);
            }
            let slice = self.library_fn(module, "slice", span);
            return call(slice, types, values([base, start, end]), ty.clone(), span);
        }
        let found = self.infer(index);
        if let Type::Record(id, _) = self.known(&found.ty)
            && Some(id) == self.world.known_record("range", "Range")
        {
            return self.slice_by(base, ty, module, types, found, span);
        }
        if *ty == Type::String {
            self.problem(say::string_index(self.place(span)));
            return expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        }
        let why = (self.place(&base.span), "positions are `Int`".to_owned());
        let found = self.fit(found, &Want::Type(Type::Int, Some(why)));
        let (name, of) = match ty {
            Type::List(of) => ("element", (**of).clone()),
            _ => ("byte", Type::Int),
        };
        let element = self.library_fn(module, name, span);
        call(element, types, values([base, found]), of, span)
    }

    /// A slice by a range that is a value.
    fn slice_by(
        &mut self,
        base: Expr,
        ty: &Type,
        module: &str,
        types: Vec<Type>,
        range: Expr,
        span: &Span,
    ) -> Expr {
        let (range_ty, at) = (range.ty.clone(), range.span.clone());
        let id = self.temporary(range_ty.clone(), &at);
        let end = |index| {
            let base = Box::new(local(id, range_ty.clone(), &at));
            expr(ExprKind::Field { base, index }, Type::Int, &at)
        };
        let slice = self.library_fn(module, "slice", span);
        let sliced = call(slice, types, values([base, end(0), end(1)]), ty.clone(), span);
        block(vec![set(id, range)], sliced)
    }
}
