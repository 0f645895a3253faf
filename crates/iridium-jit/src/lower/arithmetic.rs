//! What needs registers only: arithmetic, comparisons, branches.

use cranelift_codegen::ir::condcodes::{FloatCC, IntCC};
use cranelift_codegen::ir::types::{F64, I32, I64};
use cranelift_codegen::ir::{InstBuilder, MemFlagsData, Value};
use cranelift_frontend::Switch;
use iridium_isa::Instruction;

use super::translator::Translator;
use crate::lanes::Lane;

/// A register, and the value that one operation makes for it of the lanes of others.
macro_rules! apply {
    ($this:ident.$lane:ident, $operation:ident($($from:ident),+) -> $to:ident) => {{
        $(let $from = $this.$lane($from.0);)+
        ($to.0, $this.builder.ins().$operation($($from),+))
    }};
}

impl Translator<'_, '_> {
    /// Does an instruction that computes something from registers; `false` when it is none of those.
    pub(super) fn compute(&mut self, instruction: &Instruction) -> bool {
        self.compute_int(instruction)
            || self.compute_float(instruction)
            || self.convert(instruction)
            || self.compare(instruction)
            || self.compute_checked(instruction)
    }

    fn compute_int(&mut self, instruction: &Instruction) -> bool {
        use Instruction as I;
        macro_rules! literal {
            ($operation:ident($a:ident, $n:expr) -> $d:ident) => {{
                let a = self.int($a.0);
                ($d.0, self.builder.ins().$operation(a, $n))
            }};
        }
        let (d, value) = match instruction {
            I::Nop {} => return true,
            I::Load { d, n } => (d.0, self.number(n.0)),
            I::Lui { d, n1, n2 } => {
                let bytes = i64::from(n1.0) << 8 | i64::from(n2.0);
                let (d, upper) = literal!(ishl_imm_s(d, 16) -> d);
                let value = self.builder.ins().bor_imm_s(upper, bytes);
                let value = self.builder.ins().ireduce(I32, value);
                (d, self.builder.ins().sextend(I64, value))
            }
            I::Inc { d } => literal!(iadd_imm_s(d, 1) -> d),
            I::Dec { d } => literal!(iadd_imm_s(d, -1) -> d),
            I::Shl { d, n } => literal!(ishl_imm_s(d, i64::from(n.0)) -> d),
            I::Shr { d, n } => literal!(sshr_imm_s(d, i64::from(n.0)) -> d),
            I::Mov { a, d } => (d.0, self.int(a.0)),
            I::Not { a, d } => apply!(self.int, bnot(a) -> d),
            I::Clz { a, d } => apply!(self.int, clz(a) -> d),
            I::Ctz { a, d } => apply!(self.int, ctz(a) -> d),
            I::Popcnt { a, d } => apply!(self.int, popcnt(a) -> d),
            I::Add { a, b, d } => apply!(self.int, iadd(a, b) -> d),
            I::Sub { a, b, d } => apply!(self.int, isub(a, b) -> d),
            I::Mul { a, b, d } => apply!(self.int, imul(a, b) -> d),
            I::And { a, b, d } => apply!(self.int, band(a, b) -> d),
            I::Or { a, b, d } => apply!(self.int, bor(a, b) -> d),
            I::Xor { a, b, d } => apply!(self.int, bxor(a, b) -> d),
            I::Sll { a, b, d } => apply!(self.int, ishl(a, b) -> d),
            I::Srl { a, b, d } => apply!(self.int, ushr(a, b) -> d),
            I::Sra { a, b, d } => apply!(self.int, sshr(a, b) -> d),
            I::Min { a, b, d } => apply!(self.int, smin(a, b) -> d),
            I::Max { a, b, d } => apply!(self.int, smax(a, b) -> d),
            I::Minu { a, b, d } => apply!(self.int, umin(a, b) -> d),
            I::Maxu { a, b, d } => apply!(self.int, umax(a, b) -> d),
            I::Addi { a, n, d } => literal!(iadd_imm_s(a, i64::from(n.0)) -> d),
            I::Subi { a, n, d } => literal!(iadd_imm_s(a, -i64::from(n.0)) -> d),
            I::Muli { a, n, d } => literal!(imul_imm_s(a, i64::from(n.0)) -> d),
            I::Andi { a, n, d } => literal!(band_imm_s(a, i64::from(n.0)) -> d),
            I::Ori { a, n, d } => literal!(bor_imm_s(a, i64::from(n.0)) -> d),
            I::Xori { a, n, d } => literal!(bxor_imm_s(a, i64::from(n.0)) -> d),
            I::Slli { a, n, d } => literal!(ishl_imm_s(a, i64::from(n.0)) -> d),
            I::Srli { a, n, d } => literal!(ushr_imm_s(a, i64::from(n.0)) -> d),
            I::Srai { a, n, d } => literal!(sshr_imm_s(a, i64::from(n.0)) -> d),
            I::Getrem { d } => (d.0, self.lane(Lane::REMAINDER)),
            I::Cloop { n } => {
                let count = self.number(i64::from(n.0));
                self.set(Lane::COUNTER, count);
                return true;
            }
            _ => return false,
        };
        self.set_int(d, value);
        true
    }

