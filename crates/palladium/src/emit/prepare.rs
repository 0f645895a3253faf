//! What is rewritten in a function so that each of its instructions is one that the machine has.

use std::collections::BTreeMap;

use iridium_isa::Span;

use super::select::{opposite, takes_number};
use super::simplify::simplify;
use crate::mir::{
    Class, Compare, Data, Elem, Function, Inst, LENGTH, MachineOp, Operand, Reg, Terminator, Width,
};

pub(super) fn prepare(function: &mut Function, data: &[Data]) {
    know_lengths(function, data);
    expand(function);
    simplify(function);
    fuse(function);
    simplify_switches(function);
}

/// How long something in the read-only data is need not be read there.
fn know_lengths(function: &mut Function, data: &[Data]) {
    let mut written: BTreeMap<Reg, u32> = function.params.iter().map(|reg| (*reg, 1)).collect();
    let mut lengths: BTreeMap<Reg, i64> = BTreeMap::new();
    for (inst, _) in function.blocks.iter().flat_map(|block| &block.insts) {
        inst.writes().iter().for_each(|reg| *written.entry(*reg).or_default() += 1);
        if let Inst::Data { d, data: index } = inst {
            let length = match data.get(index.0 as usize) {
                Some(Data::Bytes(bytes)) => bytes.len(),
                Some(Data::Cells(cells)) => cells.len(),
                Some(Data::Closure(_)) | None => continue,
            };
            lengths.insert(*d, length as i64);
        }
    }
    lengths.retain(|reg, _| written.get(reg) == Some(&1));
    for (inst, _) in function.blocks.iter_mut().flat_map(|block| &mut block.insts) {
        if let Inst::Load { d, base, offset: LENGTH, width: Width::Cell } = inst
            && let Some(length) = lengths.get(base)
        {
            *inst = Inst::Int { d: *d, value: *length };
        }
    }
}

/// Takes cells apart into a load and a store, and gives numbers registers where they need one.
fn expand(function: &mut Function) {
    let regs = &mut function.regs;
    for block in &mut function.blocks {
        let insts = std::mem::take(&mut block.insts);
        let mut expansion = Expansion { regs, insts: Vec::with_capacity(insts.len()) };
        for (inst, span) in insts {
            expansion.inst(inst, &span);
        }
        block.insts = expansion.insts;
    }
}

struct Expansion<'f> {
    regs: &'f mut Vec<Class>,
    insts: Vec<(Inst, Span)>,
}

impl Expansion<'_> {
    fn inst(&mut self, inst: Inst, span: &Span) {
        match inst {
            Inst::Take { d, base, offset } => {
                let value = self.apart(d, &[base]);
                self.push(Inst::Load { d: value, base, offset, width: Width::Cell }, span);
                let s = self.number(0, span);
                self.push(Inst::Store { base, offset, s, width: Width::Cell }, span);
                self.copy(d, value, span);
            }
            Inst::TakeElem { d, base, index } => {
                let (value, width) = (self.apart(d, &[base, index]), Elem::Cell);
                self.push(Inst::LoadElem { d: value, base, index, width }, span);
                let s = self.number(0, span);
                self.push(Inst::StoreElem { base, index, s, width }, span);
                self.copy(d, value, span);
            }
            Inst::Binary { op, d, a, b: Operand::Imm(number) } if !takes_number(op) => {
                let b = Operand::Reg(self.number(number, span));
                self.push(Inst::Binary { op, d, a, b }, span);
            }
            // These write before they have read everything.
            Inst::Compare { op, d, a, b } => {
                let value = self.apart(d, &[Some(a), b.reg()].map(|reg| reg.unwrap_or(a)));
                self.push(Inst::Compare { op, d: value, a, b }, span);
                self.copy(d, value, span);
            }
            Inst::Machine { op: MachineOp::Address, args, results } => {
                if let (Some(s), Some(d)) = (args.first(), results.first()) {
                    self.copy(*d, *s, span);
                }
            }
            Inst::Machine { op: op @ (MachineOp::FloatText | MachineOp::Hash), args, results } => {
                let d = results.first().copied().unwrap_or(Reg(0));
                let value = self.apart(d, &args);
                self.push(Inst::Machine { op, args, results: vec![value] }, span);
                self.copy(d, value, span);
            }
            inst => self.push(inst, span),
        }
    }

    fn push(&mut self, inst: Inst, span: &Span) {
        self.insts.push((inst, span.clone()));
    }

    fn copy(&mut self, d: Reg, s: Reg, span: &Span) {
        if d != s {
            self.push(Inst::Copy { d, s }, span);
        }
    }

    /// The register itself, or another one when it is among those that are still read.
    fn apart(&mut self, d: Reg, read: &[Reg]) -> Reg {
        if read.contains(&d) {
            let class = self.regs.get(d.0 as usize).copied().unwrap_or(Class::Int);
            self.fresh(class)
        } else {
            d
        }
    }

    fn number(&mut self, number: i32, span: &Span) -> Reg {
        let d = self.fresh(Class::Int);
        self.push(Inst::Int { d, value: i64::from(number) }, span);
        d
    }

    fn fresh(&mut self, class: Class) -> Reg {
        self.regs.push(class);
        Reg(self.regs.len() as u32 - 1)
    }
}

