//! Strings and bytes.

use crate::lower::code::{Code, ELEMENTS, LENGTH, Value};
use crate::lower::instances::Support;
use crate::mir::{BinaryOp, Class, Compare, Elem, Inst, MachineOp, Operand, Reg};

impl Code<'_, '_> {
    pub(super) fn bytes_intrinsic(&mut self, module: &str, name: &str, args: &[Value]) -> Value {
        let word = |n: usize| args[n][0];
        let class = self.bytes_class();
        match name {
            "len" => vec![self.length(word(0))],
            "byte" => vec![self.byte(word(0), word(1))],
            "with_capacity" => {
                let d = self.reg(class);
                let bytes = self.size(word(0), 0);
                self.emit(Inst::NewBytes { d, bytes });
                let none = self.int(0);
                self.store(d, LENGTH, none);
                vec![d]
            }
            "push" if module == "bytes" => self.push_byte(word(0), word(1)),
            "push_byte" => self.push_byte(word(0), word(1)),
            "push" | "extend" => self.change(Support::PushBytes, &[word(0), word(1)], &[]),
            "push_part" => {
                let args = [word(0), word(1), word(2), word(3)];
                self.change(Support::PushPart, &args, &[])
            }
            "slice" => self.support(Support::SliceBytes, &[word(0), word(1), word(2)], &[class]),
            "slice_unchecked" => {
                self.support(Support::PartOfBytes, &[word(0), word(1), word(2)], &[class])
            }
            "filled" => self.support(Support::FillBytes, &[word(0), word(1)], &[class]),
            "find_from" => vec![self.find(word(0), word(1), word(2))],
            "equal" => self.support(Support::EqualBytes, &[word(0), word(1)], &[Class::Int]),
            "order_of" => self.support(Support::OrderBytes, &[word(0), word(1)], &[Class::Int]),
            "hash_of" => vec![self.hash_bytes(word(0), word(1))],
            "push_int" => self.change(Support::PushInt, &[word(0), word(1)], &[]),
            "push_float" => self.change(Support::PushFloat, &[word(0), word(1), word(2)], &[]),
            "parse_float" => {
                let bytes = self.bytes_of(word(0));
                self.machine(MachineOp::ParseFloat, &bytes, &[Class::Float, Class::Int])
            }
            "valid_prefix" => {
                let bytes = self.bytes_of(word(0));
                self.machine(MachineOp::Utf8, &bytes, &[Class::Int])
            }
            "to_bytes" | "to_string_unchecked" => args[0].clone(),
            _ => Vec::new(),
        }
    }

    fn push_byte(&mut self, bytes: Reg, byte: Reg) -> Value {
        self.push_cell(bytes, byte, 0, Elem::Byte);
        Vec::new()
    }

    fn find(&mut self, text: Reg, what: Reg, from: Reg) -> Reg {
        let [begin, length] = self.bytes_of(text);
        let begin = self.binary(BinaryOp::AddWrap, begin, Operand::Reg(from));
        let length = self.binary(BinaryOp::SubWrap, length, Operand::Reg(from));
        let [what, size] = self.bytes_of(what);
        let args = [begin, length, what, size];
        let found = self.machine(MachineOp::Find, &args, &[Class::Int])[0];
        let (some, after) = (self.block(), self.block());
        self.branch(Compare::Ge, found, Operand::Imm(0), some, after);
        self.at(some);
        let (op, b) = (BinaryOp::AddWrap, Operand::Reg(from));
        self.emit(Inst::Binary { op, d: found, a: found, b });
        self.jump(after);
        self.at(after);
        found
    }

    pub(in crate::lower) fn hash_bytes(&mut self, text: Reg, seed: Reg) -> Reg {
        let [address, length] = self.bytes_of(text);
        self.machine(MachineOp::Hash, &[address, length, seed], &[Class::Int])[0]
    }

    /// The address of an offset among the bytes.
    pub(super) fn address_at(&mut self, bytes: Reg, at: Reg) -> Reg {
        let address = self.address(bytes, ELEMENTS);
        self.binary(BinaryOp::AddWrap, address, Operand::Reg(at))
    }
}
