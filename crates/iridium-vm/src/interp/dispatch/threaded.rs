//! Dispatch by tail calls from handler to handler.

#![allow(unsafe_code)]

use super::super::code::Op;
use super::super::forward::NONE;
use super::super::ways::Ways;
use super::super::{fuse, semantics};
use super::{Exit, Machine, Parts, Run, Step, looped, out_of_line, stop_before};
use crate::process::Register;
use iridium_isa::{Instruction, Opcode};

/// Does the instruction at `pc` and goes on with those after it. The arguments are the [`Parts`] of
/// a machine, which so stay in machine registers: on x86-64 there are six for integers and pointers,
/// and the fourth is the one for shift counts, so it has the value that is needed least often.
///
/// Calling it is only allowed with the parts of a machine that is used no more, and whose
/// instruction at hand has this handler.
pub(in super::super) type Handler =
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
            let parts = Parts { pc, window, run, fuel, int, float };
            // SAFETY: a handler is called with the parts of a machine.
            let machine: Machine<'_> = unsafe { Machine::from_parts(parts) };
            let $machine = machine;
            $body
        }
    };
}
pub(in super::super) use define_handler;

/// Runs until something stops it.
pub(super) fn go(run: &mut Run<'_>) -> Exit {
    // SAFETY: the caller's reference is not used until the machine is put back.
    let machine = unsafe { run.machine() };
    #[cfg(iridium_tail_calls)]
    return land(machine);
    #[cfg(not(iridium_tail_calls))]
    return drive(machine);
}

/// Goes on with a handler. In tail position this is a jump.
///
/// # Safety
/// The handler goes with the instruction at hand.
#[inline(always)]
unsafe fn call(handler: Handler, machine: Machine<'_>) -> Exit {
    let Parts { pc, window, run, fuel, int, float } = machine.into_parts();
    // SAFETY: these are the parts of a machine, and the rest is the caller's promise.
    unsafe { handler(pc, window, run, int[1], fuel, int[0], float[0], float[1]) }
}

/// Goes on with the handler of the instruction at hand.
#[cfg(iridium_tail_calls)]
#[inline(always)]
fn next(machine: Machine<'_>) -> Exit {
    // SAFETY: it is the instruction's own.
    unsafe { call(machine.op().handler, machine) }
}

/// Goes on where control did not come on a way that [`forward`](super::super::forward) knows.
#[inline(always)]
fn land(mut machine: Machine<'_>) -> Exit {
    machine.fetch();
    next(machine)
}

#[cfg(not(iridium_tail_calls))]
use self::driven::{drive, next};

/// Going on without tail calls: a handler returns to the driver, which calls the next one.
#[cfg(not(iridium_tail_calls))]
mod driven {
    use super::{Exit, Machine, call};

    pub(super) fn next(machine: Machine<'_>) -> Exit {
        let parts = machine.into_parts();
        // SAFETY: the machine had the run to itself, and is gone but for its parts.
        unsafe { (*parts.run).between = Some(parts) };
        Exit::Again
    }

    /// Calls handler after handler.
    pub(super) fn drive(mut machine: Machine<'_>) -> Exit {
        machine.fetch();
        let mut parts = machine.into_parts();
        loop {
            // SAFETY: these are the parts of a machine that is used no more.
            let machine = unsafe { Machine::from_parts(parts) };
            // SAFETY: the handler is the instruction's own.
            match unsafe { call(machine.op().handler, machine) } {
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
pub(in super::super) fn proceed<const F: usize>(machine: Machine<'_, F>, step: Step) -> Exit {
    let mut machine = machine.forward::<NONE>();
    match step {
        Step::Next => {
            // SAFETY: it says that it goes on.
            unsafe { machine.advance() };
            next(machine)
        }
        Step::Moved => next(machine),
        Step::Landed => land(machine),
        // SAFETY: these two go with any instruction.
        Step::General => unsafe { call(general, machine) },
        // SAFETY: as above.
        Step::OutOfFuel => unsafe { call(out_of_fuel, machine) },
    }
}

define_handler! {
    /// The handler of instructions that run out of line.
    #[cold]
    #[inline(never)]
    fn general(machine) {
        match out_of_line(machine) {
            Ok(machine) => land(machine),
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
    /// The handler of an instruction that must [fetch](super::super::ways) for those after it.
    #[inline(never)]
    fn fetching(machine) {
        let mut machine = machine;
        match looped::execute(&mut machine) {
            Step::Next => {
                // SAFETY: it says that it goes on.
                unsafe { machine.advance() };
                land(machine)
            }
            Step::Moved => land(machine),
            other => proceed(machine, other),
        }
    }
}

/// The handler for an instruction: a fused one if there is one for it and the next.
pub(in super::super) fn handler(ways: &Ways, code: &[Instruction], index: usize) -> Handler {
    if ways.fetches[index] {
        return fetching;
    }
    let (first, at_hand) = (&code[index], ways.at_hand[index]);
    let second = code.get(index + 1).filter(|_| !ways.fetches[index + 1]);
    let fused = second.and_then(|second| fuse::handler(at_hand, first, second));
    fused.unwrap_or_else(|| match at_hand.form(&first.slots()) {
        1 => single::<1>(first.opcode()),
        2 => single::<2>(first.opcode()),
        3 => single::<3>(first.opcode()),
        4 => single::<4>(first.opcode()),
        5 => single::<5>(first.opcode()),
        6 => single::<6>(first.opcode()),
        7 => single::<7>(first.opcode()),
        8 => single::<8>(first.opcode()),
        _ => single::<NONE>(first.opcode()),
    })
}

macro_rules! single {
    ($(
        #[doc = $doc:literal]
        $function:ident $variant:ident = $number:literal $mnemonic:literal { $($operand:ident: $kind:ident),* }
        $flow:ident $fuel:ident $(($cost:literal))? $path:ident;
    )+) => {
        mod handlers {
            use super::*;
            $(single!(@define $path $function);)+
        }

        /// The handler that does just this instruction, with its operands from where `F` says.
        fn single<const F: usize>(opcode: Opcode) -> Handler {
            match opcode {
                $(Opcode::$variant => single!(@name $path $function),)+
            }
        }
    };
    (@define fast $function:ident) => {
        define_handler! {
            fn $function<const F>(machine) {
                let mut machine = machine.forward::<F>();
                let step = semantics::$function(&mut machine);
                proceed(machine, step)
            }
        }
    };
    (@define general $function:ident) => {};
    (@name fast $function:ident) => { handlers::$function::<F> };
    (@name general $function:ident) => { general };
}

iridium_isa::for_each_instruction!(single);
