//! Loops ask at their end whether they go on, and load their constants and compute what stays the same
//! before they begin.

use std::collections::{BTreeMap, BTreeSet};

use iridium_isa::Span;

use crate::mir::flow::{RegSet, live_at_begin};
use crate::mir::{Block, BlockIdx, Class, Function, Inst, MachineOp, Reg, Terminator};

/// At most so many instructions are repeated at the end of a loop that begins with them.
const REPEATED: usize = 4;
/// At most so many constants of a function are loaded before its loops.
const HOISTED: usize = 16;
/// At most so many results are computed before a loop.
const LIFTED: usize = 8;

/// A loop that begins with a question asks it again at its end, which saves the jump back.
pub(super) fn rotate(function: &mut Function) {
    for (from, head) in back_edges(function) {
        let Some(block) = function.block(head) else { continue };
        let asks =
            matches!(block.end.0, Terminator::Branch { .. } | Terminator::FloatBranch { .. });
        if from == head || !asks || block.insts.len() > REPEATED {
            continue;
        }
        let again = block.clone();
        let Some(last) = function.blocks.get_mut(from.0 as usize) else { continue };
        if last.end.0 == Terminator::Jump(head) {
            last.insts.extend(again.insts);
            last.end = again.end;
        }
    }
}

/// What a loop computes first, and the same in each round, is computed before it.
///
/// What may trap is so only when the loop would do it before all else.
pub(super) fn lift(function: &mut Function) {
    let begin = live_at_begin(function, |_| {});
    let predecessors = predecessors(function);
    let mut loops: Vec<(BlockIdx, BTreeSet<BlockIdx>)> =
        loops(function, &predecessors).into_iter().collect();
    // The smallest is the innermost.
    loops.sort_by_key(|(head, body)| (body.len(), *head));
    for at in 0..loops.len() {
        let Some((head, body)) = loops.get(at).cloned() else { continue };
        let before = predecessors.get(&head).into_iter().flatten();
        let mut outside = before.filter(|block| !body.contains(block));
        let (Some(entry), None) = (outside.next(), outside.next()) else { continue };
        let Some(live) = begin.get(head.0 as usize) else { continue };
        let lifted = take_same(function, head, &body, live);
        if lifted.is_empty() {
            continue;
        }
        let Some(span) = function.block(*entry).map(|block| block.end.1.clone()) else { continue };
        let new = BlockIdx(function.blocks.len() as u32);
        function.blocks.push(Block { insts: lifted, end: (Terminator::Jump(head), span) });
        let around = loops.iter_mut().map(|(_, body)| body);
        around.filter(|body| body.contains(entry) && body.contains(&head)).for_each(|body| {
            body.insert(new);
        });
        if let Some(entry) = function.blocks.get_mut(entry.0 as usize) {
            entry.end.0.each_successor(&mut |to| {
                if *to == head {
                    *to = new;
                }
            });
        }
    }
}

/// Takes out of the first block of a loop what computes the same in each round.
fn take_same(
    function: &mut Function,
    head: BlockIdx,
    body: &BTreeSet<BlockIdx>,
    live: &RegSet,
) -> Vec<(Inst, Span)> {
    let mut written: BTreeMap<Reg, u32> = BTreeMap::new();
    for (inst, _) in body.iter().filter_map(|at| function.block(*at)).flat_map(|b| &b.insts) {
        inst.writes().iter().for_each(|reg| *written.entry(*reg).or_default() += 1);
    }
    let Some(block) = function.blocks.get_mut(head.0 as usize) else { return Vec::new() };
    let mut lifted = Vec::new();
    let mut first = true;
    block.insts.retain(|(inst, span)| {
        let computes = inst.only_computes();
        let is_same = match inst {
            Inst::Binary { d, .. } | Inst::Unary { d, .. } | Inst::FloatBinary { d, .. } => {
                (computes || first)
                    && lifted.len() < LIFTED
                    && written.get(d) == Some(&1)
                    && !live.contains(*d)
                    && !inst.reads().iter().any(|reg| written.contains_key(reg))
            }
            _ => false,
        };
        if is_same {
            inst.writes().iter().for_each(|reg| {
                written.remove(reg);
            });
            lifted.push((inst.clone(), span.clone()));
        } else {
            first &= computes;
        }
        !is_same
    });
    lifted
}

/// The edges back to the begin of a loop.
pub(super) fn back_edges(function: &Function) -> Vec<(BlockIdx, BlockIdx)> {
    let order = function.reverse_postorder();
    let position: BTreeMap<BlockIdx, usize> =
        order.iter().enumerate().map(|(at, index)| (*index, at)).collect();
    let mut edges = Vec::new();
    for from in &order {
        for to in function.block(*from).iter().flat_map(|block| block.end.0.successors()) {
            if position.get(&to) <= position.get(from) {
                edges.push((*from, to));
            }
        }
    }
    edges
}

