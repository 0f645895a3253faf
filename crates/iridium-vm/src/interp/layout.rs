//! Instructions laid out for running, and entry hooks put at them.

use iridium_isa::{Instruction, Module};

use super::code::Code;
use super::dataflow::{self, Dataflow};
use super::dispatch::{self, Handler};
use super::op::{HandlerCell, Marks, OP_SIZE, Op};
use crate::blocks::{class_of, first_free, head_word};
use crate::register::Register;

/// Lays a module's code out.
pub(crate) fn lay_out(module: &Module) -> Code {
    let mut tables = Vec::new();
    let code = module.code();
    let dataflow = dataflow::analyse(code);
    let mut ops: Box<[Op]> = code
        .iter()
        .enumerate()
        .map(|(index, instruction)| {
            let marks = Marks::new(dataflow.tolls[index]);
            let handler = dispatch::handler(&dataflow, code, index);
            op(handler, marks, instruction, index, &mut tables)
        })
        .collect();
    let start = ops.as_ptr().addr();
    for op in &mut ops {
        op.target += start;
    }
    Code::new(ops, dataflow, tables)
}

/// The op of an instruction, with its target counted in bytes from the first op.
fn op(
    handler: Handler,
    marks: Marks,
    instruction: &Instruction,
    index: usize,
    tables: &mut Vec<u32>,
) -> Op {
    let slots = instruction.slots();
    let mut op = Op {
        handler: HandlerCell::new(dispatch::erase(handler)),
        target: slots.target.map_or(0, |target| target as usize * OP_SIZE),
        registers: slots.registers.map(|number| u16::from(number) * size_of::<Register>() as u16),
        opcode: instruction.opcode(),
        marks,
        literal: slots.literal,
        high: slots.high,
    };
    match instruction {
        _ if op.opcode.is_call() => op.literal = index as i32 + 1,
        Instruction::New { n, v, .. } => {
            let class = class_of(u64::from(n.0)).unwrap_or(0);
            op.literal = first_free(class) as i32;
            op.high = (head_word(0, v.0, class) >> 32) as i32;
        }
        Instruction::Memcmp { d, .. } => {
            op.literal = i32::from(d.0) * size_of::<Register>() as i32;
        }
        Instruction::Jtab { l, .. } => {
            op.literal = tables.len() as i32;
            op.high = l.0.len() as i32;
            tables.extend_from_slice(&l.0);
        }
        _ => {}
    }
    op
}

/// Puts the entry hook at an instruction; `false` when there is none, or no such instruction.
pub(crate) fn hook(code: &Code, module: &Module, index: u32) -> bool {
    let index = index as usize;
    let Some(op) = code.ops().get(index).filter(|_| code.has_hook()) else { return false };
    op.marks.set_hooked(true);
    op.handler.store(dispatch::erase(dispatch::entry));
    // The one before may do this one with it in a single handler, which would pass the hook by.
    set_handler(code, module.code(), index.checked_sub(1));
    true
}

/// Takes the entry hook away from an instruction.
pub(crate) fn unhook(code: &Code, module: &Module, index: u32) {
    let index = index as usize;
    let Some(op) = code.ops().get(index) else { return };
    op.marks.set_hooked(false);
    set_handler(code, module.code(), Some(index));
    set_handler(code, module.code(), index.checked_sub(1));
}

/// Gives an op, unless it is hooked itself, the handler that goes with what is hooked after it.
fn set_handler(code: &Code, instructions: &[Instruction], index: Option<usize>) {
    let Some((index, op)) = index.and_then(|index| Some((index, code.ops().get(index)?))) else {
        return;
    };
    let is_hooked = |index: usize| code.ops().get(index).is_some_and(|op| op.marks.is_hooked());
    if is_hooked(index) {
        return;
    }
    let handler = choose(code.dataflow(), instructions, index, is_hooked(index + 1));
    op.handler.store(dispatch::erase(handler));
}

fn choose(dataflow: &Dataflow, code: &[Instruction], index: usize, alone: bool) -> Handler {
    if alone {
        dispatch::handler_alone(dataflow, code, index)
    } else {
        dispatch::handler(dataflow, code, index)
    }
}
