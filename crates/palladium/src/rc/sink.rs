//! References that are read out of a block are kept as late as possible.
//!
//! Until then the block holds them. A keep that meets the drop of the same register is gone with it,
//! one that is needed on one way alone is done there, and those that come up to the drop of the block
//! itself become one [`Inst::Open`]: they move out of it when nobody else has it. When a block of the
//! same size is made afterwards, it takes the place of the old one.

use std::collections::BTreeMap;

use iridium_isa::Span;

use super::borrow::Kind;
use super::loans::Holders;
use super::roles::{Ownership, changed};
use super::sizes::{Sizes, cell, glue, room};
use crate::mir::{BlockIdx, Class, Function, Glue, GlueIdx, Inst, Reg, Terminator};

/// What the pass knows of the program.
pub(super) struct Known<'p> {
    pub(super) kinds: &'p [Kind],
    pub(super) holders: &'p Holders,
    pub(super) ownership: &'p Ownership,
    pub(super) sizes: &'p Sizes,
    pub(super) glue: &'p [Glue],
}

/// A keep that was put off.
#[derive(Debug, Clone)]
struct Pending {
    reg: Reg,
    base: Reg,
    /// Of the cell it was read out of; `None` for an element.
    offset: Option<u16>,
    /// What must stay as it is: the base and what that is on loan from. Nothing happens to what the
    /// caller holds.
    needs: Vec<Reg>,
    span: Span,
}

pub(super) fn sink(function: &mut Function, known: &Known<'_>) {
    let entries = function.entries();
    let mut arriving: BTreeMap<BlockIdx, Vec<Pending>> = BTreeMap::new();
    for index in function.reverse_postorder() {
        let at = index.0 as usize;
        let Some(block) = function.blocks.get_mut(at) else { continue };
        let insts = std::mem::take(&mut block.insts);
        let end = block.end.clone();
        let mut pass = Pass {
            known,
            function,
            pending: arriving.remove(&index).unwrap_or_default(),
            insts: Vec::with_capacity(insts.len()),
            rest: insts.into_iter().map(Some).collect(),
        };
        pass.run(&end.0);
        let successors = end.0.successors();
        let goes_on = !successors.is_empty()
            && successors.iter().all(|to| entries.get(to.0 as usize) == Some(&1));
        let fails = matches!(end.0, Terminator::Trap { .. } | Terminator::Unreachable);
        if goes_on {
            for to in successors {
                arriving.insert(to, pass.pending.clone());
            }
        } else if !fails {
            pass.flush(|_| true);
        }
        let insts = pass.insts;
        if let Some(block) = function.blocks.get_mut(at) {
            block.insts = insts;
        }
    }
}

struct Pass<'p> {
    known: &'p Known<'p>,
    function: &'p mut Function,
    pending: Vec<Pending>,
    /// What was done.
    insts: Vec<(Inst, Span)>,
    /// What comes, by position in the block.
    rest: Vec<Option<(Inst, Span)>>,
}

