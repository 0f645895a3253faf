//! What must live as long as something else: the block that an address lies in, and the block that a
//! pointer on loan was read out of.
//!
//! A pointer is on loan from a block when it is read out of it at one place, nothing consumes it, and
//! as long as it is live the block is neither handed on, nor changed where pointers are.

use std::collections::BTreeMap;

use super::borrow::Kind;
use super::roles::{Ownership, changed, is_pointer, read_from};
use crate::mir::flow::{RegSet, live_at_begin, live_at_end};
use crate::mir::{BinaryOp, Class, Function, Inst, MachineOp, Reg};

/// For each register those that must live as long as it does.
#[derive(Debug, Default)]
pub(super) struct Holders {
    /// Ascending by register, each with all that it needs, also by way of others.
    of: Vec<(Reg, Vec<Reg>)>,
    on_loan: RegSet,
}

impl Holders {
    /// What addresses need.
    pub(super) fn of_addresses(function: &Function) -> Self {
        let mut needs: BTreeMap<Reg, Vec<Reg>> = BTreeMap::new();
        while spread_addresses(function, &mut needs) {}
        Self::from(needs, RegSet::default())
    }

    /// What addresses need, and pointers on loan.
    pub(super) fn find(function: &Function, kinds: &[Kind], ownership: &Ownership) -> Self {
        let addresses = Self::of_addresses(function);
        let loans = Loans::of(function, kinds, ownership).approved(&addresses);
        let mut needs: BTreeMap<Reg, Vec<Reg>> = addresses.of.into_iter().collect();
        let mut on_loan = RegSet::new(function.regs.len());
        for (reg, base) in loans {
            on_loan.insert(reg);
            needs.entry(reg).or_default().push(base);
        }
        Self::from(needs, on_loan)
    }

    fn from(needs: BTreeMap<Reg, Vec<Reg>>, on_loan: RegSet) -> Self {
        let all = |reg: Reg| {
            let mut found: Vec<Reg> = Vec::new();
            let mut rest = vec![reg];
            while let Some(next) = rest.pop() {
                for need in needs.get(&next).into_iter().flatten() {
                    if *need != reg && !found.contains(need) {
                        found.push(*need);
                        rest.push(*need);
                    }
                }
            }
            found
        };
        Self { of: needs.keys().map(|reg| (*reg, all(*reg))).collect(), on_loan }
    }

    pub(super) fn is_on_loan(&self, reg: Reg) -> bool {
        self.on_loan.contains(reg)
    }

    /// What a register needs.
    pub(super) fn needs(&self, reg: Reg) -> &[Reg] {
        let at = self.of.binary_search_by_key(&reg, |(of, _)| *of);
        at.ok().and_then(|at| self.of.get(at)).map(|(_, all)| all.as_slice()).unwrap_or_default()
    }

    /// Adds what those in a set need.
    pub(super) fn close(&self, live: &mut RegSet) {
        for (reg, needed) in &self.of {
            if live.contains(*reg) {
                needed.iter().for_each(|need| {
                    live.insert(*need);
                });
            }
        }
    }
}

/// An address plus something is one. What else is computed from one is not: a number of a variant,
/// a hash.
fn spread_addresses(function: &Function, needs: &mut BTreeMap<Reg, Vec<Reg>>) -> bool {
    let mut grown = false;
    let is_int = |reg: Reg| function.regs.get(reg.0 as usize) == Some(&Class::Int);
    for (inst, _) in function.blocks.iter().flat_map(|block| &block.insts) {
        let (d, sources) = match inst {
            Inst::Machine { op: MachineOp::Address, args, results } => {
                let (Some(d), Some(s)) = (results.first(), args.first()) else { continue };
                (*d, vec![*s])
            }
            Inst::Copy { d, s } if is_int(*s) => (*d, needs.get(s).cloned().unwrap_or_default()),
            Inst::Binary { op: BinaryOp::AddWrap, d, .. } => {
                let reads = inst.reads();
                let read = reads.iter().filter_map(|reg| needs.get(reg)).flatten();
                (*d, read.copied().collect())
            }
            _ => continue,
        };
        for source in sources.into_iter().filter(|_| is_int(d)) {
            let needed = needs.entry(d).or_default();
            if !needed.contains(&source) {
                needed.push(source);
                grown = true;
            }
        }
    }
    grown
}

