//! An instruction as the interpreter reads it.

use std::sync::atomic::{AtomicPtr, AtomicU8, Ordering};

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
    /// What is special here; for the loop backend, which calls no handlers.
    pub(super) marks: Marks,
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

/// What is special at an instruction.
#[derive(Debug, Default)]
pub(super) struct Marks(AtomicU8);

impl Marks {
    const TOLL: u8 = 1;
    const HOOKED: u8 = 2;

    pub(super) fn new(is_toll: bool) -> Self {
        Self(AtomicU8::new(if is_toll { Self::TOLL } else { 0 }))
    }

    /// Whether it is a [toll](iridium_isa::tolls()).
    #[inline(always)]
    pub(super) fn is_toll(&self) -> bool {
        self.0.load(Ordering::Relaxed) & Self::TOLL != 0
    }

    /// Whether another engine takes over here.
    #[inline(always)]
    pub(super) fn is_hooked(&self) -> bool {
        self.0.load(Ordering::Relaxed) & Self::HOOKED != 0
    }

    pub(super) fn set_hooked(&self, on: bool) {
        if on {
            self.0.fetch_or(Self::HOOKED, Ordering::Relaxed);
        } else {
            self.0.fetch_and(!Self::HOOKED, Ordering::Relaxed);
        }
    }
}

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
