//! What makes a function shorter once its references are counted: constants are used where they are
//! known, a question with a known answer is not asked, copies that nothing tells from their original
//! are that, and what nobody reads is not computed.

use std::collections::{BTreeMap, BTreeSet};

use iridium_isa::Span;

use super::intervals::writes_early;
use super::loops::back_edges;
use super::select::{mirrored, takes_number};
use crate::mir::flow::{RegSet, live_at_begin, live_at_end};
use crate::mir::{
    BinaryOp, Block, BlockIdx, Class, Compare, Function, Inst, Operand, Reg, Terminator,
};

/// At most so many instructions before a question or a return are repeated where control jumps to
/// them.
const REPEATED: usize = 2;
/// The same when the answer is known there.
const ANSWERED: usize = 4;

pub(super) fn simplify(function: &mut Function) {
    fold(function);
    use_originals(function);
    remove_unread(function);
}

/// The integers that registers are known to have.
#[derive(Clone)]
struct Known<'f> {
    everywhere: &'f BTreeMap<Reg, i64>,
    here: BTreeMap<Reg, i64>,
}

impl Known<'_> {
    fn value(&self, reg: Reg) -> Option<i64> {
        self.everywhere.get(&reg).or_else(|| self.here.get(&reg)).copied()
    }

    fn small(&self, operand: Operand) -> Option<i32> {
        match operand {
            Operand::Reg(reg) => self.value(reg).and_then(|value| value.try_into().ok()),
            Operand::Imm(number) => Some(number),
        }
    }

    fn after(&mut self, inst: &Inst) {
        inst.writes().iter().for_each(|reg| {
            self.here.remove(reg);
        });
        if let Inst::Int { d, value } = inst {
            self.here.insert(*d, *value);
        }
    }
}

/// The registers that are written once, with a constant.
fn constants(function: &Function) -> BTreeMap<Reg, i64> {
    let mut written: BTreeMap<Reg, u32> = function.params.iter().map(|reg| (*reg, 1)).collect();
    let mut found = BTreeMap::new();
    for (inst, _) in function.blocks.iter().flat_map(|block| &block.insts) {
        inst.writes().iter().for_each(|reg| *written.entry(*reg).or_default() += 1);
        if let Inst::Int { d, value } = inst {
            found.insert(*d, *value);
        }
    }
    found.retain(|reg, _| written.get(reg) == Some(&1));
    found
}

fn fold(function: &mut Function) {
    let everywhere = constants(function);
    for block in &mut function.blocks {
        let mut known = Known { everywhere: &everywhere, here: BTreeMap::new() };
        for (inst, _) in &mut block.insts {
            fold_inst(inst, &known);
            known.after(inst);
        }
        fold_end(&mut block.end.0, &known);
    }
}

fn fold_inst(inst: &mut Inst, known: &Known<'_>) {
    match inst {
        Inst::Copy { d, s } => {
            if let Some(value) = known.value(*s) {
                *inst = Inst::Int { d: *d, value };
            }
        }
        Inst::Binary { op, d, a, b } => {
            if let (Operand::Reg(other), Some(first)) = (*b, known.small(Operand::Reg(*a)))
                && known.value(other).is_none()
                && commutes(*op)
            {
                (*a, *b) = (other, Operand::Imm(first));
            }
            let Some(number) = known.small(*b).filter(|_| takes_number(*op)) else { return };
            *b = Operand::Imm(number);
            if let Some(value) = known.value(*a).and_then(|a| computed(*op, a, number)) {
                *inst = Inst::Int { d: *d, value };
            } else if number == 0 && is_same_with_0(*op) {
                *inst = Inst::Copy { d: *d, s: *a };
            }
        }
        Inst::Compare { op, d, a, b } => {
            (*op, *a, *b) = compared(*op, *a, *b, known);
            if let Some(answer) = answer(*op, *a, *b, known) {
                *inst = Inst::Int { d: *d, value: i64::from(answer) };
            }
        }
        _ => {}
    }
}

