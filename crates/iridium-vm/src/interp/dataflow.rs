//! What the register cache holds at each instruction, whichever way control comes to it: a forward
//! dataflow analysis.
//!
//! Before an instruction the cache holds what all its predecessors agree on. At the head of a loop
//! that is often nothing, because the entry of the loop differs from its back edge. There only the
//! back edge counts, and an instruction that enters the loop *refills*: after it, the cache is read
//! from the registers. So do computed jumps, instructions on the slow path, and the start of a run;
//! what is
//! known of an instruction therefore holds however control got there.

use iridium_isa::{Flow, Instruction, tolls};

use super::register_cache::{CachedRegisters, Write};

/// What is known of the code of a module.
#[derive(Debug)]
pub(super) struct Dataflow {
    /// What is cached before each instruction.
    pub(super) cached: Vec<CachedRegisters>,
    /// Whether an instruction must refill for the one after it.
    pub(super) refills: Vec<bool>,
    /// Which instructions are tolls. They refill in any case.
    pub(super) tolls: Vec<bool>,
}

/// How many instructions of a loop are looked at to see whether they gain by the cache.
const LOOP_START: usize = 8;

/// Finds out what is cached where.
pub(super) fn analyse(code: &[Instruction]) -> Dataflow {
    let changes: Vec<Write> = code.iter().map(Write::of).collect();
    let agreed = agree(code, &changes, &vec![None; code.len()]);
    let chosen = choose(code, &changes, &agreed);
    let cached =
        if chosen.iter().all(Option::is_none) { agreed } else { agree(code, &changes, &chosen) };
    let mut refills = vec![false; code.len()];
    for (at, instruction) in code.iter().enumerate() {
        let after = cached[at].after(changes[at]);
        let lacks = |to: usize| {
            chosen.get(to).copied().flatten().is_some_and(|wanted| wanted.common(after) != wanted)
        };
        refills[at] = instruction.opcode().is_fast() && successors(at, instruction).any(lacks);
    }
    Dataflow { cached, refills, tolls: tolls(code) }
}

/// What all predecessors agree on, where nothing is chosen.
fn agree(
    code: &[Instruction],
    changes: &[Write],
    chosen: &[Option<CachedRegisters>],
) -> Vec<CachedRegisters> {
    let mut known = chosen.to_vec();
    let mut visited = vec![false; code.len()];
    let mut changed = Vec::new();
    for start in 0..code.len() {
        if visited[start] {
            continue;
        }
        known[start].get_or_insert_default();
        changed.push(start);
        while let Some(at) = changed.pop() {
            visited[at] = true;
            let after = known[at].unwrap_or_default().after(changes[at]);
            for to in successors(at, &code[at]).filter(|to| *to < code.len()) {
                let now = match (chosen[to], known[to]) {
                    (Some(chosen), _) => chosen,
                    (None, Some(known)) => known.common(after),
                    (None, None) => after,
                };
                if !visited[to] || known[to] != Some(now) {
                    (visited[to], known[to]) = (true, Some(now));
                    changed.push(to);
                }
            }
        }
    }
    known.into_iter().map(Option::unwrap_or_default).collect()
}

/// For each loop head, what is cached at its back edge, if the loop gains by that; likewise what
/// is cached before an instruction to which a rare case comes back.
fn choose(
    code: &[Instruction],
    changes: &[Write],
    agreed: &[CachedRegisters],
) -> Vec<Option<CachedRegisters>> {
    let mut round: Vec<Option<CachedRegisters>> = vec![None; code.len()];
    let mut called = vec![false; code.len()];
    for (at, instruction) in code.iter().enumerate() {
        let after = agreed[at].after(changes[at]);
        for to in successors(at, instruction).filter(|to| *to < code.len()) {
            if instruction.opcode().is_call() {
                called[to] = true;
            } else if to <= at && is_aside(code, at, to) {
                // What comes back from aside has to refill, and not what goes straight on.
                let before = agreed[to - 1].after(changes[to - 1]);
                round[to] = Some(before);
            } else if to <= at {
                round[to] = Some(round[to].map_or(after, |round| round.common(after)));
            }
        }
    }
    for (to, round) in round.iter_mut().enumerate() {
        // A call would have to refill each time.
        let gains = |round| gains(&code[to..], &changes[to..], agreed[to], round);
        if called[to] || !round.is_some_and(gains) {
            *round = None;
        }
    }
    round
}

/// Whether control only comes back to `to` from a rare case that lies aside, behind the function's
/// usual way: the instruction before `to` branches there.
fn is_aside(code: &[Instruction], at: usize, to: usize) -> bool {
    let Some(before) = to.checked_sub(1).and_then(|before| code.get(before)) else { return false };
    let flow = before.opcode().flow();
    flow == Flow::Branch
        && before.targets().iter().any(|aside| (to..=at).contains(&(*aside as usize)))
}

/// Whether instructions would take more from the cache.
fn gains(
    code: &[Instruction],
    changes: &[Write],
    mut without: CachedRegisters,
    mut with: CachedRegisters,
) -> bool {
    for (instruction, change) in code.iter().zip(changes).take(LOOP_START) {
        let slots = instruction.slots();
        if with.form(&slots) != without.form(&slots) {
            return true;
        }
        (without, with) = (without.after(*change), with.after(*change));
        // Once they hold the same they always do.
        if without == with || !matches!(instruction.opcode().flow(), Flow::Next | Flow::Branch) {
            return false;
        }
    }
    false
}

/// Where control goes from an instruction, computed jumps aside.
#[inline(always)]
fn successors(at: usize, instruction: &Instruction) -> impl Iterator<Item = usize> {
    let goes_on = matches!(instruction.opcode().flow(), Flow::Next | Flow::Branch);
    let targets = instruction.targets().iter().map(|target| *target as usize);
    targets.chain(goes_on.then_some(at + 1))
}
