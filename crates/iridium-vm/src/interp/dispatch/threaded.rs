//! Dispatch by tail calls from handler to handler.

#![allow(unsafe_code)]

use super::super::code::Op;
use super::super::{fuse, semantics};
use super::{Exit, Machine, Run, Step, out_of_line, stop_before};
use crate::isa::Opcode;
use crate::process::Register;

/// Does the instruction at `pc` and goes on with those after it.
pub(in super::super) type Handler =
    for<'r> fn(*const Op, *mut Register, *mut Run<'r>, i64, *mut u8, usize) -> Exit;

/// Runs until something stops it.
pub(super) fn go(run: &mut Run<'_>) -> Exit {
    let machine = Run::machine(run);
    #[cfg(iridium_tail_calls)]
    return next(machine);
    #[cfg(not(iridium_tail_calls))]
    return drive(machine);
}

/// Calls the handler of the instruction at hand. In tail position this is a jump.
#[inline(always)]
fn call(m: Machine<'_>) -> Exit {
    (m.op().handler)(m.pc, m.window, m.run, m.fuel, m.heap, m.heap_length)
}

#[cfg(iridium_tail_calls)]
#[inline(always)]
fn next(machine: Machine<'_>) -> Exit {
    call(machine)
}

/// Leaves the next handler to the driver.
#[cfg(not(iridium_tail_calls))]
fn next(mut m: Machine<'_>) -> Exit {
    let parts = (m.pc, m.window, m.fuel, m.heap, m.heap_length, std::marker::PhantomData);
    m.run().between = Some(parts);
    Exit::Again
}

/// Calls handler after handler, for builds without tail calls.
#[cfg(not(iridium_tail_calls))]
fn drive(machine: Machine<'_>) -> Exit {
    let run = machine.run;
    let mut machine = machine;
    loop {
        match call(machine) {
            Exit::Again => {}
            exit => return exit,
        }
        // SAFETY: the handler that said `Again` has returned, so nothing else borrows the run.
        let Some((pc, window, fuel, heap, heap_length, _)) = (unsafe { (*run).between.take() }) else {
            return Exit::OutOfFuel;
        };
        machine = Machine { pc, window, run, fuel, heap, heap_length };
    }
}

/// Goes on after an instruction.
#[inline(always)]
pub(in super::super) fn proceed(mut machine: Machine<'_>, step: Step) -> Exit {
    match step {
        Step::Next => {
            machine.advance();
            next(machine)
        }
        Step::Moved => next(machine),
        Step::General => {
            let m = machine;
            general(m.pc, m.window, m.run, m.fuel, m.heap, m.heap_length)
        }
        Step::OutOfFuel => {
            let m = machine;
            out_of_fuel(m.pc, m.window, m.run, m.fuel, m.heap, m.heap_length)
        }
    }
}

/// The handler of instructions that run out of line.
#[cold]
#[inline(never)]
fn general(
    pc: *const Op,
    window: *mut Register,
    run: *mut Run<'_>,
    fuel: i64,
    heap: *mut u8,
    heap_length: usize,
) -> Exit {
    match out_of_line(Machine { pc, window, run, fuel, heap, heap_length }) {
        Ok(machine) => next(machine),
        Err(exit) => exit,
    }
}

/// Ends dispatch before the instruction at `pc`.
#[cold]
#[inline(never)]
fn out_of_fuel(
    pc: *const Op,
    window: *mut Register,
    run: *mut Run<'_>,
    fuel: i64,
    heap: *mut u8,
    heap_length: usize,
) -> Exit {
    stop_before(Machine { pc, window, run, fuel, heap, heap_length })
}

/// The handler for the first of these ops: a fused one when there is one for what follows.
pub(in super::super) fn handler(ops: &[Op]) -> Handler {
    match ops.first() {
        Some(first) => fuse::handler(ops).unwrap_or_else(|| single(first.opcode)),
        None => general,
    }
}

/// A handler from what an instruction does.
macro_rules! define_handler {
    ($name:ident, $semantics:path) => {
        pub(super) fn $name(
            pc: *const Op,
            window: *mut Register,
            run: *mut Run<'_>,
            fuel: i64,
            heap: *mut u8,
            heap_length: usize,
        ) -> Exit {
            let mut machine = Machine { pc, window, run, fuel, heap, heap_length };
            let step = $semantics(&mut machine);
            proceed(machine, step)
        }
    };
}
pub(in super::super) use define_handler;

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
        fn single(opcode: Opcode) -> Handler {
            match opcode {
                $(Opcode::$variant => single!(@name $path $function),)+
            }
        }
    };
    (@define fast $function:ident) => {
        define_handler!($function, semantics::$function);
    };
    (@define general $function:ident) => {};
    (@name fast $function:ident) => { handlers::$function };
    (@name general $function:ident) => { general };
}

crate::for_each_instruction!(single);