impl Pass<'_> {
    fn run(&mut self, end: &Terminator) {
        for at in 0..self.rest.len() {
            let Some((inst, span)) = self.rest.get_mut(at).and_then(Option::take) else { continue };
            if let Inst::Drop { s } = inst {
                self.drop(s, span, at);
                continue;
            }
            let consumed = self.known.ownership.consumed(&inst);
            let touched: Vec<Reg> = consumed
                .into_iter()
                .chain(changed(self.function, &inst))
                .chain(inst.writes())
                .collect();
            self.flush_touched(&touched);
            let read = cell(&inst).filter(|(d, base, _)| {
                d != base && self.pending.iter().all(|pending| pending.reg != *d)
            });
            self.insts.push((inst, span));
            if let Some((reg, base, offset)) = read
                && let Some(Some((Inst::Keep { s }, _))) = self.rest.get(at + 1)
                && *s == reg
                && matches!(self.function.regs.get(base.0 as usize), Some(Class::Ptr(_)))
                && let Some(Some((_, span))) = self.rest.get_mut(at + 1).map(Option::take)
            {
                let needs = self.needs(base);
                self.pending.push(Pending { reg, base, offset, needs, span });
            }
        }
        self.flush_touched(&self.known.ownership.consumed_at_end(end));
    }

    /// The registers that must stay as they are for what is read out of one.
    fn needs(&self, base: Reg) -> Vec<Reg> {
        if self.known.kinds.get(base.0 as usize) == Some(&Kind::Lent) {
            return Vec::new();
        }
        let above = self.known.holders.needs(base);
        std::iter::once(base).chain(above.iter().copied()).collect()
    }

    /// Keeps those of which something in `touched` is told.
    fn flush_touched(&mut self, touched: &[Reg]) {
        self.flush(|pending| {
            touched.contains(&pending.reg)
                || pending.needs.iter().any(|need| touched.contains(need))
        });
    }

    fn flush(&mut self, which: impl Fn(&Pending) -> bool) {
        for pending in self.pending.extract_if(.., |pending| which(pending)) {
            self.insts.push((Inst::Keep { s: pending.reg }, pending.span));
        }
    }

    /// The drop of a register, at this position.
    fn drop(&mut self, s: Reg, span: Span, at: usize) {
        if let Some(own) = self.pending.iter().position(|pending| pending.reg == s) {
            // What was read out of it needs the block, and that is what holds it as well.
            let held = self.pending.remove(own);
            for pending in self.pending.iter_mut().filter(|pending| pending.base == s) {
                pending.needs.extend(&held.needs);
                pending.needs.retain(|need| *need != s);
                pending.offset = None;
            }
            return;
        }
        match self.open(s, at) {
            Some(open) => {
                self.pending.retain(|pending| pending.base != s);
                self.flush_touched(&[s]);
                self.insts.push((open, span));
            }
            None => {
                self.flush_touched(&[s]);
                self.insts.push((Inst::Drop { s }, span));
            }
        }
    }

    /// What takes a block apart whose cells were read, and maybe reuses it.
    fn open(&mut self, s: Reg, at: usize) -> Option<Inst> {
        let glue_of = glue(self.function, s)?;
        let variants = self.known.glue.get(glue_of.0 as usize)?.pointers.clone()?;
        let mut cells: BTreeMap<u16, Reg> = BTreeMap::new();
        for pending in self.pending.iter().filter(|pending| pending.base == s) {
            if cells.insert(pending.offset?, pending.reg).is_some() {
                return None;
            }
        }
        // The variants that the block can be, after what was read.
        let has = |pointers: &[(u16, GlueIdx)], offset: &u16| {
            pointers.iter().any(|(other, _)| other == offset)
        };
        let mut possible = (0..)
            .zip(&variants)
            .filter(|(_, pointers)| cells.keys().all(|offset| has(pointers, offset)));
        let (variant, pointers) = possible.next()?;
        let mut alone = Some(variant);
        for (_, others) in possible {
            alone = None;
            if others != pointers {
                return None;
            }
        }
        let rest: Vec<(u16, GlueIdx)> =
            pointers.iter().filter(|(offset, _)| !cells.contains_key(offset)).copied().collect();
        let room = alone.and_then(|variant| self.known.sizes.room(glue_of, variant));
        let token = room.and_then(|room| self.reuse(at, room, alone));
        if cells.is_empty() && token.is_none() {
            return None;
        }
        Some(Inst::Open { s, moved: cells.into_values().collect(), rest, token })
    }

    /// Lets the next block of this room that is made here take the place of one that ends.
    fn reuse(&mut self, after: usize, ends: u16, ends_as: Option<u16>) -> Option<Reg> {
        for slot in self.rest.iter_mut().skip(after + 1) {
            let Some((inst, _)) = slot else { continue };
            let Inst::New { d, bytes, variant } = *inst else { continue };
            if room(bytes) != ends {
                continue;
            }
            let token = Reg(self.function.regs.len() as u32);
            self.function.regs.push(Class::Int);
            let same = ends_as == Some(variant);
            *inst = Inst::Reuse { d, token, bytes, variant, same };
            return Some(token);
        }
        None
    }
}
