//! Operands that are still at hand.
//!
//! Writing a register and reading it again in the next instruction goes through memory, which takes
//! longer than most arithmetic. So the threaded backend hands on what was last written, and an
//! instruction that reads the register written just before it gets a handler that takes the value
//! from there. The register is written all the same.
//!
//! This needs to know what ran before. An instruction that control may jump to gets no such handler;
//! computed jumps, instructions that ran out of line, and the first instruction of a run do not use
//! the handler in the op but the plain one of the opcode.

use crate::isa::operand::{Role, Slots};
use crate::isa::{Flow, Instruction};

/// All operands are read from their registers.
pub(super) const NONE: usize = 0;
/// The first operand is what was last written.
pub(super) const FIRST: usize = 1;
/// The second operand is what was last written.
pub(super) const SECOND: usize = 2;
/// The second operand is what was last written, the first what was at hand before that; only within
/// a fused handler.
pub(super) const BOTH: usize = 3;

/// Both operands are what was last written.
pub(super) const TWICE: usize = 4;

/// What of `after` is still at hand from `before`, when control goes from one to the other.
pub(super) fn forwarded(before: &Instruction, after: &Instruction) -> usize {
    let opcode = before.opcode();
    if !opcode.is_fast() || opcode.flow() != Flow::Next {
        return NONE;
    }
    let (written, read) = (before.slots(), after.slots());
    match reading(&written, &read) {
        Some(0) if read.registers[0] == read.registers[1] && read.roles[0] == read.roles[1] => {
            TWICE
        }
        Some(0) => FIRST,
        Some(1) => SECOND,
        _ => NONE,
    }
}

/// Whether both instructions read the same register first, the first one gets it handed on and does
/// not write it, so that it is still at hand for the second.
pub(super) fn still_at_hand(first: &Instruction, second: &Instruction) -> bool {
    let (a, b) = (first.slots(), second.slots());
    let written = written(&a).map(|(number, _)| number);
    a.roles[0] == Role::IntRead
        && b.roles[0] == Role::IntRead
        && a.registers[0] == b.registers[0]
        && written != Some(a.registers[0])
        && reading(&a, &b) == Some(1)
}

/// The slot that reads what was written.
fn reading(before: &Slots, after: &Slots) -> Option<usize> {
    let (number, float) = written(before)?;
    let reads = |(register, role): (&u8, &Role)| {
        *register == number
            && match role {
                Role::IntRead | Role::IntChange => !float,
                Role::FloatRead => float,
                _ => false,
            }
    };
    after.registers.iter().zip(&after.roles).position(reads)
}

/// The register that is written, and whether its float lane is.
fn written(slots: &Slots) -> Option<(u8, bool)> {
    slots.registers.iter().zip(&slots.roles).find_map(|(number, role)| match role {
        Role::IntWrite | Role::IntChange => Some((*number, false)),
        Role::FloatWrite => Some((*number, true)),
        _ => None,
    })
}
