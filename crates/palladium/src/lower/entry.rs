//! Where a program begins and ends.

use super::code::{Code, MADE};
use super::context::Context;
use super::instances::Instance;
use super::value::Source;
use crate::core::{FnId, Type};
use crate::mir::{Function, Passing, Terminator};

/// The kind of the trap of an `Err` from main.
const ERROR: u8 = 5;
/// The position of `Err` in `Result`.
const ERR: u32 = 1;

/// Calls a function without parameters, and ends the process: with 0, or for an `Err` with a trap.
pub(super) fn make(context: &mut Context<'_>, first: Option<FnId>) -> Function {
    let result = first.map(|id| context.function(id).result.clone());
    let span = first.map_or(0..0, |id| context.function(id).span.clone());
    let file = first.map_or(MADE, |id| context.function(id).file);
    let mut code = Code::new(context, span);
    if let (Some(id), Some(result)) = (first, result) {
        let classes = code.context.types.parts(&result);
        let function = code.context.instances.get(Instance::new(id, []).plain());
        let value = code.call(function, Vec::new(), &classes);
        if matches!(&result, Type::Enum(of, _) if Some(*of) == code.context.program.known.result) {
            code.check(&result, &value);
        }
    }
    let code_of_success = code.int(0);
    code.end(Terminator::Exit { code: code_of_success });
    code.finish("start".into(), file, Vec::new(), Vec::new(), Passing::Inferred)
}

impl Code<'_, '_> {
    /// Goes on when a result is `Ok`.
    fn check(&mut self, ty: &Type, result: &[crate::mir::Reg]) {
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
