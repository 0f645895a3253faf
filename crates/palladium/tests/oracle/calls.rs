//! Calls: arguments, places that are given to a function, and its result.

use std::rc::Rc;

use palladium::core::{Arg, Body, Expr, FnId, Function, LocalId, Place, Type};

use super::evaluator::{Evaluator, Exit, Frame, Outcome, wrong};
use super::place::Way;
use super::value::{Closure, Value, Variable};

impl<'p> Evaluator<'p> {
    pub(super) fn function(&self, id: FnId) -> &'p Function {
        &self.program.functions[id.0 as usize]
    }

    /// Calls a function. What its `var` parameters are at the end comes after its value.
    pub(super) fn call(
        &mut self,
        id: FnId,
        types: Rc<[Type]>,
        mut args: Vec<Value>,
        captured: &[Variable],
    ) -> Outcome<(Value, Vec<Value>)> {
        let function = self.function(id);
        self.enter()?;
        let Body::Code(body) = &function.body else {
            let value = self.intrinsic(&function.name, &types, &mut args)?;
            self.depth -= 1;
            let inout = function.params.iter().zip(args).filter(|(param, _)| param.inout);
            return Ok((value, inout.map(|(_, arg)| arg).collect()));
        };
        let locals = vec![Variable::Own(Value::Hole); function.locals.len()];
        let mut frame = Frame { function, types, locals };
        for (param, arg) in function.params.iter().zip(args) {
            frame.bind(param.local, arg);
        }
        for (local, variable) in function.captures.iter().zip(captured) {
            *frame.variable(*local) = variable.clone();
        }
        let value = match self.expr(&mut frame, body) {
            Ok(value) | Err(Exit::Return(value)) => value,
            Err(exit) => return Err(exit),
        };
        self.depth -= 1;
        let inout = function.params.iter().filter(|param| param.inout);
        Ok((value, inout.map(|param| frame.variable(param.local).get()).collect()))
    }

    pub(super) fn call_with(
        &mut self,
        frame: &mut Frame<'p>,
        id: FnId,
        types: &[Type],
        args: &'p [Arg],
    ) -> Outcome<Value> {
        let types = frame.types(types);
        self.with_args(frame, args, |evaluator, args| evaluator.call(id, types, args, &[]))
    }

    pub(super) fn call_value(
        &mut self,
        frame: &mut Frame<'p>,
        function: &'p Expr,
        args: &'p [Arg],
    ) -> Outcome<Value> {
        let value = self.expr(frame, function)?;
        self.with_args(frame, args, |evaluator, args| evaluator.apply(&value, args))
    }

    fn apply(&mut self, function: &Value, args: Vec<Value>) -> Outcome<(Value, Vec<Value>)> {
        let Value::Function(closure) = function else { return wrong("no function is called") };
        let Closure { function, types, captured } = &**closure;
        self.call(*function, Rc::clone(types), args, captured)
    }

    /// Values are evaluated in their order, then what is in places is taken out of them.
    fn with_args(
        &mut self,
        frame: &mut Frame<'p>,
        args: &'p [Arg],
        f: impl FnOnce(&mut Self, Vec<Value>) -> Outcome<(Value, Vec<Value>)>,
    ) -> Outcome<Value> {
        let mut values = vec![Value::Hole; args.len()];
        for (arg, value) in args.iter().zip(&mut values) {
            if let Arg::Value(expr) = arg {
                *value = self.expr(frame, expr)?;
            }
        }
        // A closure may look at the variables: then they keep their values until all is done, and
        // what is changed are copies of them.
        let beside = values.iter().any(|value| matches!(value, Value::Function(_)));
        let mut copies: Vec<(LocalId, Variable)> = Vec::new();
        let mut open: Vec<(&'p Place, Vec<Way>)> = Vec::new();
        for (arg, value) in args.iter().zip(&mut values) {
            let Arg::InOut(place) = arg else { continue };
            if beside && copies.iter().all(|(local, _)| *local != place.local) {
                let copy = frame.variable(place.local).get();
                let original = std::mem::replace(frame.variable(place.local), Variable::Own(copy));
                copies.push((place.local, original));
            }
            let ways = self.ways(frame, place)?;
            *value = frame.change(place, &ways, |place| std::mem::replace(place, Value::Hole))?;
            open.push((place, ways));
        }
        let (value, changed) = f(self, values)?;
        for ((place, ways), new) in open.into_iter().zip(changed) {
            frame.change(place, &ways, |place| *place = new)?;
        }
        for (local, mut original) in copies {
            let copy = frame.variable(local).get();
            original.with(|original| *original = copy);
            *frame.variable(local) = original;
        }
        Ok(value)
    }
}
