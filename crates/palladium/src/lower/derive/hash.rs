//! Hashes.

use crate::core::Type;
use crate::lower::code::Code;
use crate::lower::instances::{Derived, Key};
use crate::mir::{BinaryOp, Class, Operand, Reg, UnaryOp};

use super::Parts;

/// 2^64 divided by the golden ratio: the upper bits of a product with it depend on all bits.
const FACTOR: i64 = -7_046_029_254_386_353_131;

impl Code<'_, '_> {
    pub(in crate::lower) fn hash(&mut self, ty: &Type, value: &[Reg], seed: Reg) -> Reg {
        if value.is_empty() {
            return seed;
        }
        if self.is_number(ty) {
            return self.hash_number(value[0], seed);
        }
        match ty {
            Type::Float => {
                let bits = self.unary(UnaryOp::BitsOfFloat, Class::Int, value[0]);
                return self.hash_number(bits, seed);
            }
            Type::String | Type::Bytes => return self.hash_bytes(value[0], seed),
            _ => {}
        }
        let function = if let Some(function) = self.context.derived_by_library("derive_hash", ty) {
            function
        } else if self.is_open(ty) {
            let fields = self.fields_of(ty, value);
            return self.hash_parts(fields, seed);
        } else {
            self.context.instances.get(Key::Derived(Derived::Hash, ty.clone()))
        };
        self.call(function, [value, &[seed]].concat(), &[Class::Int])[0]
    }

    /// The bits of large steps are folded down before they are spread.
    fn hash_number(&mut self, number: Reg, seed: Reg) -> Reg {
        let mixed = self.binary(BinaryOp::Xor, number, Operand::Reg(seed));
        let upper = self.binary(BinaryOp::ShrU, mixed, Operand::Imm(32));
        let folded = self.binary(BinaryOp::Xor, mixed, Operand::Reg(upper));
        let factor = self.int(FACTOR);
        self.binary(BinaryOp::MulWrap, folded, Operand::Reg(factor))
    }

    fn hash_parts(&mut self, parts: Parts, seed: Reg) -> Reg {
        parts.iter().fold(seed, |seed, (source, ty)| {
            let value = self.read(source, ty);
            self.hash(ty, &value, seed)
        })
    }

    pub(super) fn hash_body(&mut self, ty: &Type, value: &[Reg], seed: Reg) {
        let Some(variants) = self.variants_of(ty) else {
            let fields = self.fields_of(ty, value);
            let hash = self.hash_parts(fields, seed);
            return self.give(vec![hash]);
        };
        let number = self.variant_of(value, ty);
        let seed = self.hash_number(number, seed);
        for (n, block) in self.blocks_by_variant(ty, value, variants).into_iter().enumerate() {
            self.at(block);
            let fields = self.payload_of(ty, n as u32, value);
            let hash = self.hash_parts(fields, seed);
            self.give(vec![hash]);
        }
    }
}
