//! Calls: which function is meant, and which argument is for which parameter.

use std::sync::Arc;

use iridium_isa::Span;

use crate::core::{Arg, Expr, ExprKind, LocalId, Place, Trap, Type};
use crate::diag;
use crate::diag::calls as say;
use crate::diag::types::Why;
use crate::names::world::{Constructor, FnKey, Owner, Signature};
use crate::syntax::ast;
use crate::types::build::{block, call, expr};
use crate::types::checker::{Checker, Want};
use crate::types::kind::{ERROR, unit};

use super::callee::{Callee, Slot};
use super::misfit::assign;

impl Checker {
    pub(super) fn call(
        &mut self,
        callee: &ast::Expr,
        args: &[ast::Arg],
        span: &Span,
        want: &Want,
    ) -> Expr {
        let lazily = std::mem::take(&mut self.cx.lazily);
        if let Some(own) = self.own_process(callee, args, span) {
            return own;
        }
        let (callee, name, types) = self.callee(callee, want);
        match callee {
            Callee::Functions(keys) => {
                let key = self.choose(&keys, args, false);
                self.note_call(key, &name, args);
                let key = if lazily { self.lazy(key) } else { key };
                self.call_function(key, None, &name, args, types, span, want)
            }
            Callee::Methods(receiver, keys) => {
                let key = self.choose(&keys, args, true);
                self.note_call(key, &name, args);
                let key = if lazily { self.lazy(key) } else { key };
                self.call_function(key, Some(*receiver), &name, args, types, span, want)
            }
            Callee::Constructor(constructor) => {
                self.construct(constructor, &name, args, span, want)
            }
            Callee::Message(pid, message) => self.message(*pid, &message, &name, args, span),
            Callee::Value(value) => self.call_value(*value, args, span),
            Callee::Wrong => {
                self.wrong_arguments(args);
                expr(ExprKind::Tuple(Vec::new()), ERROR, span)
            }
        }
    }

    /// Looks at arguments of which nothing is known but that they are there.
    fn wrong_arguments(&mut self, args: &[ast::Arg]) {
        for arg in args {
            if !matches!(arg.value.kind, ast::ExprKind::Closure { .. }) {
                let value = self.infer(&arg.value);
                self.cx.vars.silence(&value.ty);
            }
        }
    }

    /// The first of several functions that takes such arguments, or else the first.
    pub(super) fn choose(&mut self, keys: &[FnKey], args: &[ast::Arg], method: bool) -> FnKey {
        let fitting = keys.iter().find(|key| {
            let signature = self.world.signature(**key);
            let params = &signature.params[usize::from(method)..];
            assign(params.len(), |nth| (Some(&params[nth].name), params[nth].default), args).is_ok()
        });
        *fitting.unwrap_or(&keys[0])
    }

    /// The function of the library that does the same as another, one element at a time.
    fn lazy(&mut self, key: FnKey) -> FnKey {
        let decl = self.world.function(key);
        let module = self.world.module(decl.module);
        let name = format!("lazy_{}", decl.ast.name.text);
        let found = module.functions_named(&name).first().copied();
        found.filter(|_| module.library).unwrap_or(key)
    }

