//! `==`

use crate::core::Type;
use crate::lower::code::Code;
use crate::lower::instances::{Derived, Key, Support};
use crate::lower::shape::Layout;
use crate::mir::{BlockIdx, Class, Compare, FnIdx, Operand, Reg, Terminator};

use super::Parts;

impl Code<'_, '_> {
    /// Goes to one block when two values are equal, else to the other.
    pub(in crate::lower) fn branch_equal(
        &mut self,
        ty: &Type,
        a: &[Reg],
        b: &[Reg],
        yes: BlockIdx,
        no: BlockIdx,
    ) {
        if a.is_empty() {
            return self.jump(yes);
        }
        if self.is_number(ty) {
            return self.branch(Compare::Eq, a[0], Operand::Reg(b[0]), yes, no);
        }
        if matches!(ty, Type::Float) {
            let op = Compare::Eq;
            let (a, b) = (a[0], b[0]);
            return self.end(Terminator::FloatBranch { op, a, b, then: yes, otherwise: no });
        }
        let function = if matches!(ty, Type::String | Type::Bytes) {
            self.context.instances.get(Key::Support(Support::EqualBytes))
        } else if let Some(function) = self.context.derived_by_library("derive_equal", ty) {
            function
        } else if self.is_open(ty) {
            let (a, b) = (self.fields_of(ty, a), self.fields_of(ty, b));
            return self.branch_equal_parts(a, b, yes, no);
        } else {
            self.context.instances.get(Key::Derived(Derived::Equal, ty.clone()))
        };
        self.branch_on(function, a, b, yes, no);
    }

    fn branch_on(&mut self, function: FnIdx, a: &[Reg], b: &[Reg], yes: BlockIdx, no: BlockIdx) {
        let equal = self.call(function, [a, b].concat(), &[Class::Int])[0];
        self.branch(Compare::Ne, equal, Operand::Imm(0), yes, no);
    }

    fn branch_equal_parts(&mut self, a: Parts, b: Parts, yes: BlockIdx, no: BlockIdx) {
        for ((a, ty), (b, _)) in a.iter().zip(&b) {
            let next = self.block();
            let (a, b) = (self.read(a, ty), self.read(b, ty));
            self.branch_equal(ty, &a, &b, next, no);
            self.at(next);
        }
        self.jump(yes);
    }

    /// Whether there may be a NaN in values of a type: then they may differ from themselves.
    fn has_float(&mut self, ty: &Type, seen: &mut Vec<Type>) -> bool {
        let within = match ty {
            Type::Float => return true,
            Type::List(of) => vec![Type::clone(of)],
            _ if seen.contains(ty) => return false,
            _ => match &self.shape(ty).layout {
                Layout::Scalar => return false,
                Layout::Product(product) => product.fields.types.clone(),
                Layout::Sum(sum) => {
                    sum.variants.iter().flat_map(|fields| fields.types.clone()).collect()
                }
            },
        };
        seen.push(ty.clone());
        within.iter().any(|ty| self.has_float(ty, seen))
    }

    pub(super) fn equal_body(&mut self, ty: &Type, a: &[Reg], b: &[Reg]) {
        let (yes, no) = (self.block(), self.block());
        if let ([a], [b]) = (a, b)
            && !self.has_float(ty, &mut Vec::new())
        {
            let differ = self.block();
            self.branch(Compare::Eq, *a, Operand::Reg(*b), yes, differ);
            self.at(differ);
        }
        if let Some(variants) = self.variants_of(ty) {
            let (left, right) = (self.variant_of(a, ty), self.variant_of(b, ty));
            let same = self.block();
            self.branch(Compare::Eq, left, Operand::Reg(right), same, no);
            self.at(same);
            for (n, block) in self.blocks_by_variant(ty, a, variants).into_iter().enumerate() {
                self.at(block);
                let n = n as u32;
                let (a, b) = (self.payload_of(ty, n, a), self.payload_of(ty, n, b));
                self.branch_equal_parts(a, b, yes, no);
            }
        } else {
            let (a, b) = (self.fields_of(ty, a), self.fields_of(ty, b));
            self.branch_equal_parts(a, b, yes, no);
        }
        for (block, value) in [(yes, 1), (no, 0)] {
            self.at(block);
            let value = self.int(value);
            self.give(vec![value]);
        }
    }
}
