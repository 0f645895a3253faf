//! Calls of recursive functions that would return at once are not made.
//!
//! A recursive function mostly begins with the question whether it is to end: half the calls of a walk
//! over a tree are for its empty branches. Where that question and its answer only compute, the caller
//! asks it, and calls only if the answer is no; what it calls then is the function without that
//! question. Like partial inlining in other compilers (LLVM's `PartialInliner`).

use std::collections::HashMap;

use iridium_isa::{FileId, Span};

use super::code::MADE;
use crate::mir::{Block, BlockIdx, Class, FnIdx, Function, Inst, Reg, Terminator};

/// How many instructions the question may have.
const MOST: usize = 4;
/// How many the answer may have, which may make a value, as of a tree without branches.
const MOST_ANSWER: usize = 6;
/// In how many places of a function calls are avoided.
const MOST_PLACES: usize = 64;

pub(super) fn early_returns(functions: &mut Vec<Function>) {
    let mut early: Vec<Option<Early>> = (0..)
        .map(FnIdx)
        .zip(&*functions)
        .map(|(index, function)| {
            is_recursive(index, function).then(|| Early::of(index, function))?
        })
        .collect();
    for early in early.iter_mut().flatten() {
        if let Some(unasked) = unasked(early, functions) {
            early.unasked = FnIdx(functions.len() as u32);
            functions.push(unasked);
        }
    }
    for caller in functions.iter_mut().filter(|caller| caller.file != MADE) {
        avoid_calls(caller, &early);
    }
}

fn is_recursive(index: FnIdx, function: &Function) -> bool {
    let mut insts = function.blocks.iter().flat_map(|block| &block.insts);
    insts.any(|(inst, _)| matches!(inst, Inst::Call { function, .. } if *function == index))
}

/// The function without its question, for callers that have asked it. `None` where that would still
/// need the function with it.
fn unasked(early: &Early, functions: &[Function]) -> Option<Function> {
    let function = functions.get(early.unasked.0 as usize)?;
    let begins_again = |block: &Block| match block.end.0 {
        Terminator::TailCall { function, .. } => function == early.unasked,
        _ => false,
    };
    if function.blocks.iter().any(begins_again) || function.entries().first() != Some(&1) {
        return None;
    }
    let mut unasked = function.clone();
    let end = &mut unasked.blocks.first_mut()?.end.0;
    let goes_on = end.successors().into_iter().find(|to| *to != early.answers)?;
    *end = Terminator::Jump(goes_on);
    Some(unasked)
}

/// How a function may return at once.
struct Early {
    /// What is called where it does not: the function, or a copy without the question.
    unasked: FnIdx,
    file: FileId,
    params: Vec<Reg>,
    regs: Vec<Class>,
    question: Vec<(Inst, Span)>,
    /// The branch, and which of its successors answers.
    branch: (Terminator, Span),
    answers: BlockIdx,
    answer: Vec<(Inst, Span)>,
    returned: Vec<Reg>,
}

impl Early {
    /// `None` if it begins otherwise.
    fn of(index: FnIdx, function: &Function) -> Option<Self> {
        let entry = function.blocks.first()?;
        let params = &function.params;
        let writes_param = |inst: &Inst| inst.writes().iter().any(|reg| params.contains(reg));
        let computes = |inst: &Inst| inst.only_computes() && !inst.traps() && !writes_param(inst);
        let makes = |inst: &Inst| {
            matches!(inst, Inst::New { .. } | Inst::Store { .. }) && !writes_param(inst)
        };
        let (Terminator::Branch { then, otherwise, .. }
        | Terminator::FloatBranch { then, otherwise, .. }) = entry.end.0
        else {
            return None;
        };
        if entry.insts.len() > MOST || !entry.insts.iter().all(|(inst, _)| computes(inst)) {
            return None;
        }
        let is_short = |insts: &[(Inst, Span)]| {
            insts.len() <= MOST_ANSWER
                && insts.iter().all(|(inst, _)| computes(inst) || makes(inst))
        };
        let answer = |from: BlockIdx| {
            let (mut at, mut insts) = (function.block(from)?, Vec::new());
            // A jump or two to where all ways come together.
            for _ in 0..MOST_ANSWER {
                insts.extend(at.insts.iter().cloned());
                match &at.end.0 {
                    Terminator::Return(returned) if is_short(&insts) => {
                        return Some((from, insts, returned.clone()));
                    }
                    Terminator::Jump(to) => at = function.block(*to)?,
                    _ => return None,
                }
            }
            None
        };
        let (answers, answer, returned) = answer(then).or_else(|| answer(otherwise))?;
        Some(Self {
            unasked: index,
            file: function.file,
            params: params.clone(),
            regs: function.regs.clone(),
            question: entry.insts.clone(),
            branch: entry.end.clone(),
            answers,
            answer,
            returned,
        })
    }
}

