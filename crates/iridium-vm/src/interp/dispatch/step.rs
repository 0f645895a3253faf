//! Single instructions of an engine that has taken over.

use iridium_isa::Opcode;

use super::looped;
use crate::interp::entry_hook::{EntryState, Stepped};
use crate::interp::machine::{Exit, Step};
use crate::interp::semantics;

impl EntryState<'_, '_> {
    /// Does the instruction at `pc`, as the interpreter does, with its traps and slow cases. Parts of
    /// the process may be elsewhere afterwards, or have grown.
    pub fn step(&mut self) -> Stepped {
        match looped::go::<true>(self.run) {
            Exit::OutOfFuel => Stepped::OutOfFuel,
            Exit::Stopped => Stepped::Stopped,
            _ => Stepped::Done,
        }
    }

    /// Does the common case of an instruction that [may be done beside](is_done_beside) others: the one
    /// at `index`, in the window that begins at so many registers, with so much fuel. Returns the fuel
    /// that is left, or `None` when nothing was done, which is for [`step`](Self::step). No part of the
    /// process is elsewhere afterwards, and `pc`, window and fuel of this state are neither used nor
    /// changed.
    #[inline]
    pub fn do_beside(&mut self, index: u32, window: u32, fuel: i64) -> Option<i64> {
        self.run.one(index, window, fuel, |machine| match machine.op().opcode {
            Opcode::Memcpy => semantics::memcpy(machine),
            Opcode::Memcmp => semantics::memcmp(machine),
            Opcode::Find => semantics::find(machine),
            Opcode::Hash => semantics::hash(machine),
            Opcode::Msgm => semantics::msgm(machine),
            Opcode::Msgi => semantics::msgi(machine),
            Opcode::MsgF64 => semantics::msgf64(machine),
            Opcode::Push => semantics::push(machine),
            Opcode::Pop => semantics::pop(machine),
            _ => Step::SlowPath,
        })
    }
}

/// Whether an instruction is one that [`EntryState::do_beside`] knows: it reads and writes registers
/// and memory, and goes on to the next.
pub fn is_done_beside(opcode: Opcode) -> bool {
    use Opcode as O;
    matches!(
        opcode,
        O::Memcpy
            | O::Memcmp
            | O::Find
            | O::Hash
            | O::Msgm
            | O::Msgi
            | O::MsgF64
            | O::Push
            | O::Pop
    )
}
