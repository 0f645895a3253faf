//! Instructions laid out for running: one [`Op`] an instruction, so that indices stay the same.

use super::dispatch::{Handler, general, handler};
use super::forward::AtHand;
use super::ways::{self, Ways};
use crate::process::Register;
use iridium_isa::{Instruction, Module, Opcode};

/// An instruction as the interpreter reads it.
///
/// Register numbers are kept as byte offsets into the window, so that the interpreter adds them
/// without scaling, and jumps as the addresses where they go to: in a loop, each round waits for the
/// one before to have worked that out, and nothing is quicker than to read it.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Op {
    /// What the threaded backend calls: this instruction, or it and some that follow.
    pub(super) handler: Handler,
    /// The address of the op to jump to; that of the first op when it does not jump.
    pub(super) target: usize,
    /// Byte offsets of the registers, in table order.
    pub(super) registers: [u16; 3],
    /// What the loop backend matches on.
    pub(super) opcode: Opcode,
    /// The 32-bit literal; the low half of a 64-bit one; for calls the index to return to; for jump
    /// tables their first entry.
    pub(super) literal: i32,
    /// The high half of a 64-bit literal; the length of a jump table.
    pub(super) high: i32,
}

/// The size of an op: half a line of the cache, and a power of two, so that it costs little to tell an
/// op's index from its address.
pub(super) const OP_SIZE: usize = size_of::<Op>();
const _: () = assert!(OP_SIZE == 32 || size_of::<usize>() != 8);
const _: () = assert!(size_of::<Register>() * 255 <= u16::MAX as usize);

/// The code of a program, ready to run.
#[derive(Debug)]
pub(crate) struct Code {
    /// They know each other's addresses, so they are never moved.
    ops: Box<[Op]>,
    /// What the handler of each op expects to be at hand.
    ways: Ways,
    /// All jump tables, one after the other: instruction indices.
    tables: Vec<u32>,
}

impl Code {
    /// Lays a module's code out.
    pub(crate) fn lay_out(module: &Module) -> Self {
        let mut tables = Vec::new();
        let code = module.code();
        let ways = ways::explore(code);
        let mut ops: Box<[Op]> = code
            .iter()
            .enumerate()
            .map(|(index, instruction)| Op {
                handler: handler(&ways, code, index),
                ..lay_out(instruction, index, &mut tables)
            })
            .collect();
        let start = ops.as_ptr().addr();
        for op in &mut ops {
            op.target += start;
        }
        Self { ops, ways, tables }
    }

    /// The ops; as many as the module has instructions.
    pub(super) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// What the handler of an op expects to be at hand.
    pub(super) fn at_hand(&self, index: usize) -> AtHand {
        self.ways.at_hand.get(index).copied().unwrap_or_default()
    }

    /// The target of a jump table at a position that the table has.
    pub(super) fn table_entry(&self, position: usize) -> Option<u32> {
        self.tables.get(position).copied()
    }
}

/// The op of an instruction, with its target counted in bytes from the first op.
fn lay_out(instruction: &Instruction, index: usize, tables: &mut Vec<u32>) -> Op {
    let slots = instruction.slots();
    let mut op = Op {
        handler: general,
        target: slots.target.map_or(0, |target| target as usize * OP_SIZE),
        registers: slots.registers.map(|number| u16::from(number) * size_of::<Register>() as u16),
        opcode: instruction.opcode(),
        literal: slots.literal,
        high: slots.high,
    };
    match instruction {
        Instruction::Call { .. } | Instruction::Callw { .. } => op.literal = index as i32 + 1,
        Instruction::Jtab { l, .. } => {
            op.literal = tables.len() as i32;
            op.high = l.0.len() as i32;
            tables.extend_from_slice(&l.0);
        }
        _ => {}
    }
    op
}
