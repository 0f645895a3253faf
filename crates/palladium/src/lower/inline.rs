//! The code of small functions takes the place of their calls.
//!
//! Places and backtraces are worth more than speed: what a user has written is only moved into code
//! of the same file, where its own places stay, and only when it is a closure or cannot trap. What
//! the library does is told of the call. Code that the compiler has made is a function because it is
//! slow or large, so it stays one.

use iridium_isa::{FileId, Span};

use super::code::MADE;
use crate::mir::flow::RegSet;
use crate::mir::{Block, BlockIdx, Class, FnIdx, Function, Inst, Passing, Reg, Terminator};

/// How many instructions a function has that is put wherever it is called.
const SMALL: usize = 24;
/// The same of one that is called in one place, with closures that are known.
const LARGE: usize = 200;
/// A function does not grow beyond this.
const MAX_SIZE: usize = 2000;
/// How many calls within calls are replaced.
const MAX_DEPTH: u8 = 6;

pub(super) fn inline(functions: &mut [Function], is_library: impl Fn(FileId) -> bool) {
    let originals = functions.to_vec();
    let facts = facts(&originals);
    for (index, caller) in (0..).map(FnIdx).zip(functions) {
        let fits = |callee: FnIdx| {
            let (function, facts) = (&originals[callee.0 as usize], &facts[callee.0 as usize]);
            let is_place_kept = if is_library(function.file) {
                true
            } else {
                // What is made has no places: `main` keeps its own.
                let caller_file = caller_file(&originals, index);
                caller_file != MADE
                    && (!facts.traps || (function.file == caller_file && facts.is_closure))
            };
            let is_worth = facts.size <= SMALL
                || (facts.calls == 1
                    && facts.size <= LARGE
                    && (facts.is_closure || facts.is_special));
            callee != index
                && function.file != MADE
                && !facts.is_recursive
                && is_place_kept
                && is_worth
        };
        Inliner { caller, originals: &originals, fits: &fits }.run();
    }
}

fn caller_file(functions: &[Function], index: FnIdx) -> FileId {
    functions[index.0 as usize].file
}

/// What is known of a function.
#[derive(Debug, Clone, Default)]
struct Facts {
    size: usize,
    /// In how many places it is called.
    calls: usize,
    is_recursive: bool,
    is_closure: bool,
    /// It calls closures that are known.
    is_special: bool,
    traps: bool,
}

fn facts(functions: &[Function]) -> Vec<Facts> {
    let mut all = vec![Facts::default(); functions.len()];
    let is_closure =
        |index: FnIdx| matches!(functions[index.0 as usize].passing, Passing::Fixed(_));
    for (index, function) in (0..).map(FnIdx).zip(functions) {
        let at = index.0 as usize;
        all[at].is_closure = is_closure(index);
        for block in &function.blocks {
            all[at].size += block.insts.len() + 1;
            all[at].traps |= matches!(block.end.0, Terminator::Trap { .. });
            if let Terminator::TailCall { function, .. } = block.end.0
                && function != index
            {
                all[function.0 as usize].calls += 1;
            }
            for (inst, _) in &block.insts {
                all[at].traps |= inst.traps();
                if let Inst::Call { function, .. } = inst {
                    all[function.0 as usize].calls += 1;
                    all[at].is_recursive |= *function == index;
                    all[at].is_special |= is_closure(*function);
                }
            }
        }
    }
    all
}

struct Inliner<'f> {
    caller: &'f mut Function,
    originals: &'f [Function],
    fits: &'f dyn Fn(FnIdx) -> bool,
}

impl Inliner<'_> {
    fn run(&mut self) {
        let mut depths = vec![0u8; self.caller.blocks.len()];
        let mut size: usize = self.caller.blocks.iter().map(|block| block.insts.len()).sum();
        let mut next = 0;
        while next < self.caller.blocks.len() {
            let depth = depths[next];
            if depth < MAX_DEPTH
                && size < MAX_SIZE
                && let Some((at, callee)) = self.find(next)
            {
                let added = self.originals[callee.0 as usize].blocks.len();
                self.splice(next, at, callee);
                size += self.originals[callee.0 as usize]
                    .blocks
                    .iter()
                    .map(|b| b.insts.len())
                    .sum::<usize>();
                depths.resize(depths.len() + added, depth + 1);
                depths.push(depth);
            }
            next += 1;
        }
    }

    /// The first call in a block that is to be replaced.
    fn find(&self, block: usize) -> Option<(usize, FnIdx)> {
        let insts = self.caller.blocks[block].insts.iter().enumerate();
        insts.into_iter().find_map(|(at, (inst, _))| match inst {
            Inst::Call { function, .. } if (self.fits)(*function) => Some((at, *function)),
            _ => None,
        })
    }

    fn splice(&mut self, block: usize, at: usize, callee: FnIdx) {
        let (index, callee) = (callee, &self.originals[callee.0 as usize]);
        let first = self.caller.blocks.len() as u32;
        let rest = BlockIdx(first + callee.blocks.len() as u32);
        let before = &mut self.caller.blocks[block];
        let after = before.insts.split_off(at + 1);
        let Some((Inst::Call { args, results, .. }, span)) = before.insts.pop() else { return };
        let end =
            std::mem::replace(&mut before.end, (Terminator::Jump(BlockIdx(first)), span.clone()));
        let mut copy = Copying { index, callee, names: Vec::new(), first, rest, results, span };
        let moved = copy.name(&mut self.caller.regs, &args);
        self.caller.blocks[block].insts.extend(moved);
        for block in &callee.blocks {
            let block = copy.block(block, self.caller.file, &mut self.caller.regs);
            self.caller.blocks.push(block);
        }
        self.caller.blocks.push(Block { insts: after, end });
    }
}