fn avoid_calls(caller: &mut Function, early: &[Option<Early>]) {
    let (mut block, mut places) = (0, 0);
    // What was behind a call is a block at the end, and is looked at when its turn comes.
    let mut calls = Vec::new();
    while block < caller.blocks.len() && places < MOST_PLACES {
        let found = caller.blocks[block].insts.iter().enumerate().find_map(|(at, (inst, _))| {
            let Inst::Call { function, .. } = inst else { return None };
            Some((at, early.get(function.0 as usize)?.as_ref()?))
        });
        if let Some((at, early)) = found.filter(|_| !calls.contains(&block)) {
            calls.push(avoid(caller, block, at, early));
            places += 1;
        }
        block += 1;
    }
}

/// Asks before a call. Gives the block that the call is in now.
fn avoid(caller: &mut Function, block: usize, at: usize, early: &Early) -> usize {
    let first = caller.blocks.len();
    let [answer, call, rest] = [0, 1, 2].map(|nth| BlockIdx((first + nth) as u32));
    let before = &mut caller.blocks[block];
    let after = before.insts.split_off(at + 1);
    let mut calls = before.insts.split_off(at);
    let Some((Inst::Call { function, args, results }, span)) = calls.first_mut() else {
        return block;
    };
    *function = early.unasked;
    let (args, results, span) = (args.clone(), results.clone(), span.clone());
    let end = std::mem::replace(&mut before.end, (Terminator::Jump(call), span.clone()));
    let names = early.params.iter().copied().zip(args).collect();
    let is_local = early.file == caller.file;
    let mut copy =
        Copying { early, names, regs: &mut caller.regs, place: (!is_local).then_some(&span) };
    let question = copy.insts(&early.question);
    let (mut branch, asked) = (early.branch.0.clone(), copy.place(&early.branch.1));
    branch.each_read(&mut |reg| *reg = copy.name(*reg));
    branch.each_successor(&mut |to| *to = if *to == early.answers { answer } else { call });
    let mut answered = copy.insts(&early.answer);
    let returned: Vec<Reg> = early.returned.iter().map(|reg| copy.name(*reg)).collect();
    super::inline::assign(&mut answered, &mut caller.regs, &results, &returned, &span);
    let before = &mut caller.blocks[block];
    before.insts.extend(question);
    before.end = (branch, asked);
    let goes_on = || (Terminator::Jump(rest), span.clone());
    caller.blocks.push(Block { insts: answered, end: goes_on() });
    caller.blocks.push(Block { insts: calls, end: goes_on() });
    caller.blocks.push(Block { insts: after, end });
    call.0 as usize
}

/// Instructions while they are copied into a caller.
struct Copying<'c> {
    early: &'c Early,
    /// The registers of the callee there.
    names: HashMap<Reg, Reg>,
    regs: &'c mut Vec<Class>,
    /// Of the call, for what is of another file.
    place: Option<&'c Span>,
}

impl Copying<'_> {
    fn name(&mut self, reg: Reg) -> Reg {
        let (regs, class) = (&mut *self.regs, self.early.regs[reg.0 as usize]);
        *self.names.entry(reg).or_insert_with(|| {
            regs.push(class);
            Reg(regs.len() as u32 - 1)
        })
    }

    fn place(&self, own: &Span) -> Span {
        self.place.unwrap_or(own).clone()
    }

    fn insts(&mut self, insts: &[(Inst, Span)]) -> Vec<(Inst, Span)> {
        let copied = insts.iter().map(|(inst, span)| {
            let mut inst = inst.clone();
            inst.each_read(&mut |reg| *reg = self.name(*reg));
            inst.each_write(&mut |reg| *reg = self.name(*reg));
            (inst, self.place(span))
        });
        copied.collect()
    }
}
