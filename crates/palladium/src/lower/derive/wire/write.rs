//! Values are written.

use std::sync::Arc;

use crate::core::Type;
use crate::lower::code::{Code, ELEMENTS, MADE, Value};
use crate::lower::derive::Parts;
use crate::lower::instances::{Derived, Key};
use crate::mir::{BinaryOp, Class, Compare, Function, Inst, MachineOp, Operand, Passing, Reg};

use super::{Again, CELL};

impl Code<'_, '_> {
    /// Writes a value to an address, where there is room for it. The address behind it.
    pub(in crate::lower) fn write_wire(&mut self, ty: &Type, value: &[Reg], at: Reg) -> Reg {
        let mut place = Place { at, offset: 0 };
        self.write_at(ty, value, &mut place);
        self.address_of(&place)
    }

    /// The same of an element of a list.
    pub(super) fn write_element(&mut self, ty: &Type, value: &[Reg], at: Reg) -> Reg {
        match self.fixed_size(ty) {
            Some(0) => {
                let zero = self.int(0);
                self.write_wire(&Type::Int, &[zero], at)
            }
            _ => self.write_wire(ty, value, at),
        }
    }

    /// Writes values one after the other. The place behind.
    fn write_parts(&mut self, parts: &Parts, mut place: Place) -> Place {
        for (source, ty) in parts {
            let value = self.read(source, ty);
            self.write_at(ty, &value, &mut place);
        }
        place
    }

    fn address_of(&mut self, place: &Place) -> Reg {
        match place.offset {
            0 => place.at,
            offset => self.binary(BinaryOp::AddWrap, place.at, Operand::Imm(offset as i32)),
        }
    }

    fn write_at(&mut self, ty: &Type, value: &[Reg], place: &mut Place) {
        if place.offset > super::MAX_FIXED {
            *place = Place { at: self.address_of(place), offset: 0 };
        }
        match ty {
            Type::Enum(id, _) if self.has_no_fields(*id) => {
                let variant = self.variant_of(value, ty);
                self.write_cell(variant, place);
            }
            _ if self.is_open(ty) && !self.is_table(ty) => {
                let parts = self.fields_of(ty, value);
                *place = self.write_parts(&parts, *place);
            }
            // Numbers, and a reply, which is two.
            _ if self.is_scalar(ty) => {
                value.iter().for_each(|cell| self.write_cell(*cell, place));
            }
            _ => {
                let function = match self.context.derived_by_library("derive_write_wire", ty) {
                    Some(function) => function,
                    None => {
                        let key = Key::Derived(Derived::WriteWire, ty.clone());
                        self.context.instances.get(key)
                    }
                };
                let at = self.address_of(place);
                let args = [value, &[at]].concat();
                let at = self.call(function, args, &[Class::Int])[0];
                *place = Place { at, offset: 0 };
            }
        }
    }

    fn write_cell(&mut self, cell: Reg, place: &mut Place) {
        self.store(place.at, place.offset as u16, cell);
        place.offset += CELL;
    }

    /// Makes the function of a type.
    pub(in crate::lower::derive) fn write_wire_function(mut self, ty: &Type) -> Function {
        let value = self.value(ty);
        let at = self.reg(Class::Int);
        self.write_body(ty, &value, at);
        let name = Arc::from(format!("{}.write_wire", self.name_of(ty)));
        let params: Value = value.into_iter().chain([at]).collect();
        self.finish(name, MADE, params, vec![Class::Int], Passing::Inferred)
    }

    fn write_body(&mut self, ty: &Type, value: &[Reg], at: Reg) {
        match ty {
            Type::String | Type::Bytes => self.write_bytes(value[0], at),
            Type::List(element) => self.write_list(element, value[0], at),
            _ => {
                let again = Again { ty, begin: self.block(), value };
                self.jump(again.begin);
                self.at(again.begin);
                self.write_whole(ty, value, Place { at, offset: 0 }, at, &again);
            }
        }
    }

    /// Writes a value that is the last part of the whole, or the whole, and gives the address behind.
    fn write_whole(&mut self, ty: &Type, value: &[Reg], place: Place, at: Reg, again: &Again<'_>) {
        let Some(variants) = self.variants_of(ty) else {
            let parts = self.fields_of(ty, value);
            return self.write_whole_parts(parts, place, at, again);
        };
        for (variant, block) in (0..).zip(self.blocks_by_variant(ty, value, variants)) {
            self.at(block);
            let number = self.int(i64::from(variant));
            let mut place = place;
            self.write_cell(number, &mut place);
            let parts = self.payload_of(ty, variant, value);
            self.write_whole_parts(parts, place, at, again);
        }
    }

    fn write_whole_parts(&mut self, mut parts: Parts, place: Place, at: Reg, again: &Again<'_>) {
        let types: Vec<Type> = parts.iter().map(|(_, ty)| ty.clone()).collect();
        let last = if self.ends_in(&types, again.ty) { parts.pop() } else { None };
        let place = self.write_parts(&parts, place);
        let Some((source, ty)) = last else {
            let behind = self.address_of(&place);
            return self.give(vec![behind]);
        };
        let value = self.read(&source, &ty);
        if ty == *again.ty {
            let behind = self.address_of(&place);
            self.copy_to(again.value, &value);
            self.copy_to(&[at], &[behind]);
            return self.jump(again.begin);
        }
        self.write_whole(&ty, &value, place, at, again);
    }

    /// The last cell is made 0 before the bytes are copied over it.
    fn write_bytes(&mut self, bytes: Reg, at: Reg) {
        let length = self.length(bytes);
        self.store(at, 0, length);
        let padded = self.binary(BinaryOp::AddWrap, length, Operand::Imm(15));
        let padded = self.binary(BinaryOp::And, padded, Operand::Imm(-8));
        let behind = self.binary(BinaryOp::AddWrap, at, Operand::Reg(padded));
        let (some, after) = (self.block(), self.block());
        self.branch(Compare::Ne, length, Operand::Imm(0), some, after);
        self.at(some);
        let last = self.binary(BinaryOp::AddWrap, behind, Operand::Imm(-(CELL as i32)));
        let zero = self.int(0);
        self.store(last, 0, zero);
        let to = self.binary(BinaryOp::AddWrap, at, Operand::Imm(CELL as i32));
        let from = self.address(bytes, ELEMENTS);
        self.machine(MachineOp::Copy, &[to, from, length], &[]);
        self.jump(after);
        self.at(after);
        self.give(vec![behind]);
    }

    fn write_list(&mut self, element: &Type, list: Reg, at: Reg) {
        let length = self.length(list);
        self.store(at, 0, length);
        let place = self.binary(BinaryOp::AddWrap, at, Operand::Imm(CELL as i32));
        if self.is_cell(element) {
            let bytes = self.binary(BinaryOp::Shl, length, Operand::Imm(3));
            let from = self.address(list, ELEMENTS);
            self.machine(MachineOp::Copy, &[place, from, bytes], &[]);
            let behind = self.binary(BinaryOp::AddWrap, place, Operand::Reg(bytes));
            return self.give(vec![behind]);
        }
        self.repeat(length, |code, index| {
            let value = code.element(list, index, element);
            let behind = code.write_element(element, &value, place);
            code.emit(Inst::Copy { d: place, s: behind });
        });
        self.give(vec![place]);
    }
}

/// Where something is to be written: so many bytes behind an address.
#[derive(Clone, Copy)]
struct Place {
    at: Reg,
    offset: u32,
}
