//! `<` and the like: the `Ordering` of two values, as 0, 1 or 2 for less, equal and greater.

use crate::core::Type;
use crate::lower::code::Code;
use crate::lower::instances::{Derived, Key, Support};
use crate::mir::{BinaryOp, Class, Compare, Inst, Operand, Reg, UnaryOp};

use super::Parts;

const EQUAL: i32 = 1;

impl Code<'_, '_> {
    pub(in crate::lower) fn order(&mut self, ty: &Type, a: &[Reg], b: &[Reg]) -> Reg {
        if a.is_empty() {
            return self.int(i64::from(EQUAL));
        }
        if self.is_number(ty) {
            return self.order_numbers(a[0], b[0]);
        }
        match ty {
            Type::Float => {
                let (a, b) = (self.total(a[0]), self.total(b[0]));
                return self.order_numbers(a, b);
            }
            Type::String | Type::Bytes => {
                let args = [a, b].concat();
                let order = self.support(Support::OrderBytes, &args, &[Class::Int])[0];
                return self.binary(BinaryOp::AddWrap, order, Operand::Imm(EQUAL));
            }
            _ => {}
        }
        let function = match self.context.derived_by_library("derive_order", ty) {
            Some(function) => function,
            None => self.context.instances.get(Key::Derived(Derived::Order, ty.clone())),
        };
        self.call(function, [a, b].concat(), &[Class::Int])[0]
    }

    fn order_numbers(&mut self, a: Reg, b: Reg) -> Reg {
        let [more, less] = [Compare::Gt, Compare::Lt].map(|op| {
            let d = self.reg(Class::Int);
            self.emit(Inst::Compare { op, d, a, b: Operand::Reg(b) });
            d
        });
        let sign = self.binary(BinaryOp::SubWrap, more, Operand::Reg(less));
        self.binary(BinaryOp::AddWrap, sign, Operand::Imm(EQUAL))
    }

    /// An integer that is ordered as all floats are (totalOrder of IEEE 754).
    fn total(&mut self, float: Reg) -> Reg {
        let bits = self.unary(UnaryOp::BitsOfFloat, Class::Int, float);
        let sign = self.binary(BinaryOp::Shr, bits, Operand::Imm(63));
        let mask = self.binary(BinaryOp::ShrU, sign, Operand::Imm(1));
        self.binary(BinaryOp::Xor, bits, Operand::Reg(mask))
    }

    pub(super) fn order_body(&mut self, ty: &Type, a: &[Reg], b: &[Reg]) {
        let Some(variants) = self.variants_of(ty) else {
            let (a, b) = (self.fields_of(ty, a), self.fields_of(ty, b));
            return self.order_parts(a, b);
        };
        let (left, right) = (self.variant_of(a, ty), self.variant_of(b, ty));
        let (same, differ) = (self.block(), self.block());
        self.branch(Compare::Eq, left, Operand::Reg(right), same, differ);
        self.at(differ);
        let order = self.order_numbers(left, right);
        self.give(vec![order]);
        self.at(same);
        for (n, block) in self.blocks_by_variant(ty, a, variants).into_iter().enumerate() {
            self.at(block);
            let n = n as u32;
            let (a, b) = (self.payload_of(ty, n, a), self.payload_of(ty, n, b));
            self.order_parts(a, b);
        }
    }

    fn order_parts(&mut self, a: Parts, b: Parts) {
        let last = a.len().saturating_sub(1);
        for (n, ((a, ty), (b, _))) in a.iter().zip(&b).enumerate() {
            let (a, b) = (self.read(a, ty), self.read(b, ty));
            let order = self.order(ty, &a, &b);
            if n == last {
                return self.give(vec![order]);
            }
            let (next, differ) = (self.block(), self.block());
            self.branch(Compare::Eq, order, Operand::Imm(EQUAL), next, differ);
            self.at(differ);
            self.give(vec![order]);
            self.at(next);
        }
        let equal = self.int(i64::from(EQUAL));
        self.give(vec![equal]);
    }
}
