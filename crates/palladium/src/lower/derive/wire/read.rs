//! Values are read, and nothing is trusted meanwhile.
//!
//! A function takes the address of the next cell, that of the end, and where values may lie in each
//! other how deep it is; it gives the value and the address behind it, which is -1 when what is there
//! is none.

use std::sync::Arc;

use crate::core::Type;
use crate::lower::code::{Code, ELEMENTS, LENGTH, MADE, Value};
use crate::lower::instances::{Derived, Key};
use crate::mir::{
    BinaryOp, BlockIdx, Class, Compare, Function, Inst, MachineOp, Operand, Passing, Reg,
    Terminator, Width,
};

use super::{CELL, MAX_FIXED};

/// Characters lie below this, but for the surrogates.
const CHARS: i32 = 0x11_0000;
const SURROGATES: i32 = 0xd800;
const AFTER_SURROGATES: i32 = 0xe000;

/// From where values are read.
#[derive(Debug, Clone, Copy)]
pub(in crate::lower) struct Reader {
    /// The address of the next cell, changed in place.
    pub(super) at: Reg,
    pub(super) end: Reg,
    /// `None`: what is read next lies in nothing.
    pub(super) depth: Option<Reg>,
}

impl Reader {
    /// A reader of what is between two addresses. The first register is a variable that nothing else
    /// needs: it goes on to the address behind each value that was read.
    pub(in crate::lower) fn new(at: Reg, end: Reg) -> Self {
        Self { at, end, depth: None }
    }
}

impl Code<'_, '_> {
    /// Reads a value. When what is there is none, goes to `wrong`.
    pub(in crate::lower) fn read_wire(
        &mut self,
        ty: &Type,
        reader: &Reader,
        wrong: BlockIdx,
    ) -> Value {
        self.read_values(std::slice::from_ref(ty), reader, wrong).concat()
    }

    /// Reads an element of a list.
    pub(super) fn read_element(&mut self, ty: &Type, reader: &Reader, wrong: BlockIdx) -> Value {
        if self.fixed_size(ty) == Some(0) {
            let cell = self.read_wire(&Type::Int, reader, wrong)[0];
            self.must(Compare::Eq, cell, 0, wrong);
        }
        self.read_wire(ty, reader, wrong)
    }

    /// Reads values one after the other. Whether there is enough for those of a fixed size is looked
    /// at once for as many as follow each other.
    pub(super) fn read_values(
        &mut self,
        types: &[Type],
        reader: &Reader,
        wrong: BlockIdx,
    ) -> Vec<Value> {
        let mut values = Vec::new();
        let mut rest = types;
        while let Some(first) = rest.first() {
            let mut bytes = 0;
            let fixed = rest.iter().take_while(|ty| {
                self.fixed_size(ty).is_some_and(|more| {
                    bytes += more;
                    bytes <= MAX_FIXED
                })
            });
            let count = fixed.count();
            if count == 0 {
                values.push(self.read_one(first, reader, wrong));
                rest = &rest[1..];
                continue;
            }
            let (run, others) = rest.split_at(count);
            values.extend(self.read_fixed(run, reader, wrong));
            rest = others;
        }
        values
    }

    fn read_fixed(&mut self, types: &[Type], reader: &Reader, wrong: BlockIdx) -> Vec<Value> {
        let bytes: u32 = types.iter().filter_map(|ty| self.fixed_size(ty)).sum();
        if bytes == 0 {
            return types.iter().map(|ty| self.cells(ty, reader.at, &mut 0, wrong)).collect();
        }
        let fine = self.block();
        let behind = self.binary(BinaryOp::AddWrap, reader.at, Operand::Imm(bytes as i32));
        self.branch(Compare::Le, behind, Operand::Reg(reader.end), fine, wrong);
        self.at(fine);
        let mut offset = 0;
        let values = types.iter().map(|ty| self.cells(ty, reader.at, &mut offset, wrong)).collect();
        self.emit(Inst::Copy { d: reader.at, s: behind });
        values
    }

