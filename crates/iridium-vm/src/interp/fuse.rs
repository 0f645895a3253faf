//! Pairs of instructions that go as one handler.
//!
//! A fused handler does its instructions one after the other with the same semantics, reading each
//! from its own op; all it saves is the way from one to the other. So a jump to the second finds
//! that one's own handler, and a stop between the two stands at the second.

use super::code::Op;
use super::dispatch::{Handler, define_handler, proceed};
use super::forward::{self, BOTH, FIRST, NONE, SECOND, TWICE};
use super::machine::{Exit, Machine, Run, Step};
use super::semantics;
use crate::isa::{Instruction, Opcode};
use crate::process::Register;

/// A fused handler for the start of this code.
pub(super) fn handler(forwarded: usize, code: &[Instruction]) -> Option<Handler> {
    let (first, second) = (code.first()?, code.get(1)?);
    let within = forward::forwarded(first, second);
    if forwarded == FIRST && forward::still_at_hand(first, second) {
        return pair::<FIRST, BOTH>(first.opcode(), second.opcode());
    }
    match forwarded {
        NONE => after::<NONE>(within, first.opcode(), second.opcode()),
        FIRST => after::<FIRST>(within, first.opcode(), second.opcode()),
        SECOND => after::<SECOND>(within, first.opcode(), second.opcode()),
        _ => None,
    }
}

/// The handler for a pair whose first instruction is handed on `F`.
fn after<const F: usize>(within: usize, first: Opcode, second: Opcode) -> Option<Handler> {
    match within {
        NONE => pair::<F, NONE>(first, second),
        FIRST => pair::<F, FIRST>(first, second),
        SECOND => pair::<F, SECOND>(first, second),
        _ => pair::<F, TWICE>(first, second),
    }
}

macro_rules! pairs {
    ($($first:ident $first_code:ident + { $($second:ident $second_code:ident),+ $(,)? })+) => {
        /// The handler for a pair, when it is one of those below. `F` is what is handed on to the
        /// first, `G` to the second.
        fn pair<const F: usize, const G: usize>(first: Opcode, second: Opcode) -> Option<Handler> {
            Some(match (first, second) {
                $($((Opcode::$first_code, Opcode::$second_code) => handlers::$first::$second::<F, G>,)+)+
                _ => return None,
            })
        }

        mod handlers {
            $(pub(super) mod $first {
                use super::super::*;
                $(define_handler! {
                    fn $second<const F, const G>(machine) {
                        let mut machine = machine.forward::<F>();
                        let step = semantics::$first(&mut machine);
                        if step != Step::Next {
                            return proceed(machine, step);
                        }
                        machine.advance();
                        let mut machine = machine.forward::<G>();
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
    eq Eq + { djmpe Djmpe, djmpn Djmpn }
    neq Neq + { djmpe Djmpe, djmpn Djmpn }
    gt Gt + { djmpe Djmpe, djmpn Djmpn }
    gte Gte + { djmpe Djmpe, djmpn Djmpn }
    lt Lt + { djmpe Djmpe, djmpn Djmpn }
    lte Lte + { djmpe Djmpe, djmpn Djmpn }
    eqf64 EqF64 + { djmpe Djmpe, djmpn Djmpn }
    neqf64 NeqF64 + { djmpe Djmpe, djmpn Djmpn }
    gtf64 GtF64 + { djmpe Djmpe, djmpn Djmpn }
    gtef64 GteF64 + { djmpe Djmpe, djmpn Djmpn }
    ltf64 LtF64 + { djmpe Djmpe, djmpn Djmpn }
    ltef64 LteF64 + { djmpe Djmpe, djmpn Djmpn }
    inc Inc + { djmp Djmp, eq Eq, neq Neq, lt Lt, lte Lte, brlt Brlt, brle Brle, brne Brne, brlti Brlti, brnei Brnei }
    dec Dec + { djmp Djmp, eq Eq, neq Neq, gt Gt, gte Gte, brgt Brgt, brge Brge, brne Brne, brgti Brgti, brnei Brnei }

    // Counting and the end of a loop; arithmetic on what was just computed.
    addi Addi + { addi Addi, add Add, andi Andi, muli Muli, ld8 Ld8, srai Srai, djmp Djmp, brlt Brlt, brlti Brlti, brle Brle, brne Brne, brnei Brnei, brge Brge, brgt Brgt, callw Callw }
    subi Subi + { callw Callw, djmp Djmp, brgti Brgti, brgei Brgei, brnei Brnei, brne Brne, brge Brge }
    add Add + { add Add, addi Addi, sub Sub, mul Mul, xor Xor, slli Slli, srli Srli, ret Ret, brlt Brlt, brle Brle, ld64 Ld64, ldf64 LdF64 }
    sub Sub + { add Add, mul Mul, brlt Brlt, brgt Brgt, brge Brge }
    mul Mul + { add Add, addi Addi, sub Sub, mul Mul, xor Xor, brgt Brgt, brle Brle }
    muli Muli + { add Add, addi Addi }
    and And + { breqi Breqi, brnei Brnei }
    andi Andi + { add Add, breqi Breqi, brnei Brnei }
    rem Rem + { breqi Breqi, brnei Brnei }
    xor Xor + { add Add, addi Addi, mul Mul, slli Slli, srli Srli, xor Xor }
    slli Slli + { add Add, or Or, xor Xor }
    srli Srli + { add Add, and And, andi Andi, or Or, xor Xor }
    srai Srai + { add Add, addi Addi, brnei Brnei }
    mov Mov + { djmp Djmp, load Load, mov Mov }
    load Load + { add Add, load Load, mul Mul, breqi Breqi }

    // Memory.
    ld8 Ld8 + { add Add, breqi Breqi, brnei Brnei }
    ld64 Ld64 + { add Add, ld64 Ld64, mul Mul }
    ldf64 LdF64 + { addf64 AddF64, ldf64 LdF64, mulf64 MulF64 }
    st8 St8 + { add Add, addi Addi }
    st64 St64 + { addi Addi }
    stf64 StF64 + { addi Addi }

    // Floats.
    addf64 AddF64 + { addf64 AddF64, mulf64 MulF64, subf64 SubF64, movf64 MovF64, brgtf64 BrgtF64, brltf64 BrltF64, addi Addi }
    subf64 SubF64 + { addf64 AddF64, mulf64 MulF64, subf64 SubF64 }
    mulf64 MulF64 + { addf64 AddF64, divf64 DivF64, mulf64 MulF64, subf64 SubF64 }
    movf64 MovF64 + { mulf64 MulF64 }
    itof Itof + { mulf64 MulF64 }
}
