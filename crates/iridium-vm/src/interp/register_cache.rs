//! The register cache: the values that were written last, kept in machine registers.
//!
//! Writing a register of the program and reading it again soon goes through memory, which takes
//! longer than most arithmetic. So the threaded backend passes the last two values that were written
//! to either lane from handler to handler, and an instruction that reads one of those registers gets
//! a handler that takes the value from there. The registers are written all the same.
//!
//! Which registers the cached values belong to at each instruction is found out before the run, by
//! [`dataflow`](super::dataflow).

use std::num::NonZeroU16;

use iridium_isa::Instruction;
use iridium_isa::operand::{Role, Slots};

/// Where an operand comes from: its register.
const MEMORY: usize = 0;
/// From the value that was written last.
pub(super) const LAST: usize = 1;
/// From the value that was written before that one.
pub(super) const KEPT: usize = 2;

/// Where the first two operands come from, as one number: the first one's source, and three times
/// the second one's. All from their registers:
pub(super) const NONE: usize = MEMORY;

/// The source of the operand in a slot.
#[inline(always)]
pub(super) const fn source(form: usize, slot: usize) -> usize {
    match slot {
        0 => form % 3,
        1 => form / 3,
        _ => MEMORY,
    }
}

/// Which registers the cached values belong to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CachedRegisters {
    /// Of integer lanes.
    pub(super) int: CachedLane,
    /// Of float lanes.
    pub(super) float: CachedLane,
}

/// The registers of the cached values of one kind of lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CachedLane {
    /// The register that was written last.
    pub(super) last: Option<OneMore>,
    /// The one that was written before it, when it has not been written again.
    pub(super) kept: Option<OneMore>,
}

/// One more than the number of a register. An option of that is one number, and those are compared
/// very often while a module is loaded.
pub(super) type OneMore = NonZeroU16;

fn one_more(register: u8) -> OneMore {
    OneMore::MIN.saturating_add(register.into())
}

/// The number of the register.
#[inline(always)]
pub(super) fn register(one_more: OneMore) -> usize {
    usize::from(one_more.get()) - 1
}

impl CachedLane {
    fn written(self, register: u8) -> Self {
        let last = Some(one_more(register));
        Self { last, kept: if self.last == last { None } else { self.last } }
    }

    fn common(self, other: Self) -> Self {
        let same = |a, b| if a == b { a } else { None };
        Self { last: same(self.last, other.last), kept: same(self.kept, other.kept) }
    }

    fn source(self, register: u8) -> usize {
        let register = Some(one_more(register));
        match register {
            _ if self.last == register => LAST,
            _ if self.kept == register => KEPT,
            _ => MEMORY,
        }
    }
}

/// What an instruction does to the register cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Write {
    /// It writes no register.
    Nothing,
    /// It writes an integer lane.
    Int(u8),
    /// It writes a float lane.
    Float(u8),
    /// Nothing is known after it.
    Unknown,
}

impl Write {
    /// What an instruction does when it goes on to the next one or takes a label.
    #[inline(always)]
    pub(super) fn of(instruction: &Instruction) -> Self {
        let opcode = instruction.opcode();
        // A call moves the window on the way there and, for the next instruction, on the way back.
        if !opcode.is_fast() || opcode.is_call() {
            return Write::Unknown;
        }
        let slots = instruction.slots();
        let written = |(register, role): (u8, Role)| match role {
            Role::IntWrite | Role::IntChange => Some(Write::Int(register)),
            Role::FloatWrite => Some(Write::Float(register)),
            Role::IntWrites => Some(Write::Unknown),
            Role::IntRead | Role::FloatRead | Role::Other => None,
        };
        let slotted = slots.registers.into_iter().zip(slots.roles);
        let mut writes = slotted.chain(slots.fourth).filter_map(written);
        writes.next().unwrap_or(Write::Nothing)
    }
}

impl CachedRegisters {
    /// Whether nothing is cached.
    #[inline(always)]
    pub(super) fn is_empty(self) -> bool {
        self == Self::default()
    }

    /// What is cached after an instruction.
    pub(super) fn after(mut self, change: Write) -> Self {
        match change {
            Write::Nothing => {}
            Write::Int(register) => self.int = self.int.written(register),
            Write::Float(register) => self.float = self.float.written(register),
            Write::Unknown => return Self::default(),
        }
        self
    }

    /// What is cached in both cases.
    pub(super) fn common(self, other: Self) -> Self {
        Self { int: self.int.common(other.int), float: self.float.common(other.float) }
    }

    /// Where an instruction's first two operands come from.
    #[inline(always)]
    pub(super) fn form(self, slots: &Slots) -> usize {
        let Slots { registers, roles, .. } = slots;
        let source = |slot: usize| match roles[slot] {
            Role::IntRead | Role::IntChange => self.int.source(registers[slot]),
            Role::FloatRead => self.float.source(registers[slot]),
            Role::IntWrite | Role::IntWrites | Role::FloatWrite | Role::Other => MEMORY,
        };
        source(0) + 3 * source(1)
    }
}
