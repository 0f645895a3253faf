//! Dispatch by tail calls from handler to handler.

#![allow(unsafe_code)]

use super::looped;
use super::stops::{Entered, enter_hook, out_of_line, stop_after, stop_before};
use crate::interp::machine::{Exit, Machine, MachineParts, Run, Step};
use crate::interp::op::Op;
use crate::interp::register_cache::NONE;
use crate::register::Register;

/// Does the instruction at `pc` and goes on with those after it. The arguments are the
/// [`MachineParts`] of
/// a machine, which so stay in machine registers: on x86-64 there are six for integers and pointers,
/// and the fourth is the one for shift counts, so it has the value that is needed least often.
///
/// Calling it is only allowed with the parts of a machine that is used no more, and whose
/// current instruction has this handler.
pub(in crate::interp) type Handler =
    for<'r> unsafe fn(*const Op, *mut Register, *mut Run<'r>, i64, i64, i64, f64, f64) -> Exit;

/// Defines a handler as a function of a machine.
macro_rules! define_handler {
    ($(#[$attribute:meta])* fn $name:ident $(<$(const $constant:ident),+>)? ($machine:ident) $body:block) => {
        $(#[$attribute])*
        #[allow(clippy::too_many_arguments, reason = "each is to have a machine register")]
        pub(in crate::interp) unsafe fn $name $(<$(const $constant: usize),+>)? (
            pc: *const Op,
            window: *mut Register,
            run: *mut Run<'_>,
            kept_int: i64,
            fuel: i64,
            int: i64,
            float: f64,
            kept_float: f64,
        ) -> Exit {
            let (int, float) = ([int, kept_int], [float, kept_float]);
            let parts = MachineParts { pc, window, run, fuel, int, float };
            // SAFETY: a handler is called with the parts of a machine.
            let machine: Machine<'_> = unsafe { Machine::from_parts(parts) };
            let $machine = machine;
            $body
        }
    };
}
pub(in crate::interp) use define_handler;

/// A handler as an address, as an op has it.
pub(in crate::interp) fn erase(handler: Handler) -> *mut () {
    handler as *mut ()
}

/// The handler of the current instruction.
#[inline(always)]
fn own_handler<const F: usize>(machine: &Machine<'_, F>) -> Handler {
    // SAFETY: all that is ever stored in an op is an `erase`d handler.
    unsafe { std::mem::transmute::<*mut (), Handler>(machine.op().handler.load()) }
}

/// Runs until something stops it.
pub(super) fn go(run: &mut Run<'_>) -> Exit {
    // SAFETY: the caller's reference is not used until the machine is put back.
    let machine = unsafe { run.machine() };
    #[cfg(iridium_tail_calls)]
    return refill_and_go_on(machine);
    #[cfg(not(iridium_tail_calls))]
    return trampoline(machine);
}

/// Goes on with a handler. In tail position this is a jump.
///
/// # Safety
/// The handler goes with the current instruction.
#[inline(always)]
unsafe fn call(handler: Handler, machine: Machine<'_>) -> Exit {
    let MachineParts { pc, window, run, fuel, int, float } = machine.into_parts();
    // SAFETY: these are the parts of a machine, and the rest is the caller's promise.
    unsafe { handler(pc, window, run, int[1], fuel, int[0], float[0], float[1]) }
}

/// Goes on with the handler of the current instruction.
#[cfg(iridium_tail_calls)]
#[inline(always)]
fn next(machine: Machine<'_>) -> Exit {
    // SAFETY: it is the instruction's own.
    unsafe { call(own_handler(&machine), machine) }
}

/// Goes on after a transfer of control that the dataflow analysis does not cover: the cache is
/// refilled first.
#[inline(always)]
fn refill_and_go_on(mut machine: Machine<'_>) -> Exit {
    machine.refill();
    next(machine)
}

#[cfg(not(iridium_tail_calls))]
use self::driven::{next, trampoline};

/// Going on without tail calls: a handler returns to the driver, which calls the next one.
#[cfg(not(iridium_tail_calls))]
mod driven {
    use super::{Exit, Machine, call, own_handler};

    pub(super) fn next(machine: Machine<'_>) -> Exit {
        let parts = machine.into_parts();
        // SAFETY: the machine had the run to itself, and is gone but for its parts.
        unsafe { (*parts.run).between = Some(parts) };
        Exit::Again
    }

    /// Calls handler after handler.
    pub(super) fn trampoline(mut machine: Machine<'_>) -> Exit {
        machine.refill();
        let mut parts = machine.into_parts();
        loop {
            // SAFETY: these are the parts of a machine that is used no more.
            let machine = unsafe { Machine::from_parts(parts) };
            // SAFETY: the handler is the instruction's own.
            match unsafe { call(own_handler(&machine), machine) } {
                Exit::Again => {}
                exit => return exit,
            }
            // SAFETY: the handler that said `Again` has returned, so nothing else reaches the run.
            match unsafe { (*parts.run).between.take() } {
                Some(between) => parts = between,
                None => return Exit::OutOfFuel,
            }
        }
    }
}

/// Goes on after an instruction.
#[inline(always)]
pub(in crate::interp) fn proceed<const F: usize>(machine: Machine<'_, F>, step: Step) -> Exit {
    let mut machine = machine.with_sources::<NONE>();
    match step {
        Step::Next => {
            // SAFETY: it says that it goes on.
            unsafe { machine.advance() };
            next(machine)
        }
        Step::Moved => next(machine),
        Step::Landed => refill_and_go_on(machine),
        // SAFETY: an instruction that waits is one that goes on to the next.
        Step::Waits => unsafe { stop_after(machine) },
        // SAFETY: these two go with any instruction.
        Step::SlowPath => unsafe { call(slow_path, machine) },
        // SAFETY: as above.
        Step::OutOfFuel => unsafe { call(out_of_fuel, machine) },
    }
}

define_handler! {
    /// The handler of instructions that run out of line.
    #[cold]
    #[inline(never)]
    fn slow_path(machine) {
        match out_of_line(machine) {
            Ok(machine) => refill_and_go_on(machine),
            Err(exit) => exit,
        }
    }
}

define_handler! {
    /// The handler of instructions at which another engine may take over.
    #[cold]
    #[inline(never)]
    fn entry(machine) {
        match enter_hook(machine) {
            Ok(Entered::Continue(machine)) => refill_and_go_on(machine),
            Ok(Entered::Interpret(machine)) if machine.op().marks.is_toll() => do_toll(machine),
            Ok(Entered::Interpret(machine)) => do_one(machine),
            Err(exit) => exit,
        }
    }
}

define_handler! {
    /// Ends dispatch before the instruction at `pc`.
    #[cold]
    #[inline(never)]
    fn out_of_fuel(machine) {
        stop_before(machine)
    }
}

define_handler! {
    /// The handler of an instruction that must [refill](super::super::dataflow) for those after it.
    #[inline(never)]
    fn refilling(machine) {
        do_one(machine)
    }
}

define_handler! {
    /// The handler of a [toll](iridium_isa::tolls()).
    #[inline(never)]
    fn toll(machine) {
        do_toll(machine)
    }
}

/// Does the current instruction without the register cache, and goes on.
#[inline(always)]
fn do_one(mut machine: Machine<'_>) -> Exit {
    let step = looped::execute(&mut machine);
    refill_after(machine, step)
}

/// Does the current instruction, which is a toll, without the register cache, and goes on.
#[inline(always)]
fn do_toll(mut machine: Machine<'_>) -> Exit {
    let step = looped::execute_toll(&mut machine);
    refill_after(machine, step)
}

/// Goes on after an instruction that was done without the register cache.
#[inline(always)]
fn refill_after(mut machine: Machine<'_>, step: Step) -> Exit {
    match step {
        Step::Next => {
            // SAFETY: it says that it goes on.
            unsafe { machine.advance() };
            refill_and_go_on(machine)
        }
        Step::Moved => refill_and_go_on(machine),
        other => proceed(machine, other),
    }
}