/// A constant that is used in a loop is loaded once before the outermost loop around it.
pub(super) fn hoist(function: &mut Function) {
    let before = entries_of_loops(function);
    if before.is_empty() {
        return;
    }
    let constants = constants(function);
    // The same number in both places of a pair is two registers.
    let insts = function.blocks.iter().flat_map(|block| &block.insts);
    let seconds: BTreeSet<Reg> =
        insts.filter_map(|(inst, _)| inst.pair()).map(|(_, second)| second).collect();
    let mut loaded: Vec<(BlockIdx, Inst, Reg)> = Vec::new();
    let mut renamed: BTreeMap<Reg, Reg> = BTreeMap::new();
    for at in 0..function.blocks.len() {
        let Some(entry) = before.get(&BlockIdx(at as u32)).copied() else { continue };
        let Some(block) = function.blocks.get_mut(at) else { continue };
        let mut moved: Vec<(Inst, Span)> = Vec::new();
        block.insts.retain(|(inst, span)| {
            let Some((d, anonymous)) = constant(inst).filter(|(d, _)| constants.contains(d)) else {
                return true;
            };
            let same = loaded.iter().find(|(to, inst, first)| {
                let is_second = seconds.contains(first) == seconds.contains(&d);
                *to == entry && *inst == anonymous && is_second
            });
            if let Some((_, _, first)) = same {
                renamed.insert(d, *first);
                return false;
            }
            if loaded.len() == HOISTED {
                return true;
            }
            loaded.push((entry, anonymous, d));
            moved.push((inst.clone(), span.clone()));
            false
        });
        if let Some(block) = function.blocks.get_mut(entry.0 as usize) {
            block.insts.extend(moved);
        }
    }
    let mut rename = |reg: &mut Reg| *reg = renamed.get(reg).copied().unwrap_or(*reg);
    for block in &mut function.blocks {
        block.insts.iter_mut().for_each(|(inst, _)| inst.each_read(&mut rename));
        block.end.0.each_read(&mut rename);
    }
}

/// The register that is loaded, and the same for all registers.
fn constant(inst: &Inst) -> Option<(Reg, Inst)> {
    let nowhere = Reg(0);
    Some(match inst {
        Inst::Int { d, value } => (*d, Inst::Int { d: nowhere, value: *value }),
        Inst::Float { d, value } if !value.is_nan() && value.to_bits() != (-0.0f64).to_bits() => {
            (*d, Inst::Float { d: nowhere, value: *value })
        }
        // A process is the same for as long as it lives.
        Inst::Machine { op: op @ MachineOp::OwnPid, results, .. } => {
            let [d] = results.as_slice() else { return None };
            (*d, Inst::Machine { op: *op, args: Vec::new(), results: vec![nowhere] })
        }
        _ => return None,
    })
}

/// The constants that never change, and that are computed with, not passed on: an argument is as
/// quickly loaded into its place as it is copied there.
fn constants(function: &Function) -> BTreeSet<Reg> {
    let mut written: BTreeMap<Reg, u32> = function.params.iter().map(|reg| (*reg, 1)).collect();
    let (mut loaded, mut passed) = (BTreeSet::new(), BTreeSet::new());
    for block in &function.blocks {
        for (inst, _) in &block.insts {
            inst.writes().iter().for_each(|reg| *written.entry(*reg).or_default() += 1);
            loaded.extend(constant(inst).map(|(d, _)| d));
            if let Inst::Call { .. } | Inst::CallClosure { .. } | Inst::Copy { .. } = inst {
                passed.extend(inst.reads());
            }
        }
        if let Terminator::Return(_) | Terminator::TailCall { .. } = block.end.0 {
            passed.extend(block.end.0.reads());
        }
    }
    // What is a pointer is also counted.
    let counted =
        |reg: &Reg| matches!(function.regs.get(reg.0 as usize), Some(Class::Ptr(_)) | None);
    loaded.retain(|reg| written.get(reg) == Some(&1) && !passed.contains(reg) && !counted(reg));
    loaded
}

/// For each block in a loop the block before the outermost loop around it that is entered from one
/// block alone.
fn entries_of_loops(function: &Function) -> BTreeMap<BlockIdx, BlockIdx> {
    let predecessors = predecessors(function);
    let mut found: Vec<(usize, BlockIdx, BTreeSet<BlockIdx>)> = Vec::new();
    for (head, body) in loops(function, &predecessors) {
        let before = predecessors.get(&head).into_iter().flatten();
        let mut outside = before.filter(|block| !body.contains(block));
        if let (Some(entry), None) = (outside.next(), outside.next()) {
            found.push((body.len(), *entry, body));
        }
    }
    // The largest is the outermost.
    found.sort_by_key(|(size, ..)| std::cmp::Reverse(*size));
    let mut entries = BTreeMap::new();
    for (_, entry, body) in found {
        for block in body {
            entries.entry(block).or_insert(entry);
        }
    }
    entries
}

type Predecessors = BTreeMap<BlockIdx, BTreeSet<BlockIdx>>;

fn predecessors(function: &Function) -> Predecessors {
    let mut predecessors = Predecessors::new();
    for from in function.reverse_postorder() {
        for to in function.block(from).iter().flat_map(|block| block.end.0.successors()) {
            predecessors.entry(to).or_default().insert(from);
        }
    }
    predecessors
}

/// The blocks of each loop, by its first.
fn loops(
    function: &Function,
    predecessors: &Predecessors,
) -> BTreeMap<BlockIdx, BTreeSet<BlockIdx>> {
    let mut loops: BTreeMap<BlockIdx, BTreeSet<BlockIdx>> = BTreeMap::new();
    for (from, head) in back_edges(function) {
        let body = loops.entry(head).or_insert_with(|| [head].into());
        let mut rest = vec![from];
        while let Some(block) = rest.pop() {
            if body.insert(block) {
                rest.extend(predecessors.get(&block).into_iter().flatten());
            }
        }
    }
    // What is also entered elsewhere reaches back to the first block.
    loops.retain(|_, body| !body.contains(&BlockIdx(0)));
    loops
}
