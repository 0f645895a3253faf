//! How many bytes a value takes.

use std::sync::Arc;

use crate::core::Type;
use crate::lower::code::{Code, MADE, Value};
use crate::lower::derive::Parts;
use crate::lower::instances::{Derived, Key};
use crate::mir::{BinaryOp, Class, Function, Inst, Operand, Passing, Reg};

use super::{Again, CELL};

impl Code<'_, '_> {
    /// The bytes that a value takes as a payload, a multiple of 8.
    pub(in crate::lower) fn wire_size(&mut self, ty: &Type, value: &[Reg]) -> Reg {
        self.size_at(ty, value, None)
    }

    /// The same of a value that lies so deep in others; `None`: in none.
    pub(super) fn size_at(&mut self, ty: &Type, value: &[Reg], depth: Option<Reg>) -> Reg {
        if let Some(bytes) = self.fixed_size(ty) {
            return self.int(i64::from(bytes));
        }
        match ty {
            Type::String | Type::Bytes => {
                let length = self.length(value[0]);
                let bytes = self.binary(BinaryOp::AddWrap, length, Operand::Imm(15));
                return self.binary(BinaryOp::And, bytes, Operand::Imm(-8));
            }
            Type::List(element) => {
                if let Some(bytes) = self.fixed_element(element) {
                    let length = self.length(value[0]);
                    let bytes = Operand::Imm(bytes as i32);
                    let bytes = self.binary(BinaryOp::MulWrap, length, bytes);
                    return self.binary(BinaryOp::AddWrap, bytes, Operand::Imm(CELL as i32));
                }
            }
            _ if self.is_open(ty) && !self.is_table(ty) => {
                let fields = self.fields_of(ty, value);
                return self.size_of_parts(0, &fields, depth);
            }
            _ => {}
        }
        let (function, takes_depth) = match self.context.derived_by_library("derive_wire_size", ty)
        {
            Some(function) => (function, true),
            None => {
                let key = Key::Derived(Derived::WireSize, ty.clone());
                (self.context.instances.get(key), self.is_deep(ty))
            }
        };
        let depth = takes_depth.then(|| depth.unwrap_or_else(|| self.int(0)));
        self.call(function, value.iter().copied().chain(depth).collect(), &[Class::Int])[0]
    }

    /// The same of an element of a list.
    pub(super) fn size_of_element(&mut self, ty: &Type, value: &[Reg], depth: Option<Reg>) -> Reg {
        match self.fixed_element(ty) {
            Some(bytes) => self.int(i64::from(bytes)),
            None => self.size_at(ty, value, depth),
        }
    }

    fn size_of_parts(&mut self, before: u32, parts: &Parts, depth: Option<Reg>) -> Reg {
        let fixed: u32 = parts.iter().filter_map(|(_, ty)| self.fixed_size(ty)).sum();
        let mut total = None;
        for (source, ty) in parts {
            if self.fixed_size(ty).is_none() {
                let value = self.read(source, ty);
                let bytes = self.size_at(ty, &value, depth);
                total = Some(match total {
                    Some(total) => self.binary(BinaryOp::AddWrap, total, Operand::Reg(bytes)),
                    None => bytes,
                });
            }
        }
        match (total, before + fixed) {
            (Some(total), 0) => total,
            (Some(total), fixed) => {
                self.binary(BinaryOp::AddWrap, total, Operand::Imm(fixed as i32))
            }
            (None, fixed) => self.int(i64::from(fixed)),
        }
    }

    /// Makes the function of a type.
    pub(in crate::lower::derive) fn wire_size_function(mut self, ty: &Type) -> Function {
        let value = self.value(ty);
        let depth = self.is_deep(ty).then(|| self.reg(Class::Int));
        let too_deep = self.block();
        let below = self.below(ty, depth, too_deep);
        self.size_body(ty, &value, below);
        self.at(too_deep);
        self.panics(b"a value is nested too deeply to be sent");
        let name = Arc::from(format!("{}.wire_size", self.name_of(ty)));
        let params: Value = value.into_iter().chain(depth).collect();
        self.finish(name, MADE, params, vec![Class::Int], Passing::Inferred)
    }

    fn size_body(&mut self, ty: &Type, value: &[Reg], depth: Option<Reg>) {
        if let Type::List(element) = ty {
            let total = self.int(i64::from(CELL));
            let length = self.length(value[0]);
            self.repeat(length, |code, index| {
                let value = code.element(value[0], index, element);
                let bytes = code.size_of_element(element, &value, depth);
                code.add_to(total, bytes);
            });
            return self.give(vec![total]);
        }
        let total = self.int(0);
        let again = Again { ty, begin: self.block(), value };
        self.jump(again.begin);
        self.at(again.begin);
        self.add_whole(ty, value, total, depth, &again);
    }

    /// Adds the bytes of a value that is the last part of the whole, or the whole, and gives the sum.
    fn add_whole(
        &mut self,
        ty: &Type,
        value: &[Reg],
        total: Reg,
        depth: Option<Reg>,
        again: &Again<'_>,
    ) {
        let Some(variants) = self.variants_of(ty) else {
            let parts = self.fields_of(ty, value);
            return self.add_parts(0, parts, total, depth, again);
        };
        for (variant, block) in (0..).zip(self.blocks_by_variant(ty, value, variants)) {
            self.at(block);
            let parts = self.payload_of(ty, variant, value);
            self.add_parts(CELL, parts, total, depth, again);
        }
    }

    fn add_parts(
        &mut self,
        before: u32,
        mut parts: Parts,
        total: Reg,
        depth: Option<Reg>,
        again: &Again<'_>,
    ) {
        let types: Vec<Type> = parts.iter().map(|(_, ty)| ty.clone()).collect();
        let last = if self.ends_in(&types, again.ty) { parts.pop() } else { None };
        let bytes = self.size_of_parts(before, &parts, depth);
        self.add_to(total, bytes);
        let Some((source, ty)) = last else { return self.give(vec![total]) };
        let value = self.read(&source, &ty);
        if ty == *again.ty {
            self.copy_to(again.value, &value);
            return self.jump(again.begin);
        }
        self.add_whole(&ty, &value, total, depth, again);
    }

    fn add_to(&mut self, total: Reg, bytes: Reg) {
        let (op, b) = (BinaryOp::AddWrap, Operand::Reg(bytes));
        self.emit(Inst::Binary { op, d: total, a: total, b });
    }
}
