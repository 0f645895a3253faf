//! Which parameters a function owns, and what needs no counts because its callers hold it.
//!
//! A register is *lent* when all that it ever holds comes from parameters that are not owned, or out
//! of blocks that are lent, or is read-only data or an immediate. Nobody changes such a block: it has
//! another holder, the caller.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::roles::{Ownership, is_pointer, read_from};
use crate::mir::{Class, FnIdx, Function, Inst, Passing, Program, Reg, Terminator};

/// How a register's references are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has no pointer, or none to a counted block.
    Plain,
    Lent,
    Owned,
}

/// Owns those parameters that must be, or better are: begins with what is fixed.
pub(super) fn infer(program: &Program, mut ownership: Ownership) -> Ownership {
    let mut callers: BTreeMap<FnIdx, BTreeSet<FnIdx>> = BTreeMap::new();
    let all = (0..program.functions.len() as u32).map(FnIdx);
    for (index, function) in all.clone().zip(&program.functions) {
        for block in &function.blocks {
            let called = block.insts.iter().filter_map(|(inst, _)| match inst {
                Inst::Call { function, .. } => Some(*function),
                _ => None,
            });
            for callee in called {
                callers.entry(callee).or_default().insert(index);
            }
        }
    }
    for (index, function) in all.clone().zip(&program.functions) {
        for block in &function.blocks {
            // Nobody is left to hold what another function borrows in place of this one.
            if let Terminator::TailCall { function: callee, args } = &block.end.0
                && *callee != index
                && program.functions[callee.0 as usize].passing == Passing::Inferred
            {
                for nth in (0..args.len()).filter(|nth| is_pointer(function, args[*nth])) {
                    ownership.own(*callee, nth);
                }
            }
        }
    }
    let mut queue: VecDeque<FnIdx> = all.collect();
    let mut queued: BTreeSet<FnIdx> = queue.iter().copied().collect();
    while let Some(index) = queue.pop_front() {
        queued.remove(&index);
        let Some(function) = program.functions.get(index.0 as usize) else { continue };
        if function.passing != Passing::Inferred {
            continue;
        }
        let owned = to_own(function, index, &ownership);
        let mut changed = false;
        for nth in owned {
            changed |= ownership.own(index, nth);
        }
        if changed {
            let affected = callers.get(&index).into_iter().flatten().copied();
            for next in affected.chain([index]) {
                if queued.insert(next) {
                    queue.push_back(next);
                }
            }
        }
    }
    ownership
}

/// The kinds of all registers of a function.
pub(super) fn kinds(function: &Function, owned: &[bool]) -> Vec<Kind> {
    let sources = Sources::of(function, owned);
    let registers = (0..function.regs.len() as u32).map(Reg);
    registers
        .map(|reg| match () {
            () if !is_pointer(function, reg) => Kind::Plain,
            () if sources.lent(reg) && sources.params(reg).next().is_none() => Kind::Plain,
            () if sources.lent(reg) => Kind::Lent,
            () => Kind::Owned,
        })
        .collect()
}

/// The same when all is owned but what a caller does not give.
pub(super) fn plain_kinds(function: &Function, owned: &[bool]) -> Vec<Kind> {
    let mut written = BTreeSet::new();
    for (inst, _) in function.blocks.iter().flat_map(|block| &block.insts) {
        written.extend(inst.writes());
    }
    let given = function.params.iter().zip(owned);
    let lent: BTreeSet<Reg> = given
        .filter(|(reg, owned)| !**owned && !written.contains(*reg))
        .map(|(reg, _)| *reg)
        .collect();
    let registers = (0..function.regs.len() as u32).map(Reg);
    registers
        .map(|reg| match () {
            () if !is_pointer(function, reg) => Kind::Plain,
            () if lent.contains(&reg) => Kind::Lent,
            () => Kind::Owned,
        })
        .collect()
}

