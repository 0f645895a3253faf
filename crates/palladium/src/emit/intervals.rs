//! Where in a function its virtual registers are live.
//!
//! Instructions and terminators are numbered in the order of their blocks, from 1 on. Each has two
//! points: at `2 n` it reads and at `2 n + 1` it writes; parameters are written at 1.

use crate::mir::flow::{live_at_begin, live_at_end};
use crate::mir::{BlockIdx, Function, Inst, MachineOp, Reg};

/// From a point up to another, which is no part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Range {
    pub(super) from: u32,
    pub(super) to: u32,
}

/// The ranges of each register, in ascending order.
pub(super) fn ranges(function: &Function, order: &[BlockIdx]) -> Vec<Vec<Range>> {
    let live = live_at_begin(function, |_| {});
    let mut building = Building {
        ranges: vec![Vec::new(); function.regs.len()],
        ends: vec![None; function.regs.len()],
    };
    let length = |index: &BlockIdx| function.block(*index).map_or(0, |b| b.insts.len() as u32 + 1);
    let mut next: u32 = 1 + order.iter().map(length).sum::<u32>();
    for index in order.iter().rev() {
        let Some(block) = function.block(*index) else { continue };
        let end = next;
        next -= length(index);
        for reg in live_at_end(function, index.0 as usize, &live).iter() {
            building.end(reg, 2 * end);
        }
        for reg in block.end.0.reads() {
            building.end(reg, 2 * (end - 1) + 1);
        }
        for (at, (inst, _)) in block.insts.iter().enumerate().rev() {
            let number = next + at as u32;
            let early = u32::from(writes_early(inst));
            for reg in inst.writes() {
                building.begin(reg, 2 * number + 1 - early);
            }
            for reg in inst.reads() {
                building.end(reg, 2 * number + 1);
            }
        }
        building.begin_all(2 * next);
    }
    for reg in &function.params {
        building.parameter(*reg);
    }
    for ranges in &mut building.ranges {
        ranges.reverse();
    }
    building.ranges
}

/// Whether it writes its result while it still reads, so that they need different registers.
pub(super) fn writes_early(inst: &Inst) -> bool {
    match inst {
        Inst::Compare { .. } => true,
        Inst::Machine { op, .. } => matches!(op, MachineOp::FloatText | MachineOp::Hash),
        _ => false,
    }
}

/// Whether two lists of ranges, both in ascending order, have a point in common.
pub(super) fn overlap(a: &[Range], b: &[Range]) -> bool {
    let Some(begin) = b.first().map(|range| range.from) else { return false };
    let mut a = a.iter().skip(a.partition_point(|range| range.to <= begin)).peekable();
    let mut b = b.iter().peekable();
    while let (Some(one), Some(other)) = (a.peek(), b.peek()) {
        if one.to <= other.from {
            a.next();
        } else if other.to <= one.from {
            b.next();
        } else {
            return true;
        }
    }
    false
}

/// Ranges are found from the last to the first.
struct Building {
    ranges: Vec<Vec<Range>>,
    /// Where the range ends that each register is in, if it is live.
    ends: Vec<Option<u32>>,
}

impl Building {
    fn end(&mut self, reg: Reg, to: u32) {
        if let Some(end) = self.ends.get_mut(reg.0 as usize) {
            end.get_or_insert(to);
        }
    }

    fn begin(&mut self, reg: Reg, from: u32) {
        let end = self.ends.get_mut(reg.0 as usize).and_then(Option::take);
        if let Some(ranges) = self.ranges.get_mut(reg.0 as usize) {
            ranges.push(Range { from, to: end.unwrap_or((from | 1) + 1) });
        }
    }

    /// The begin of a block. What goes on from the block before it is one range.
    fn begin_all(&mut self, from: u32) {
        for (ranges, end) in self.ranges.iter_mut().zip(&mut self.ends) {
            let Some(to) = end.take() else { continue };
            match ranges.last_mut() {
                Some(last) if last.from == to => last.from = from,
                _ => ranges.push(Range { from, to }),
            }
        }
    }

    /// Parameters are written before the first instruction.
    fn parameter(&mut self, reg: Reg) {
        let Some(ranges) = self.ranges.get_mut(reg.0 as usize) else { return };
        match ranges.last_mut() {
            Some(first) if first.from == 2 => first.from = 1,
            _ => ranges.push(Range { from: 1, to: 2 }),
        }
    }
}
