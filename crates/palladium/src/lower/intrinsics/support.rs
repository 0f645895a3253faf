//! The parts of intrinsics that are functions of their own.

use std::sync::Arc;

use crate::lower::code::{Code, ELEMENTS, LENGTH, MADE, Value};
use crate::lower::context::Context;
use crate::lower::instances::Support;
use crate::lower::shape::Kind;
use crate::mir::{
    BinaryOp, Class, Compare, Elem, Function, Inst, MachineOp, Operand, Passing, Reg, Terminator,
    Width,
};

/// The longest text of an integer.
const INT_TEXT: i32 = 20;
/// The longest text of a float that is not written with a number of digits.
const SHORT_FLOAT_TEXT: i32 = 32;
/// The longest text of a float.
const FLOAT_TEXT: i32 = 512;
/// Of the encodings of characters in 1 to 4 bytes: the first character that needs more, and what the
/// first byte has beside bits of the character.
const UTF8: [(i32, i32); 4] = [(0x80, 0), (0x800, 0xc0), (0x1_0000, 0xe0), (0x11_0000, 0xf0)];
/// The kind of the trap of a slice that is not within.
const BAD_SLICE: u8 = 4;

/// Makes one of them.
pub(in crate::lower) fn make(context: &mut Context<'_>, support: Support) -> Function {
    let mut code = Code::new(context, 0..0);
    let bytes = code.bytes_class();
    let (int, float) = (Class::Int, Class::Float);
    let (name, params, results) = match support {
        Support::Grow(list) => ("list.grow", vec![list, int], vec![list]),
        Support::PushBytes => ("string.push", vec![bytes, bytes], vec![bytes]),
        Support::PushPart => ("string.push_part", vec![bytes, bytes, int, int], vec![bytes]),
        Support::PushInt => ("string.push_int", vec![bytes, int], vec![bytes]),
        Support::PushChar => ("string.push_char", vec![bytes, int], vec![bytes]),
        Support::PushFloat => ("string.push_float", vec![bytes, float, int], vec![bytes]),
        Support::EqualBytes => ("string.equal", vec![bytes, bytes], vec![int]),
        Support::OrderBytes => ("string.order_of", vec![bytes, bytes], vec![int]),
        Support::SliceBytes => ("bytes.slice", vec![bytes, int, int], vec![bytes]),
        Support::PartOfBytes => ("string.slice", vec![bytes, int, int], vec![bytes]),
        Support::FillBytes => ("bytes.filled", vec![int, int], vec![bytes]),
        Support::Truncate(list) => ("list.truncate", vec![list, int], vec![list]),
        Support::SliceList(list) => ("list.slice", vec![list, int, int], vec![list]),
        Support::ExtendList(list) => ("list.extend", vec![list, list], vec![list]),
        Support::Filled(list) => {
            let cell = code.cell_of(list);
            ("list.filled", vec![int, cell], vec![list])
        }
        Support::Insert(list) => {
            let cell = code.cell_of(list);
            ("list.insert", vec![list, int, cell], vec![list])
        }
        Support::Remove(list) => {
            let cell = code.cell_of(list);
            ("list.remove", vec![list, int], vec![cell, list])
        }
    };
    let params = code.regs(&params);
    let value = code.support_body(support, &params);
    code.end(Terminator::Return(value));
    code.finish(Arc::from(name), MADE, params, results, Passing::Inferred)
}

