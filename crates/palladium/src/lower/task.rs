//! Closures that are run by a process of their own: what they have captured is sent to it.

use super::call::by_value;
use super::code::{Code, MADE, Value};
use super::context::Context;
use super::function::Body;
use super::instances::{Instance, Key, Task};
use super::spawn::ARGUMENTS;
use super::value::offset;
use crate::core::{Arg, Expr, Type};
use crate::mir::{Class, Function, Inst, Passing, Terminator};

impl<'a> Body<'_, 'a> {
    /// Starts a process for a closure, or sends it what it needs. Both know the closure only here.
    pub(super) fn task(&mut self, name: &str, types: &[Type], args: &'a [Arg]) -> Option<Value> {
        let starts = match name {
            "process.spawn_task" => true,
            "process.send_task" => false,
            _ => return None,
        };
        let given: Vec<&'a Expr> = args.iter().filter_map(by_value).collect();
        let closure = given.iter().find(|arg| matches!(self.ty(&arg.ty), Type::Fn(_)))?;
        let Some(function) = self.known_closure(closure) else { return Some(self.unknown_task()) };
        let [_, argument, result] = types else { return None };
        let (argument, result) = (self.ty(argument), self.ty(result));
        let task = Task { function, argument: argument.clone(), result: result.clone() };
        let mut values = self.values(&given);
        if starts {
            let function = self.code.context.instances.get(Key::Task(task));
            let d = self.code.reg(Class::Int);
            self.code.emit(Inst::Spawn { d, function, args: Vec::new(), node: None });
            return Some(vec![d]);
        }
        let captures = self.code.context.capture_types(&task.function);
        let (pid, closure) = (values.remove(0)[0], values.remove(0)[0]);
        let mut sent = Vec::new();
        let mut cell = 1;
        for ty in &captures {
            let classes = self.code.context.types.parts(ty);
            sent.push(self.code.load_cells(closure, offset(cell), &classes));
            cell += classes.len();
        }
        sent.extend(values);
        let tag = self.code.int(ARGUMENTS);
        let types = task.message(captures);
        self.code.send_in_order(pid, tag, &types, &sent);
        Some(Value::new())
    }

    fn unknown_task(&mut self) -> Value {
        let text = b"a process runs a function that is written where it is started: fn() => ...";
        self.code.panics(text);
        vec![self.code.reg(Class::Int)]
    }
}

impl Task {
    /// The values in the message for the process.
    fn message(&self, captures: Vec<Type>) -> Vec<Type> {
        let reply = Type::Reply(self.result.clone().into());
        captures.into_iter().chain([self.argument.clone(), reply]).collect()
    }
}

impl Context<'_> {
    /// The types of what a closure has captured.
    fn capture_types(&self, closure: &Instance) -> Vec<Type> {
        let function = self.function(closure.function);
        let captures = function.captures.iter();
        captures
            .map(|local| function.locals[local.0 as usize].ty.substitute(&closure.types))
            .collect()
    }
}

/// The begin of a process that runs a closure.
pub(super) fn birth(context: &mut Context<'_>, task: &Task) -> Function {
    let captures = context.capture_types(&task.function);
    let name = format!("{}.task", context.function(task.function.function).name);
    let mut code = Code::new(context, 0..0);
    let types = task.message(captures.clone());
    let mut values = code.received(&types);
    let (reply, argument) = (values.pop().unwrap_or_default(), values.pop().unwrap_or_default());
    let function = code.context.instances.get(Key::Value(task.function.clone()));
    let closure = code.closure_of(function, &values.concat());
    let args = [&[closure][..], &argument].concat();
    let classes = code.context.types.parts(&task.result);
    let result = code.call(function, args, &classes);
    if let [pid, tag] = reply.as_slice() {
        code.send_in_order(*pid, *tag, std::slice::from_ref(&task.result), &[result]);
    }
    let zero = code.int(0);
    code.end(Terminator::Exit { code: zero });
    code.finish(name.into(), MADE, Vec::new(), Vec::new(), Passing::Inferred)
}
