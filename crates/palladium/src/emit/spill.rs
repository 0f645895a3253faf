//! Values that find no register lie in a block of the heap, which the function makes at its begin and
//! frees where it returns: its frame.
//!
//! Where the most values are live at once, those that are used least for how long they live go there.
//! Each use of one is then a register of its own, which is loaded before or stored after.

use std::collections::HashMap;

use iridium_isa::Span;

use super::allocate::Lane;
use super::intervals::{Range, overlap, ranges};
use crate::mir::{BlockIdx, Class, Function, Inst, Reg, Terminator, Width};

/// A block has so many bytes at most, and a head of 8.
const MAX_CELLS: usize = (65535 - 8) / 8;

/// The same function with at most `most` values in registers at once, but for those of one
/// instruction. `None` when there are not more, or when a frame has no room for them.
pub(super) fn spill(function: &Function, order: &[BlockIdx], most: usize) -> Option<Function> {
    let ranges = ranges(function, order);
    let spilled = choose(function, &ranges, most);
    if spilled.is_empty() {
        return None;
    }
    let mut function = function.clone();
    let offsets = offsets(&spilled, &ranges)?;
    let size = 8 + offsets.values().max().copied().unwrap_or(0);
    let frame = Reg(function.regs.len() as u32);
    function.regs.push(Class::Int);
    let Function { blocks, regs, params, .. } = &mut function;
    for (at, block) in blocks.iter_mut().enumerate() {
        let insts = std::mem::take(&mut block.insts);
        let mut work = Work { frame, offsets: &offsets, regs, insts: Vec::new() };
        if at == 0 {
            let span = insts.first().map_or(&block.end.1, |(_, span)| span);
            work.begin(params, size, span);
        }
        for (inst, span) in insts {
            work.inst(inst, &span);
        }
        work.end(&mut block.end);
        block.insts = work.insts;
    }
    Some(function)
}

/// The registers that are to lie in the frame.
fn choose(function: &Function, ranges: &[Vec<Range>], most: usize) -> Vec<Reg> {
    let uses = uses(function);
    let length = |of: &Vec<Range>| of.iter().map(|range| u64::from(range.to - range.from)).sum();
    let lengths: Vec<u64> = ranges.iter().map(length).collect();
    let length = |reg: Reg| lengths.get(reg.0 as usize).copied().unwrap_or(0);
    let used = |reg: Reg| uses.get(reg.0 as usize).copied().unwrap_or(0);
    let mut spilled = vec![false; ranges.len()];
    for lane in [Lane::Int, Lane::Float] {
        let of_lane = (0..).map(Reg).zip(ranges).zip(&function.regs);
        let mut all: Vec<(Range, Reg)> = of_lane
            .filter(|(_, class)| Lane::of(**class) == lane)
            .flat_map(|((reg, ranges), _)| ranges.iter().map(move |range| (*range, reg)))
            .collect();
        all.sort_by_key(|(range, reg)| (range.from, reg.0));
        let mut live: Vec<(Range, Reg)> = Vec::new();
        for (range, reg) in all {
            if spilled.get(reg.0 as usize) == Some(&true) {
                continue;
            }
            live.retain(|(other, _)| other.to > range.from);
            live.push((range, reg));
            if live.len() <= most {
                continue;
            }
            // That with the fewest uses for its length, compared without a division.
            let least = (0..live.len()).min_by(|a, b| {
                let (a, b) = (live[*a].1, live[*b].1);
                (used(a) * length(b)).cmp(&(used(b) * length(a))).then(a.cmp(&b))
            });
            if let Some(least) = least {
                let (_, reg) = live.swap_remove(least);
                spilled[reg.0 as usize] = true;
            }
        }
    }
    (0..).map(Reg).zip(spilled).filter(|(_, spilled)| *spilled).map(|(reg, _)| reg).collect()
}