impl Code<'_, '_> {
    fn support_body(&mut self, support: Support, params: &[Reg]) -> Value {
        let param = |n: usize| params[n];
        match support {
            Support::Grow(class) => vec![self.grown(param(0), param(1), class)],
            Support::PushBytes => {
                let more = self.length(param(1));
                let at = self.room_for(param(0), Operand::Reg(more));
                let from = self.address(param(1), ELEMENTS);
                self.machine(MachineOp::Copy, &[at, from, more], &[]);
                self.lengthen(param(0), more)
            }
            Support::PushPart => {
                let (whole, from, to) = (param(1), param(2), param(3));
                let more = self.binary(BinaryOp::SubWrap, to, Operand::Reg(from));
                let at = self.room_for(param(0), Operand::Reg(more));
                let from = self.address_at(whole, from);
                self.machine(MachineOp::Copy, &[at, from, more], &[]);
                self.lengthen(param(0), more)
            }
            Support::PushInt => {
                let at = self.room_for(param(0), Operand::Imm(INT_TEXT));
                let more = self.machine(MachineOp::IntText, &[param(1), at], &[Class::Int])[0];
                self.lengthen(param(0), more)
            }
            Support::PushChar => {
                let at = self.room_for(param(0), Operand::Imm(UTF8.len() as i32));
                let more = self.char_text(param(1), at);
                self.lengthen(param(0), more)
            }
            Support::PushFloat => {
                // Digits after the point were asked for: then there may be many before it.
                let long = self.reg(Class::Int);
                let (op, b) = (Compare::Ge, Operand::Imm(0));
                self.emit(Inst::Compare { op, d: long, a: param(2), b });
                let more = self.binary(BinaryOp::Mul, long, Operand::Imm(FLOAT_TEXT));
                let room = self.binary(BinaryOp::Add, more, Operand::Imm(SHORT_FLOAT_TEXT));
                let at = self.room_for(param(0), Operand::Reg(room));
                let args = [param(1), at, param(2)];
                let more = self.machine(MachineOp::FloatText, &args, &[Class::Int])[0];
                self.lengthen(param(0), more)
            }
            Support::EqualBytes => self.equal_bytes(param(0), param(1)),
            Support::OrderBytes => vec![self.order_bytes(param(0), param(1))],
            Support::SliceBytes => {
                self.check_slice(param(0), param(1), param(2));
                vec![self.part(param(0), param(1), param(2))]
            }
            Support::PartOfBytes => vec![self.part(param(0), param(1), param(2))],
            Support::FillBytes => {
                let bytes = self.bytes_class();
                let list = self.new_filled(bytes, param(0), 0);
                let to = self.address(list, ELEMENTS);
                let length = self.length(list);
                self.machine(MachineOp::Fill, &[to, param(1), length], &[]);
                vec![list]
            }
            Support::Truncate(class) => {
                self.truncate_to(param(0), param(1), class);
                vec![param(0)]
            }
            Support::SliceList(class) => {
                self.check_slice(param(0), param(1), param(2));
                vec![self.part_of_list(param(0), param(1), param(2), class)]
            }
            Support::ExtendList(class) => {
                self.extend_list(param(0), param(1), class);
                vec![param(0)]
            }
            Support::Filled(class) => {
                let list = self.new_filled(class, param(0), 3);
                let length = self.length(list);
                let s = param(1);
                self.repeat(length, |code, index| {
                    code.emit(Inst::StoreElem { base: list, index, s, width: Elem::Cell });
                });
                vec![list]
            }
            Support::Insert(_) => {
                self.insert(param(0), param(1), param(2));
                vec![param(0)]
            }
            Support::Remove(class) => vec![self.remove(param(0), param(1), class), param(0)],
        }
    }

    /// The class of the cells of a list.
    fn cell_of(&mut self, list: Class) -> Class {
        let Class::Ptr(glue) = list else { return Class::Int };
        match self.context.types.kind(glue).cloned() {
            Some(Kind::List(element)) => self.context.types.cell(&element),
            _ => Class::Int,
        }
    }

    /// All of a block in one of half as much again as is needed. Its cells are moved.
    fn grown(&mut self, old: Reg, needed: Reg, class: Class) -> Reg {
        let half = self.binary(BinaryOp::Shr, needed, Operand::Imm(1));
        let bytes = self.binary(BinaryOp::AddWrap, needed, Operand::Reg(half));
        let bytes = self.binary(BinaryOp::Max, bytes, Operand::Imm(64));
        let d = self.reg(class);
        self.emit(Inst::NewBytes { d, bytes });
        let room = self.reg(Class::Int);
        self.emit(Inst::Capacity { d: room, s: old });
        let used = self.binary(BinaryOp::SubWrap, room, Operand::Imm(i32::from(LENGTH)));
        let (to, from) = (self.address(d, LENGTH), self.address(old, LENGTH));
        self.machine(MachineOp::Copy, &[to, from, used], &[]);
        self.emit(Inst::Free { s: old });
        d
    }

    /// Makes a string unique with room for so many bytes more; the address of its end.
    fn room_for(&mut self, text: Reg, more: Operand) -> Reg {
        self.unique(text);
        let length = self.length(text);
        let length = self.binary(BinaryOp::AddWrap, length, more);
        let bytes = self.size(length, 0);
        self.reserve(text, bytes);
        let length = self.length(text);
        self.address_at(text, length)
    }