fn fold_end(end: &mut Terminator, known: &Known<'_>) {
    if let Terminator::Branch { op, a, b, then, otherwise } = end {
        (*op, *a, *b) = compared(*op, *a, *b, known);
        if let Some(answer) = answer(*op, *a, *b, known) {
            *end = Terminator::Jump(if answer { *then } else { *otherwise });
        }
    }
}

/// A comparison with its number, if it has one, on the right.
fn compared(op: Compare, a: Reg, b: Operand, known: &Known<'_>) -> (Compare, Reg, Operand) {
    match (known.small(Operand::Reg(a)), b, known.small(b)) {
        (_, _, Some(number)) => (op, a, Operand::Imm(number)),
        (Some(number), Operand::Reg(b), None) => (mirrored(op), b, Operand::Imm(number)),
        _ => (op, a, b),
    }
}

fn answer(op: Compare, a: Reg, b: Operand, known: &Known<'_>) -> Option<bool> {
    let (a, b) = (known.value(a)?, i64::from(known.small(b)?));
    Some(match op {
        Compare::Eq => a == b,
        Compare::Ne => a != b,
        Compare::Lt => a < b,
        Compare::Le => a <= b,
        Compare::Gt => a > b,
        Compare::Ge => a >= b,
        Compare::LtU => (a as u64) < b as u64,
        Compare::LeU => a as u64 <= b as u64,
        Compare::GtU => a as u64 > b as u64,
        Compare::GeU => a as u64 >= b as u64,
    })
}

fn commutes(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Mul
            | BinaryOp::AddWrap
            | BinaryOp::MulWrap
            | BinaryOp::And
            | BinaryOp::Or
            | BinaryOp::Xor
    )
}

fn is_same_with_0(op: BinaryOp) -> bool {
    matches!(
        op,
        BinaryOp::Add
            | BinaryOp::Sub
            | BinaryOp::AddWrap
            | BinaryOp::SubWrap
            | BinaryOp::Or
            | BinaryOp::Xor
            | BinaryOp::Shl
            | BinaryOp::Shr
            | BinaryOp::ShrU
    )
}

/// What does not trap, of what loops and offsets are made of.
fn computed(op: BinaryOp, a: i64, number: i32) -> Option<i64> {
    let b = i64::from(number);
    match op {
        BinaryOp::Add => a.checked_add(b),
        BinaryOp::Sub => a.checked_sub(b),
        BinaryOp::Mul => a.checked_mul(b),
        BinaryOp::AddWrap => Some(a.wrapping_add(b)),
        BinaryOp::SubWrap => Some(a.wrapping_sub(b)),
        BinaryOp::MulWrap => Some(a.wrapping_mul(b)),
        _ => None,
    }
}

/// A short block that ends with a question or a return stands where control jumps to it. What a loop
/// loads once should be before it by now.
pub(super) fn repeat(function: &mut Function) {
    let everywhere = constants(function);
    // A loop stays one that is entered at its begin.
    let heads: BTreeSet<BlockIdx> =
        back_edges(function).into_iter().map(|(_, head)| head).collect();
    for at in 0..function.blocks.len() {
        // What is repeated may end with a jump to the next.
        for _ in 0..ANSWERED {
            let Some(block) = function.blocks.get(at) else { break };
            let Terminator::Jump(to) = block.end.0 else { break };
            let Some(next) = function.block(to).filter(|_| to.0 as usize != at) else { break };
            let mut known = Known { everywhere: &everywhere, here: BTreeMap::new() };
            block.insts.iter().for_each(|(inst, _)| known.after(inst));
            let limit = if heads.contains(&to) { 0 } else { REPEATED };
            let Some(repeated) = repeated(next, known, limit) else { break };
            if let Some(block) = function.blocks.get_mut(at) {
                block.insts.extend(repeated.insts);
                block.end = repeated.end;
            }
        }
    }
    // What was repeated may know more where it is now.
    simplify(function);
    function.pass_by_empty();
}