    /// What traps when the result does not fit, or when it divides by 0.
    fn compute_checked(&mut self, instruction: &Instruction) -> bool {
        use Instruction as I;
        let (a, b, d) = match instruction {
            I::Addc { a, b, d } | I::Subc { a, b, d } | I::Mulc { a, b, d } => {
                (self.int(a.0), self.int(b.0), d)
            }
            I::Addci { a, n, d } | I::Subci { a, n, d } | I::Mulci { a, n, d } => {
                (self.int(a.0), self.number(i64::from(n.0)), d)
            }
            I::Negc { a, d } => (self.number(0), self.int(a.0), d),
            I::Div { a, b, d } | I::Rem { a, b, d } | I::Divu { a, b, d } | I::Remu { a, b, d } => {
                return self.divide(instruction, [a.0, b.0, d.0]);
            }
            _ => return false,
        };
        let (value, overflows) = match instruction {
            I::Addc { .. } | I::Addci { .. } => self.builder.ins().sadd_overflow(a, b),
            I::Mulc { .. } | I::Mulci { .. } => self.builder.ins().smul_overflow(a, b),
            _ => self.builder.ins().ssub_overflow(a, b),
        };
        let fits = self.builder.ins().icmp_imm_s(IntCC::Equal, overflows, 0);
        self.guard(fits);
        self.set_int(d.0, value);
        true
    }

    /// Divisors 0 and, when signed, -1 are left to the interpreter.
    fn divide(&mut self, instruction: &Instruction, [a, b, d]: [u8; 3]) -> bool {
        use Instruction as I;
        let (a, b) = (self.int(a), self.int(b));
        let is_unsigned = matches!(instruction, I::Divu { .. } | I::Remu { .. });
        let is_usual = if is_unsigned {
            self.builder.ins().icmp_imm_s(IntCC::NotEqual, b, 0)
        } else {
            let above = self.builder.ins().iadd_imm_s(b, 1);
            self.builder.ins().icmp_imm_s(IntCC::UnsignedGreaterThan, above, 1)
        };
        self.guard(is_usual);
        let value = match instruction {
            I::Div { .. } => {
                let quotient = self.builder.ins().sdiv(a, b);
                let remainder = self.builder.ins().srem(a, b);
                self.set(Lane::REMAINDER, remainder);
                quotient
            }
            I::Rem { .. } => self.builder.ins().srem(a, b),
            I::Divu { .. } => self.builder.ins().udiv(a, b),
            _ => self.builder.ins().urem(a, b),
        };
        self.set_int(d, value);
        true
    }

    fn compute_float(&mut self, instruction: &Instruction) -> bool {
        use Instruction as I;
        let (d, value) = match instruction {
            I::LoadF64 { d, x } => (d.0, self.float_number(x.0)),
            I::MovF64 { a, d } => (d.0, self.float(a.0)),
            I::SqrtF64 { a, d } => apply!(self.float, sqrt(a) -> d),
            I::AbsF64 { a, d } => apply!(self.float, fabs(a) -> d),
            I::NegF64 { a, d } => apply!(self.float, fneg(a) -> d),
            I::FloorF64 { a, d } => apply!(self.float, floor(a) -> d),
            I::CeilF64 { a, d } => apply!(self.float, ceil(a) -> d),
            I::TruncF64 { a, d } => apply!(self.float, trunc(a) -> d),
            I::RoundF64 { a, d } => apply!(self.float, nearest(a) -> d),
            I::AddF64 { a, b, d } => apply!(self.float, fadd(a, b) -> d),
            I::SubF64 { a, b, d } => apply!(self.float, fsub(a, b) -> d),
            I::MulF64 { a, b, d } => apply!(self.float, fmul(a, b) -> d),
            I::DivF64 { a, b, d } => apply!(self.float, fdiv(a, b) -> d),
            I::MinF64 { a, b, d } => {
                let (a, b) = (self.float(a.0), self.float(b.0));
                (d.0, self.choose(a, b, b, FloatCC::LessThan))
            }
            I::MaxF64 { a, b, d } => {
                let (a, b) = (self.float(a.0), self.float(b.0));
                (d.0, self.choose(a, b, a, FloatCC::GreaterThan))
            }
            _ => return false,
        };
        self.set_float(d, value);
        true
    }