/// A function while it is copied into another.
struct Copying<'f> {
    index: FnIdx,
    callee: &'f Function,
    /// Its registers there.
    names: Vec<Reg>,
    /// Its first block there.
    first: u32,
    /// Where it returns to, with these results.
    rest: BlockIdx,
    results: Vec<Reg>,
    /// Of the call.
    span: Span,
}

impl Copying<'_> {
    /// Gives its registers names. A parameter that stays what it is is the argument itself; the
    /// others are copied.
    fn name(&mut self, regs: &mut Vec<Class>, args: &[Reg]) -> Vec<(Inst, Span)> {
        let written = self.written();
        let mut insts = Vec::new();
        for class in &self.callee.regs {
            self.names.push(Reg(regs.len() as u32));
            regs.push(*class);
        }
        for (param, s) in self.callee.params.iter().zip(args) {
            if written.contains(*param) {
                insts.push((
                    Inst::Copy { d: self.names[param.0 as usize], s: *s },
                    self.span.clone(),
                ));
            } else {
                self.names[param.0 as usize] = *s;
            }
        }
        insts
    }

    fn written(&self) -> RegSet {
        let mut written = RegSet::new(self.callee.regs.len());
        for block in &self.callee.blocks {
            for reg in block.insts.iter().flat_map(|(inst, _)| inst.writes()) {
                written.insert(reg);
            }
            if let Terminator::TailCall { function, .. } = block.end.0
                && function == self.index
            {
                self.callee.params.iter().for_each(|param| {
                    written.insert(*param);
                });
            }
        }
        written
    }

    fn block(&self, block: &Block, file: FileId, regs: &mut Vec<Class>) -> Block {
        let keeps_places = self.callee.file == file;
        let place = |span: &Span| if keeps_places { span.clone() } else { self.span.clone() };
        let mut rename = |reg: &mut Reg| *reg = self.names[reg.0 as usize];
        let mut insts = Vec::with_capacity(block.insts.len());
        for (inst, span) in &block.insts {
            let mut inst = inst.clone();
            inst.each_read(&mut rename);
            inst.each_write(&mut rename);
            insts.push((inst, place(span)));
        }
        let (mut end, span) = (block.end.0.clone(), place(&block.end.1));
        end.each_read(&mut rename);
        end.each_successor(&mut |to| to.0 += self.first);
        let end = match end {
            Terminator::Return(values) => {
                assign(&mut insts, regs, &self.results, &values, &span);
                Terminator::Jump(self.rest)
            }
            Terminator::TailCall { function, args } if function == self.index => {
                let params = self.callee.params.iter().map(|param| self.names[param.0 as usize]);
                assign(&mut insts, regs, &params.collect::<Vec<_>>(), &args, &span);
                Terminator::Jump(BlockIdx(self.first))
            }
            Terminator::TailCall { function, args } => {
                let results = self.results.clone();
                insts.push((Inst::Call { function, args, results }, span.clone()));
                Terminator::Jump(self.rest)
            }
            other => other,
        };
        Block { insts, end: (end, span) }
    }
}

/// Assigns several registers at once.
pub(super) fn assign(
    insts: &mut Vec<(Inst, Span)>,
    regs: &mut Vec<Class>,
    to: &[Reg],
    from: &[Reg],
    span: &Span,
) {
    let mut from = from.to_vec();
    if from.iter().enumerate().any(|(n, s)| to[..n].contains(s)) {
        for s in &mut from {
            let d = Reg(regs.len() as u32);
            regs.push(regs[s.0 as usize]);
            insts.push((Inst::Copy { d, s: *s }, span.clone()));
            *s = d;
        }
    }
    for (d, s) in to.iter().zip(from).filter(|(d, s)| *d != s) {
        insts.push((Inst::Copy { d: *d, s }, span.clone()));
    }
}
