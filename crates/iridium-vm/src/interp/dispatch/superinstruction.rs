//! Superinstructions: pairs of instructions with one handler.
//!
//! Such a handler does its instructions one after the other with the same semantics, reading each
//! from its own op; all it saves is the way from one to the other. So a jump to the second finds
//! that one's own handler, and a stop between the two stands at the second.

#![allow(unsafe_code)]

use iridium_isa::{Instruction, Opcode};

use super::threaded::{Handler, define_handler, proceed};
use crate::interp::machine::{Exit, Machine, MachineParts, Run, Step};
use crate::interp::op::Op;
use crate::interp::register_cache::{CachedRegisters, Write};
use crate::interp::semantics;
use crate::register::Register;

/// The handler for a pair of instructions, with this in the register cache before the first.
pub(super) fn handler(
    cached: CachedRegisters,
    first: &Instruction,
    second: &Instruction,
) -> Option<Handler> {
    // Most pairs have no handler of their own, and then nobody needs to know.
    let forms = || {
        let after = cached.after(Write::of(first));
        (cached.form(&first.slots()), after.form(&second.slots()))
    };
    pair(forms, first.opcode(), second.opcode())
}

/// Picks the handler whose forms are these. How many forms an instruction has depends on how many
/// registers it reads.
macro_rules! pick {
    ($forms:ident $first:ident 0 $second:ident $reads:tt) => {
        pick!(@ $forms $first 0 $second $reads)
    };
    ($forms:ident $first:ident 1 $second:ident $reads:tt) => {
        match $forms.0 {
            1 => pick!(@ $forms $first 1 $second $reads),
            2 => pick!(@ $forms $first 2 $second $reads),
            _ => pick!(@ $forms $first 0 $second $reads),
        }
    };
    ($forms:ident $first:ident 2 $second:ident $reads:tt) => {
        match $forms.0 {
            1 => pick!(@ $forms $first 1 $second $reads),
            2 => pick!(@ $forms $first 2 $second $reads),
            3 => pick!(@ $forms $first 3 $second $reads),
            4 => pick!(@ $forms $first 4 $second $reads),
            5 => pick!(@ $forms $first 5 $second $reads),
            6 => pick!(@ $forms $first 6 $second $reads),
            7 => pick!(@ $forms $first 7 $second $reads),
            8 => pick!(@ $forms $first 8 $second $reads),
            _ => pick!(@ $forms $first 0 $second $reads),
        }
    };
    (@ $forms:ident $first:ident $form:literal $second:ident 0) => {
        handlers::$first::$second::<$form, 0>
    };
    (@ $forms:ident $first:ident $form:literal $second:ident 1) => {
        match $forms.1 {
            1 => handlers::$first::$second::<$form, 1>,
            2 => handlers::$first::$second::<$form, 2>,
            _ => handlers::$first::$second::<$form, 0>,
        }
    };
    (@ $forms:ident $first:ident $form:literal $second:ident 2) => {
        match $forms.1 {
            1 => handlers::$first::$second::<$form, 1>,
            2 => handlers::$first::$second::<$form, 2>,
            3 => handlers::$first::$second::<$form, 3>,
            4 => handlers::$first::$second::<$form, 4>,
            5 => handlers::$first::$second::<$form, 5>,
            6 => handlers::$first::$second::<$form, 6>,
            7 => handlers::$first::$second::<$form, 7>,
            8 => handlers::$first::$second::<$form, 8>,
            _ => handlers::$first::$second::<$form, 0>,
        }
    };
}

/// `function Opcode reads + { … }`, where `reads` is the number of registers that it reads.
macro_rules! pairs {
    ($($first:ident $first_code:ident $first_reads:tt + {
        $($second:ident $second_code:ident $second_reads:tt),+ $(,)?
    })+) => {
        /// The handler for a pair, when it is one of those below, with operands from where the forms
        /// of both say.
        fn pair(
            forms: impl FnOnce() -> (usize, usize),
            first: Opcode,
            second: Opcode,
        ) -> Option<Handler> {
            Some(match (first, second) {
                $($((Opcode::$first_code, Opcode::$second_code) => {
                    #[allow(unused_variables, reason = "a pair that reads nothing has one form")]
                    let forms = forms();
                    pick!(forms $first $first_reads $second $second_reads)
                })+)+
                _ => return None,
            })
        }

        mod handlers {
            $(pub(super) mod $first {
                use super::super::*;
                $(define_handler! {
                    fn $second<const F, const G>(machine) {
                        let mut machine = machine.with_sources::<F>();
                        let step = semantics::$first(&mut machine);
                        if step != Step::Next {
                            return proceed(machine, step);
                        }
                        // SAFETY: it says that it goes on.
                        unsafe { machine.advance() };
                        let mut machine = machine.with_sources::<G>();
                        let step = semantics::$second(&mut machine);
                        proceed(machine, step)
                    }
                })+
            })+
        }
    };
}

