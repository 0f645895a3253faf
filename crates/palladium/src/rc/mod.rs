//! Reference counts: from functions that treat pointers as values to ones that say where a reference
//! is kept, dropped, or handed on.
//!
//! A register with a pointer is *owned* as long as it is live: an instruction that consumes it takes
//! the reference over at its last use, and gets one of its own before; where it is used no more, it
//! is dropped. Others need no counts at all:
//!
//! * *lent*: what the caller holds while the function runs, and what is read out of that (`borrow`),
//!   and what is no counted block;
//! * *on loan*: what is read out of an owned block that stays as it is meanwhile (`loans`).
//!
//! Then a reference that was read out of a block is kept as late as possible, so that it is not where
//! it need not be, and moves out of the block when that dies first (`sink`), whose memory may become
//! that of a new one.
//!
//! The ideas are those of Perceus (Reinking, Xie, de Moura, Leijen: "Perceus: Garbage Free Reference
//! Counting with Reuse", 2021) and of "Counting Immutable Beans" (Ullrich, de Moura, 2019).

mod borrow;
mod copies;
mod insert;
mod loans;
mod roles;
mod shared;
mod sink;
mod sizes;

use self::borrow::Kind;
use self::loans::Holders;
use self::roles::Ownership;
use self::sink::Known;
use self::sizes::Sizes;
use crate::mir::{
    Block, BlockIdx, Class, FnIdx, Function, Inst, Passing, Program, Reg, Terminator,
};

pub use shared::{Copied, copies_of_shared};

/// How much the pass thinks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As for every program.
    Optimised,
    /// Everything is owned, nothing is lent, on loan or reused. What a program does is the same.
    Plain,
}

/// Inserts the counts into all functions.
pub fn insert(program: &mut Program, mode: Mode) {
    let optimised = mode == Mode::Optimised;
    for function in &mut program.functions {
        normalise(function);
        if optimised {
            copies::propagate(function);
        }
    }
    let mut ownership = Ownership::of(program, !optimised);
    if optimised {
        ownership = borrow::infer(program, ownership);
    }
    let sizes = Sizes::of(program);
    let results: Vec<Vec<Class>> =
        program.functions.iter().map(|function| function.results.clone()).collect();
    for (index, function) in (0..).map(FnIdx).zip(&mut program.functions) {
        let owned = ownership.of_function(index).to_vec();
        let kinds = |function: &Function| match mode {
            Mode::Optimised => borrow::kinds(function, &owned),
            Mode::Plain => borrow::plain_kinds(function, &owned),
        };
        call_before_drops(function, &kinds(function), &ownership, &results);
        let kinds = kinds(function);
        let holders = if optimised {
            Holders::find(function, &kinds, &ownership)
        } else {
            Holders::of_addresses(function)
        };
        insert::insert(function, index, &kinds, &holders, &ownership);
        if optimised {
            let glue = &program.glue;
            let known = Known {
                kinds: &kinds,
                holders: &holders,
                ownership: &ownership,
                sizes: &sizes,
                glue,
            };
            sink::sink(function, &known);
        }
        function.passing = Passing::Fixed(owned);
    }
}

/// Nothing jumps to the first block, and what cannot be reached is empty.
fn normalise(function: &mut Function) {
    let mut reached = vec![false; function.blocks.len()];
    for index in function.reverse_postorder() {
        if let Some(reached) = reached.get_mut(index.0 as usize) {
            *reached = true;
        }
    }
    for (block, reached) in function.blocks.iter_mut().zip(reached) {
        if !reached {
            block.insts.clear();
            block.end.0 = Terminator::Unreachable;
        }
    }
    if function.entries().first() == Some(&1) {
        return;
    }
    let new = BlockIdx(function.blocks.len() as u32);
    for block in &mut function.blocks {
        block.end.0.each_successor(&mut |to| {
            if *to == BlockIdx(0) {
                *to = new;
            }
        });
    }
    if let Some(first) = function.blocks.first_mut() {
        let end = (Terminator::Jump(new), first.end.1.clone());
        let begin = std::mem::replace(first, Block { insts: Vec::new(), end });
        function.blocks.push(begin);
    }
}

/// A call in place of a return cannot drop what the callee borrows; then it is a call and a return.
fn call_before_drops(
    function: &mut Function,
    kinds: &[Kind],
    ownership: &Ownership,
    results: &[Vec<Class>],
) {
    let Function { blocks, regs, .. } = function;
    for block in blocks {
        let Terminator::TailCall { function: callee, args } = &mut block.end.0 else { continue };
        let owned = ownership.of_function(*callee);
        let holds = |reg: &Reg| kinds.get(reg.0 as usize) == Some(&Kind::Owned);
        if !args.iter().zip(owned).any(|(reg, owned)| !*owned && holds(reg)) {
            continue;
        }
        let first = regs.len() as u32;
        regs.extend(results.get(callee.0 as usize).into_iter().flatten());
        let results: Vec<Reg> = (first..regs.len() as u32).map(Reg).collect();
        let (function, args) = (*callee, std::mem::take(args));
        let span = block.end.1.clone();
        block.insts.push((Inst::Call { function, args, results: results.clone() }, span));
        block.end.0 = Terminator::Return(results);
    }
}
