//! What makes a function simpler at once: jumps go where they lead to, a return stands where it is
//! decided on, and a function that calls itself last begins again.

use crate::mir::{Block, FnIdx, Function, Inst, Terminator};

pub(super) fn clean(function: &mut Function, this: FnIdx) {
    function.pass_by_empty();
    return_at_once(function);
    for block in &mut function.blocks {
        begin_again(block, this);
    }
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
