//! Which instructions of the machine one instruction of the middle becomes, when it needs no window.

use iridium_isa::Instruction as I;
use iridium_isa::operand::{
    Float, FloatOut, Int, IntOut, Lit32, Lit64, LitF64, Offset, Shift, Target,
};

use crate::mir::{BinaryOp, Compare, Elem, FloatOp, UnaryOp, Width};

/// An integer that is loaded.
pub(super) fn integer(d: u8, value: i64) -> I {
    I::Load { d: IntOut(d), n: Lit64(value) }
}

/// A float that is loaded. There is one NaN.
pub(super) fn float(d: u8, value: f64) -> I {
    let bits = if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() };
    I::LoadF64 { d: FloatOut(d), x: LitF64(bits) }
}

/// The place of a register, or a number.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source {
    Place(u8),
    Number(i32),
}

/// Whether the second operand may be a number.
pub(super) fn takes_number(op: BinaryOp) -> bool {
    !matches!(
        op,
        BinaryOp::Div
            | BinaryOp::Rem
            | BinaryOp::DivU
            | BinaryOp::RemU
            | BinaryOp::Min
            | BinaryOp::Max
    )
}

/// `None` when it does not take a number.
pub(super) fn binary(op: BinaryOp, d: u8, a: u8, b: Source) -> Option<I> {
    let (a, d) = (Int(a), IntOut(d));
    let number = match b {
        Source::Place(b) => return Some(binary_of_registers(op, d, a, Int(b))),
        Source::Number(number) => number,
    };
    let n = Lit32(number);
    // Shifts count modulo 64.
    let shift = Shift((number & 63) as u8);
    Some(match op {
        BinaryOp::Add => I::Addci { a, n, d },
        BinaryOp::Sub => I::Subci { a, n, d },
        BinaryOp::Mul => I::Mulci { a, n, d },
        BinaryOp::AddWrap => I::Addi { a, n, d },
        BinaryOp::SubWrap => I::Subi { a, n, d },
        BinaryOp::MulWrap => I::Muli { a, n, d },
        BinaryOp::And => I::Andi { a, n, d },
        BinaryOp::Or => I::Ori { a, n, d },
        BinaryOp::Xor => I::Xori { a, n, d },
        BinaryOp::Shl => I::Slli { a, n: shift, d },
        BinaryOp::Shr => I::Srai { a, n: shift, d },
        BinaryOp::ShrU => I::Srli { a, n: shift, d },
        BinaryOp::Div
        | BinaryOp::Rem
        | BinaryOp::DivU
        | BinaryOp::RemU
        | BinaryOp::Min
        | BinaryOp::Max => return None,
    })
}

fn binary_of_registers(op: BinaryOp, d: IntOut, a: Int, b: Int) -> I {
    match op {
        BinaryOp::Add => I::Addc { a, b, d },
        BinaryOp::Sub => I::Subc { a, b, d },
        BinaryOp::Mul => I::Mulc { a, b, d },
        BinaryOp::AddWrap => I::Add { a, b, d },
        BinaryOp::SubWrap => I::Sub { a, b, d },
        BinaryOp::MulWrap => I::Mul { a, b, d },
        BinaryOp::Div => I::Div { a, b, d },
        BinaryOp::Rem => I::Rem { a, b, d },
        BinaryOp::And => I::And { a, b, d },
        BinaryOp::Or => I::Or { a, b, d },
        BinaryOp::Xor => I::Xor { a, b, d },
        BinaryOp::Shl => I::Sll { a, b, d },
        BinaryOp::Shr => I::Sra { a, b, d },
        BinaryOp::ShrU => I::Srl { a, b, d },
        BinaryOp::DivU => I::Divu { a, b, d },
        BinaryOp::RemU => I::Remu { a, b, d },
        BinaryOp::Min => I::Min { a, b, d },
        BinaryOp::Max => I::Max { a, b, d },
    }
}

pub(super) fn unary(op: UnaryOp, d: u8, a: u8) -> I {
    let (int, int_out, float, float_out) = (Int(a), IntOut(d), Float(a), FloatOut(d));
    match op {
        UnaryOp::Neg => I::Negc { a: int, d: int_out },
        UnaryOp::Not => I::Not { a: int, d: int_out },
        UnaryOp::LeadingZeros => I::Clz { a: int, d: int_out },
        UnaryOp::TrailingZeros => I::Ctz { a: int, d: int_out },
        UnaryOp::CountOnes => I::Popcnt { a: int, d: int_out },
        UnaryOp::IntToFloat => I::Itof { a: int, d: float_out },
        UnaryOp::FloatToInt => I::Ftoi { a: float, d: int_out },
        UnaryOp::BitsOfFloat => I::BitsF64 { a: float, d: int_out },
        UnaryOp::FloatOfBits => I::F64Bits { a: int, d: float_out },
        UnaryOp::Sqrt => I::SqrtF64 { a: float, d: float_out },
        UnaryOp::AbsFloat => I::AbsF64 { a: float, d: float_out },
        UnaryOp::NegFloat => I::NegF64 { a: float, d: float_out },
        UnaryOp::Floor => I::FloorF64 { a: float, d: float_out },
        UnaryOp::Ceil => I::CeilF64 { a: float, d: float_out },
        UnaryOp::Trunc => I::TruncF64 { a: float, d: float_out },
        UnaryOp::Round => I::RoundF64 { a: float, d: float_out },
    }
}

pub(super) fn float_binary(op: FloatOp, d: u8, a: u8, b: u8) -> I {
    let (a, b, d) = (Float(a), Float(b), FloatOut(d));
    match op {
        FloatOp::Add => I::AddF64 { a, b, d },
        FloatOp::Sub => I::SubF64 { a, b, d },
        FloatOp::Mul => I::MulF64 { a, b, d },
        FloatOp::Div => I::DivF64 { a, b, d },
        FloatOp::Min => I::MinF64 { a, b, d },
        FloatOp::Max => I::MaxF64 { a, b, d },
    }
}