    /// Writes a character to an address. The number of its bytes.
    fn char_text(&mut self, char: Reg, at: Reg) -> Reg {
        let count = self.reg(Class::Int);
        let after = self.block();
        for (bytes, (limit, first)) in (1..).zip(UTF8) {
            let (fits, more) = (self.block(), self.block());
            self.branch(Compare::Lt, char, Operand::Imm(limit), fits, more);
            self.at(fits);
            for n in 0..bytes {
                let bits = Operand::Imm(6 * (bytes - 1 - n));
                let bits = self.binary(BinaryOp::Shr, char, bits);
                let s = if n == 0 {
                    self.binary(BinaryOp::Or, bits, Operand::Imm(first))
                } else {
                    let bits = self.binary(BinaryOp::And, bits, Operand::Imm(0x3f));
                    self.binary(BinaryOp::Or, bits, Operand::Imm(0x80))
                };
                self.emit(Inst::Store { base: at, offset: n as u16, s, width: Width::U8 });
            }
            self.emit(Inst::Int { d: count, value: i64::from(bytes) });
            self.jump(after);
            self.at(more);
        }
        self.end(Terminator::Unreachable);
        self.at(after);
        count
    }

    fn lengthen(&mut self, text: Reg, more: Reg) -> Value {
        let length = self.length(text);
        let length = self.binary(BinaryOp::AddWrap, length, Operand::Reg(more));
        self.store(text, LENGTH, length);
        vec![text]
    }

    fn equal_bytes(&mut self, a: Reg, b: Reg) -> Value {
        let d = self.int(0);
        let (same, yes, after) = (self.block(), self.block(), self.block());
        let ([a, left], [b, right]) = (self.bytes_of(a), self.bytes_of(b));
        self.branch(Compare::Eq, left, Operand::Reg(right), same, after);
        self.at(same);
        let order = self.machine(MachineOp::CompareBytes, &[a, b, left], &[Class::Int])[0];
        self.branch(Compare::Eq, order, Operand::Imm(0), yes, after);
        self.at(yes);
        self.emit(Inst::Int { d, value: 1 });
        self.jump(after);
        self.at(after);
        vec![d]
    }

    fn order_bytes(&mut self, a: Reg, b: Reg) -> Reg {
        let ([a, left], [b, right]) = (self.bytes_of(a), self.bytes_of(b));
        let common = self.binary(BinaryOp::Min, left, Operand::Reg(right));
        let d = self.machine(MachineOp::CompareBytes, &[a, b, common], &[Class::Int])[0];
        let (same, after) = (self.block(), self.block());
        self.branch(Compare::Eq, d, Operand::Imm(0), same, after);
        self.at(same);
        let [more, less] = [Compare::Gt, Compare::Lt].map(|op| {
            let d = self.reg(Class::Int);
            self.emit(Inst::Compare { op, d, a: left, b: Operand::Reg(right) });
            d
        });
        let (op, b) = (BinaryOp::SubWrap, Operand::Reg(less));
        self.emit(Inst::Binary { op, d, a: more, b });
        self.jump(after);
        self.at(after);
        d
    }

    /// Traps when a slice is not within.
    fn check_slice(&mut self, list: Reg, from: Reg, to: Reg) {
        let length = self.length(list);
        let (first, second, ok, bad) = (self.block(), self.block(), self.block(), self.block());
        self.branch(Compare::Le, to, Operand::Reg(length), first, bad);
        self.at(first);
        self.branch(Compare::Le, from, Operand::Reg(to), second, bad);
        self.at(second);
        self.branch(Compare::Ge, from, Operand::Imm(0), ok, bad);
        self.at(bad);
        let text = self.text(b"");
        let write = |code: &mut Self, part: &[u8], number: Reg| {
            let part = code.text(part);
            code.change(Support::PushBytes, &[text, part], &[]);
            code.change(Support::PushInt, &[text, number], &[]);
        };
        write(self, b"from ", from);
        write(self, b" to ", to);
        write(self, b" of ", length);
        let [address, length] = self.bytes_of(text);
        self.end(Terminator::Trap { kind: BAD_SLICE, address, length });
        self.at(ok);
    }

    /// Some bytes of others.
    fn part(&mut self, whole: Reg, from: Reg, to: Reg) -> Reg {
        let class = self.bytes_class();
        let length = self.binary(BinaryOp::SubWrap, to, Operand::Reg(from));
        let d = self.new_filled(class, length, 0);
        let (to, from) = (self.address(d, ELEMENTS), self.address_at(whole, from));
        self.machine(MachineOp::Copy, &[to, from, length], &[]);
        d
    }

    /// A block of so many elements, which are still to be stored.
    fn new_filled(&mut self, class: Class, length: Reg, scale: i32) -> Reg {
        let length = self.binary(BinaryOp::Max, length, Operand::Imm(0));
        // What is more than fits in any heap is not to become little.
        let most = self.binary(BinaryOp::Min, length, Operand::Imm(i32::MAX));
        let bytes = self.size(most, scale);
        let d = self.reg(class);
        self.emit(Inst::NewBytes { d, bytes });
        self.store(d, LENGTH, length);
        d
    }

