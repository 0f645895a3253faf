//! Where Rust calls compiled code.
//!
//! Compiled code relies on:
//!
//! * **J1** the [`Context`] has the addresses of the process at hand, which has been
//!   [prepared](iridium_vm::Process::prepare), and they hold until it leaves: it holds the only
//!   reference to the process, and compiled code neither grows nor moves a part of it. What the
//!   interpreter does for compiled code may: compiled code leaves at once then;
//! * **J2** the code is that of the program's module, and lies in executable memory that outlives the
//!   call: it is owned by what the program owns;
//! * **J3** at an entry all lanes are at home.
//!
//! And it keeps: it accesses registers that the module's instructions name, in windows that it has
//! found to be there, heap that it has found to be in bounds, and room for the frames of as many calls
//! as it can make with the stack that it is given. When it leaves, all is as the interpreter would have
//! it.
#![allow(unsafe_code)]

#[cfg(all(test, feature = "arm64", unix))]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod emulated;

use std::ffi::c_void;
use std::mem::{MaybeUninit, transmute};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use iridium_vm::blocks::{self, CLASSES};
use iridium_vm::{EntryState, Frame, Register, Resume, Stepped};

use crate::context::{Context, Leave, NOT_DONE};
use crate::dues::AT_START;
use crate::entries::{Entry, EntryTable};

/// See [`Lowering::trampoline`](crate::lower::Lowering::trampoline).
type Trampoline = unsafe extern "C" fn(*mut Context, u64, u64) -> i64;

/// See [`Context::step`].
type Step = unsafe extern "C" fn(*mut Context) -> i64;

/// See [`Context::beside`].
type Beside = unsafe extern "C" fn(*mut Context, u64, *mut Register, i64) -> i64;

/// How many native calls may be under way. Deeper ones begin anew from the engine, which costs little:
/// frames are data.
const MOST_CALLS: usize = 2048;

/// How much of the stack a native call takes, in bytes, at least: where it returns to, and the address of
/// its caller's part.
const LEAST_STACK: u64 = 16;

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
    pub(crate) fn enter(self, state: &mut EntryState<'_, '_>) -> Resume {
        // SAFETY: the address is that of the trampoline's code, which has this signature.
        let trampoline = unsafe { transmute::<*const u8, Trampoline>(self.trampoline) };
        self.enter_by(state, |context, entry| {
            // SAFETY: J1 for the context that `enter_by` made, and J2 for entries of the program's table.
            // J3: the interpreter keeps no lane elsewhere when it calls a hook, nor does compiled code
            // when it has returned.
            unsafe { trampoline(context, entry.address(), entry.number()) }
        })
    }

    /// The same, with something that calls the code at an entry.
    fn enter_by(
        self,
        state: &mut EntryState<'_, '_>,
        call: impl FnMut(&mut Context, Entry) -> i64,
    ) -> Resume {
        let Some(entry) = self.entries.at(state.pc()) else { return Resume::Interpret };
        if state.is_half_done() {
            return Resume::Interpret;
        }
        let mut room: [MaybeUninit<Frame>; MOST_CALLS] =
            [const { MaybeUninit::uninit() }; MOST_CALLS];
        let Range { start, end } = room.as_mut_ptr_range();
        let mut context = self.context(state, start.cast()..end.cast());
        let resume = self.run(&mut context, entry, call);
        if let Some(panic) = context.panic.take() {
            resume_unwind(panic);
        }
        let calls = distance::<Frame>(context.unwound.addr(), end.addr());
        // SAFETY: native code has left, and has written so many frames there.
        unsafe { put_back(&context, std::slice::from_raw_parts(context.unwound, calls)) };
        resume
    }

    fn run(
        self,
        context: &mut Context,
        mut entry: Entry,
        mut call: impl FnMut(&mut Context, Entry) -> i64,
    ) -> Resume {
        loop {
            // Callers look for that.
            if context.fuel < i64::from(AT_START) {
                return Resume::Interpret;
            }
            let window = context.window;
            let why = call(context, entry);
            if why > 0 {
                return match why {
                    _ if why == Leave::OutOfFuel as i64 => Resume::OutOfFuel,
                    _ if why == Leave::Stopped as i64 => Resume::Stopped,
                    _ if why == Leave::Moved as i64 => Resume::Continue,
                    _ => Resume::Interpret,
                };
            }
            // SAFETY: native code has returned.
            let Some(frame) = unsafe { state(context) }.pop_frame() else {
                // It is the end, which the interpreter does and pays for.
                context.window = window;
                context.pc = why.unsigned_abs();
                context.fuel += 1;
                return Resume::Interpret;
            };
            context.window = window.wrapping_sub(frame.slide as usize);
            context.pc = u64::from(frame.return_to);
            match self.entries.at(frame.return_to) {
                Some(next) => entry = next,
                None => return Resume::Continue,
            }
        }
    }

    /// The context of a process, with room for the frames of calls. What is called with it has the stack
    /// below that.
    fn context(self, state: &mut EntryState<'_, '_>, room: Range<*mut Frame>) -> Context {
        let layout = state.layout();
        let window_size = state.module().window();
        let (registers, count) = layout.registers;
        let (heap, length) = layout.heap;
        let data = state.module().data();
        Context {
            window: layout.window,
            last_window: registers.wrapping_add(count.saturating_sub(window_size)),
            registers,
            heap,
            heap_length: length,
            heap_room: length.saturating_sub(WIDEST - 1) as u64,
            data: data.as_ptr(),
            data_rooms: [1, 2, 4, 8].map(|width| (data.len() + 1).saturating_sub(width) as u64),
            block_places: (length as u64 / 16).saturating_sub(1),
            table: layout.table.map_or(NO_TABLE, i64::from),
            sizes: SIZES.as_ptr(),
            fuel: state.fuel(),
            unwound: room.end,
            entries: self.entries.as_ptr(),
            stack_limit: (room.start.addr() as u64).saturating_sub(stack(state)),
            pc: u64::from(state.pc()),
            flag: u64::from(*state.flag()),
            remainder: *state.remainder(),
            counter: *state.loop_counter(),
            step: (step as Step) as *const c_void,
            beside: (beside as Beside) as *const c_void,
            state: std::ptr::from_mut(state).cast(),
            panic: None,
        }
    }
}

