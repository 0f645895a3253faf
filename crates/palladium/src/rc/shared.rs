//! Which changes copy: those of a value that something else has at that time, as far as that is to be
//! seen in one function.
//!
//! After the counts are inserted, a `Keep` says that a second one has the block, until one of the
//! registers with it is dropped. A block that is changed in between, here or in a function that it is
//! passed to, is copied.

use std::collections::{BTreeMap, VecDeque};

use iridium_isa::{FileId, Span};

use crate::mir::{BlockIdx, FnIdx, Function, Inst, Program, Reg, Terminator};

/// A change that copies, or may copy.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Copied {
    /// The file of the change.
    pub file: FileId,
    /// Start and end of the change.
    pub at: (u32, u32),
    /// Where the second one gets the value.
    pub kept: (u32, u32),
}

/// The copies in what the user has written, each place once for each way to it.
pub fn copies_of_shared(program: &Program) -> Vec<Copied> {
    let changes = Changes::of(program);
    let mut found = Vec::new();
    for function in &program.functions {
        let name = program.files.get(function.file.0 as usize);
        if name.is_none_or(|name| name.starts_with("std/")) {
            continue;
        }
        Walk::new(function, &changes).run(&mut |change| {
            if let Change::OfShared { at, kept } = change {
                let kept = (kept.start, kept.end);
                found.push(Copied { file: function.file, at: (at.start, at.end), kept });
            }
        });
    }
    found
}

/// Which parameters each function changes in place.
struct Changes(Vec<Vec<bool>>);

impl Changes {
    fn of(program: &Program) -> Self {
        let functions = &program.functions;
        let mut changes =
            Self(functions.iter().map(|function| vec![false; function.params.len()]).collect());
        loop {
            let mut more = Vec::new();
            for (index, function) in functions.iter().enumerate() {
                Walk::new(function, &changes).run(&mut |change| {
                    if let Change::OfParam(param) = change {
                        more.push((index, param));
                    }
                });
            }
            let mut new = false;
            for (function, param) in more {
                if let Some(changed) =
                    changes.0.get_mut(function).and_then(|params| params.get_mut(param))
                {
                    new |= !std::mem::replace(changed, true);
                }
            }
            if !new {
                return changes;
            }
        }
    }

    /// The arguments of a call that the function changes.
    fn arguments<'a>(&self, function: FnIdx, args: &'a [Reg]) -> impl Iterator<Item = Reg> + 'a {
        let changed = self.0.get(function.0 as usize).cloned().unwrap_or_default();
        args.iter().copied().zip(changed).filter_map(|(arg, changed)| changed.then_some(arg))
    }
}

enum Change {
    OfShared { at: Span, kept: Span },
    OfParam(usize),
}

/// What is known of the registers at one point.
#[derive(Debug, Clone, Default, PartialEq)]
struct Known {
    /// Those whose block a second one has, with the place where that began. The same place: the same
    /// block.
    shared: BTreeMap<Reg, (u32, u32)>,
    /// Those that are still what a parameter was.
    params: BTreeMap<Reg, usize>,
}

impl Known {
    fn forget(&mut self, reg: Reg) {
        self.shared.remove(&reg);
        self.params.remove(&reg);
    }

    fn copy(&mut self, d: Reg, s: Reg) {
        let (shared, param) = (self.shared.get(&s).copied(), self.params.get(&s).copied());
        self.forget(d);
        self.shared.extend(shared.map(|place| (d, place)));
        self.params.extend(param.map(|param| (d, param)));
    }

    /// One of those who have a block lets go of it.
    fn release(&mut self, reg: Reg) {
        if let Some(place) = self.shared.get(&reg).copied() {
            self.shared.retain(|_, other| *other != place);
        }
        self.params.remove(&reg);
    }

    /// Adds what is known on another way to the same point. Gives whether that is new.
    fn join(&mut self, other: &Self) -> bool {
        let before = (self.shared.len(), self.params.len());
        for (reg, place) in &other.shared {
            self.shared.entry(*reg).or_insert(*place);
        }
        for (reg, param) in &other.params {
            self.params.entry(*reg).or_insert(*param);
        }
        before != (self.shared.len(), self.params.len())
    }
}

/// A walk over all ways through a function.
struct Walk<'f> {
    function: &'f Function,
    changes: &'f Changes,
    /// What is known where each block begins; `None` while no way leads there.
    begin: Vec<Option<Known>>,
}

impl<'f> Walk<'f> {
    fn new(function: &'f Function, changes: &'f Changes) -> Self {
        let begin = vec![None; function.blocks.len()];
        Self { function, changes, begin }
    }

    fn run(mut self, report: &mut dyn FnMut(Change)) {
        let params = self.function.params.iter().copied().zip(0..).collect();
        let first = Known { params, ..Known::default() };
        if let Some(begin) = self.begin.first_mut() {
            *begin = Some(first);
        }
        let mut open = VecDeque::from([BlockIdx(0)]);
        while let Some(index) = open.pop_front() {
            let Some(known) = self.begin.get(index.0 as usize).cloned().flatten() else { continue };
            let Some(block) = self.function.block(index) else { continue };
            let end = self.block(index, known, &mut |_| {});
            for next in block.end.0.successors() {
                let Some(begin) = self.begin.get_mut(next.0 as usize) else { continue };
                let new = match begin {
                    Some(begin) => begin.join(&end),
                    None => {
                        *begin = Some(end.clone());
                        true
                    }
                };
                if new {
                    open.push_back(next);
                }
            }
        }
        for (index, begin) in (0..).map(BlockIdx).zip(&self.begin) {
            if let Some(known) = begin {
                self.block(index, known.clone(), report);
            }
        }
    }

    /// Walks over one block. Gives what is known at its end.
    fn block(&self, index: BlockIdx, mut known: Known, report: &mut dyn FnMut(Change)) -> Known {
        let Some(block) = self.function.block(index) else { return known };
        for (inst, span) in &block.insts {
            self.inst(inst, span, &mut known, report);
        }
        if let (Terminator::TailCall { function, args }, span) = &block.end {
            for arg in self.changes.arguments(*function, args) {
                change(arg, span, &known, report);
            }
        }
        known
    }

    fn inst(&self, inst: &Inst, span: &Span, known: &mut Known, report: &mut dyn FnMut(Change)) {
        match inst {
            Inst::Keep { s } => {
                known.shared.insert(*s, (span.start, span.end));
            }
            Inst::Drop { s } => known.release(*s),
            Inst::Copy { d, s } if d != s => known.copy(*d, *s),
            Inst::Unique { d, s } => {
                change(*s, span, known, report);
                known.release(*s);
                known.forget(*d);
            }
            Inst::Call { function, args, results } => {
                for arg in self.changes.arguments(*function, args) {
                    change(arg, span, known, report);
                }
                results.iter().for_each(|reg| known.forget(*reg));
            }
            other => other.writes().into_iter().for_each(|reg| known.forget(reg)),
        }
    }
}

fn change(reg: Reg, span: &Span, known: &Known, report: &mut dyn FnMut(Change)) {
    if let Some(&(start, end)) = known.shared.get(&reg) {
        report(Change::OfShared { at: span.clone(), kept: start..end });
    }
    if let Some(param) = known.params.get(&reg) {
        report(Change::OfParam(*param));
    }
}