/// The comparison that is true when another one of integers is not.
pub(super) fn opposite(op: Compare) -> Compare {
    match op {
        Compare::Eq => Compare::Ne,
        Compare::Ne => Compare::Eq,
        Compare::Lt => Compare::Ge,
        Compare::Le => Compare::Gt,
        Compare::Gt => Compare::Le,
        Compare::Ge => Compare::Lt,
        Compare::LtU => Compare::GeU,
        Compare::LeU => Compare::GtU,
        Compare::GtU => Compare::LeU,
        Compare::GeU => Compare::LtU,
    }
}

/// The comparison that says the same with its operands the other way round.
pub(super) fn mirrored(op: Compare) -> Compare {
    match op {
        Compare::Eq | Compare::Ne => op,
        Compare::Lt => Compare::Gt,
        Compare::Le => Compare::Ge,
        Compare::Gt => Compare::Lt,
        Compare::Ge => Compare::Le,
        Compare::LtU => Compare::GtU,
        Compare::LeU => Compare::GeU,
        Compare::GtU => Compare::LtU,
        Compare::GeU => Compare::LeU,
    }
}

pub(super) fn branch(op: Compare, a: u8, b: Source, l: Target) -> I {
    let a = Int(a);
    match b {
        Source::Place(b) => {
            let b = Int(b);
            match op {
                Compare::Eq => I::Breq { a, b, l },
                Compare::Ne => I::Brne { a, b, l },
                Compare::Lt => I::Brlt { a, b, l },
                Compare::Le => I::Brle { a, b, l },
                Compare::Gt => I::Brgt { a, b, l },
                Compare::Ge => I::Brge { a, b, l },
                Compare::LtU => I::Brltu { a, b, l },
                Compare::LeU => I::Brleu { a, b, l },
                Compare::GtU => I::Brgtu { a, b, l },
                Compare::GeU => I::Brgeu { a, b, l },
            }
        }
        Source::Number(number) => {
            let n = Lit32(number);
            match op {
                Compare::Eq => I::Breqi { a, n, l },
                Compare::Ne => I::Brnei { a, n, l },
                Compare::Lt => I::Brlti { a, n, l },
                Compare::Le => I::Brlei { a, n, l },
                Compare::Gt => I::Brgti { a, n, l },
                Compare::Ge => I::Brgei { a, n, l },
                Compare::LtU => I::Brltui { a, n, l },
                Compare::LeU => I::Brleui { a, n, l },
                Compare::GtU => I::Brgtui { a, n, l },
                Compare::GeU => I::Brgeui { a, n, l },
            }
        }
    }
}

/// Floats have no comparisons without sign; these stand for those with one.
pub(super) fn float_branch(op: Compare, a: u8, b: u8, l: Target) -> I {
    let (a, b) = (Float(a), Float(b));
    match op {
        Compare::Eq => I::BreqF64 { a, b, l },
        Compare::Ne => I::BrneF64 { a, b, l },
        Compare::Lt | Compare::LtU => I::BrltF64 { a, b, l },
        Compare::Le | Compare::LeU => I::BrleF64 { a, b, l },
        Compare::Gt | Compare::GtU => I::BrgtF64 { a, b, l },
        Compare::Ge | Compare::GeU => I::BrgeF64 { a, b, l },
    }
}

pub(super) fn load(d: u8, is_float: bool, base: u8, offset: u16, width: Width) -> I {
    let (a, o, d, float) = (Int(base), Offset(i32::from(offset)), IntOut(d), FloatOut(d));
    match width {
        Width::Cell if is_float => I::LdF64 { a, o, d: float },
        Width::Cell => I::Ld64 { a, o, d },
        Width::U8 => I::Ld8 { a, o, d },
        Width::U16 => I::Ld16 { a, o, d },
        Width::U32 => I::Ld32 { a, o, d },
    }
}

pub(super) fn store(base: u8, offset: u16, s: u8, is_float: bool, width: Width) -> I {
    let (a, o, b) = (Int(base), Offset(i32::from(offset)), Int(s));
    match width {
        Width::Cell if is_float => I::StF64 { a, o, b: Float(s) },
        Width::Cell => I::St64 { a, o, b },
        Width::U8 => I::St8 { a, o, b },
        Width::U16 => I::St16 { a, o, b },
        Width::U32 => I::St32 { a, o, b },
    }
}

pub(super) fn load_element(d: u8, is_float: bool, base: u8, index: u8, width: Elem) -> I {
    let (a, i) = (Int(base), Int(index));
    match width {
        Elem::Cell if is_float => I::LdxF64 { a, i, d: FloatOut(d) },
        Elem::Cell => I::Ldx64 { a, i, d: IntOut(d) },
        Elem::Byte => I::Ldx8 { a, i, d: IntOut(d) },
    }
}

pub(super) fn store_element(base: u8, index: u8, s: u8, is_float: bool, width: Elem) -> I {
    let (a, i) = (Int(base), Int(index));
    match width {
        Elem::Cell if is_float => I::StxF64 { a, i, b: Float(s) },
        Elem::Cell => I::Stx64 { a, i, b: Int(s) },
        Elem::Byte => I::Stx8 { a, i, b: Int(s) },
    }
}

/// A register of the same lane.
pub(super) fn copy(is_float: bool, to: u8, from: u8) -> I {
    if is_float {
        I::MovF64 { a: Float(from), d: FloatOut(to) }
    } else {
        I::Mov { a: Int(from), d: IntOut(to) }
    }
}
