//! Dispatch by a loop around a `match`.

#![allow(unsafe_code)]

use iridium_isa::Opcode;

use super::stops::{Entered, enter_hook, out_of_line, stop_after, stop_before};
use crate::interp::machine::{Exit, Machine, Run, Step};
use crate::interp::semantics;

/// Runs until something stops it, or with `STEP` for one instruction.
pub(super) fn go<const STEP: bool>(run: &mut Run<'_>) -> Exit {
    // SAFETY: the caller's reference is not used until the machine is put back.
    let mut machine = unsafe { run.machine() };
    loop {
        if !STEP && machine.op().marks.is_hooked() {
            match enter_hook(machine) {
                Ok(Entered::Continue(next)) => {
                    machine = next;
                    continue;
                }
                Ok(Entered::Interpret(next)) => machine = next,
                Err(exit) => return exit,
            }
        }
        let step = if machine.op().marks.is_toll() {
            execute_toll(&mut machine)
        } else {
            execute(&mut machine)
        };
        match step {
            // SAFETY: it says that it goes on.
            Step::Next => unsafe { machine.advance() },
            Step::Moved | Step::Landed => {}
            // SAFETY: an instruction that waits is one that goes on to the next.
            Step::Waits => return unsafe { stop_after(machine) },
            Step::OutOfFuel => return stop_before(machine),
            Step::SlowPath => match out_of_line(machine) {
                Ok(next) => machine = next,
                Err(exit) => return exit,
            },
        }
        if STEP {
            machine.put_back();
            return Exit::Stepped;
        }
    }
}

/// Does the current instruction, which is a [toll](iridium_isa::tolls()).
#[inline(always)]
pub(super) fn execute_toll(machine: &mut Machine<'_>) -> Step {
    if !machine.has_fuel() {
        return Step::OutOfFuel;
    }
    let step = execute(machine);
    // A branch that is taken has paid, and the slow path pays for what it does.
    if step == Step::Next {
        machine.pay();
    }
    step
}

macro_rules! execute {
    ($(
        #[doc = $doc:literal]
        $function:ident $variant:ident = $number:literal $mnemonic:literal { $($operand:ident: $kind:ident),* }
        $flow:ident $fuel:ident $(($cost:literal))? $path:ident;
    )+) => {
        /// Does the current instruction.
        #[inline(always)]
        pub(super) fn execute(machine: &mut Machine<'_>) -> Step {
            match machine.op().opcode {
                $(Opcode::$variant => execute!(@ $path $function machine),)+
            }
        }
    };
    (@ fast $function:ident $machine:ident) => { semantics::$function($machine) };
    (@ slow $function:ident $machine:ident) => { Step::SlowPath };
}

iridium_isa::for_each_instruction!(execute);
