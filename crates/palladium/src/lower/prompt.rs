//! What has been typed at a prompt: its variables are taken out of their blocks, and put back.

use std::sync::Arc;

use super::code::Value;
use super::context::Context;
use super::function::Body;
use super::instances::Instance;
use super::value::offset;
use crate::core::{self, Entry, Slot, Variable};
use crate::mir::{Class, Function, Inst, Passing, Terminator};

/// Runs an entry and ends the process, with the address of the block of what it has made, or 0. What
/// goes wrong in the middle leaves the blocks without what was taken.
pub(super) fn make(context: &mut Context<'_>, entry: &Entry) -> Function {
    let function = context.function(entry.function);
    let mut body = Body::new(context, Instance::new(entry.function, []));
    for variable in &entry.variables {
        body.take_variable(variable);
    }
    if let core::Body::Code(expr) = &function.body {
        body.expr(expr);
    }
    for variable in entry.variables.iter().filter(|variable| variable.stays) {
        let value = body.get(variable.local);
        body.put(variable.slot, &value);
    }
    let made: Value = entry.made.iter().flat_map(|local| body.get(*local)).collect();
    let code = &mut body.code;
    let block = match made.len() {
        0 => code.int(0),
        cells => {
            let d = code.reg(Class::Int);
            code.emit(Inst::New { d, bytes: offset(cells), variant: 0 });
            code.store_cells(d, offset(0), &made);
            d
        }
    };
    for address in &entry.freed {
        let s = code.int(*address);
        code.emit(Inst::Free { s });
    }
    code.end(Terminator::Exit { code: block });
    let name = Arc::clone(&function.name);
    body.code.finish(name, function.file, Vec::new(), Vec::new(), Passing::Inferred)
}

impl Body<'_, '_> {
    fn take_variable(&mut self, variable: &Variable) {
        let ty = self.local_type(variable.local);
        let classes = self.code.context.types.parts(&ty);
        let base = self.code.int(variable.slot.block);
        let value = self.code.take_cells(base, offset(variable.slot.cell), &classes);
        self.bind(variable.local, &value);
    }

    fn put(&mut self, slot: Slot, value: &Value) {
        let base = self.code.int(slot.block);
        self.code.store_cells(base, offset(slot.cell), value);
    }
}