    /// A call of a function with arguments as they are written.
    #[expect(clippy::too_many_arguments, reason = "all of them are parts of one call")]
    pub(super) fn call_function(
        &mut self,
        key: FnKey,
        receiver: Option<Expr>,
        name: &ast::Ident,
        args: &[ast::Arg],
        explicit: Option<Vec<Type>>,
        span: &Span,
        want: &Want,
    ) -> Expr {
        let signature = self.world.signature(key);
        let types = self.instantiate(&signature.generics, &name.span, &name.text);
        if let Some(explicit) = explicit {
            self.explicit_types(&types, &explicit, name);
        }
        let result = signature.result.substitute(&types);
        self.expect_result(&result, want);
        let mut before = Vec::new();
        let mut given = Vec::new();
        if let Some(actor) = self.belongs_to(key) {
            self.unify_own(&types, actor);
            given = self.hidden_args(actor, span);
        }
        self.check_inbox(key, &signature, &types, name, span);
        let takes_time = signature.params.iter().any(|param| &*param.name == "within");
        let timed = if takes_time { self.with_time(args, span) } else { None };
        let args = timed.as_deref().unwrap_or(args);
        let slots = self.slots(key, &signature, &types);
        let method = receiver.is_some();
        if let Some(receiver) = receiver {
            given.push(self.receiver(receiver, &slots[0], name, &mut before));
        }
        let elsewhere = self.runs_elsewhere(key);
        // What another process runs does not have the inbox of this one.
        let inbox = self.cx.receives.take_if(|_| elsewhere);
        let rest = self.arguments(name, &slots[usize::from(method)..], args, &types, span);
        self.cx.receives = inbox.or(self.cx.receives.take());
        let Some(rest) = rest else {
            return expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        };
        if elsewhere {
            rest.iter().for_each(|(arg, _)| self.captures_are_sent(arg));
        }
        for (arg, stmts) in rest {
            before.extend(stmts);
            given.push(arg);
        }
        self.overlaps(&given);
        let called = self.finished_call(key, types, given, result, span);
        block(before, called)
    }

    /// The wanted type tells what is unknown in the result, when both are of one kind.
    fn expect_result(&mut self, result: &Type, want: &Want) {
        if let Some(wanted) = want.ty().map(|ty| self.known(ty))
            && matches!((&wanted, result), (Type::Record(a, _), Type::Record(b, _)) if a == b)
                | matches!((&wanted, result), (Type::Enum(a, _), Type::Enum(b, _)) if a == b)
                | matches!((&wanted, result), (Type::List(_), Type::List(_)))
        {
            self.cx.vars.unify(&wanted, result);
        }
    }

    fn explicit_types(&mut self, types: &[Type], explicit: &[Type], name: &ast::Ident) {
        if types.len() != explicit.len() {
            let place = self.place(&name.span);
            let problem =
                diag::types::type_arguments(place, &name.text, types.len(), explicit.len());
            self.problem(problem);
        }
        for (ty, explicit) in types.iter().zip(explicit) {
            self.cx.vars.unify(ty, explicit);
        }
    }

    pub(super) fn slots(&mut self, key: FnKey, signature: &Signature, types: &[Type]) -> Vec<Slot> {
        let file = signature.file;
        let params = signature.params.iter().map(|param| Slot {
            name: Some(Arc::clone(&param.name)),
            ty: param.ty.substitute(types),
            inout: param.inout,
            part: "parameter",
            default: param.default.then_some(Owner::Function(key)),
            place: Some(diag::Place { file, span: param.span.clone() }),
        });
        params.collect()
    }

    /// The value before the dot as the first argument.
    fn receiver(
        &mut self,
        receiver: Expr,
        slot: &Slot,
        name: &ast::Ident,
        before: &mut Vec<Expr>,
    ) -> Arg {
        let why = slot.place.clone().map(|place| (place, format!("`{}` takes this", name.text)));
        let receiver = self.fit(receiver, &Want::Type(slot.ty.clone(), why));
        if !slot.inout {
            return Arg::Value(receiver);
        }
        let what = format!("`{}` changes what it is called on", name.text);
        match self.place_of(receiver, before, Some(&what)) {
            Some(place) => Arg::InOut(place),
            None => Arg::Value(expr(ExprKind::Tuple(Vec::new()), ERROR, &name.span)),
        }
    }

    /// A call of a function with values that are already there.
    pub(super) fn call_with(&mut self, key: FnKey, args: Vec<Expr>, span: &Span) -> Expr {
        let signature = self.world.signature(key);
        let name = Arc::clone(&signature.name.text);
        let types = self.instantiate(&signature.generics, span, &name);
        let mut given = Vec::new();
        for (arg, param) in args.into_iter().zip(&signature.params) {
            let ty = param.ty.substitute(&types);
            given.push(Arg::Value(self.fit(arg, &Want::Type(ty, None))));
        }
        let result = signature.result.substitute(&types);
        self.finished_call(key, types, given, result, span)
    }