    /// A value of a fixed size that is there in full.
    fn cells(&mut self, ty: &Type, at: Reg, offset: &mut u16, wrong: BlockIdx) -> Value {
        let mut cell = |code: &mut Self, class| {
            let d = code.load(class, at, *offset, Width::Cell);
            *offset += CELL as u16;
            d
        };
        match ty {
            Type::Float => vec![cell(self, Class::Float)],
            Type::Reply(_) => vec![cell(self, Class::Int), cell(self, Class::Int)],
            Type::Bool => {
                let bool = cell(self, Class::Int);
                self.must(Compare::LeU, bool, 1, wrong);
                vec![bool]
            }
            Type::Char => {
                let char = cell(self, Class::Int);
                self.must_be_char(char, wrong);
                vec![char]
            }
            Type::Enum(id, _) => {
                let variants = self.context.program.enums[id.0 as usize].variants.len();
                let number = cell(self, Class::Int);
                self.must(Compare::LtU, number, variants as i32, wrong);
                let parts = self.context.types.parts(ty).len();
                vec![number].into_iter().take(parts).collect()
            }
            Type::Tuple(types) => {
                let values = types.iter().map(|ty| self.cells(ty, at, offset, wrong)).collect();
                self.product(ty, values)
            }
            Type::Record(id, args) => {
                let fields = &self.context.program.records[id.0 as usize].fields;
                let values = fields
                    .iter()
                    .map(|(_, ty)| self.cells(&ty.substitute(args), at, offset, wrong))
                    .collect();
                self.product(ty, values)
            }
            Type::Never => {
                self.jump(wrong);
                Vec::new()
            }
            _ => vec![cell(self, Class::Int)],
        }
    }

    /// Goes to `wrong` unless a number compares so.
    pub(in crate::lower) fn must(&mut self, op: Compare, a: Reg, b: i32, wrong: BlockIdx) {
        let fine = self.block();
        self.branch(op, a, Operand::Imm(b), fine, wrong);
        self.at(fine);
    }

    /// Goes to `wrong` unless a number is a character.
    pub(in crate::lower) fn must_be_char(&mut self, char: Reg, wrong: BlockIdx) {
        let (above, fine) = (self.block(), self.block());
        self.branch(Compare::LtU, char, Operand::Imm(SURROGATES), fine, above);
        self.at(above);
        let more = self.binary(BinaryOp::SubWrap, char, Operand::Imm(AFTER_SURROGATES));
        let count = Operand::Imm(CHARS - AFTER_SURROGATES);
        self.branch(Compare::LtU, more, count, fine, wrong);
        self.at(fine);
    }

    /// A value whose size is not fixed.
    fn read_one(&mut self, ty: &Type, reader: &Reader, wrong: BlockIdx) -> Value {
        let is_table = self.is_table(ty);
        if self.is_open(ty) && !is_table {
            let types = self.types_of(ty);
            let values = self.read_values(&types, reader, wrong);
            return self.product(ty, values);
        }
        let function = match self.context.with_result("derive_read_wire", ty) {
            Some(function) => function,
            None => self.context.instances.get(Key::Derived(Derived::ReadWire, ty.clone())),
        };
        let takes_depth = is_table || self.is_deep(ty);
        let depth = takes_depth.then(|| reader.depth.unwrap_or_else(|| self.int(0)));
        let args = [reader.at, reader.end].into_iter().chain(depth).collect();
        let value = self.value(ty);
        let results = [value.as_slice(), &[reader.at]].concat();
        self.emit(Inst::Call { function, args, results });
        self.must(Compare::Ge, reader.at, 0, wrong);
        value
    }

    /// The types of the fields of a record or tuple.
    fn types_of(&mut self, ty: &Type) -> Vec<Type> {
        self.fields_by_variant(ty).into_iter().flatten().collect()
    }

