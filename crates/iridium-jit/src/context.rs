//! What native code and the engine hand each other.

use std::any::Any;
use std::ffi::c_void;
use std::sync::atomic::AtomicU64;

use iridium_vm::{Frame, Register};

/// What native code and the engine hand each other: native code reads it while it runs and writes
/// it when it leaves. Its addresses hold for one activation.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Context {
    /// `$0` of the window in force.
    pub(crate) window: *mut Register,
    /// The highest window that still has all its registers.
    pub(crate) last_window: *mut Register,
    /// The first of all registers.
    pub(crate) registers: *mut Register,
    pub(crate) heap: *mut u8,
    /// How many bytes it has.
    pub(crate) heap_length: usize,
    /// From each address below this on, eight bytes of the heap are there.
    pub(crate) heap_room: u64,
    /// The read-only data.
    pub(crate) data: *const u8,
    /// From each offset below these on, 1, 2, 4 or 8 bytes of it are there.
    pub(crate) data_rooms: [u64; 4],
    /// So many multiples of 16 above 0 may be addresses of blocks: 16 bytes are there.
    pub(crate) block_places: u64,
    /// The address of the table of blocks; one past all heaps when there is none.
    pub(crate) table: i64,
    /// How many bytes the blocks of each class have.
    pub(crate) sizes: *const u32,
    /// Fuel that is left; not above 0 when there is none.
    pub(crate) fuel: i64,
    /// Frames of the calls that are under way, from when they are unwound: each goes before those that
    /// it has called. At first this is the end of the room for them.
    pub(crate) unwound: *mut Frame,
    /// For each instruction of the module the [entry](crate::entries) that begins there, or 0.
    pub(crate) entries: *const AtomicU64,
    /// Calls are not made natively when the stack has grown down to here. As each takes some of it,
    /// there are never more of them than there may be.
    pub(crate) stack_limit: u64,
    /// The instruction to go on with.
    pub(crate) pc: u64,
    /// 0 or 1.
    pub(crate) flag: u64,
    pub(crate) remainder: i64,
    pub(crate) counter: u64,
    /// A [function](crate::enter) of the context that does the instruction at `pc` as the interpreter
    /// does. All lanes are at home, and all parts of the context are up to date. It returns 0, or a
    /// [`Leave`] to leave with.
    pub(crate) step: *const c_void,
    /// A [function](crate::enter) of the context, an instruction, a window and fuel, that does the
    /// common case of an instruction [beside](iridium_vm::is_done_beside) others. It returns the fuel
    /// that is left, or [`NOT_DONE`].
    pub(crate) beside: *const c_void,
    /// The process, for these functions alone.
    pub(crate) state: *mut c_void,
    /// What a step has panicked with.
    pub(crate) panic: Option<Box<dyn Any + Send>>,
}

/// No fuel that there can be.
pub(crate) const NOT_DONE: i64 = i64::MIN;

/// Why native code has left. The process is then what the interpreter would have made of it before
/// the instruction at [`Context::pc`].
///
/// A number that is not one of these, and not above 0, is that of the `ret`, negated, by which it has
/// returned. When that is from a call that no native code has made, window and frames are those that it
/// was entered with: the last of these is the call's, and what it says is not yet done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(i64)]
pub(crate) enum Leave {
    /// There is no fuel for the instruction.
    OutOfFuel = 1,
    /// The instruction is for the interpreter.
    Interpret = 2,
    /// A step has done an instruction, and parts of the process lie elsewhere now, or it has jumped.
    Moved = 3,
    /// A step has stopped the process.
    Stopped = 4,
}
