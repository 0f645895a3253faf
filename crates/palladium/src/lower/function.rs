//! The code of one function while it is being made from its tree.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::code::{CELLS, Code, Value};
use super::context::Context;
use super::instances::Instance;
use super::shape::Kind;
use super::value::offset;
use crate::core::{self, Body as Tree, Expr, LocalId, Type, walk};
use crate::mir::{BlockIdx, Class, Function, Inst, Passing, Reg, Terminator, Width};

pub(super) struct Body<'c, 'a> {
    pub(super) code: Code<'c, 'a>,
    function: &'a core::Function,
    /// What the parameters of its type stand for.
    types: Arc<[Type]>,
    locals: Vec<Option<Variable>>,
    /// Which locals change after they were bound.
    changes: Vec<bool>,
    /// The registers of those that do.
    changing: HashSet<Reg>,
    /// The closures that parameters are known to be.
    pub(super) closures: HashMap<LocalId, Instance>,
    /// Where `continue` and `break` go to, the innermost last.
    pub(super) loops: Vec<(BlockIdx, BlockIdx)>,
}

/// Where a local is.
#[derive(Debug, Clone)]
pub(super) enum Variable {
    Regs(Value),
    /// In the cells of a block, which closures use as well.
    Shared(Reg),
}

/// The code of a function.
pub(super) fn lower(
    context: &mut Context<'_>,
    instance: Instance,
    closures: &[Option<Instance>],
) -> Function {
    let mut body = Body::new(context, instance);
    body.know(closures);
    let params = body.open_params();
    body.finish(params, Passing::Inferred)
}

/// The code of a function that is called with the closure before its parameters.
pub(super) fn lower_value(context: &mut Context<'_>, instance: Instance) -> Function {
    let mut body = Body::new(context, instance);
    let mut params = vec![body.open_closure()];
    params.extend(body.open_params());
    let owned = (0..params.len()).map(|n| n > 0).collect();
    body.finish(params, Passing::Fixed(owned))
}

impl<'c, 'a> Body<'c, 'a> {
    pub(super) fn new(context: &'c mut Context<'a>, instance: Instance) -> Self {
        let Instance { function, types } = instance;
        let function = context.function(function);
        let mut changes = vec![false; function.locals.len()];
        if let Tree::Code(expr) = &function.body {
            walk::assigned(expr, &mut |local| changes[local.0 as usize] = true);
        }
        let locals = vec![None; function.locals.len()];
        let code = Code::new(context, function.span.clone());
        let (changing, loops) = (HashSet::new(), Vec::new());
        let closures = HashMap::new();
        Self { code, function, types, locals, changes, changing, closures, loops }
    }

    /// Keeps which closures parameters are, where they stay what they are.
    fn know(&mut self, closures: &[Option<Instance>]) {
        for (param, closure) in self.function.params.iter().zip(closures) {
            if let Some(closure) = closure
                && !self.changes[param.local.0 as usize]
            {
                self.closures.insert(param.local, closure.clone());
            }
        }
    }

    fn finish(mut self, params: Value, passing: Passing) -> Function {
        let results = self.results();
        match &self.function.body {
            Tree::Code(expr) => {
                let value = self.expr(expr);
                self.code.span = expr.span.end.saturating_sub(1)..expr.span.end;
                self.give_back(value);
            }
            Tree::Intrinsic => self.intrinsic_alone(),
        }
        let (name, file) = (Arc::clone(&self.function.name), self.function.file);
        self.code.finish(name, file, params, results, passing)
    }

    /// A type of the tree in this instance.
    pub(super) fn ty(&self, ty: &Type) -> Type {
        ty.substitute(&self.types)
    }

    pub(super) fn types_of(&self, types: &[Type]) -> Arc<[Type]> {
        types.iter().map(|ty| self.ty(ty)).collect()
    }

    pub(super) fn local_type(&self, local: LocalId) -> Type {
        self.ty(&self.function.locals[local.0 as usize].ty)
    }

    pub(super) fn variable(&mut self, local: LocalId) -> Variable {
        let at = local.0 as usize;
        if let Some(known) = &self.locals[at] {
            return known.clone();
        }
        let ty = self.local_type(local);
        let variable = if self.function.locals[at].shared {
            let class = self.shared_class(&ty);
            Variable::Shared(self.code.reg(class))
        } else {
            let regs = self.code.variable(&ty);
            if self.changes[at] {
                self.changing.extend(&regs);
            }
            Variable::Regs(regs)
        };
        self.locals[at] = Some(variable.clone());
        variable
    }

