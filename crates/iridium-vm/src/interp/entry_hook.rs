//! Where another engine takes over from the interpreter: the entry hook.
//!
//! An engine [installs](crate::Program::set_entry_hook) a hook in a program and puts it at
//! [instructions](crate::Program::hook_entry) where it has something better than the interpreter.
//! When a run comes to such an instruction, nothing of it is kept in machine registers, and the
//! hook is called with its state. It does as much as it likes, pays the
//! fuel that the interpreter would charge for the same, and says how the interpreter goes on.
//!
//! Registers and frames are laid out as [`Register`] and [`Frame`] say; [`EntryState::layout`] has
//! their addresses for code that is not Rust.
#![allow(unsafe_code)]

use std::fmt;

use iridium_isa::Module;

use super::machine::Run;
use crate::process::Process;
use crate::register::{Frame, Register};
use crate::stop::Stop;

/// What takes over at hooked instructions. It pays what the interpreter would, also for
/// [tolls](iridium_isa::tolls()).
pub trait EntryHook: fmt::Debug + Send + Sync {
    /// Called when a run comes to a hooked instruction, before it is done and before it is paid for.
    fn enter(&self, state: &mut EntryState<'_, '_>) -> Resume;
}

/// How the interpreter goes on after a hook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resume {
    /// At the process's `pc`; if that is hooked, the hook is called again. When the hook has
    /// neither moved `pc` nor paid, this is [`Interpret`](Self::Interpret), since it would go on
    /// for ever.
    Continue,
    /// The interpreter does the current instruction, with its traps and slow cases, and goes on
    /// from there: the slow path of an engine.
    Interpret,
    /// It stops: there is no fuel for the current instruction.
    OutOfFuel,
    /// It stops, because a [step](EntryState::step) has done so.
    Stopped,
}

/// What has become of one instruction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stepped {
    /// It is done, and `pc` is where to go on.
    Done,
    /// There is no fuel for it, or for the rest of it.
    OutOfFuel,
    /// It stops the process. The hook is to return [`Resume::Stopped`].
    Stopped,
}

/// A process at a hooked instruction.
pub struct EntryState<'e, 'r> {
    pub(super) run: &'e mut Run<'r>,
}

/// Where the parts of a process are, for code that is not Rust. The addresses hold until the hook
/// returns, or grows one of the parts.
#[derive(Debug, Clone, Copy)]
pub struct Layout {
    /// `$0` of the window in force.
    pub window: *mut Register,
    /// All registers, and how many there are. From `window` on there are at least as many as the
    /// module's code can reach.
    pub registers: (*mut Register, usize),
    /// The heap, and how many bytes it has.
    pub heap: (*mut u8, usize),
    /// The address in the heap of the table of [blocks](crate::blocks), once there has been one.
    pub table: Option<u32>,
}

impl EntryState<'_, '_> {
    /// The module.
    pub fn module(&self) -> &Module {
        self.run.module
    }

    /// The process. Its flag, remainder, loop counter and fuel are stale meanwhile: the methods of
    /// this type have them.
    pub fn process(&self) -> &Process {
        self.run.process
    }

    /// The instruction that is to be done.
    pub fn pc(&self) -> u32 {
        self.run.process.pc
    }

    /// Goes on at another instruction; `false`, and nothing changes, when there is no such one.
    #[must_use]
    pub fn set_pc(&mut self, index: u32) -> bool {
        let exists = (index as usize) < self.run.module.code().len();
        if exists {
            self.run.process.pc = index;
        }
        exists
    }

    /// A register of the window in force.
    pub fn register(&self, number: u8) -> Register {
        self.run.process.register(number)
    }

    /// Sets a register of the window in force.
    pub fn set_register(&mut self, number: u8, value: Register) {
        self.run.process.set_register(number, value);
    }

    /// The heap.
    pub fn heap(&mut self) -> &mut [u8] {
        &mut self.run.process.heap.bytes
    }

    /// The result of the last comparison.
    pub fn flag(&mut self) -> &mut bool {
        &mut self.run.flag
    }

    /// The remainder register.
    pub fn remainder(&mut self) -> &mut i64 {
        &mut self.run.remainder
    }

    /// The loop counter.
    pub fn loop_counter(&mut self) -> &mut u64 {
        &mut self.run.counter
    }

    /// Fuel that is left for this run; not above 0 when there is none.
    pub fn fuel(&self) -> i64 {
        self.run.fuel
    }

    /// Pays, if there is any fuel; `false`, and nothing changes, when there is none. As everywhere,
    /// the last payment may overdraw.
    #[must_use]
    pub fn pay(&mut self, cost: u32) -> bool {
        let has_some = self.run.fuel > 0;
        if has_some {
            self.run.fuel -= i64::from(cost);
        }
        has_some
    }

    /// Says how much fuel is left after code that is not Rust has paid.
    pub fn set_fuel(&mut self, left: i64) {
        self.run.fuel = left;
    }

    /// Whether the instruction at `pc` is one that was stopped half-way. It is for the interpreter.
    pub fn is_half_done(&self) -> bool {
        self.run.process.pending.is_some()
    }

    /// Where the parts of the process are.
    pub fn layout(&mut self) -> Layout {
        let process = &mut *self.run.process;
        let registers = (process.registers.as_mut_ptr(), process.registers.len());
        Layout {
            // The window lies inside the registers (I2).
            window: registers.0.wrapping_add(process.window as usize),
            registers,
            heap: (process.heap.bytes.as_mut_ptr(), process.heap.bytes.len()),
            table: process.heap.table,
        }
    }

    /// How many calls more may be under way.
    pub fn calls_left(&self) -> u64 {
        let process = &self.run.process;
        process.limits.call_depth.saturating_sub(process.frames.len() as u64)
    }

    /// Takes the innermost call's frame away, if there is a call. What the frame says is not done.
    pub fn pop_frame(&mut self) -> Option<Frame> {
        self.run.process.frames.pop()
    }

    /// Updates the process after native code has changed `pc` or window, or has made calls, of which
    /// these are the frames, the innermost last. A step may have stopped the process with a trap in the
    /// midst of these calls: its backtrace tells of them.
    ///
    /// # Safety
    /// `pc` is an instruction; each frame returns to the instruction after a call and undoes the slide
    /// of that call, so that undoing all ends at register 0; from `window` on, counted from the first
    /// register, there are as many registers as the module's code can reach.
    pub unsafe fn resume_at(&mut self, pc: u32, window: u32, calls: &[Frame]) {
        let run = &mut *self.run;
        debug_assert!((pc as usize) < run.module.code().len(), "I1");
        debug_assert!(window as usize + run.module.window() <= run.process.registers.len(), "I2");
        run.process.pc = pc;
        run.process.window = window;
        if calls.is_empty() {
            return;
        }
        run.process.frames.extend_from_slice(calls);
        if let Some(Stop::Trapped(trap)) = &mut run.stop {
            **trap = run.process.trap_here(run.module, trap.kind, trap.message.take());
        }
    }
}

impl fmt::Debug for EntryState<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EntryState")
            .field("pc", &self.run.process.pc)
            .field("fuel", &self.run.fuel)
            .finish_non_exhaustive()
    }
}