    /// The call itself; functions of the library that end the process are traps.
    fn finished_call(
        &mut self,
        key: FnKey,
        types: Vec<Type>,
        mut args: Vec<Arg>,
        result: Type,
        span: &Span,
    ) -> Expr {
        if let (Some(kind), Some(Arg::Value(_))) = (self.trap(key), args.first())
            && let Some(Arg::Value(text)) = args.pop()
        {
            return expr(ExprKind::Trap { kind, text: Box::new(text) }, Type::Never, span);
        }
        if self.is_prelude_intrinsic(key)
            && let Some(node) = self.node(key, &args, span)
        {
            return node;
        }
        let function = self.reach(key);
        call(function, types, args, result, span)
    }

    /// What the library has of core itself.
    fn node(&self, key: FnKey, args: &[Arg], span: &Span) -> Option<Expr> {
        let name = &self.world.function(key).ast.name.text;
        Some(match (&**name, args) {
            ("compare", [Arg::Value(left), Arg::Value(right)]) => {
                let (left, right) = (Box::new(left.clone()), Box::new(right.clone()));
                let ordering = self.world.function(key).signature.as_ref()?.result.clone();
                expr(ExprKind::Order { left, right }, ordering, span)
            }
            ("hash_value", [Arg::Value(value), Arg::Value(seed)]) => {
                let (value, seed) = (Box::new(value.clone()), Box::new(seed.clone()));
                expr(ExprKind::Hash { value, seed }, Type::Int, span)
            }
            ("show" | "show_quoted", [Arg::InOut(out), Arg::Value(value)]) => {
                let (out, value) = (out.clone(), Box::new(value.clone()));
                expr(ExprKind::Show { out, value, quoted: &**name == "show_quoted" }, unit(), span)
            }
            _ => return None,
        })
    }

    fn is_prelude_intrinsic(&self, key: FnKey) -> bool {
        let decl = self.world.function(key);
        let module = self.world.module(decl.module);
        decl.ast.body.is_none() && module.library && &*module.name == "prelude"
    }

    fn trap(&self, key: FnKey) -> Option<Trap> {
        if !self.is_prelude_intrinsic(key) {
            return None;
        }
        Some(match &*self.world.function(key).ast.name.text {
            "panic" => Trap::Panic,
            "trap_missing_key" => Trap::MissingKey,
            "trap_bad_slice" => Trap::BadSlice,
            "trap_unwrap" => Trap::Unwrap,
            _ => return None,
        })
    }

    /// A record or variant with its fields.
    fn construct(
        &mut self,
        constructor: Constructor,
        name: &ast::Ident,
        args: &[ast::Arg],
        span: &Span,
        want: &Want,
    ) -> Expr {
        let wrong = expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        let Some((constructor, shape)) = self.shape(constructor, &name.span) else {
            self.wrong_arguments(args);
            return wrong;
        };
        let labels = args.iter().filter_map(|arg| arg.label.as_ref());
        self.note_labels(constructor, &shape.fields, labels);
        self.expect_result(&shape.ty, want);
        let slots = self.field_slots(constructor, &shape.fields);
        let Some(fields) = self.arguments(name, &slots, args, &shape.args, span) else {
            return Expr { ty: shape.ty, ..wrong };
        };
        let values = fields.into_iter().filter_map(|(arg, _)| match arg {
            Arg::Value(value) => Some(value),
            Arg::InOut(_) => None,
        });
        let fields = values.collect();
        let kind = match constructor {
            Constructor::Variant(of, variant) => ExprKind::Variant { of, variant, fields },
            Constructor::Record(record) => ExprKind::Record { record, fields },
            Constructor::Actor(_) => ExprKind::Tuple(fields),
        };
        expr(kind, shape.ty, span)
    }

