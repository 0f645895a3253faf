//! Functions as values.

use super::code::{Code, Value};
use super::function::Body;
use super::instances::{Instance, Key};
use super::shape::Kind;
use crate::core::{Expr, ExprKind, FnId, LocalId, Type};
use crate::mir::{Class, Data, FnIdx, Inst, Reg};

impl Body<'_, '_> {
    /// A function that captures nothing.
    pub(super) fn function_value(&mut self, function: FnId, types: &[Type]) -> Reg {
        let function = Instance::new(function, self.types_of(types));
        let function = self.code.context.instances.get(Key::Value(function));
        self.code.closure_of(function, &[])
    }

    /// The function that is called when this is, if that is known.
    pub(super) fn known_closure(&self, value: &Expr) -> Option<Instance> {
        match &value.kind {
            ExprKind::Fn { function, types } | ExprKind::Closure { function, types, .. } => {
                Some(Instance::new(*function, self.types_of(types)))
            }
            ExprKind::Local(local) => self.closures.get(local).cloned(),
            _ => None,
        }
    }

    pub(super) fn closure(&mut self, id: FnId, types: &[Type], captured: &[LocalId]) -> Reg {
        if captured.is_empty() {
            return self.function_value(id, types);
        }
        let function = Instance::new(id, self.types_of(types));
        let function = self.code.context.instances.get(Key::Value(function));
        let inner = self.code.context.function(id);
        let mut values = Value::new();
        for (local, inside) in captured.iter().zip(&inner.captures) {
            // Of a variable that it does not change it has the value, whoever else does.
            let shares = inner.locals[inside.0 as usize].shared;
            values.extend(if shares { self.captured(*local) } else { self.get(*local) });
        }
        self.code.closure_of(function, &values)
    }
}

impl Code<'_, '_> {
    /// The value of a function with what it has captured.
    pub(super) fn closure_of(&mut self, function: FnIdx, captured: &[Reg]) -> Reg {
        let class = Class::Ptr(self.context.types.glue(Kind::Closure));
        if captured.is_empty() {
            let data = self.context.data(Data::Closure(function));
            let d = self.reg(class);
            self.emit(Inst::Data { d, data });
            return d;
        }
        let classes = captured.iter().map(|reg| self.class(*reg)).collect();
        let variant = self.context.captured(classes);
        let code = self.reg(Class::Int);
        self.emit(Inst::Code { d: code, function });
        let cells: Vec<Reg> = [code].into_iter().chain(captured.iter().copied()).collect();
        self.boxed(class, variant, &cells)
    }
}
