//! Calls.

use super::code::Value;
use super::function::{Body, Variable};
use super::instances::{Instance, Key};
use super::place::Open;
use super::slot::Slot;
use crate::core::{Arg, Body as Tree, Expr, ExprKind, FnId, LocalId, Place, Type};
use crate::mir::{Inst, Reg, Terminator};

/// The arguments of a call in their order, and the places that take their values back.
struct Args {
    values: Vec<Value>,
    places: Vec<(Open, Value)>,
    /// Copies of variables that the places are in.
    copies: Vec<(LocalId, Value)>,
}

impl<'a> Body<'_, 'a> {
    pub(super) fn call(
        &mut self,
        id: FnId,
        types: &[Type],
        args: &'a [Arg],
        result: &Type,
    ) -> Value {
        let function = self.code.context.function(id);
        if let Tree::Intrinsic = function.body {
            let sent = self.sent_variant(&function.name, types, args);
            if let Some(value) = sent.or_else(|| self.task(&function.name, types, args)) {
                return value;
            }
        }
        let Args { values, places, copies } = self.args(args, None);
        let value = if let Tree::Intrinsic = function.body {
            let types = self.types_of(types);
            let result = self.ty(result);
            self.code.intrinsic(&function.name, &types, &values, &result)
        } else {
            let value = self.code.value(result);
            let back = places.iter().flat_map(|(_, regs)| regs);
            let results: Vec<Reg> = value.iter().chain(back).copied().collect();
            let instance = Instance::new(id, self.types_of(types));
            let closures = args.iter().map(|arg| match arg {
                Arg::Value(value) => self.known_closure(value),
                Arg::InOut(_) => None,
            });
            let closures: Vec<Option<Instance>> = closures.collect();
            let is_known = closures.iter().any(Option::is_some);
            let closures = if is_known { closures.into() } else { [].into() };
            let key = Key::Function(instance, closures);
            let function = self.code.context.instances.get(key);
            self.code.emit(Inst::Call { function, args: values.concat(), results });
            value
        };
        for (open, regs) in places {
            self.code.put(&open.slot, &regs);
            self.close(open);
        }
        for (local, copy) in copies {
            let whole = self.whole(local);
            self.code.replace(&whole, &copy);
        }
        self.after_call(result);
        value
    }

    /// A message that is sent where it is put together need not be a value.
    fn sent_variant(&mut self, name: &str, types: &[Type], args: &'a [Arg]) -> Option<Value> {
        let ("process.send_message", [Arg::Value(pid), Arg::Value(message)]) = (name, args) else {
            return None;
        };
        let ExprKind::Variant { variant, fields, .. } = &message.kind else { return None };
        let of = self.ty(&types[0]);
        if !self.code.is_by_variant(&of) {
            return None;
        }
        let given: Vec<&Expr> = std::iter::once(pid).chain(fields).collect();
        let mut values = self.values(&given);
        let pid = values.remove(0)[0];
        let types: Vec<Type> = fields.iter().map(|field| self.ty(&field.ty)).collect();
        let number = self.code.context.tag(&of, *variant);
        let tag = self.code.int(number);
        self.code.send_fields(pid, tag, &types, values);
        Some(Value::new())
    }

    pub(super) fn call_value(
        &mut self,
        function: &'a Expr,
        args: &'a [Arg],
        result: &Type,
    ) -> Value {
        let Args { mut values, .. } = self.args(args, Some(function));
        let closure = values.remove(0)[0];
        let value = self.code.value(result);
        let (mut args, results) = (values.concat(), value.clone());
        let call = if let Some(known) = self.known_closure(function) {
            let function = self.code.context.instances.get(Key::Value(known));
            args.insert(0, closure);
            Inst::Call { function, args, results }
        } else {
            Inst::CallClosure { closure, args, results }
        };
        self.code.emit(call);
        self.after_call(result);
        value
    }

    fn after_call(&mut self, result: &Type) {
        if matches!(result, Type::Never) {
            self.code.end(Terminator::Unreachable);
        }
    }

    /// Values are evaluated in their order, then places are opened: they are exclusive only while
    /// the function runs.
    fn args(&mut self, args: &'a [Arg], first: Option<&'a Expr>) -> Args {
        let exprs = args.iter().filter_map(by_value);
        let exprs: Vec<&Expr> = first.into_iter().chain(exprs).collect();
        let mut values = self.values(&exprs);
        let mut places = Vec::new();
        let inouts: Vec<&Place> = args.iter().filter_map(inout).collect();
        self.separate(&inouts, &mut values);
        let copies = self.copies(&inouts, &exprs);
        let mut evaluated = values.drain(first.iter().len()..).collect::<Vec<_>>().into_iter();
        for arg in args {
            match arg {
                Arg::Value(_) => values.extend(evaluated.next()),
                Arg::InOut(place) => {
                    let copy = copies.iter().find(|(local, _)| *local == place.local);
                    let whole = match copy {
                        Some((_, copy)) => Slot::Regs(copy.clone()),
                        None => self.whole(place.local),
                    };
                    let open = self.open_in(whole, place, inouts.len() > 1);
                    let regs = self.code.take(&open.slot);
                    values.push(regs.clone());
                    places.push((open, regs));
                }
            }
        }
        Args { values, places, copies }
    }

    /// Copies of variables that closures may look at while the call changes them: until it has ended
    /// they keep their values.
    fn copies(&mut self, inouts: &[&Place], args: &[&Expr]) -> Vec<(LocalId, Value)> {
        let mut copies: Vec<(LocalId, Value)> = Vec::new();
        if !args.iter().any(|arg| matches!(self.ty(&arg.ty), Type::Fn(_))) {
            return copies;
        }
        for local in inouts.iter().map(|place| place.local) {
            let is_new = copies.iter().all(|(other, _)| *other != local);
            if let (true, Variable::Shared(_)) = (is_new, self.variable(local)) {
                copies.push((local, self.get(local)));
            }
        }
        copies
    }

    /// A value stays what it is when the call changes the variable that it is of.
    fn separate(&mut self, inouts: &[&Place], values: &mut [Value]) {
        for place in inouts {
            let Slot::Regs(changed) = self.whole(place.local) else { continue };
            for value in values.iter_mut() {
                if value.iter().any(|reg| changed.contains(reg)) {
                    *value = self.code.copy_of(value);
                }
            }
        }
    }
}

pub(super) fn by_value(arg: &Arg) -> Option<&Expr> {
    match arg {
        Arg::Value(value) => Some(value),
        Arg::InOut(_) => None,
    }
}

fn inout(arg: &Arg) -> Option<&Place> {
    match arg {
        Arg::InOut(place) => Some(place),
        Arg::Value(_) => None,
    }
}