    fn field_slots(
        &self,
        constructor: Constructor,
        fields: &[(Option<Arc<str>>, Type)],
    ) -> Vec<Slot> {
        let slot = |nth: usize| {
            let (name, ty) = &fields[nth];
            let (default, module, span) = match constructor {
                Constructor::Record(id) => {
                    let decl = &self.world.record_decls[id.0 as usize];
                    let field = &decl.ast.fields[nth];
                    let default = field.default.as_ref().map(|_| Owner::Record(id));
                    (default, decl.module, &field.name.span)
                }
                Constructor::Variant(id, variant) => {
                    let decl = &self.world.enum_decls[id.0 as usize];
                    let field = &decl.ast.variants[variant as usize].fields[nth];
                    (None, decl.module, &field.ty.span)
                }
                Constructor::Actor(_) => return None,
            };
            let place = Some(self.world.place(module, span));
            Some(Slot {
                name: name.clone(),
                ty: ty.clone(),
                inout: false,
                part: "field",
                default,
                place,
            })
        };
        (0..fields.len()).filter_map(slot).collect()
    }

    fn call_value(&mut self, value: Expr, args: &[ast::Arg], span: &Span) -> Expr {
        let ty = self.known(&value.ty);
        let function = match ty {
            Type::Fn(function) => function,
            Type::Never => {
                self.wrong_arguments(args);
                return value;
            }
            _ if crate::types::kind::is_error(&ty) => {
                self.wrong_arguments(args);
                return value;
            }
            _ if crate::types::kind::as_var(&ty).is_some() => {
                return self.call_unknown(value, args, span);
            }
            _ => {
                let found = self.text(&ty);
                self.problem(say::not_a_function(self.place(&value.span), &found));
                self.wrong_arguments(args);
                return expr(ExprKind::Tuple(Vec::new()), ERROR, span);
            }
        };
        let slots: Vec<Slot> = function
            .params
            .iter()
            .map(|ty| Slot {
                name: None,
                ty: ty.clone(),
                inout: false,
                part: "parameter",
                default: None,
                place: None,
            })
            .collect();
        let name = ast::Ident { text: "this function".into(), span: value.span.clone() };
        let Some(args) = self.arguments(&name, &slots, args, &[], span) else {
            return expr(ExprKind::Tuple(Vec::new()), ERROR, span);
        };
        let args = args.into_iter().map(|(arg, _)| arg).collect();
        let kind = ExprKind::CallValue { function: Box::new(value), args };
        expr(kind, function.result.clone(), span)
    }

    /// A call of something that is a function because it is called.
    fn call_unknown(&mut self, value: Expr, args: &[ast::Arg], span: &Span) -> Expr {
        let args: Vec<Expr> = args.iter().map(|arg| self.infer(&arg.value)).collect();
        let result = self.cx.vars.fresh(span);
        let params = args.iter().map(|arg| arg.ty.clone()).collect();
        self.cx.vars.unify(&value.ty, &crate::types::kind::fn_of(params, result.clone()));
        let args = args.into_iter().map(Arg::Value).collect();
        expr(ExprKind::CallValue { function: Box::new(value), args }, result, span)
    }

    /// The arguments in the order of the parameters, each with what is done before the call.
    pub(super) fn arguments(
        &mut self,
        name: &ast::Ident,
        slots: &[Slot],
        args: &[ast::Arg],
        types: &[Type],
        span: &Span,
    ) -> Option<Vec<(Arg, Vec<Expr>)>> {
        let of = |nth: usize| {
            let slot: &Slot = &slots[nth];
            (slot.name.as_ref(), slot.default.is_some())
        };
        let assigned = match assign(slots.len(), of, args) {
            Ok(assigned) => assigned,
            Err(misfit) => {
                // What could not be read may be one argument or several.
                if !args.iter().any(|arg| matches!(arg.value.kind, ast::ExprKind::Error)) {
                    self.misfit(name, slots, args, &misfit, span);
                }
                self.wrong_arguments(args);
                return None;
            }
        };
        let mut given: Vec<Option<(Arg, Vec<Expr>)>> = slots.iter().map(|_| None).collect();
        // What closures take and give is better known when the others have been looked at.
        for closures in [false, true] {
            for (nth, slot) in slots.iter().enumerate() {
                let Some(arg) = assigned[nth] else { continue };
                let is_closure = matches!(arg.value.kind, ast::ExprKind::Closure { .. });
                if is_closure == closures {
                    given[nth] = Some(self.argument(name, slot, arg));
                }
            }
        }
        let filled = given.into_iter().zip(slots).map(|(arg, slot)| match (arg, slot.default) {
            (Some(arg), _) => arg,
            (None, Some(owner)) => {
                let value = self.default(owner, slot.name.as_ref(), &slot.ty, types, span);
                (Arg::Value(value), Vec::new())
            }
            (None, None) => {
                (Arg::Value(expr(ExprKind::Tuple(Vec::new()), ERROR, span)), Vec::new())
            }
        });
        Some(filled.collect())
    }

