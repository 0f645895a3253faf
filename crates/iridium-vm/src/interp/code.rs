//! Instructions laid out for running: one [`Op`] an instruction, so that indices stay the same.

use super::dispatch::{Handler, handler, plain};
use crate::isa::{Flow, Instruction, Opcode};
use crate::module::Module;
use crate::process::Register;

/// An instruction as the interpreter reads it.
///
/// Register numbers are kept as byte offsets into the window and jumps as byte distances, so that
/// the interpreter adds them without scaling.
#[derive(Debug, Clone, Copy)]
#[repr(C)]
pub(super) struct Op {
    /// What the threaded backend calls: this instruction, or it and some that follow.
    pub(super) handler: Handler,
    /// Byte offsets of the registers, in table order.
    pub(super) registers: [u16; 3],
    /// What the loop backend matches on.
    pub(super) opcode: Opcode,
    /// The 32-bit literal; the low half of a 64-bit one; for calls the index to return to; for jump
    /// tables their first entry.
    pub(super) literal: i32,
    /// The jump's distance in bytes; the high half of a 64-bit literal; the length of a jump table.
    pub(super) distance: i32,
}

/// The size of an op; [`MAX_CODE`](crate::module::MAX_CODE) of them are within an `i32`.
pub(super) const OP_SIZE: usize = size_of::<Op>();
const _: () = assert!(OP_SIZE * crate::module::MAX_CODE <= i32::MAX as usize);
const _: () = assert!(size_of::<Register>() * 255 <= u16::MAX as usize);

/// The code of a program, ready to run.
#[derive(Debug)]
pub(crate) struct Code {
    ops: Vec<Op>,
    /// All jump tables, one after the other: instruction indices.
    tables: Vec<u32>,
}

impl Code {
    /// Lays a module's code out.
    pub(crate) fn lay_out(module: &Module) -> Self {
        let mut tables = Vec::new();
        let code = module.code();
        let mut ops: Vec<Op> = code
            .iter()
            .enumerate()
            .map(|(index, instruction)| lay_out(instruction, index, &mut tables))
            .collect();
        let givers = givers(code);
        for (index, op) in ops.iter_mut().enumerate() {
            op.handler = handler(givers[index].map(|at| &code[at]), &code[index..]);
        }
        Self { ops, tables }
    }

    /// The ops; as many as the module has instructions.
    pub(super) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// The target of a jump table at a position that the table has.
    pub(super) fn table_entry(&self, position: usize) -> Option<u32> {
        self.tables.get(position).copied()
    }
}

fn lay_out(instruction: &Instruction, index: usize, tables: &mut Vec<u32>) -> Op {
    let slots = instruction.slots();
    let distance = |target: u32| (i64::from(target) - index as i64) * OP_SIZE as i64;
    let mut op = Op {
        handler: plain(instruction.opcode()),
        registers: slots.registers.map(|number| u16::from(number) * size_of::<Register>() as u16),
        opcode: instruction.opcode(),
        literal: slots.literal,
        distance: slots.target.map_or(slots.high, |target| distance(target) as i32),
    };
    match instruction {
        Instruction::Call { .. } | Instruction::Callw { .. } => op.literal = index as i32 + 1,
        Instruction::Jtab { l, .. } => {
            op.literal = tables.len() as i32;
            op.distance = l.0.len() as i32;
            tables.extend_from_slice(&l.0);
        }
        _ => {}
    }
    op
}

/// For every instruction, the one that last wrote a register before it on the only way that control
/// comes to it, computed jumps aside; `None` when there are several ways.
fn givers(code: &[Instruction]) -> Vec<Option<usize>> {
    let mut landing = vec![false; code.len()];
    for target in code.iter().flat_map(|instruction| instruction.targets()) {
        landing[*target as usize] = true;
    }
    let mut givers: Vec<Option<usize>> = vec![None; code.len()];
    for index in 1..code.len() {
        givers[index] = match code[index - 1].opcode() {
            _ if landing[index] => None,
            // Control comes back from a call with other values at hand.
            Opcode::Call | Opcode::Callw | Opcode::Callr | Opcode::Callwr => None,
            // A branch that is not taken writes nothing.
            opcode if opcode.flow() == Flow::Branch => givers[index - 1],
            _ => Some(index - 1),
        };
    }
    givers
}
