//! Inserts the counts into one function.

use iridium_isa::Span;

use super::borrow::Kind;
use super::loans::Holders;
use super::roles::{Ownership, read_from};
use crate::mir::flow::{RegSet, live_at_begin, live_at_end};
use crate::mir::{Block, BlockIdx, Class, FnIdx, Function, Inst, Reg, Terminator};

pub(super) fn insert(
    function: &mut Function,
    index: FnIdx,
    kinds: &[Kind],
    holders: &Holders,
    ownership: &Ownership,
) {
    let begin = live_at_begin(function, |live| holders.close(live));
    let mut pass = Pass { kinds, holders, ownership, edges: Vec::new() };
    let failing = function.failing();
    let is_failing = |index: usize| failing.get(index).copied().unwrap_or(false);
    let mut blocks = std::mem::take(&mut function.blocks);
    // The function's terminators are still asked for successors.
    function.blocks = blocks.iter().map(without_insts).collect();
    let mut regs = std::mem::take(&mut function.regs);
    for (at, block) in blocks.iter_mut().enumerate() {
        let live = live_at_end(function, at, &begin);
        pass.block(at, block, live, &begin, is_failing(at), &mut regs);
    }
    function.regs = regs;
    let edges = std::mem::take(&mut pass.edges);
    let entries = function.entries();
    function.blocks = blocks;
    for edge in edges.into_iter().filter(|edge| !is_failing(edge.to.0 as usize)) {
        pass.edge(function, &entries, edge);
    }
    let first = begin.first().cloned().unwrap_or_default();
    pass.parameters(function, index, &first);
}

fn without_insts(block: &Block) -> Block {
    Block { insts: Vec::new(), end: block.end.clone() }
}

struct Pass<'f> {
    kinds: &'f [Kind],
    holders: &'f Holders,
    ownership: &'f Ownership,
    edges: Vec<Edge>,
}

/// Registers that die on the way from one block to another.
struct Edge {
    from: usize,
    to: BlockIdx,
    dying: Vec<Reg>,
}

