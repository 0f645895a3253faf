//! Processes that are started: how their arguments reach them.
//!
//! Numbers are in the first registers of the new process. All other arguments are sent to it, as its
//! first message.

use std::sync::Arc;

use super::code::{Code, MADE, Value};
use super::context::Context;
use super::function::Body;
use super::instances::{Instance, Key};
use crate::core::{Expr, FnId, Type};
use crate::mir::{Class, Function, Inst, Passing, Reg, Terminator};

/// A new process has so many registers of the one that starts it.
const REGISTERS: usize = 8;
/// The tag of the message with the arguments. No other message has it.
pub(super) const ARGUMENTS: i64 = 0;
/// The kind of the trap of a panic.
const PANIC: u8 = 0;

impl<'a> Body<'_, 'a> {
    /// Starts a process that calls a function. Gives its pid.
    pub(super) fn spawn(
        &mut self,
        function: FnId,
        types: &[Type],
        args: &'a [Expr],
        node: Option<&'a Expr>,
    ) -> Reg {
        let instance = Instance::new(function, self.types_of(types));
        let given: Vec<&Expr> = args.iter().chain(node).collect();
        let mut values = self.values(&given);
        let node = node.and_then(|_| values.pop()).map(|node| node[0]);
        let params = self.code.context.param_types(&instance);
        let function = self.code.context.instances.get(Key::Birth(instance));
        let d = self.code.reg(Class::Int);
        if self.code.context.fits_in_registers(&params) {
            let args = values.concat();
            self.code.emit(Inst::Spawn { d, function, args, node });
        } else {
            self.code.emit(Inst::Spawn { d, function, args: Vec::new(), node });
            let tag = self.code.int(ARGUMENTS);
            self.code.send_in_order(d, tag, &params, &values);
        }
        d
    }
}

impl Context<'_> {
    /// The label at which a process begins. That of an actor begins with its name, by which those
    /// who look at the process know what it is.
    fn birth_name(&self, function: FnId) -> Arc<str> {
        let start = |of: FnId| self.program.starts.iter().find(|start| start.function == of);
        if let Some(start) = start(function) {
            return Arc::clone(&start.name);
        }
        let children = self.program.app.iter().flat_map(|app| &app.children);
        let child = children.into_iter().find(|child| child.function == function);
        let runs = child.and_then(|child| Some((start(child.runs?)?, child)));
        match runs {
            Some((start, child)) => format!("{}.{}", start.name, child.name).into(),
            None => Arc::clone(&self.function(function).name),
        }
    }

    pub(super) fn param_types(&self, instance: &Instance) -> Vec<Type> {
        let function = self.function(instance.function);
        let params = function.params.iter();
        params
            .map(|param| function.locals[param.local.0 as usize].ty.substitute(&instance.types))
            .collect()
    }

    /// Whether the arguments of a process are in its registers: some numbers, all of one lane. Those
    /// who start it from outside know nothing of how other values are kept.
    pub(super) fn fits_in_registers(&self, types: &[Type]) -> bool {
        let is_int = |ty: &Type| {
            use Type::{Bool, Char, Duration, Int, Node, Pid};
            matches!(ty, Int | Bool | Char | Duration | Node | Pid(_))
        };
        let is_float = |ty: &Type| matches!(ty, Type::Float);
        types.len() <= REGISTERS && (types.iter().all(is_int) || types.iter().all(is_float))
    }
}

/// The begin of a process.
pub(super) fn birth(context: &mut Context<'_>, instance: Instance) -> Function {
    let types = context.param_types(&instance);
    let in_registers = context.fits_in_registers(&types);
    let name = context.birth_name(instance.function);
    let mut code = Code::new(context, 0..0);
    let mut params = Vec::new();
    if in_registers {
        for ty in &types {
            params.extend(code.value(ty));
        }
        code.runs_with(instance, params.clone());
    } else {
        let args = code.received(&types).concat();
        code.runs_with(instance, args);
    }
    code.finish(name, MADE, params, Vec::new(), Passing::Inferred)
}

impl Code<'_, '_> {
    /// Ends the process with a trap that says this.
    pub(super) fn panics(&mut self, text: &[u8]) {
        let text = self.text(text);
        let [address, length] = self.bytes_of(text);
        self.end(Terminator::Trap { kind: PANIC, address, length });
    }

    /// Waits for the message with the arguments.
    pub(super) fn received(&mut self, types: &[Type]) -> Vec<Value> {
        let tag = self.int(ARGUMENTS);
        let came = self.receive_tagged(tag);
        let (wrong, right) = (self.block(), self.block());
        let values = self.fields_in_order(types, came.length, wrong);
        self.jump(right);
        self.at(wrong);
        self.panics(b"the arguments of this process cannot be read");
        self.at(right);
        values
    }
}
