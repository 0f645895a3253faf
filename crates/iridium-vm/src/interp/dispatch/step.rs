//! Single instructions of an engine that has taken over.

use iridium_isa::Opcode;

use super::looped;
use crate::interp::entry_hook::{EntryState, Stepped};
use crate::interp::machine::{Exit, Machine, Step};
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
        self.run.one(index, window, fuel, do_beside)
    }
}

macro_rules! beside {
    ($($variant:ident $function:ident;)+) => {
        /// Whether an instruction is one that [`EntryState::do_beside`] knows: it reads and writes
        /// registers, the flag and memory, and goes on to the next.
        pub fn is_done_beside(opcode: Opcode) -> bool {
            matches!(opcode, $(Opcode::$variant)|+)
        }

        #[inline(always)]
        fn do_beside(machine: &mut Machine<'_>) -> Step {
            match machine.op().opcode {
                $(Opcode::$variant => semantics::$function(machine),)+
                _ => Step::SlowPath,
            }
        }
    };
}

beside! {
    Memcpy memcpy;
    Memcmp memcmp;
    Find find;
    Hash hash;
    Send send;
    Sendi sendi;
    SendF64 sendf64;
    Recv recv_if_there;
    Msgm msgm;
    Msgi msgi;
    MsgF64 msgf64;
    Push push;
    Pop pop;
}
