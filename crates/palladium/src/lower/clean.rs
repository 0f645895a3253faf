//! What makes a function simpler at once: jumps go where they lead to, a return stands where it is
//! decided on, and a function that calls itself last begins again.

use crate::mir::{Block, BlockIdx, FnIdx, Function, Inst, Terminator};

pub(super) fn clean(function: &mut Function, this: FnIdx) {
    let shortcuts: Vec<BlockIdx> =
        (0..function.blocks.len() as u32).map(|n| destination(function, BlockIdx(n))).collect();
    for block in &mut function.blocks {
        block.end.0.each_successor(&mut |to| *to = shortcuts[to.0 as usize]);
    }
    return_at_once(function);
    for block in &mut function.blocks {
        begin_again(block, this);
    }
}

/// Where control is after blocks that do nothing.
fn destination(function: &Function, from: BlockIdx) -> BlockIdx {
    let mut at = from;
    // Each step leads to another block, or this is a loop that does nothing.
    for _ in &function.blocks {
        let block = &function.blocks[at.0 as usize];
        match block.end.0 {
            Terminator::Jump(to) if block.insts.is_empty() => at = to,
            _ => break,
        }
    }
    at
}

fn return_at_once(function: &mut Function) {
    let only_returns = |block: &Block| match &block.end {
        (Terminator::Return(values), span) if block.insts.is_empty() => {
            Some((Terminator::Return(values.clone()), span.clone()))
        }
        _ => None,
    };
    let returns: Vec<_> = function.blocks.iter().map(only_returns).collect();
    for block in &mut function.blocks {
        if let Terminator::Jump(to) = block.end.0
            && let Some(end) = &returns[to.0 as usize]
        {
            block.end = end.clone();
        }
    }
}

fn begin_again(block: &mut Block, this: FnIdx) {
    let Terminator::Return(values) = &block.end.0 else { return };
    let Some((Inst::Call { function, results, .. }, _)) = block.insts.last() else { return };
    if *function != this || results != values {
        return;
    }
    if let Some((Inst::Call { function, args, .. }, span)) = block.insts.pop() {
        block.end = (Terminator::TailCall { function, args }, span);
    }
}
