//! Where a program begins and ends.

use super::code::{Code, MADE};
use super::context::Context;
use super::instances::Instance;
use super::target::Target;
use super::value::Source;
use crate::core::{FnId, Type};
use crate::mir::{BlockIdx, Class, Function, Passing, Reg, Terminator};

/// The kind of the trap of an `Err` from main.
const ERROR: u8 = 5;
/// The position of `Err` in `Result`.
const ERR: u32 = 1;

/// Calls what the target names, and ends the process: with 0, or for an `Err` with a trap.
pub(super) fn make(context: &mut Context<'_>, target: Target) -> Function {
    let program = context.program;
    let mut code = Code::new(context, 0..0);
    let mut params = Vec::new();
    match target {
        Target::Main => code.runs(program.main),
        Target::Test(nth) => code.runs(program.tests.get(nth).map(|test| test.function)),
        Target::Tests => {
            let nth = code.reg(Class::Int);
            params.push(nth);
            let targets: Vec<BlockIdx> = program.tests.iter().map(|_| code.block()).collect();
            let otherwise = code.block();
            code.end(Terminator::Switch { value: nth, targets: targets.clone(), otherwise });
            for (block, test) in targets.into_iter().zip(&program.tests) {
                code.at(block);
                code.runs(Some(test.function));
            }
            code.at(otherwise);
            code.runs(None);
        }
    }
    code.finish("start".into(), MADE, params, Vec::new(), Passing::Inferred)
}

impl Code<'_, '_> {
    /// Calls a function without parameters, if there is one, and ends the process.
    fn runs(&mut self, first: Option<FnId>) {
        match first {
            Some(id) => self.runs_with(Instance::new(id, []), Vec::new()),
            None => self.runs_out(),
        }
    }

    /// Calls a function, and ends the process: as failed when that gives an `Err`.
    pub(super) fn runs_with(&mut self, instance: Instance, args: Vec<Reg>) {
        let declared = self.context.function(instance.function);
        let result = declared.result.substitute(&instance.types);
        let classes = self.context.types.parts(&result);
        let function = self.context.instances.get(instance.plain());
        let value = self.call(function, args, &classes);
        if matches!(&result, Type::Enum(of, _) if Some(*of) == self.context.program.known.result) {
            self.check(&result, &value);
        }
        self.runs_out();
    }

    fn runs_out(&mut self) {
        let code = self.int(0);
        self.end(Terminator::Exit { code });
    }

    /// Goes on when a result is `Ok`.
    fn check(&mut self, ty: &Type, result: &[Reg]) {
        let (ok, err) = (self.block(), self.block());
        self.switch_on_variant(result, ty, &[ok, err], err);
        self.at(err);
        let (source, of): (Source, Type) = self.payload(result, ty, ERR, 0);
        let error = self.read(&source, &of);
        let text = self.text(b"");
        self.show(&of, &error, text, false);
        let [address, length] = self.bytes_of(text);
        self.end(Terminator::Trap { kind: ERROR, address, length });
        self.at(ok);
    }
}
