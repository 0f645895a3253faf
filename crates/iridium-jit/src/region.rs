//! Regions: what is compiled at a time.
//!
//! A region is the instructions that are reached from its first one without passing into a call. It
//! has *entries*, where native code may begin: the first instruction, those that are returned to, the
//! heads of loops, and what comes after an instruction that the interpreter does, where the process may
//! have stopped. At an entry all lanes are at home.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use iridium_isa::{Instruction, Module, tolls};

use crate::operation::{Control, Operation};

/// Regions of more instructions are left to the interpreter. Each label of a jump table is as one: there is
/// code for each.
pub(crate) const MOST_INSTRUCTIONS: usize = 4096;

/// Where native code may begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entries {
    /// At calls, returns and heads of loops, and after what the interpreter does.
    Usual,
    /// At each instruction: slow code, for tests.
    All,
}

/// A module's code as the translator reads it.
#[derive(Debug)]
pub(crate) struct Source<'m> {
    pub(crate) module: &'m Module,
    pub(crate) code: &'m [Instruction],
    pub(crate) tolls: Arc<[bool]>,
}

impl<'m> Source<'m> {
    pub(crate) fn new(module: &'m Module) -> Self {
        Self::with_tolls(module, tolls(module.code()).into())
    }

    /// The same when it is known which instructions are tolls.
    pub(crate) fn with_tolls(module: &'m Module, tolls: Arc<[bool]>) -> Self {
        Self { module, code: module.code(), tolls }
    }

    pub(crate) fn operation(&self, index: u32) -> Option<Operation> {
        let index = index as usize;
        let is_toll = self.tolls.get(index).copied().unwrap_or(false);
        self.code.get(index).map(|instruction| Operation::new(instruction, is_toll))
    }
}

/// What is compiled at a time.
#[derive(Debug)]
pub(crate) struct Region {
    /// Its first instruction.
    pub(crate) start: u32,
    /// Its instructions and their operations, in the order of the code.
    pub(crate) members: Vec<(u32, Operation)>,
    /// Where native code may begin; the first instruction is first, if it is one that native code does.
    pub(crate) entries: Vec<u32>,
    /// The functions that it calls.
    pub(crate) calls: BTreeSet<u32>,
}

impl Region {
    /// The region that begins at an instruction; `None` when it is too large.
    pub(crate) fn explore(source: &Source<'_>, start: u32, entries: Entries) -> Option<Self> {
        let mut found = BTreeMap::new();
        let mut begins = BTreeSet::new();
        let mut calls = BTreeSet::new();
        let mut work = vec![start];
        let mut size = 0;
        while let Some(index) = work.pop() {
            if found.contains_key(&index) {
                continue;
            }
            let Some(operation) = source.operation(index) else { continue };
            size += 1 + if let Control::Table(labels) = &operation.next { labels.len() } else { 0 };
            if size > MOST_INSTRUCTIONS {
                return None;
            }
            begins.extend(operation.successors(index).filter(|to| *to <= index));
            work.extend(operation.successors(index));
            if let Control::Call(to) = operation.next {
                calls.insert(to);
            }
            if operation.comes_back() {
                begins.insert(index + 1);
                work.push(index + 1);
            }
            found.insert(index, operation);
        }
        if entries == Entries::All {
            begins.extend(found.keys());
        }
        // Where the interpreter takes over at once nothing is to be had, but calls go on.
        let is_native = |index: &u32| {
            found.get(index).is_some_and(|operation| match operation.next {
                Control::End => false,
                Control::Interpret => *index == start,
                _ => true,
            })
        };
        begins.remove(&start);
        let entries = std::iter::once(start).chain(begins).filter(is_native).collect();
        Some(Self { start, members: found.into_iter().collect(), entries, calls })
    }

    /// Whether native code may begin at its first instruction.
    pub(crate) fn begins_native(&self) -> bool {
        self.entries.first() == Some(&self.start)
    }

    /// Where among the members an instruction is.
    pub(crate) fn position(&self, index: u32) -> Option<usize> {
        self.members.binary_search_by_key(&index, |(index, _)| *index).ok()
    }

    /// Where among the members the instructions are that control goes to from a member.
    pub(crate) fn successors(&self, position: usize) -> impl Iterator<Item = usize> {
        let (index, operation) = &self.members[position];
        operation.successors(*index).filter_map(|to| self.position(to))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use iridium_asm::Assembler;

    use super::*;

    fn explore(source: &str, start: u32) -> Option<Region> {
        let module = Assembler::new("test.iasm").assemble(source).unwrap().module;
        Region::explore(&Source::new(&module), start, Entries::Usual)
    }

    #[test]
    fn a_region_is_what_is_reached_without_passing_into_a_call() {
        let source = "
                load $0 #0
            l:  addi $0 #1 $0
                call @f
                prti $0
                brlt $0 #9 @l
                hlt
            f:  ret";
        let region = explore(source, 0).unwrap();
        let members: Vec<u32> = region.members.iter().map(|(index, _)| *index).collect();
        assert_eq!(members, [0, 1, 2, 3, 4, 5]);
        // Not at `prti`, which is returned to, and which the interpreter does.
        assert_eq!(region.entries, [0, 1, 4]);
        assert_eq!(region.calls.into_iter().collect::<Vec<_>>(), [6]);
    }

    #[test]
    fn a_region_that_is_too_large_is_none() {
        let source = |length: usize| "nop\n".repeat(length) + "hlt";
        assert!(explore(&source(MOST_INSTRUCTIONS - 1), 0).is_some());
        assert!(explore(&source(MOST_INSTRUCTIONS), 0).is_none());
        let table = |labels: usize| format!("l: jtab $0{}\nhlt", " @l".repeat(labels));
        assert!(explore(&table(MOST_INSTRUCTIONS - 2), 0).is_some());
        assert!(explore(&table(MOST_INSTRUCTIONS - 1), 0).is_none());
    }
}
