//! The handler of each instruction, for each combination of where its operands come from.
#![allow(unsafe_code)]

use iridium_isa::Opcode;

use super::threaded::{Handler, define_handler, proceed, slow_path};
use crate::interp::machine::{Exit, Machine, MachineParts, Run};
use crate::interp::op::Op;
use crate::interp::semantics;
use crate::register::Register;

macro_rules! single {
    ($(
        #[doc = $doc:literal]
        $function:ident $variant:ident = $number:literal $mnemonic:literal { $($operand:ident: $kind:ident),* }
        $flow:ident $fuel:ident $(($cost:literal))? $path:ident;
    )+) => {
        mod fast {
            use super::*;
            $(single!(@define $path $function);)+
        }

        /// The handler that does just this instruction, with its operands from where `F` says.
        pub(super) fn single<const F: usize>(opcode: Opcode) -> Handler {
            match opcode {
                $(Opcode::$variant => single!(@name $path $function),)+
            }
        }
    };
    (@define fast $function:ident) => {
        define_handler! {
            fn $function<const F>(machine) {
                let mut machine = machine.with_sources::<F>();
                let step = semantics::$function(&mut machine);
                proceed(machine, step)
            }
        }
    };
    (@define slow $function:ident) => {};
    (@name fast $function:ident) => { fast::$function::<F> };
    (@name slow $function:ident) => { slow_path };
}

iridium_isa::for_each_instruction!(single);