    /// `b` when `a` is a NaN, when they are equal and `sign` is negative, or when `b` is on the
    /// wanted side of `a`; else `a`.
    fn choose(&mut self, a: Value, b: Value, sign: Value, side: FloatCC) -> Value {
        let is_nan = self.builder.ins().fcmp(FloatCC::Unordered, a, a);
        let are_equal = self.builder.ins().fcmp(FloatCC::Equal, a, b);
        let bits = self.builder.ins().bitcast(I64, MemFlagsData::new(), sign);
        let is_negative = self.builder.ins().icmp_imm_s(IntCC::SignedLessThan, bits, 0);
        let is_beside = self.builder.ins().fcmp(side, b, a);
        let by_sign = self.builder.ins().band(are_equal, is_negative);
        let either = self.builder.ins().bor(is_nan, by_sign);
        let takes_b = self.builder.ins().bor(either, is_beside);
        self.builder.ins().select(takes_b, b, a)
    }

    fn convert(&mut self, instruction: &Instruction) -> bool {
        use Instruction as I;
        match instruction {
            I::Itof { a, d } => {
                let a = self.int(a.0);
                let value = self.builder.ins().fcvt_from_sint(F64, a);
                self.set_float(d.0, value);
            }
            I::F64Bits { a, d } => {
                let a = self.int(a.0);
                let value = self.builder.ins().bitcast(F64, MemFlagsData::new(), a);
                self.set_float(d.0, value);
            }
            I::Ftoi { a, d } => {
                let a = self.float(a.0);
                let value = self.builder.ins().fcvt_to_sint_sat(I64, a);
                self.set_int(d.0, value);
            }
            I::BitsF64 { a, d } => {
                let a = self.float(a.0);
                let a = self.canonical(a);
                let value = self.builder.ins().bitcast(I64, MemFlagsData::new(), a);
                self.set_int(d.0, value);
            }
            _ => return false,
        }
        true
    }

    fn compare(&mut self, instruction: &Instruction) -> bool {
        use Instruction as I;
        let flag = match instruction {
            I::Eq { a, b } => self.compare_ints(IntCC::Equal, a.0, b.0),
            I::Neq { a, b } => self.compare_ints(IntCC::NotEqual, a.0, b.0),
            I::Gt { a, b } => self.compare_ints(IntCC::SignedGreaterThan, a.0, b.0),
            I::Gte { a, b } => self.compare_ints(IntCC::SignedGreaterThanOrEqual, a.0, b.0),
            I::Lt { a, b } => self.compare_ints(IntCC::SignedLessThan, a.0, b.0),
            I::Lte { a, b } => self.compare_ints(IntCC::SignedLessThanOrEqual, a.0, b.0),
            I::EqF64 { a, b } => self.compare_floats(FloatCC::Equal, a.0, b.0),
            I::NeqF64 { a, b } => self.compare_floats(FloatCC::NotEqual, a.0, b.0),
            I::GtF64 { a, b } => self.compare_floats(FloatCC::GreaterThan, a.0, b.0),
            I::GteF64 { a, b } => self.compare_floats(FloatCC::GreaterThanOrEqual, a.0, b.0),
            I::LtF64 { a, b } => self.compare_floats(FloatCC::LessThan, a.0, b.0),
            I::LteF64 { a, b } => self.compare_floats(FloatCC::LessThanOrEqual, a.0, b.0),
            _ => return false,
        };
        let flag = self.builder.ins().uextend(I64, flag);
        self.set(Lane::FLAG, flag);
        true
    }

    fn compare_ints(&mut self, condition: IntCC, a: u8, b: u8) -> Value {
        let (a, b) = (self.int(a), self.int(b));
        self.builder.ins().icmp(condition, a, b)
    }

    fn compare_to(&mut self, condition: IntCC, a: u8, n: i32) -> Value {
        let a = self.int(a);
        self.builder.ins().icmp_imm_s(condition, a, i64::from(n))
    }

    fn compare_floats(&mut self, condition: FloatCC, a: u8, b: u8) -> Value {
        let (a, b) = (self.float(a), self.float(b));
        self.builder.ins().fcmp(condition, a, b)
    }