/// How often each register is read or written.
fn uses(function: &Function) -> Vec<u64> {
    let mut uses = vec![0; function.regs.len()];
    for block in &function.blocks {
        let insts = block.insts.iter().flat_map(|(inst, _)| [inst.reads(), inst.writes()]);
        for reg in insts.flatten().chain(block.end.0.reads()) {
            if let Some(count) = uses.get_mut(reg.0 as usize) {
                *count += 1;
            }
        }
    }
    uses
}

/// Where in the frame each is. Those that are never live at once share a cell.
fn offsets(spilled: &[Reg], ranges: &[Vec<Range>]) -> Option<HashMap<Reg, u16>> {
    let mut cells: Vec<Vec<Range>> = Vec::new();
    let mut offsets = HashMap::new();
    for reg in spilled {
        let own = ranges.get(reg.0 as usize)?;
        let at = cells.iter().position(|taken| !overlap(taken, own)).unwrap_or(cells.len());
        if at >= MAX_CELLS {
            return None;
        }
        if at == cells.len() {
            cells.push(Vec::new());
        }
        let cell = cells.get_mut(at)?;
        cell.extend_from_slice(own);
        cell.sort_by_key(|range| range.from);
        offsets.insert(*reg, 8 + 8 * at as u16);
    }
    Some(offsets)
}

struct Work<'a> {
    frame: Reg,
    offsets: &'a HashMap<Reg, u16>,
    regs: &'a mut Vec<Class>,
    insts: Vec<(Inst, Span)>,
}

impl Work<'_> {
    /// The frame is made, and parameters go there from the registers in which they come.
    fn begin(&mut self, params: &[Reg], bytes: u16, span: &Span) {
        self.push(Inst::New { d: self.frame, bytes, variant: 0 }, span);
        for param in params {
            if let Some(offset) = self.offsets.get(param).copied() {
                self.store(*param, offset, span);
            }
        }
    }

    fn inst(&mut self, mut inst: Inst, span: &Span) {
        let mut loaded = HashMap::new();
        inst.each_read(&mut |reg| self.read(reg, &mut loaded, span));
        let mut stored = Vec::new();
        inst.each_write(&mut |reg| {
            if let Some(offset) = self.offsets.get(reg).copied() {
                *reg = fresh(self.regs, *reg);
                stored.push((*reg, offset));
            }
        });
        self.push(inst, span);
        for (reg, offset) in stored {
            self.store(reg, offset, span);
        }
    }

    fn end(&mut self, (end, span): &mut (Terminator, Span)) {
        let mut loaded = HashMap::new();
        end.each_read(&mut |reg| self.read(reg, &mut loaded, span));
        if let Terminator::Return(_) | Terminator::TailCall { .. } | Terminator::Exit { .. } = end {
            self.push(Inst::Free { s: self.frame }, span);
        }
    }

    /// A register that is read is one that was loaded for this.
    fn read(&mut self, reg: &mut Reg, loaded: &mut HashMap<Reg, Reg>, span: &Span) {
        let Some(offset) = self.offsets.get(reg).copied() else { return };
        let before = *reg;
        *reg = loaded.get(&before).copied().unwrap_or_else(|| {
            let d = fresh(self.regs, before);
            self.push(Inst::Load { d, base: self.frame, offset, width: Width::Cell }, span);
            loaded.insert(before, d);
            d
        });
    }

    fn store(&mut self, s: Reg, offset: u16, span: &Span) {
        self.push(Inst::Store { base: self.frame, offset, s, width: Width::Cell }, span);
    }

    fn push(&mut self, inst: Inst, span: &Span) {
        self.insts.push((inst, span.clone()));
    }
}

/// A register of the same class.
fn fresh(regs: &mut Vec<Class>, of: Reg) -> Reg {
    regs.push(regs.get(of.0 as usize).copied().unwrap_or(Class::Int));
    Reg(regs.len() as u32 - 1)
}
