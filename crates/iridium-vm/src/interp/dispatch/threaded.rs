//! Dispatch by tail calls from handler to handler.

#![allow(unsafe_code)]

use super::super::code::Op;
use super::super::{forward, fuse, semantics};
use super::{Exit, Machine, Run, Step, out_of_line, stop_before};
use crate::isa::{Instruction, Opcode};
use crate::process::Register;

/// Does the instruction at `pc` and goes on with those after it. The arguments are the parts of a
/// [`Machine`], which so stay in machine registers.
pub(in super::super) type Handler =
    for<'r> fn(*const Op, *mut Register, *mut Run<'r>, i64, *mut u8, i64, f64) -> Exit;

/// Defines a handler as a function of a machine.
macro_rules! define_handler {
    ($(#[$attribute:meta])* fn $name:ident $(<$(const $constant:ident),+>)? ($machine:ident) $body:block) => {
        $(#[$attribute])*
        pub(in crate::interp) fn $name $(<$(const $constant: usize),+>)? (
            pc: *const Op,
            window: *mut Register,
            run: *mut Run<'_>,
            fuel: i64,
            heap: *mut u8,
            int: i64,
            float: f64,
        ) -> Exit {
            let $machine: Machine<'_> = Machine { pc, window, run, fuel, heap, int, float, before: int };
            $body
        }
    };
}
pub(in super::super) use define_handler;

/// Runs until something stops it.
pub(super) fn go(run: &mut Run<'_>) -> Exit {
    let machine = run.machine();
    #[cfg(iridium_tail_calls)]
    return land(machine);
    #[cfg(not(iridium_tail_calls))]
    return drive(machine);
}

/// Goes on with a handler. In tail position this is a jump.
#[cfg(iridium_tail_calls)]
#[inline(always)]
fn call(handler: Handler, m: Machine<'_>) -> Exit {
    handler(m.pc, m.window, m.run, m.fuel, m.heap, m.int, m.float)
}

/// Goes on with the handler of the instruction at hand.
#[cfg(iridium_tail_calls)]
#[inline(always)]
fn next(machine: Machine<'_>) -> Exit {
    call(machine.op().handler, machine)
}

/// Goes on where nothing is known of what ran before.
#[cfg(iridium_tail_calls)]
#[inline(always)]
fn land(machine: Machine<'_>) -> Exit {
    call(plain(machine.op().opcode), machine)
}

#[cfg(not(iridium_tail_calls))]
use self::driven::{call, drive, land, next};

/// Going on without tail calls: a handler says what comes next and returns to the driver.
#[cfg(not(iridium_tail_calls))]
mod driven {
    use super::{Exit, Handler, Machine, plain};

    pub(super) fn call(handler: Handler, m: Machine<'_>) -> Exit {
        handler(m.pc, m.window, m.run, m.fuel, m.heap, m.int, m.float)
    }

    pub(super) fn next(mut machine: Machine<'_>) -> Exit {
        let run = machine.run();
        run.lands = false;
        leave(machine)
    }

    pub(super) fn land(mut machine: Machine<'_>) -> Exit {
        machine.run().lands = true;
        leave(machine)
    }

    fn leave(machine: Machine<'_>) -> Exit {
        let run = machine.run;
        // SAFETY: the machine had the run to itself and is now kept by it.
        unsafe { (*run).between = Some(machine) };
        Exit::Again
    }

    /// Calls handler after handler.
    pub(super) fn drive(mut machine: Machine<'_>) -> Exit {
        let run = machine.run;
        let mut lands = true;
        loop {
            let opcode = machine.op().opcode;
            let handler = if lands { plain(opcode) } else { machine.op().handler };
            match call(handler, machine) {
                Exit::Again => {}
                exit => return exit,
            }
            // SAFETY: the handler that said `Again` has returned, so nothing else borrows the run.
            let (kept, landing) = unsafe { ((*run).between.take(), (*run).lands) };
            let Some(kept) = kept else { return Exit::OutOfFuel };
            (machine, lands) = (kept, landing);
        }
    }
}

/// Goes on after an instruction.
#[inline(always)]
pub(in super::super) fn proceed<const F: usize>(machine: Machine<'_, F>, step: Step) -> Exit {
    let mut machine = machine.forward::<{ forward::NONE }>();
    match step {
        Step::Next => {
            machine.advance();
            next(machine)
        }
        Step::Moved => next(machine),
        Step::Landed => land(machine),
        Step::General => call(general, machine),
        Step::OutOfFuel => call(out_of_fuel, machine),
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

/// The handler for the first of these instructions, when control comes to it from `before` only: a
/// fused one if there is one for what follows.
pub(in super::super) fn handler(before: Option<&Instruction>, code: &[Instruction]) -> Handler {
    let Some(first) = code.first() else { return general };
    let forwarded = before.map_or(forward::NONE, |before| forward::forwarded(before, first));
    fuse::handler(forwarded, code).unwrap_or_else(|| match forwarded {
        forward::FIRST => single::<{ forward::FIRST }>(first.opcode()),
        forward::SECOND => single::<{ forward::SECOND }>(first.opcode()),
        forward::TWICE => single::<{ forward::TWICE }>(first.opcode()),
        _ => plain(first.opcode()),
    })
}

/// The handler that does just this instruction and reads all operands from their registers.
pub(in super::super) fn plain(opcode: Opcode) -> Handler {
    single::<{ forward::NONE }>(opcode)
}

macro_rules! single {
    ($(
        #[doc = $doc:literal]
        $function:ident $variant:ident $mnemonic:literal { $($operand:ident: $kind:ident),* }
        $flow:ident $fuel:ident $(($cost:literal))? $path:ident;
    )+) => {
        mod handlers {
            use super::*;
            $(single!(@define $path $function);)+
        }

        /// The handler that does just this instruction.
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

crate::for_each_instruction!(single);