/// A comparison whose result is only asked for by the branch after it is done by that.
fn fuse(function: &mut Function) {
    let mut uses = vec![0u32; function.regs.len()];
    for block in &function.blocks {
        let insts = block.insts.iter().flat_map(|(inst, _)| inst.reads());
        for reg in insts.chain(block.end.0.reads()) {
            if let Some(count) = uses.get_mut(reg.0 as usize) {
                *count += 1;
            }
        }
    }
    for block in &mut function.blocks {
        let Terminator::Branch { op, a: asked, b: Operand::Imm(0), then, otherwise } = block.end.0
        else {
            continue;
        };
        let once = uses.get(asked.0 as usize) == Some(&1);
        let (true, Compare::Ne | Compare::Eq) = (once, op) else { continue };
        let Some(at) = block.insts.iter().rposition(|(inst, _)| inst.writes().contains(&asked))
        else {
            continue;
        };
        let Some(((inst, _), after)) = block.insts.get(at..).and_then(<[_]>::split_first) else {
            continue;
        };
        let read = inst.reads();
        let changed = |(inst, _): &(Inst, Span)| inst.writes().iter().any(|reg| read.contains(reg));
        if after.iter().any(changed) {
            continue;
        }
        block.end.0 = match (inst, op) {
            (Inst::Compare { op, a, b, .. }, Compare::Ne) => {
                Terminator::Branch { op: *op, a: *a, b: *b, then, otherwise }
            }
            (Inst::Compare { op, a, b, .. }, _) => {
                Terminator::Branch { op: opposite(*op), a: *a, b: *b, then, otherwise }
            }
            (Inst::FloatCompare { op, a, b, .. }, Compare::Ne) => {
                Terminator::FloatBranch { op: *op, a: *a, b: *b, then, otherwise }
            }
            (Inst::FloatCompare { op, a, b, .. }, _) => {
                Terminator::FloatBranch { op: *op, a: *a, b: *b, then: otherwise, otherwise: then }
            }
            _ => continue,
        };
        block.insts.remove(at);
    }
}

/// What is left when all targets are there goes to the last of them; one or two need no table.
fn simplify_switches(function: &mut Function) {
    let never: Vec<bool> = function
        .blocks
        .iter()
        .map(|block| block.insts.is_empty() && block.end.0 == Terminator::Unreachable)
        .collect();
    for block in &mut function.blocks {
        let Terminator::Switch { value, targets, otherwise } = &mut block.end.0 else { continue };
        if never.get(otherwise.0 as usize) == Some(&true)
            && let Some(last) = targets.pop()
        {
            *otherwise = last;
        }
        let (a, otherwise) = (*value, *otherwise);
        block.end.0 = match targets.as_slice() {
            [] => Terminator::Jump(otherwise),
            [then] => {
                let b = Operand::Imm(0);
                Terminator::Branch { op: Compare::Eq, a, b, then: *then, otherwise }
            }
            _ => continue,
        };
    }
}