/// What comes in the place of a jump to a block, if that is worth it; with a question whose answer is
/// not known, when it has at most `limit` instructions.
fn repeated(block: &Block, mut known: Known<'_>, limit: usize) -> Option<Block> {
    // Most copies come to nothing.
    let is_copy = |(inst, _): &&(Inst, Span)| matches!(inst, Inst::Copy { .. });
    let length = block.insts.len() - block.insts.iter().filter(is_copy).count();
    if length > ANSWERED {
        return None;
    }
    block.insts.iter().for_each(|(inst, _)| known.after(inst));
    let (mut end, span) = block.end.clone();
    fold_end(&mut end, &known);
    let is_worth = match (&block.end.0, &end) {
        (Terminator::Branch { .. }, Terminator::Jump(_)) => true,
        (Terminator::Branch { .. } | Terminator::FloatBranch { .. }, _) => {
            length > 0 && length <= limit
        }
        (Terminator::Return(_), _) => length < REPEATED,
        (Terminator::Release { .. }, _) => length <= limit,
        _ => false,
    };
    is_worth.then(|| Block { insts: block.insts.clone(), end: (end, span) })
}

/// A copy that ends in its block, and before its original changes, is the original.
fn use_originals(function: &mut Function) {
    let begin = live_at_begin(function, |_| {});
    for at in 0..function.blocks.len() {
        let live = live_at_end(function, at, &begin);
        let Function { blocks, regs, .. } = &mut *function;
        let Some(block) = blocks.get_mut(at) else { continue };
        let mut next = 0;
        while let Some((inst, _)) = block.insts.get(next) {
            match *inst {
                Inst::Copy { d, s } if is_original(block, next, (d, s), &live, regs) => {
                    block.insts.remove(next);
                    rename(block, next, d, s);
                }
                _ => next += 1,
            }
        }
    }
}

/// Whether after the copy at this position `s` may be read wherever `d` is.
fn is_original(
    block: &Block,
    at: usize,
    (d, s): (Reg, Reg),
    live: &RegSet,
    regs: &[Class],
) -> bool {
    let class = |reg: Reg| regs.get(reg.0 as usize).copied();
    let is_float = |reg: Reg| class(reg) == Some(Class::Float);
    if d == s || is_float(d) != is_float(s) {
        return false;
    }
    let mut changed = false;
    for (inst, _) in block.insts.iter().skip(at + 1) {
        let by_class = matches!(inst, Inst::Drop { .. } | Inst::Unique { .. } | Inst::Open { .. });
        let writes = inst.writes();
        let too_early = writes_early(inst) && writes.contains(&s);
        let fits = !changed && !too_early && (!by_class || class(d) == class(s));
        if !fits && inst.reads().contains(&d) {
            return false;
        }
        if writes.contains(&d) {
            return true;
        }
        changed |= writes.contains(&s);
    }
    let ends_changed = changed && block.end.0.reads().contains(&d);
    !live.contains(d) && !ends_changed
}

/// Reads `s` in place of `d`, until that is written.
fn rename(block: &mut Block, from: usize, d: Reg, s: Reg) {
    let mut rename = |reg: &mut Reg| {
        if *reg == d {
            *reg = s;
        }
    };
    for (inst, _) in block.insts.iter_mut().skip(from) {
        inst.each_read(&mut rename);
        if inst.writes().contains(&d) {
            return;
        }
    }
    block.end.0.each_read(&mut rename);
}

fn remove_unread(function: &mut Function) {
    let begin = live_at_begin(function, |_| {});
    for at in 0..function.blocks.len() {
        let mut live = live_at_end(function, at, &begin);
        let Some(block) = function.blocks.get_mut(at) else { continue };
        block.end.0.reads().into_iter().for_each(|reg| {
            live.insert(reg);
        });
        let mut kept = Vec::with_capacity(block.insts.len());
        while let Some((inst, span)) = block.insts.pop() {
            let writes = inst.writes();
            if inst.only_computes() && !writes.iter().any(|reg| live.contains(*reg)) {
                continue;
            }
            writes.into_iter().for_each(|reg| live.remove(reg));
            inst.reads().into_iter().for_each(|reg| {
                live.insert(reg);
            });
            kept.push((inst, span));
        }
        kept.reverse();
        block.insts = kept;
    }
}
