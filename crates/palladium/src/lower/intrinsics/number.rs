//! Numbers, characters and durations.

use crate::lower::code::{Code, Value};
use crate::mir::{BinaryOp, Class, FloatOp, Inst, Operand, Reg, UnaryOp};

impl Code<'_, '_> {
    pub(super) fn number_intrinsic(&mut self, name: &str, args: &[Value]) -> Value {
        let word = |n: usize| args[n][0];
        let int = |op| Some((op, Class::Int));
        let float = |op| Some((op, Class::Float));
        let unary = match name {
            "to_float" => float(UnaryOp::IntToFloat),
            "count_ones" => int(UnaryOp::CountOnes),
            "leading_zeros" => int(UnaryOp::LeadingZeros),
            "trailing_zeros" => int(UnaryOp::TrailingZeros),
            "floor" => float(UnaryOp::Floor),
            "ceil" => float(UnaryOp::Ceil),
            "round" => float(UnaryOp::Round),
            "trunc" => float(UnaryOp::Trunc),
            "sqrt" => float(UnaryOp::Sqrt),
            "abs" => float(UnaryOp::AbsFloat),
            "to_int" => int(UnaryOp::FloatToInt),
            "bits" => int(UnaryOp::BitsOfFloat),
            "from_bits" => float(UnaryOp::FloatOfBits),
            _ => None,
        };
        if let Some((op, class)) = unary {
            return vec![self.unary(op, class, word(0))];
        }
        let binary = match name {
            "shift_right_logical" => BinaryOp::ShrU,
            "div_unsigned" => BinaryOp::DivU,
            "rem_unsigned" => BinaryOp::RemU,
            "smaller" => return vec![self.float_binary(FloatOp::Min, word(0), word(1))],
            "larger" => return vec![self.float_binary(FloatOp::Max, word(0), word(1))],
            // A type for another: to_char_unchecked, to_duration, code, ns.
            _ => return args.first().cloned().unwrap_or_default(),
        };
        vec![self.binary(binary, word(0), Operand::Reg(word(1)))]
    }

    fn float_binary(&mut self, op: FloatOp, a: Reg, b: Reg) -> Reg {
        let d = self.reg(Class::Float);
        self.emit(Inst::FloatBinary { op, d, a, b });
        d
    }
}