    /// Makes the function of a type.
    pub(in crate::lower::derive) fn read_wire_function(mut self, ty: &Type) -> Function {
        let (at, end) = (self.variable(&Type::Int)[0], self.reg(Class::Int));
        let depth = self.is_deep(ty).then(|| self.reg(Class::Int));
        let params: Value = [at, end].into_iter().chain(depth).collect();
        let wrong = self.block();
        let depth = self.below(ty, depth, wrong);
        self.read_body(ty, &Reader { at, end, depth }, wrong);
        self.at(wrong);
        let nothing = self.nothing(ty);
        let none = self.int(-1);
        self.give([nothing, vec![none]].concat());
        let mut results = self.context.types.parts(ty);
        results.push(Class::Int);
        let name = Arc::from(format!("{}.read_wire", self.name_of(ty)));
        self.finish(name, MADE, params, results, Passing::Inferred)
    }

    fn read_body(&mut self, ty: &Type, reader: &Reader, wrong: BlockIdx) {
        match ty {
            Type::String | Type::Bytes => self.read_bytes(ty, reader, wrong),
            Type::List(element) => self.read_list(ty, element, reader, wrong),
            Type::Enum(..) | Type::Record(..) if self.begins_again(ty) => {
                self.read_again(ty, reader, wrong);
            }
            Type::Enum(..) => self.read_enum(ty, reader, wrong),
            _ => {
                let types = self.types_of(ty);
                let values = self.read_values(&types, reader, wrong);
                let value = self.product(ty, values);
                self.give([value, vec![reader.at]].concat());
            }
        }
    }

    fn read_enum(&mut self, ty: &Type, reader: &Reader, wrong: BlockIdx) {
        let variants = self.fields_by_variant(ty);
        let blocks = self.switch_on_number(variants.len(), reader, wrong);
        for ((n, types), block) in (0..).zip(variants).zip(blocks) {
            self.at(block);
            let values = self.read_values(&types, reader, wrong);
            let value = self.variant(ty, n, values);
            self.give([value, vec![reader.at]].concat());
        }
    }

    /// Reads the number of a variant: a block for each.
    pub(super) fn switch_on_number(
        &mut self,
        variants: usize,
        reader: &Reader,
        wrong: BlockIdx,
    ) -> Vec<BlockIdx> {
        let value = self.read_wire(&Type::Int, reader, wrong)[0];
        let targets: Vec<BlockIdx> = (0..variants).map(|_| self.block()).collect();
        self.end(Terminator::Switch { value, targets: targets.clone(), otherwise: wrong });
        targets
    }

    /// The length is compared with what is left before memory is taken.
    fn read_bytes(&mut self, ty: &Type, reader: &Reader, wrong: BlockIdx) {
        let length = self.read_wire(&Type::Int, reader, wrong)[0];
        let from = self.copy_of(&[reader.at])[0];
        let left = self.binary(BinaryOp::SubWrap, reader.end, Operand::Reg(from));
        let (fits, whole, partial, fine) = (self.block(), self.block(), self.block(), self.block());
        self.branch(Compare::LeU, length, Operand::Reg(left), fits, wrong);
        self.at(fits);
        let used = self.binary(BinaryOp::And, length, Operand::Imm(7));
        let behind = self.binary(BinaryOp::AddWrap, from, Operand::Reg(length));
        self.branch(Compare::Eq, used, Operand::Imm(0), whole, partial);
        self.at(whole);
        self.emit(Inst::Copy { d: reader.at, s: behind });
        self.jump(fine);
        self.at(partial);
        let start = self.binary(BinaryOp::SubWrap, behind, Operand::Reg(used));
        let next = self.binary(BinaryOp::AddWrap, start, Operand::Imm(CELL as i32));
        let (there, zeros) = (self.block(), self.block());
        self.branch(Compare::Le, next, Operand::Reg(reader.end), there, wrong);
        self.at(there);
        let last = self.load(Class::Int, start, 0, Width::Cell);
        let bits = self.binary(BinaryOp::Shl, used, Operand::Imm(3));
        let padding = self.binary(BinaryOp::ShrU, last, Operand::Reg(bits));
        self.branch(Compare::Eq, padding, Operand::Imm(0), zeros, wrong);
        self.at(zeros);
        self.emit(Inst::Copy { d: reader.at, s: next });
        self.jump(fine);
        self.at(fine);
        if *ty == Type::String {
            let valid = self.machine(MachineOp::Utf8, &[from, length], &[Class::Int])[0];
            let text = self.block();
            self.branch(Compare::Eq, valid, Operand::Reg(length), text, wrong);
            self.at(text);
        }
        let bytes = self.size(length, 0);
        let d = self.bytes_reg();
        self.emit(Inst::NewBytes { d, bytes });
        self.store(d, LENGTH, length);
        let to = self.address(d, ELEMENTS);
        self.machine(MachineOp::Copy, &[to, from, length], &[]);
        self.give(vec![d, reader.at]);
    }