    /// Does a branch that looks at registers; `false` when it is none of those.
    pub(super) fn compare_and_branch(&mut self, instruction: &Instruction, to: u32) -> bool {
        use Instruction as I;
        let condition = match instruction {
            I::Djmpe { .. } => self.lane(Lane::FLAG),
            I::Djmpn { .. } => {
                let flag = self.lane(Lane::FLAG);
                self.builder.ins().icmp_imm_s(IntCC::Equal, flag, 0)
            }
            I::Loop { .. } => {
                self.count_down(to);
                return true;
            }
            I::Breq { a, b, .. } => self.compare_ints(IntCC::Equal, a.0, b.0),
            I::Brne { a, b, .. } => self.compare_ints(IntCC::NotEqual, a.0, b.0),
            I::Brlt { a, b, .. } => self.compare_ints(IntCC::SignedLessThan, a.0, b.0),
            I::Brle { a, b, .. } => self.compare_ints(IntCC::SignedLessThanOrEqual, a.0, b.0),
            I::Brgt { a, b, .. } => self.compare_ints(IntCC::SignedGreaterThan, a.0, b.0),
            I::Brge { a, b, .. } => self.compare_ints(IntCC::SignedGreaterThanOrEqual, a.0, b.0),
            I::Brltu { a, b, .. } => self.compare_ints(IntCC::UnsignedLessThan, a.0, b.0),
            I::Brleu { a, b, .. } => self.compare_ints(IntCC::UnsignedLessThanOrEqual, a.0, b.0),
            I::Brgtu { a, b, .. } => self.compare_ints(IntCC::UnsignedGreaterThan, a.0, b.0),
            I::Brgeu { a, b, .. } => self.compare_ints(IntCC::UnsignedGreaterThanOrEqual, a.0, b.0),
            I::Breqi { a, n, .. } => self.compare_to(IntCC::Equal, a.0, n.0),
            I::Brnei { a, n, .. } => self.compare_to(IntCC::NotEqual, a.0, n.0),
            I::Brlti { a, n, .. } => self.compare_to(IntCC::SignedLessThan, a.0, n.0),
            I::Brlei { a, n, .. } => self.compare_to(IntCC::SignedLessThanOrEqual, a.0, n.0),
            I::Brgti { a, n, .. } => self.compare_to(IntCC::SignedGreaterThan, a.0, n.0),
            I::Brgei { a, n, .. } => self.compare_to(IntCC::SignedGreaterThanOrEqual, a.0, n.0),
            I::Brltui { a, n, .. } => self.compare_to(IntCC::UnsignedLessThan, a.0, n.0),
            I::Brleui { a, n, .. } => self.compare_to(IntCC::UnsignedLessThanOrEqual, a.0, n.0),
            I::Brgtui { a, n, .. } => self.compare_to(IntCC::UnsignedGreaterThan, a.0, n.0),
            I::Brgeui { a, n, .. } => self.compare_to(IntCC::UnsignedGreaterThanOrEqual, a.0, n.0),
            I::BreqF64 { a, b, .. } => self.compare_floats(FloatCC::Equal, a.0, b.0),
            I::BrneF64 { a, b, .. } => self.compare_floats(FloatCC::NotEqual, a.0, b.0),
            I::BrltF64 { a, b, .. } => self.compare_floats(FloatCC::LessThan, a.0, b.0),
            I::BrleF64 { a, b, .. } => self.compare_floats(FloatCC::LessThanOrEqual, a.0, b.0),
            I::BrgtF64 { a, b, .. } => self.compare_floats(FloatCC::GreaterThan, a.0, b.0),
            I::BrgeF64 { a, b, .. } => self.compare_floats(FloatCC::GreaterThanOrEqual, a.0, b.0),
            _ => return false,
        };
        self.branch(condition, to);
        true
    }

    /// `loop`: jumps and counts down while the counter is not 0.
    fn count_down(&mut self, to: u32) {
        let counter = self.lane(Lane::COUNTER);
        let (taken, not_taken) = (self.builder.create_block(), self.builder.create_block());
        self.builder.ins().brif(counter, taken, &[], not_taken, &[]);
        self.begin(taken);
        self.look_before_jump(to);
        let rest = self.builder.ins().iadd_imm_s(counter, -1);
        self.set(Lane::COUNTER, rest);
        self.jump_owing(to);
        self.begin(not_taken);
        self.forget_lane(Lane::COUNTER);
        self.fall_through();
    }

    /// `jtab`: jumps to the label that a register chooses, or goes on when there is none.
    pub(super) fn jump_table(&mut self, to: &[u32]) {
        let Instruction::Jtab { a, .. } = self.instruction() else {
            return self.leave();
        };
        let choice = self.int(a.0);
        let blocks: Vec<_> = to.iter().map(|_| self.builder.create_block()).collect();
        let past_end = self.builder.create_block();
        let mut switch = Switch::new();
        for (number, block) in (0..).zip(&blocks) {
            switch.set_entry(number, *block);
        }
        switch.emit(&mut self.builder, choice, past_end);
        for (block, to) in blocks.into_iter().zip(to) {
            self.begin(block);
            self.jump(*to);
        }
        self.begin(past_end);
        self.fall_through();
    }
}
