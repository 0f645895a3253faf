//! Dispatch by a loop around a `match`.

use super::super::semantics;
use super::{Exit, Machine, Run, Step, out_of_line, stop_before};
use crate::isa::Opcode;

/// Runs until something stops it, or with `STEP` for one instruction.
pub(super) fn go<const STEP: bool>(run: &mut Run<'_>) -> Exit {
    let mut machine = run.machine();
    loop {
        match execute(&mut machine) {
            Step::Next => machine.advance(),
            Step::Moved | Step::Landed => {}
            Step::OutOfFuel => return stop_before(machine),
            Step::General => match out_of_line(machine) {
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

macro_rules! execute {
    ($(
        #[doc = $doc:literal]
        $function:ident $variant:ident $mnemonic:literal { $($operand:ident: $kind:ident),* }
        $flow:ident $fuel:ident $(($cost:literal))? $path:ident;
    )+) => {
        #[inline(always)]
        fn execute(machine: &mut Machine<'_>) -> Step {
            match machine.op().opcode {
                $(Opcode::$variant => execute!(@ $path $function machine),)+
            }
        }
    };
    (@ fast $function:ident $machine:ident) => { semantics::$function($machine) };
    (@ general $function:ident $machine:ident) => { Step::General };
}

crate::for_each_instruction!(execute);