    fn truncate_to(&mut self, list: Reg, length: Reg, class: Class) {
        self.unique(list);
        let cell = self.cell_of(class);
        let old = self.length(list);
        let count = self.binary(BinaryOp::SubWrap, old, Operand::Reg(length));
        self.repeat(count, |code, n| {
            let index = code.binary(BinaryOp::AddWrap, n, Operand::Reg(length));
            let d = code.reg(cell);
            code.emit(Inst::TakeElem { d, base: list, index });
        });
        self.store(list, LENGTH, length);
    }

    fn part_of_list(&mut self, whole: Reg, from: Reg, to: Reg, class: Class) -> Reg {
        let length = self.binary(BinaryOp::SubWrap, to, Operand::Reg(from));
        let d = self.new_filled(class, length, 3);
        let first = self.int(0);
        self.copy_elements(whole, from, d, first, length, class);
        d
    }

    fn extend_list(&mut self, list: Reg, more: Reg, class: Class) {
        self.unique(list);
        let (length, count) = (self.length(list), self.length(more));
        let all = self.binary(BinaryOp::AddWrap, length, Operand::Reg(count));
        let bytes = self.size(all, 3);
        self.reserve(list, bytes);
        self.store(list, LENGTH, all);
        let first = self.int(0);
        self.copy_elements(more, first, list, length, count, class);
    }

    /// Copies elements to where there are none.
    fn copy_elements(&mut self, a: Reg, from: Reg, b: Reg, to: Reg, count: Reg, class: Class) {
        let cell = self.cell_of(class);
        if !matches!(cell, Class::Ptr(_)) {
            let [from, to, count] =
                [from, to, count].map(|cells| self.binary(BinaryOp::Shl, cells, Operand::Imm(3)));
            let (to, from) = (self.address_at(b, to), self.address_at(a, from));
            self.machine(MachineOp::Copy, &[to, from, count], &[]);
            return;
        }
        self.repeat(count, |code, n| {
            let index = code.binary(BinaryOp::AddWrap, from, Operand::Reg(n));
            let s = code.reg(cell);
            code.emit(Inst::LoadElem { d: s, base: a, index, width: Elem::Cell });
            let index = code.binary(BinaryOp::AddWrap, to, Operand::Reg(n));
            code.emit(Inst::StoreElem { base: b, index, s, width: Elem::Cell });
        });
    }

    fn insert(&mut self, list: Reg, at: Reg, s: Reg) {
        let length = self.length(list);
        let (inside, ok) = (self.block(), self.block());
        self.branch(Compare::Eq, at, Operand::Reg(length), ok, inside);
        self.at(inside);
        self.check_index(list, at);
        self.jump(ok);
        self.at(ok);
        self.unique(list);
        let more = self.binary(BinaryOp::AddWrap, length, Operand::Imm(1));
        let bytes = self.size(more, 3);
        self.reserve(list, bytes);
        self.store(list, LENGTH, more);
        let count = self.binary(BinaryOp::SubWrap, length, Operand::Reg(at));
        let next = self.binary(BinaryOp::AddWrap, at, Operand::Imm(1));
        self.move_elements(list, at, next, count);
        self.emit(Inst::StoreElem { base: list, index: at, s, width: Elem::Cell });
    }

    fn remove(&mut self, list: Reg, at: Reg, class: Class) -> Reg {
        self.unique(list);
        let cell = self.cell_of(class);
        let d = self.reg(cell);
        self.emit(match cell {
            Class::Ptr(_) => Inst::TakeElem { d, base: list, index: at },
            _ => Inst::LoadElem { d, base: list, index: at, width: Elem::Cell },
        });
        let length = self.length(list);
        let less = self.binary(BinaryOp::SubWrap, length, Operand::Imm(1));
        let count = self.binary(BinaryOp::SubWrap, less, Operand::Reg(at));
        let next = self.binary(BinaryOp::AddWrap, at, Operand::Imm(1));
        self.move_elements(list, next, at, count);
        self.store(list, LENGTH, less);
        d
    }

    /// Traps when there is no such element.
    fn check_index(&mut self, list: Reg, index: Reg) {
        let d = self.reg(Class::Int);
        self.emit(Inst::LoadElem { d, base: list, index, width: Elem::Cell });
    }

    /// Moves elements within a list, over what is no element any more.
    fn move_elements(&mut self, list: Reg, from: Reg, to: Reg, count: Reg) {
        let [from, to, count] =
            [from, to, count].map(|cells| self.binary(BinaryOp::Shl, cells, Operand::Imm(3)));
        let (to, from) = (self.address_at(list, to), self.address_at(list, from));
        self.machine(MachineOp::Copy, &[to, from, count], &[]);
    }
}