pairs! {
    // Comparisons and the jump that asks for them.
    eq Eq 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    neq Neq 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    gt Gt 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    gte Gte 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    lt Lt 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    lte Lte 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    eqf64 EqF64 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    neqf64 NeqF64 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    gtf64 GtF64 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    gtef64 GteF64 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    ltf64 LtF64 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    ltef64 LteF64 2 + { djmpe Djmpe 0, djmpn Djmpn 0 }
    inc Inc 1 + { djmp Djmp 0, eq Eq 2, neq Neq 2, lt Lt 2, lte Lte 2, brlt Brlt 2, brle Brle 2, brne Brne 2, brlti Brlti 1, brnei Brnei 1 }
    dec Dec 1 + { djmp Djmp 0, eq Eq 2, neq Neq 2, gt Gt 2, gte Gte 2, brgt Brgt 2, brge Brge 2, brne Brne 2, brgti Brgti 1, brnei Brnei 1 }

    // Counting and the end of a loop; arithmetic on what was just computed.
    addi Addi 1 + { addi Addi 1, add Add 2, andi Andi 1, muli Muli 1, ld8 Ld8 1, srai Srai 1, ldx8 Ldx8 2, djmp Djmp 0, brlt Brlt 2, brlti Brlti 1, brle Brle 2, brne Brne 2, brnei Brnei 1, brge Brge 2, brgt Brgt 2, callw Callw 0 }
    subi Subi 1 + { callw Callw 0, djmp Djmp 0, brgti Brgti 1, brgei Brgei 1, brnei Brnei 1, brne Brne 2, brge Brge 2 }
    add Add 2 + { add Add 2, addi Addi 1, sub Sub 2, mul Mul 2, xor Xor 2, slli Slli 1, srli Srli 1, ret Ret 0, brlt Brlt 2, brle Brle 2, ld64 Ld64 1, ldf64 LdF64 1 }
    sub Sub 2 + { add Add 2, mul Mul 2, brlt Brlt 2, brgt Brgt 2, brge Brge 2 }
    mul Mul 2 + { add Add 2, addi Addi 1, sub Sub 2, mul Mul 2, xor Xor 2, brgt Brgt 2, brle Brle 2 }
    muli Muli 1 + { add Add 2, addi Addi 1 }
    and And 2 + { breqi Breqi 1, brnei Brnei 1 }
    andi Andi 1 + { add Add 2, breqi Breqi 1, brnei Brnei 1 }
    rem Rem 2 + { breqi Breqi 1, brnei Brnei 1 }
    xor Xor 2 + { add Add 2, addi Addi 1, mul Mul 2, slli Slli 1, srli Srli 1, xor Xor 2 }
    slli Slli 1 + { add Add 2, or Or 2, xor Xor 2 }
    srli Srli 1 + { add Add 2, and And 2, andi Andi 1, or Or 2, xor Xor 2 }
    srai Srai 1 + { add Add 2, addi Addi 1, brnei Brnei 1 }
    mov Mov 1 + { djmp Djmp 0, load Load 0, mov Mov 1, callw Callw 0, ret Ret 0, drop_ Drop 1, ld32 Ld32 1 }
    load Load 0 + { add Add 2, load Load 0, mul Mul 2, breqi Breqi 1 }

    // What compiled code counts and indexes with.
    addci Addci 1 + { djmp Djmp 0, brlt Brlt 2, brlti Brlti 1, brle Brle 2, brge Brge 2, brgei Brgei 1, brne Brne 2, brnei Brnei 1, callw Callw 0 }
    subci Subci 1 + { callw Callw 0, breqi Breqi 1, brgti Brgti 1, brnei Brnei 1 }
    addc Addc 2 + { addci Addci 1, ret Ret 0, brle Brle 2, brne Brne 2, ldx8 Ldx8 2, ldx64 Ldx64 2, ldxf64 LdxF64 2 }
    mulci Mulci 1 + { addci Addci 1 }
    brsh Brsh 1 + { stx8 Stx8 2, stx64 Stx64 2, stxf64 StxF64 2 }
    ldx64 Ldx64 2 + { addc Addc 2 }
    ldx8 Ldx8 2 + { addc Addc 2, breqi Breqi 1, brnei Brnei 1 }
    stx8 Stx8 2 + { addc Addc 2, addci Addci 1 }
    stx64 Stx64 2 + { addci Addci 1 }

    // Memory.
    ld8 Ld8 1 + { add Add 2, breqi Breqi 1, brnei Brnei 1 }
    ld64 Ld64 1 + { add Add 2, ld64 Ld64 1, mul Mul 2, brnei Brnei 1, drop_ Drop 1, free Free 1 }
    ldf64 LdF64 1 + { addf64 AddF64 2, ldf64 LdF64 1, mulf64 MulF64 2 }
    st8 St8 2 + { add Add 2, addi Addi 1 }
    st64 St64 2 + { addi Addi 1, ret Ret 0 }
    stf64 StF64 2 + { addi Addi 1 }

    // Blocks: what recursive types are made of, walked and freed with.
    new New 0 + { st64 St64 2 }
    free Free 1 + { mov Mov 1, ret Ret 0 }
    drop_ Drop 1 + { djmp Djmp 0 }
    ld32 Ld32 1 + { st32 St32 2 }
    st32 St32 2 + { mov Mov 1, djmp Djmp 0 }

    // Floats.
    addf64 AddF64 2 + { addf64 AddF64 2, mulf64 MulF64 2, subf64 SubF64 2, movf64 MovF64 1, brgtf64 BrgtF64 2, brltf64 BrltF64 2, brlef64 BrleF64 2, addi Addi 1 }
    subf64 SubF64 2 + { addf64 AddF64 2, mulf64 MulF64 2, subf64 SubF64 2 }
    mulf64 MulF64 2 + { addf64 AddF64 2, divf64 DivF64 2, mulf64 MulF64 2, subf64 SubF64 2 }
    movf64 MovF64 1 + { mulf64 MulF64 2 }
    itof Itof 1 + { mulf64 MulF64 2 }
}
