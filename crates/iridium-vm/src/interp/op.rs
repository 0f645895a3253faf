//! An instruction as the interpreter reads it.

use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use iridium_isa::Opcode;

use crate::register::Register;

/// An instruction as the interpreter reads it.
///
/// Register numbers are kept as byte offsets into the window, so that the interpreter adds them
/// without scaling, and jumps as the addresses where they go to: in a loop, each round waits for the
/// one before to have worked that out, and nothing is quicker than to read it.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Op {
    /// What the threaded backend calls: this instruction, or it and some that follow.
    pub(super) handler: HandlerCell,
    /// The address of the op to jump to; that of the first op when it does not jump.
    pub(super) target: usize,
    /// Byte offsets of the registers, in table order.
    pub(super) registers: [u16; 3],
    /// What the loop backend matches on.
    pub(super) opcode: Opcode,
    /// Whether an engine takes over here; for the loop backend, which calls no handlers.
    pub(super) hooked: AtomicBool,
    /// The 32-bit literal; the low half of a 64-bit one; for calls the index to return to; for jump
    /// tables their first entry.
    pub(super) literal: i32,
    /// The high half of a 64-bit literal; the length of a jump table.
    pub(super) high: i32,
}

/// The size of an op: half a line of the cache, and a power of two, so that it costs little to tell an
/// op's index from its address.
pub(super) const OP_SIZE: usize = size_of::<Op>();
const _: () = assert!(OP_SIZE == 32 || size_of::<usize>() != 8);
const _: () = assert!(size_of::<Register>() * 255 <= u16::MAX as usize);

/// A handler, as an address that may be replaced while others call it. What type of function it is is
/// known where handlers are made: [`Handler`](super::dispatch::Handler).
#[derive(Debug)]
pub(super) struct HandlerCell(AtomicPtr<()>);

impl HandlerCell {
    pub(super) fn new(handler: *mut ()) -> Self {
        Self(AtomicPtr::new(handler))
    }

    /// Relaxed: which of two handlers of an instruction is called changes no result.
    #[inline(always)]
    pub(super) fn load(&self) -> *mut () {
        self.0.load(Ordering::Relaxed)
    }

    pub(super) fn store(&self, handler: *mut ()) {
        self.0.store(handler, Ordering::Relaxed);
    }
}