/// Candidates for a loan, and what is against them.
struct Loans<'f> {
    function: &'f Function,
    kinds: &'f [Kind],
    ownership: &'f Ownership,
    /// Where each candidate is read out of.
    bases: BTreeMap<Reg, Reg>,
    /// The candidates that are read out of a register, also by way of others.
    below: BTreeMap<Reg, Vec<Reg>>,
}

impl<'f> Loans<'f> {
    fn of(function: &'f Function, kinds: &'f [Kind], ownership: &'f Ownership) -> Self {
        let mut loans =
            Self { function, kinds, ownership, bases: BTreeMap::new(), below: BTreeMap::new() };
        let mut written = vec![0u32; function.regs.len()];
        let mut write = |reg: Reg| {
            if let Some(count) = written.get_mut(reg.0 as usize) {
                *count += 1;
            }
        };
        function.params.iter().copied().for_each(&mut write);
        for (inst, _) in function.blocks.iter().flat_map(|block| &block.insts) {
            inst.writes().into_iter().for_each(&mut write);
            if let Some((d, base)) = read_from(inst)
                && d != base
                && loans.is_owned(d)
                && is_pointer(function, base)
            {
                loans.bases.insert(d, base);
            }
        }
        loans.bases.retain(|reg, _| written.get(reg.0 as usize) == Some(&1));
        for block in &function.blocks {
            let consumed = block.insts.iter().flat_map(|(inst, _)| ownership.consumed(inst));
            for reg in consumed.chain(ownership.consumed_at_end(&block.end.0)) {
                loans.bases.remove(&reg);
            }
        }
        for reg in loans.bases.keys() {
            let mut above = *reg;
            // As many steps as there are candidates, if they were a circle.
            for _ in 0..loans.bases.len() {
                let Some(next) = loans.bases.get(&above) else { break };
                above = *next;
                loans.below.entry(above).or_default().push(*reg);
            }
        }
        loans
    }

    fn is_owned(&self, reg: Reg) -> bool {
        self.kinds.get(reg.0 as usize) == Some(&Kind::Owned)
    }

    /// The candidates that nothing is against, with their bases.
    fn approved(mut self, addresses: &Holders) -> Vec<(Reg, Reg)> {
        if self.bases.is_empty() {
            return Vec::new();
        }
        let function = self.function;
        let begin = live_at_begin(function, |live| addresses.close(live));
        let mut refused = RegSet::new(function.regs.len());
        for (index, block) in function.blocks.iter().enumerate() {
            let mut live = live_at_end(function, index, &begin);
            let consumed = self.ownership.consumed_at_end(&block.end.0);
            self.check(&consumed, &block.end.0.reads(), &live, &mut refused);
            block.end.0.reads().into_iter().for_each(|reg| {
                live.insert(reg);
            });
            for (inst, _) in block.insts.iter().rev() {
                addresses.close(&mut live);
                let (reads, writes) = (inst.reads(), inst.writes());
                writes.iter().for_each(|reg| live.remove(*reg));
                let moved = self.ownership.consumed(inst).into_iter();
                let mut events: Vec<Reg> = moved.filter(|reg| !live.contains(*reg)).collect();
                events.extend(changed(function, inst));
                events.extend(&writes);
                self.check(&events, &reads, &live, &mut refused);
                reads.into_iter().for_each(|reg| {
                    live.insert(reg);
                });
            }
        }
        self.bases.retain(|reg, _| !refused.contains(*reg));
        self.bases.into_iter().collect()
    }

    /// Refuses what lies below registers to which something happens while it is used.
    fn check(&self, events: &[Reg], reads: &[Reg], live: &RegSet, refused: &mut RegSet) {
        for reg in events.iter().filter_map(|event| self.below.get(event)).flatten() {
            if live.contains(*reg) || reads.contains(reg) {
                refused.insert(*reg);
            }
        }
    }
}