impl Pass<'_> {
    /// Whether it holds a reference while it is live.
    fn holds(&self, reg: Reg) -> bool {
        self.kind(reg) == Kind::Owned && !self.holders.is_on_loan(reg)
    }

    /// Whether a consumer needs a reference of its own because this register has none to give.
    fn lends(&self, reg: Reg) -> bool {
        match self.kind(reg) {
            Kind::Lent => true,
            Kind::Owned => self.holders.is_on_loan(reg),
            Kind::Plain => false,
        }
    }

    fn kind(&self, reg: Reg) -> Kind {
        self.kinds.get(reg.0 as usize).copied().unwrap_or(Kind::Plain)
    }

    fn block(
        &mut self,
        index: usize,
        block: &mut Block,
        mut live: RegSet,
        begin: &[RegSet],
        fails: bool,
        regs: &mut Vec<Class>,
    ) {
        // From the last to the first.
        let mut reversed: Vec<(Inst, Span)> = Vec::with_capacity(block.insts.len() * 2);
        let (end, span) = &block.end;
        let (reads, consumed) = (end.reads(), self.ownership.consumed_at_end(end));
        let (kept, moved) = self.keeps(&consumed, &reads, &live);
        reversed.extend(kept.into_iter().map(|s| (Inst::Keep { s }, span.clone())));
        reads.into_iter().for_each(|reg| {
            live.insert(reg);
        });
        self.holders.close(&mut live);
        self.note_edges(index, end, &live, &moved, begin);

        for (mut inst, span) in std::mem::take(&mut block.insts).into_iter().rev() {
            let (reads, writes) = (inst.reads(), inst.writes());
            let after = live.clone();
            writes.iter().for_each(|reg| live.remove(*reg));
            let consumed = match inst {
                // Both are only lent.
                Inst::Copy { d, .. } if self.kind(d) == Kind::Lent => Vec::new(),
                _ => self.ownership.consumed(&inst),
            };
            let (kept, moved) = self.keeps(&consumed, &reads, &live);
            let mut now = live.clone();
            reads.iter().for_each(|reg| {
                now.insert(*reg);
            });
            self.holders.close(&mut now);
            let mut then = Vec::new();
            self.written(&inst, &writes, &after, &mut then);
            // What is only used here, and not consumed, ends here.
            let mut before = Vec::new();
            for reg in now.iter().filter(|reg| self.holds(*reg)) {
                if live.contains(reg) || moved.contains(&reg) {
                    continue;
                }
                if writes.contains(&reg) {
                    let old = Reg(regs.len() as u32);
                    regs.extend(regs.get(reg.0 as usize).copied());
                    inst.each_read(&mut |read| {
                        if *read == reg {
                            *read = old;
                        }
                    });
                    before.push(Inst::Copy { d: old, s: reg });
                    then.push(Inst::Drop { s: old });
                } else {
                    then.push(Inst::Drop { s: reg });
                }
            }
            if fails {
                then.retain(|inst| !matches!(inst, Inst::Drop { .. }));
            }
            let placed = |inst: Inst| (inst, span.clone());
            reversed.extend(then.into_iter().rev().map(placed));
            reversed.push((inst, span.clone()));
            reversed.extend(kept.into_iter().map(|s| placed(Inst::Keep { s })));
            reversed.extend(before.into_iter().rev().map(placed));
            live = now;
        }
        reversed.reverse();
        block.insts = reversed;
    }

    /// Which registers are kept before an instruction that consumes some, and which are moved into
    /// it. `live` are those that live on.
    fn keeps(&self, consumed: &[Reg], reads: &[Reg], live: &RegSet) -> (Vec<Reg>, Vec<Reg>) {
        let (mut kept, mut moved) = (Vec::new(), Vec::new());
        for reg in consumed {
            let holds = self.holds(*reg);
            if !holds && !self.lends(*reg) {
                continue;
            }
            let times = |all: &[Reg]| all.iter().filter(|other| *other == reg).count();
            let also_borrowed = || {
                times(reads) > times(consumed)
                    || reads.iter().any(|read| self.holders.needs(*read).contains(reg))
            };
            let moves = holds && !live.contains(*reg) && !moved.contains(reg) && !also_borrowed();
            if moves {
                moved.push(*reg);
            } else {
                kept.push(*reg);
            }
        }
        (kept, moved)
    }

    /// What happens to what an instruction has written.
    fn written(&self, inst: &Inst, writes: &[Reg], after: &RegSet, then: &mut Vec<Inst>) {
        let is_read = read_from(inst).is_some();
        for reg in writes.iter().filter(|reg| self.holds(**reg)) {
            match (is_read, after.contains(*reg)) {
                (true, true) => then.push(Inst::Keep { s: *reg }),
                (false, false) => then.push(Inst::Drop { s: *reg }),
                (true, false) | (false, true) => {}
            }
        }
    }

    /// Notes what is live at the end of a block and not at the begin of the next.
    fn note_edges(
        &mut self,
        from: usize,
        end: &Terminator,
        live: &RegSet,
        moved: &[Reg],
        begin: &[RegSet],
    ) {
        let mut successors = end.successors();
        successors.sort_unstable();
        successors.dedup();
        for to in successors {
            let Some(there) = begin.get(to.0 as usize) else { continue };
            let dying = live
                .iter()
                .filter(|reg| self.holds(*reg) && !there.contains(*reg) && !moved.contains(reg));
            let dying: Vec<Reg> = dying.collect();
            if !dying.is_empty() {
                self.edges.push(Edge { from, to, dying });
            }
        }
    }

    /// Drops at the begin of the block that an edge leads to, or in a new one on the way.
    fn edge(&self, function: &mut Function, entries: &[u32], edge: Edge) {
        let Some(span) = function.blocks.get(edge.from).map(|block| block.end.1.clone()) else {
            return;
        };
        let drops: Vec<(Inst, Span)> =
            edge.dying.into_iter().map(|s| (Inst::Drop { s }, span.clone())).collect();
        let new = BlockIdx(function.blocks.len() as u32);
        let from = function.blocks.get_mut(edge.from);
        let from_here = from.map_or(0, |block| {
            block.end.0.successors().iter().filter(|to| **to == edge.to).count()
        });
        let alone = entries.get(edge.to.0 as usize).is_some_and(|n| *n as usize == from_here);
        if alone {
            if let Some(to) = function.blocks.get_mut(edge.to.0 as usize) {
                to.insts.splice(0..0, drops);
            }
            return;
        }
        if let Some(from) = function.blocks.get_mut(edge.from) {
            from.end.0.each_successor(&mut |to| {
                if *to == edge.to {
                    *to = new;
                }
            });
        }
        function.blocks.push(Block { insts: drops, end: (Terminator::Jump(edge.to), span) });
    }

    /// Drops parameters that are not used, and keeps those that are held here and not owned.
    fn parameters(&self, function: &mut Function, index: FnIdx, live: &RegSet) {
        let owned = self.ownership.of_function(index);
        let Some(block) = function.blocks.first_mut() else { return };
        let span = block.insts.first().map_or(&block.end.1, |(_, span)| span).clone();
        let mut insts = Vec::new();
        for (nth, reg) in function.params.iter().enumerate().filter(|(_, reg)| self.holds(**reg)) {
            match (owned.get(nth) == Some(&true), live.contains(*reg)) {
                (true, false) => insts.push((Inst::Drop { s: *reg }, span.clone())),
                (false, true) => insts.push((Inst::Keep { s: *reg }, span.clone())),
                (true, true) | (false, false) => {}
            }
        }
        block.insts.splice(0..0, insts);
    }
}
