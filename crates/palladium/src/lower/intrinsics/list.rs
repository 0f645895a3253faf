//! Lists.

use crate::core::Type;
use crate::lower::code::{Code, ELEMENTS, LENGTH, Value};
use crate::lower::instances::{Key, Support};
use crate::mir::{BinaryOp, Class, Compare, Elem, Inst, Operand, Reg};

impl Code<'_, '_> {
    pub(super) fn list_intrinsic(&mut self, name: &str, types: &[Type], args: &[Value]) -> Value {
        let ty = &types[0];
        let word = |n: usize| args[n][0];
        match name {
            "len" => vec![self.length(word(0))],
            "element" => self.element(word(0), word(1), ty),
            "with_capacity" => vec![self.new_list(ty, word(0))],
            "push" => {
                let cell = self.pack(&args[1], ty);
                self.push_cell(word(0), cell, 3, Elem::Cell);
                Vec::new()
            }
            "pop_last" => {
                let list = word(0);
                self.unique(list);
                let length = self.length(list);
                let last = self.binary(BinaryOp::Sub, length, Operand::Imm(1));
                let cell = self.take_element(list, last, ty);
                self.store(list, LENGTH, last);
                self.unpack(cell, ty)
            }
            "take_out" => {
                self.unique(word(0));
                let cell = self.take_element(word(0), word(1), ty);
                self.unpack(cell, ty)
            }
            "truncate" => {
                self.truncate(word(0), word(1), ty);
                Vec::new()
            }
            "swap" => {
                self.swap(word(0), word(1), word(2));
                Vec::new()
            }
            "insert" => {
                let cell = self.pack(&args[2], ty);
                let support = Support::Insert(self.class(word(0)));
                self.change(support, &[word(0), word(1), cell], &[]);
                Vec::new()
            }
            "remove" => {
                let class = self.context.types.cell(ty);
                let support = Support::Remove(self.class(word(0)));
                let cell = self.change(support, &[word(0), word(1)], &[class])[0];
                self.unpack(cell, ty)
            }
            "slice" => {
                let class = self.class(word(0));
                self.support(Support::SliceList(class), &[word(0), word(1), word(2)], &[class])
            }
            "filled" => {
                let class = self.list_class(ty);
                let cell = self.pack(&args[1], ty);
                self.support(Support::Filled(class), &[word(0), cell], &[class])
            }
            "extend" => {
                let support = Support::ExtendList(self.class(word(0)));
                self.change(support, &[word(0), word(1)], &[])
            }
            _ => Vec::new(),
        }
    }

    fn list_class(&mut self, element: &Type) -> Class {
        self.context.types.parts(&Type::List(element.clone().into()))[0]
    }

    /// A list without elements, with room for so many.
    fn new_list(&mut self, element: &Type, room: Reg) -> Reg {
        let class = self.list_class(element);
        let d = self.reg(class);
        let bytes = self.size(room, 3);
        self.emit(Inst::NewBytes { d, bytes });
        let none = self.int(0);
        self.store(d, LENGTH, none);
        d
    }

    /// The bytes of a block with so many elements of `1 << scale` bytes.
    pub(in crate::lower) fn size(&mut self, length: Reg, scale: i32) -> Reg {
        let bytes = match scale {
            0 => length,
            _ => self.binary(BinaryOp::Shl, length, Operand::Imm(scale)),
        };
        self.binary(BinaryOp::AddWrap, bytes, Operand::Imm(i32::from(ELEMENTS)))
    }

    /// Appends an element of `1 << scale` bytes to a list or bytes, in place.
    pub(super) fn push_cell(&mut self, list: Reg, s: Reg, scale: i32, width: Elem) {
        self.unique(list);
        let length = self.length(list);
        let more = self.binary(BinaryOp::AddWrap, length, Operand::Imm(1));
        let bytes = self.size(more, scale);
        self.reserve(list, bytes);
        self.store(list, LENGTH, more);
        self.emit(Inst::StoreElem { base: list, index: length, s, width });
    }

    /// Room for so many bytes, with head, in a block that nobody else has.
    pub(super) fn reserve(&mut self, list: Reg, bytes: Reg) {
        let room = self.reg(Class::Int);
        self.emit(Inst::Capacity { d: room, s: list });
        let (grow, after) = (self.block(), self.block());
        self.branch(Compare::Gt, bytes, Operand::Reg(room), grow, after);
        self.at(grow);
        self.change(Support::Grow(self.class(list)), &[list, bytes], &[]);
        self.jump(after);
        self.at(after);
    }

    fn truncate(&mut self, list: Reg, length: Reg, ty: &Type) {
        let old = self.length(list);
        let length = self.binary(BinaryOp::Min, length, Operand::Reg(old));
        let length = self.binary(BinaryOp::Max, length, Operand::Imm(0));
        if let Class::Ptr(_) = self.context.types.cell(ty) {
            self.change(Support::Truncate(self.class(list)), &[list, length], &[]);
        } else {
            self.unique(list);
            self.store(list, LENGTH, length);
        }
    }

    /// The cells change places as numbers, so nothing is counted.
    fn swap(&mut self, list: Reg, i: Reg, j: Reg) {
        self.unique(list);
        let cells = [i, j].map(|index| {
            let d = self.reg(Class::Int);
            self.emit(Inst::LoadElem { d, base: list, index, width: Elem::Cell });
            d
        });
        for (index, s) in [(i, cells[1]), (j, cells[0])] {
            self.emit(Inst::StoreElem { base: list, index, s, width: Elem::Cell });
        }
    }

    /// Calls a part of the support.
    pub(in crate::lower) fn support(
        &mut self,
        support: Support,
        args: &[Reg],
        results: &[Class],
    ) -> Value {
        let function = self.context.instances.get(Key::Support(support));
        self.call(function, args.to_vec(), results)
    }

    /// The same, of a part whose first argument is changed in place and given back last.
    pub(in crate::lower) fn change(
        &mut self,
        support: Support,
        args: &[Reg],
        results: &[Class],
    ) -> Value {
        let function = self.context.instances.get(Key::Support(support));
        let value = self.regs(results);
        let results = value.iter().chain(&args[..1]).copied().collect();
        self.emit(Inst::Call { function, args: args.to_vec(), results });
        value
    }
}