/// How much of the stack native calls may take, in bytes: so much that there are no more of them than
/// there may be.
fn stack(state: &EntryState<'_, '_>) -> u64 {
    LEAST_STACK * state.calls_left().min(MOST_CALLS as u64)
}

/// The process of a context.
///
/// # Safety
/// `Native::context` has made it from its reference, and nothing else uses that now: compiled code has
/// left, or does nothing meanwhile.
unsafe fn state<'s>(context: &Context) -> &'s mut EntryState<'s, 's> {
    // SAFETY: by the caller's promise.
    unsafe { &mut *context.state.cast() }
}

/// Hands the process what the context has, and the frames of calls that were unwound.
///
/// # Safety
/// All lanes are at home, compiled code has set the window and `pc` of the context, and has left or does
/// nothing meanwhile.
unsafe fn put_back(context: &Context, calls: &[Frame]) {
    // SAFETY: by the caller's promise.
    let state = unsafe { state(context) };
    *state.flag() = context.flag != 0;
    *state.remainder() = context.remainder;
    *state.loop_counter() = context.counter;
    state.set_fuel(context.fuel);
    let window = distance::<Register>(context.registers.addr(), context.window.addr());
    // SAFETY: compiled code makes frames for calls that it has made; slides to windows that have all
    // their registers; and its `pc` is an instruction at which it left, or one that a frame returns to.
    unsafe { state.resume_at(context.pc as u32, window as u32, calls) };
}

/// [`Context::step`].
///
/// # Safety
/// Only compiled code calls it, with the context that it was given, with all lanes at home.
unsafe extern "C" fn step(context: *mut Context) -> i64 {
    // SAFETY: compiled code does nothing meanwhile, and `enter` waits for it.
    let context = unsafe { &mut *context };
    let next = context.pc + 1;
    // SAFETY: by the caller's promise. The calls that are under way have no frames yet, and an
    // instruction does not look at them.
    unsafe { put_back(context, &[]) };
    // SAFETY: the same.
    let state = unsafe { state(context) };
    // Nothing may unwind through compiled code.
    let stepped = catch_unwind(AssertUnwindSafe(|| state.step())).unwrap_or_else(|panic| {
        context.panic = Some(panic);
        Stepped::Stopped
    });
    let layout = state.layout();
    let is_in_place = layout.registers.0 == context.registers
        && layout.heap == (context.heap, context.heap_length);
    context.pc = u64::from(state.pc());
    context.flag = u64::from(*state.flag());
    context.remainder = *state.remainder();
    context.counter = *state.loop_counter();
    context.fuel = state.fuel();
    if !is_in_place {
        context.window = layout.window;
        context.registers = layout.registers.0;
    }
    match stepped {
        Stepped::Done if is_in_place && context.pc == next => 0,
        Stepped::Done => Leave::Moved as i64,
        Stepped::OutOfFuel => Leave::OutOfFuel as i64,
        Stepped::Stopped => Leave::Stopped as i64,
    }
}

/// [`Context::beside`].
///
/// # Safety
/// Only compiled code calls it, with the context that it was given and its window, and with the lanes
/// at home that the instruction reads.
unsafe extern "C" fn beside(
    context: *mut Context,
    index: u64,
    window: *mut Register,
    fuel: i64,
) -> i64 {
    // SAFETY: as in `step`.
    let context = unsafe { &mut *context };
    // SAFETY: as in `step`.
    let state = unsafe { state(context) };
    let window = distance::<Register>(context.registers.addr(), window.addr());
    *state.flag() = context.flag != 0;
    let left = state.do_beside(index as u32, window as u32, fuel).unwrap_or(NOT_DONE);
    context.flag = u64::from(*state.flag());
    left
}

/// How many values of a type lie between two addresses.
fn distance<T>(from: usize, to: usize) -> usize {
    to.wrapping_sub(from) / size_of::<T>()
}
