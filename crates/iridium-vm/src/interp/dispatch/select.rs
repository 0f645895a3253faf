//! Which handler an instruction gets.

use iridium_isa::Instruction;

use super::handlers::single;
use super::superinstruction;
use super::threaded::{Handler, refilling, toll};
use crate::interp::dataflow::Dataflow;
use crate::interp::register_cache::NONE;

/// The handler for an instruction: a superinstruction if there is one for it and the next.
pub(in crate::interp) fn handler(
    dataflow: &Dataflow,
    code: &[Instruction],
    index: usize,
) -> Handler {
    if let Some(handler) = uncached(dataflow, index) {
        return handler;
    }
    let (first, cached) = (&code[index], dataflow.cached[index]);
    let second = code.get(index + 1).filter(|_| uncached(dataflow, index + 1).is_none());
    let pair = second.and_then(|second| superinstruction::handler(cached, first, second));
    pair.unwrap_or_else(|| handler_alone(dataflow, code, index))
}

/// The handler that does this instruction and no other one.
pub(in crate::interp) fn handler_alone(
    dataflow: &Dataflow,
    code: &[Instruction],
    index: usize,
) -> Handler {
    if let Some(handler) = uncached(dataflow, index) {
        return handler;
    }
    let instruction = &code[index];
    let opcode = instruction.opcode();
    match dataflow.cached[index].form(&instruction.slots()) {
        1 => single::<1>(opcode),
        2 => single::<2>(opcode),
        3 => single::<3>(opcode),
        4 => single::<4>(opcode),
        5 => single::<5>(opcode),
        6 => single::<6>(opcode),
        7 => single::<7>(opcode),
        8 => single::<8>(opcode),
        _ => single::<NONE>(opcode),
    }
}

/// The handler of an instruction that does not use the register cache.
fn uncached(dataflow: &Dataflow, index: usize) -> Option<Handler> {
    if dataflow.tolls[index] {
        Some(toll)
    } else if dataflow.refills[index] {
        Some(refilling)
    } else {
        None
    }
}
