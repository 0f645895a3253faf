//! Where Rust calls compiled code.
//!
//! Compiled code relies on:
//!
//! * **J1** the [`Context`] has the addresses of the process at hand, which has been
//!   [prepared](iridium_vm::Process::prepare), and they hold until it leaves: it holds the only
//!   reference to the process, and compiled code neither grows nor moves a part of it;
//! * **J2** the code is that of the program's module, and lies in executable memory that outlives the
//!   call: it is owned by what the program owns;
//! * **J3** at an entry all lanes are at home.
//!
//! And it keeps: it accesses registers that the module's instructions name, in windows that it has
//! found to be there, frames between base and end, and heap that it has found to be in bounds. When
//! it leaves, all is as the interpreter would have it.
#![allow(unsafe_code)]

use std::mem::transmute;

use iridium_vm::blocks::{self, CLASSES};
use iridium_vm::{EntryState, Frame, Layout, Register, Resume};

use crate::context::{Context, Leave};
use crate::entries::{Entry, EntryTable};

/// See [`Lowering::trampoline`](crate::lower::Lowering::trampoline).
type Trampoline = unsafe extern "C" fn(*mut Context, u64, u64) -> i64;

/// How much of the stack native calls may take, in bytes. Deeper ones begin anew from the engine,
/// which costs little: frames are data.
const STACK: u64 = 64 << 10;

/// An address past all heaps.
const NO_TABLE: i64 = i64::MAX / 2;

/// How many bytes blocks have, at a place that holds.
static SIZES: [u32; CLASSES] = blocks::SIZES;

/// The widest access to the heap, in bytes.
const WIDEST: usize = 8;

/// Code of a program.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Native<'p> {
    pub(crate) entries: &'p EntryTable,
    pub(crate) trampoline: *const u8,
}

impl Native<'_> {
    /// Runs native code from the process's `pc` on, if there is an entry.
    pub(crate) fn enter(self, state: &mut EntryState<'_>) -> Resume {
        let Some(entry) = self.entries.at(state.pc()) else { return Resume::Interpret };
        let layout = state.layout();
        let mut context = self.context(state, &layout);
        let resume = self.run(&mut context, entry);
        *state.flag() = context.flag != 0;
        *state.remainder() = context.remainder;
        *state.loop_counter() = context.counter;
        state.set_fuel(context.fuel);
        let window = distance::<Register>(layout.registers.0.addr(), context.window.addr());
        let frames = distance::<Frame>(layout.frames.0.addr(), context.frame_top.addr());
        // SAFETY: compiled code pushes frames of calls that it makes, up to the room that it was told,
        // and takes them away when it returns; slides to windows that have all their registers; and
        // its `pc` is an instruction at which it left, or one that a frame returns to.
        unsafe { state.resume_at(context.pc as u32, window as u32, frames) };
        resume
    }

    fn run(self, context: &mut Context, entry: Entry) -> Resume {
        // SAFETY: the address is that of the trampoline's code, which has this signature.
        let trampoline = unsafe { transmute::<*const u8, Trampoline>(self.trampoline) };
        let mut entry = entry;
        loop {
            // SAFETY: J1 for the context that `enter` made, and J2 for entries of the program's table.
            // J3: the interpreter keeps no lane elsewhere when it calls a hook, nor does compiled code
            // when it has returned.
            let why = unsafe { trampoline(context, entry.address(), entry.number()) };
            if why == Leave::OutOfFuel as i64 {
                return Resume::OutOfFuel;
            }
            if why != Leave::Returned as i64 {
                return Resume::Interpret;
            }
            context.frame_top = context.frame_top.wrapping_sub(1);
            // SAFETY: compiled code does not return without a frame above the base, so there is this one.
            let frame = unsafe { context.frame_top.read() };
            context.window = context.window.wrapping_sub(frame.slide as usize);
            context.pc = u64::from(frame.return_to);
            match self.entries.at(frame.return_to) {
                Some(next) => entry = next,
                None => return Resume::Continue,
            }
        }
    }

    fn context(self, state: &mut EntryState<'_>, layout: &Layout) -> Context {
        let window_size = state.module().window();
        let (registers, count) = layout.registers;
        let (frames, depth, room) = layout.frames;
        let (heap, length) = layout.heap;
        let here = 0u8;
        Context {
            window: layout.window,
            last_window: registers.wrapping_add(count.saturating_sub(window_size)),
            heap,
            heap_room: length.saturating_sub(WIDEST - 1) as u64,
            block_places: (length as u64 / 16).saturating_sub(1),
            table: layout.table.map_or(NO_TABLE, i64::from),
            sizes: SIZES.as_ptr(),
            fuel: state.fuel(),
            frame_top: frames.wrapping_add(depth),
            frame_base: frames,
            frame_end: frames.wrapping_add(room),
            entries: self.entries.as_ptr(),
            stack_limit: (std::ptr::from_ref(&here).addr() as u64).saturating_sub(STACK),
            pc: u64::from(state.pc()),
            flag: u64::from(*state.flag()),
            remainder: *state.remainder(),
            counter: *state.loop_counter(),
        }
    }
}

/// How many values of a type lie between two addresses.
fn distance<T>(from: usize, to: usize) -> usize {
    to.wrapping_sub(from) / size_of::<T>()
}