/// The parameters, by position, that a function should own after what it does with them.
fn to_own(function: &Function, index: FnIdx, ownership: &Ownership) -> Vec<usize> {
    let sources = Sources::of(function, ownership.of_function(index));
    let built = built(function);
    let mut owned = BTreeSet::new();
    let mut own = |reg: Reg, user: User| {
        for nth in sources.params(reg) {
            let Some(param) = function.params.get(nth) else { continue };
            let rebuilt = || {
                let class = function.regs.get(param.0 as usize);
                class.is_some_and(|class| built.contains(class))
            };
            let useful = *param == reg
                || sources.by_cells(reg)
                    && match user {
                        User::Changer => true,
                        User::Holder => rebuilt(),
                    };
            if useful {
                owned.insert(nth);
            }
        }
    };
    for block in &function.blocks {
        for (inst, _) in &block.insts {
            let user = match inst {
                Inst::Unique { .. }
                | Inst::Free { .. }
                | Inst::Call { .. }
                | Inst::CallClosure { .. } => User::Changer,
                _ => User::Holder,
            };
            let goes_on = matches!(inst, Inst::Copy { d, .. } if sources.lent(*d));
            if !goes_on {
                ownership.consumed(inst).into_iter().for_each(|reg| own(reg, user));
            }
        }
        let consumed = ownership.consumed_at_end(&block.end.0);
        consumed.into_iter().for_each(|reg| own(reg, User::Holder));
    }
    for (nth, reg) in function.params.iter().enumerate() {
        if is_pointer(function, *reg) && !sources.lent(*reg) {
            owned.insert(nth);
        }
    }
    // What a call in place of a return borrows must not be dropped after it.
    for block in &function.blocks {
        let Terminator::TailCall { function: callee, args } = &block.end.0 else { continue };
        if *callee == index {
            let unheld = args
                .iter()
                .enumerate()
                .filter(|(_, reg)| is_pointer(function, **reg) && !sources.lent(**reg));
            owned.extend(unheld.map(|(nth, _)| nth));
        }
    }
    owned.into_iter().collect()
}

/// What consumes a reference.
#[derive(Debug, Clone, Copy)]
enum User {
    /// It does more when it has the only one.
    Changer,
    /// It stores or returns it.
    Holder,
}

/// The classes of the blocks that a function makes.
fn built(function: &Function) -> Vec<Class> {
    let insts = function.blocks.iter().flat_map(|block| &block.insts);
    let made = insts.filter_map(|(inst, _)| match inst {
        Inst::New { d, .. } => function.regs.get(d.0 as usize).copied(),
        _ => None,
    });
    made.collect()
}

/// For each register what it may be lent from.
struct Sources(Vec<Source>);

#[derive(Debug, Clone, Default)]
struct Source {
    /// Something in it is not lent.
    owned: bool,
    /// The parameters that its value may come from, by position.
    params: BTreeSet<usize>,
    /// All steps to it led through cells at a fixed place.
    by_elements: bool,
}

impl Sources {
    fn of(function: &Function, owned: &[bool]) -> Self {
        let mut sources = Self(vec![Source::default(); function.regs.len()]);
        for (nth, reg) in function.params.iter().enumerate() {
            if let Some(source) = sources.0.get_mut(reg.0 as usize) {
                source.owned |= owned.get(nth).copied().unwrap_or(false);
                source.params.insert(nth);
            }
        }
        while sources.spread(function) {}
        sources
    }

    /// One round over all instructions. Whether anything has changed.
    fn spread(&mut self, function: &Function) -> bool {
        let mut changed = false;
        for (inst, _) in function.blocks.iter().flat_map(|block| &block.insts) {
            let (d, from) = match inst {
                Inst::Copy { d, s } if is_pointer(function, *s) => (*d, *s),
                Inst::Data { .. } | Inst::Int { .. } => continue,
                _ => match read_from(inst) {
                    Some((d, base)) if is_pointer(function, base) => (d, base),
                    _ => {
                        for reg in inst.writes() {
                            changed |= self.join(reg, &Source { owned: true, ..Source::default() });
                        }
                        continue;
                    }
                },
            };
            let Some(mut source) = self.0.get(from.0 as usize).cloned() else { continue };
            source.by_elements |= matches!(inst, Inst::LoadElem { .. });
            changed |= self.join(d, &source);
        }
        changed
    }

    fn join(&mut self, reg: Reg, more: &Source) -> bool {
        let Some(source) = self.0.get_mut(reg.0 as usize) else { return false };
        let before = (source.owned, source.params.len(), source.by_elements);
        source.owned |= more.owned;
        source.params.extend(&more.params);
        source.by_elements |= more.by_elements;
        before != (source.owned, source.params.len(), source.by_elements)
    }

    fn lent(&self, reg: Reg) -> bool {
        self.0.get(reg.0 as usize).is_some_and(|source| !source.owned)
    }

    fn by_cells(&self, reg: Reg) -> bool {
        self.0.get(reg.0 as usize).is_some_and(|source| !source.by_elements)
    }

    /// The parameters that a lent register comes from.
    fn params(&self, reg: Reg) -> impl Iterator<Item = usize> + '_ {
        let source = self.0.get(reg.0 as usize).filter(|source| !source.owned);
        source.into_iter().flat_map(|source| source.params.iter().copied())
    }
}