    /// Each element takes a cell at least, so that no more memory is taken than a small multiple of
    /// what there is.
    fn read_list(&mut self, ty: &Type, element: &Type, reader: &Reader, wrong: BlockIdx) {
        let count = self.read_wire(&Type::Int, reader, wrong)[0];
        let left = self.binary(BinaryOp::SubWrap, reader.end, Operand::Reg(reader.at));
        let most = self.binary(BinaryOp::ShrU, left, Operand::Imm(3));
        let fits = self.block();
        self.branch(Compare::LeU, count, Operand::Reg(most), fits, wrong);
        self.at(fits);
        let list = self.value(ty)[0];
        let bytes = self.binary(BinaryOp::Shl, count, Operand::Imm(3));
        let room = self.size(bytes, 0);
        self.emit(Inst::NewBytes { d: list, bytes: room });
        if self.is_any(element) {
            self.store(list, LENGTH, count);
            let to = self.address(list, ELEMENTS);
            self.machine(MachineOp::Copy, &[to, reader.at, bytes], &[]);
            let at = reader.at;
            let (op, b) = (BinaryOp::AddWrap, Operand::Reg(bytes));
            self.emit(Inst::Binary { op, d: at, a: at, b });
            return self.give(vec![list, at]);
        }
        self.read_elements(element, list, count, reader, wrong);
        self.give(vec![list, reader.at]);
    }

    /// When an element is wrong, the list has those before it.
    fn read_elements(
        &mut self,
        element: &Type,
        list: Reg,
        count: Reg,
        reader: &Reader,
        wrong: BlockIdx,
    ) {
        let lost = self.block();
        let read = self.int(0);
        let to = self.address(list, ELEMENTS);
        let place = self.variable(&Type::Int);
        self.copy_to(&place, &[to]);
        let (test, body, done) = (self.block(), self.block(), self.block());
        self.jump(test);
        self.at(test);
        self.branch(Compare::Lt, read, Operand::Reg(count), body, done);
        self.at(body);
        let value = self.read_element(element, reader, lost);
        let cell = self.pack(&value, element);
        self.store(place[0], 0, cell);
        for (d, more) in [(place[0], CELL as i32), (read, 1)] {
            let (op, b) = (BinaryOp::AddWrap, Operand::Imm(more));
            self.emit(Inst::Binary { op, d, a: d, b });
        }
        self.jump(test);
        self.at(lost);
        self.store(list, LENGTH, read);
        self.jump(wrong);
        self.at(done);
        self.store(list, LENGTH, count);
    }

    /// Whether every cell is a value of a type, and its one register.
    fn is_any(&mut self, ty: &Type) -> bool {
        self.is_cell(ty)
            && match ty {
                Type::Int | Type::Duration | Type::Node | Type::Pid(_) => true,
                Type::Tuple(_) | Type::Record(..) => self
                    .types_of(ty)
                    .iter()
                    .all(|ty| self.fixed_size(ty) == Some(0) || self.is_any(ty)),
                _ => false,
            }
    }
}