    /// The value of a local as it is now. Its registers may be those of the variable.
    pub(super) fn get(&mut self, local: LocalId) -> Value {
        let ty = self.local_type(local);
        match self.variable(local) {
            Variable::Regs(value) => value,
            Variable::Shared(base) => {
                let classes = self.code.context.types.parts(&ty);
                self.code.look(base, CELLS, &classes)
            }
        }
    }

    /// Gives a local its first value.
    pub(super) fn bind(&mut self, local: LocalId, value: &[Reg]) {
        match self.variable(local) {
            Variable::Regs(regs) => self.code.move_to(&regs, value),
            Variable::Shared(base) => {
                let bytes = offset(value.len());
                self.code.emit(Inst::New { d: base, bytes, variant: 0 });
                self.code.store_cells(base, CELLS, value);
            }
        }
    }

    /// A value that stays what it is while these are evaluated.
    pub(super) fn keep_over(&mut self, value: Value, later: &[&Expr]) -> Value {
        if !value.iter().any(|reg| self.changing.contains(reg)) {
            return value;
        }
        let mut changes = false;
        for expr in later {
            walk::assigned(expr, &mut |_| changes = true);
        }
        if changes { self.code.copy_of(&value) } else { value }
    }

    /// The values of several expressions, evaluated in this order.
    pub(super) fn values(&mut self, exprs: &[&'a Expr]) -> Vec<Value> {
        let one = |(n, expr): (usize, &&'a Expr)| {
            let value = self.expr(expr);
            self.keep_over(value, &exprs[n + 1..])
        };
        exprs.iter().enumerate().map(one).collect()
    }

    /// Returns from the function.
    pub(super) fn give_back(&mut self, mut value: Value) {
        for param in self.function.params.iter().filter(|param| param.inout) {
            let place = self.whole(param.local);
            value.extend(self.code.take(&place));
        }
        self.code.end(Terminator::Return(value));
    }

    /// Returns what the last call has given: in its place, where nothing is left to do after it.
    pub(super) fn go_on_as(&mut self, value: Value) {
        let gives_more = self.function.params.iter().any(|param| param.inout);
        if gives_more || !self.code.end_with_call(&value) {
            self.give_back(value);
        }
    }

    fn shared_class(&mut self, ty: &Type) -> Class {
        let parts = self.code.context.types.parts(ty);
        Class::Ptr(self.code.context.types.glue(Kind::Cells(parts)))
    }

    /// The closure as a parameter, with what it has captured in the locals.
    fn open_closure(&mut self) -> Reg {
        let class = Class::Ptr(self.code.context.types.glue(Kind::Closure));
        let closure = self.code.reg(class);
        let mut cell = 1;
        for local in &self.function.captures {
            let regs = self.captured(*local);
            for d in regs {
                let width = Width::Cell;
                let offset = offset(cell);
                self.code.emit(Inst::Load { d, base: closure, offset, width });
                cell += 1;
            }
        }
        closure
    }

    /// What a closure captures of a local: its value, or the block that both use.
    pub(super) fn captured(&mut self, local: LocalId) -> Value {
        match self.variable(local) {
            Variable::Regs(value) => value,
            Variable::Shared(base) => vec![base],
        }
    }

    fn open_params(&mut self) -> Value {
        let mut all = Vec::new();
        for param in &self.function.params {
            if self.function.locals[param.local.0 as usize].shared {
                let ty = self.local_type(param.local);
                let value = self.code.value(&ty);
                self.bind(param.local, &value);
                all.extend(value);
            } else {
                all.extend(self.captured(param.local));
            }
        }
        all
    }

    /// The classes of its results: its own, then the parameters that the caller has back.
    fn results(&mut self) -> Vec<Class> {
        let own = self.ty(&self.function.result);
        let inout = self.function.params.iter().filter(|param| param.inout);
        let inout: Vec<Type> = inout.map(|param| self.local_type(param.local)).collect();
        let types = &mut self.code.context.types;
        [own].iter().chain(&inout).flat_map(|ty| types.parts(ty)).collect()
    }

    /// An intrinsic that is called as a function.
    fn intrinsic_alone(&mut self) {
        let locals: Vec<LocalId> = self.function.params.iter().map(|param| param.local).collect();
        let args: Vec<Value> = locals.iter().map(|local| self.get(*local)).collect();
        let types = Arc::clone(&self.types);
        let result = self.ty(&self.function.result);
        let value = self.code.intrinsic(&self.function.name, &types, &args, &result);
        self.give_back(value);
    }
}
