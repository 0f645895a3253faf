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
        let mut closures = given.iter().filter(|arg| matches!(self.ty(&arg.ty), Type::Fn(_)));
        let (closure, run) = (closures.next()?, closures.next()?);
        let (Some(closure), Some(run)) = (self.known_closure(closure), self.known_closure(run))
        else {
            return Some(self.unknown_task());
        };
        let [_, argument] = types else { return None };
        let task = Task { closure, run, argument: self.ty(argument) };
        let mut values = self.values(&given);
        if starts {
            let function = self.code.context.instances.get(Key::Task(task));
            let d = self.code.reg(Class::Int);
            self.code.emit(Inst::Spawn { d, function, args: Vec::new(), node: None });
            return Some(vec![d]);
        }
        let captures = self.code.context.capture_types(&task.closure);
        let (pid, closure, argument) = (values.remove(0)[0], values.remove(0)[0], values.pop()?);
        let mut sent = Vec::new();
        let mut cell = 1;
        for ty in &captures {
            let classes = self.code.context.types.parts(ty);
            sent.push(self.code.load_cells(closure, offset(cell), &classes));
            cell += classes.len();
        }
        sent.push(argument);
        let tag = self.code.int(ARGUMENTS);
        let types = [captures, vec![task.argument]].concat();
        self.code.send_in_order(pid, tag, &types, &sent);
        Some(Value::new())
    }

    fn unknown_task(&mut self) -> Value {
        let text = b"a process runs a function that is written where it is started: fn() => ...";
        self.code.panics(text);
        vec![self.code.reg(Class::Int)]
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
    let captures = context.capture_types(&task.closure);
    let name = format!("{}.task", context.function(task.closure.function).name);
    let mut code = Code::new(context, 0..0);
    let mut values = code.received(&[captures, vec![task.argument.clone()]].concat());
    let argument = values.pop().unwrap_or_default();
    let function = code.context.instances.get(Key::Value(task.closure.clone()));
    let closure = code.closure_of(function, &values.concat());
    let known = [Some(task.closure.clone()), None];
    let run = code.context.instances.get(Key::Function(task.run.clone(), known.into()));
    code.call(run, [&[closure][..], &argument].concat(), &[]);
    let zero = code.int(0);
    code.end(Terminator::Exit { code: zero });
    code.finish(name.into(), MADE, Vec::new(), Vec::new(), Passing::Inferred)
}