    fn argument(&mut self, name: &ast::Ident, slot: &Slot, arg: &ast::Arg) -> (Arg, Vec<Expr>) {
        let mut before = Vec::new();
        let why: Option<Why> = slot.place.clone().map(|place| {
            let takes = match &slot.name {
                Some(param) => format!("`{}` takes it as `{param}`", name.text),
                None => format!("`{}` takes this", name.text),
            };
            (place, takes)
        });
        if slot.inout && !arg.inout {
            let place = self.place(&arg.span);
            self.problem(say::needs_ampersand(place, &name.text, slot.place.clone()));
        }
        if arg.inout && !slot.inout {
            let place = self.place(&arg.span);
            self.problem(say::needless_ampersand(place, &name.text, slot.place.clone()));
        }
        let value = self.check(&arg.value, &slot.ty, why);
        if !slot.inout {
            return (Arg::Value(value), before);
        }
        let what = format!("`{}` changes it", name.text);
        let wrong = expr(ExprKind::Tuple(Vec::new()), ERROR, &arg.span);
        if !arg.inout || crate::types::kind::is_error(&value.ty) {
            return (Arg::Value(wrong), before);
        }
        match self.place_of(value, &mut before, Some(&what)) {
            Some(place) => (Arg::InOut(place), before),
            None => (Arg::Value(wrong), before),
        }
    }

    /// Two arguments of one call must not be able to change the same place.
    fn overlaps(&mut self, args: &[Arg]) {
        let places = args.iter().filter_map(|arg| match arg {
            Arg::InOut(place) => Some(place),
            Arg::Value(_) => None,
        });
        let places: Vec<&Place> = places.collect();
        for (nth, place) in places.iter().enumerate() {
            let other = places[..nth].iter().find(|other| may_overlap(place, other));
            if let Some(other) = other {
                let (place, other) = (self.place(&place.span), self.place(&other.span));
                self.problem(diag::places::overlapping(place, other));
            }
            let closure = args.iter().find(|arg| self.changes(arg, place.local));
            if let Some(Arg::Value(closure)) = closure {
                let (place, closure) = (self.place(&place.span), self.place(&closure.span));
                self.problem(diag::places::overlapping_closure(place, closure));
            }
        }
    }

    /// Whether an argument is a closure that changes a local.
    fn changes(&self, arg: &Arg, local: LocalId) -> bool {
        let Arg::Value(Expr { kind: ExprKind::Closure { function, captured, .. }, .. }) = arg
        else {
            return false;
        };
        let closure = self.cx.closures.iter().find(|(id, _)| id == function);
        closure.is_some_and(|(_, closure)| {
            let inner = captured.iter().zip(&closure.captures);
            inner
                .into_iter()
                .any(|(outer, inner)| *outer == local && closure.locals[inner.0 as usize].shared)
        })
    }
}

/// Whether two places may have something in common.
fn may_overlap(a: &Place, b: &Place) -> bool {
    use crate::core::Step;
    a.local == b.local
        && a.path.iter().zip(&b.path).all(|steps| match steps {
            (Step::Field(a), Step::Field(b)) => a == b,
            (Step::Index(a), Step::Index(b)) => match (&a.kind, &b.kind) {
                (ExprKind::Int(a), ExprKind::Int(b)) => a == b,
                _ => true,
            },
            _ => true,
        })
}
