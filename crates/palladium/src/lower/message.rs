//! Messages as bytes: what is sent, and what is made of what has come.
//!
//! A message is cells of 8 bytes. Those of a few numbers are put together here; all others are
//! written and read by derived code. That of a call begins with two cells: the process that is to be
//! answered, and the tag of the answer.

use super::code::{CELLS, Code, ELEMENTS, LENGTH, Value};
use super::derive::json::{NONE, SOME};
use super::derive::wire::Reader;
use super::shape::Layout;
use super::value::offset;
use crate::core::Type;
use crate::mir::{BinaryOp, BlockIdx, Class, Compare, Inst, MachineOp, Operand, Reg, Width};

/// Messages with more cells than this are written and read by derived code.
const MAX_FLAT: usize = 16;

/// A number in a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scalar {
    Int,
    Bool,
    Char,
    Float,
}

/// A kind of message: its tag, and the types of its fields.
pub(super) struct Kind {
    pub(super) tag: i64,
    pub(super) variant: u32,
    pub(super) fields: Vec<Type>,
}

impl Code<'_, '_> {
    /// Sends the values of a message. Whom to answer comes first.
    pub(super) fn send_fields(&mut self, pid: Reg, tag: Reg, types: &[Type], values: Vec<Value>) {
        let (types, values) = in_order(types, values);
        self.send_in_order(pid, tag, &types, &values);
    }

    /// Sends values as they stand.
    pub(super) fn send_in_order(&mut self, pid: Reg, tag: Reg, types: &[Type], values: &[Value]) {
        let Some(scalars) = self.scalars(types) else {
            return self.send_packed(pid, tag, types, values);
        };
        let cells = values.concat();
        match (scalars.as_slice(), cells.as_slice()) {
            ([], _) => {
                let (nowhere, nothing) = (self.int(0), self.int(0));
                self.machine(MachineOp::Send, &[pid, tag, nowhere, nothing], &[]);
            }
            ([Scalar::Float], [value]) => {
                self.machine(MachineOp::SendFloat, &[pid, tag, *value], &[]);
            }
            ([_], [value]) => {
                self.machine(MachineOp::SendInt, &[pid, tag, *value], &[]);
            }
            _ => {
                let class = self.bytes_class();
                let block = self.boxed(class, 0, &cells);
                let address = self.address(block, CELLS);
                let length = self.int(8 * cells.len() as i64);
                self.machine(MachineOp::Send, &[pid, tag, address, length], &[]);
                self.emit(Inst::Free { s: block });
            }
        }
    }

    /// Sends values that derived code writes.
    fn send_packed(&mut self, pid: Reg, tag: Reg, types: &[Type], values: &[Value]) {
        let mut length = self.int(0);
        for (ty, value) in types.iter().zip(values) {
            let more = self.wire_size(ty, value);
            length = self.binary(BinaryOp::AddWrap, length, Operand::Reg(more));
        }
        let block = self.block_of(length);
        let begin = self.address(block, ELEMENTS);
        let mut at = begin;
        for (ty, value) in types.iter().zip(values) {
            at = self.write_wire(ty, value, at);
        }
        let begin = self.address(block, ELEMENTS);
        self.machine(MachineOp::Send, &[pid, tag, begin, length], &[]);
        self.emit(Inst::Free { s: block });
    }

    /// The values of the current message, which has this length. Goes to `wrong` when it is not one
    /// of these types.
    pub(super) fn message_fields(
        &mut self,
        types: &[Type],
        length: Reg,
        wrong: BlockIdx,
    ) -> Vec<Value> {
        let order = order(types);
        let sorted: Vec<Type> = order.iter().map(|n| types[*n].clone()).collect();
        let read = self.fields_in_order(&sorted, length, wrong);
        let mut values = vec![Value::new(); types.len()];
        for (n, value) in order.into_iter().zip(read) {
            values[n] = value;
        }
        values
    }

    /// The values of the current message as they stand in it.
    pub(super) fn fields_in_order(
        &mut self,
        types: &[Type],
        length: Reg,
        wrong: BlockIdx,
    ) -> Vec<Value> {
        match self.scalars(types) {
            Some(scalars) => self.flat_fields(types, &scalars, length, wrong),
            None => self.packed_fields(types, length, wrong),
        }
    }

    fn flat_fields(
        &mut self,
        types: &[Type],
        scalars: &[Scalar],
        length: Reg,
        wrong: BlockIdx,
    ) -> Vec<Value> {
        let fits = self.block();
        let size = Operand::Imm(8 * scalars.len() as i32);
        self.branch(Compare::Eq, length, size, fits, wrong);
        self.at(fits);
        let cells: Vec<Reg> = match scalars {
            [] => Vec::new(),
            [Scalar::Float] => self.machine(MachineOp::MessageFloat, &[], &[Class::Float]),
            [_] => self.machine(MachineOp::MessageInt, &[], &[Class::Int]),
            several => {
                let block = self.bytes_reg();
                let bytes = offset(several.len());
                self.emit(Inst::New { d: block, bytes, variant: 0 });
                let address = self.address(block, CELLS);
                self.machine(MachineOp::MessageBytes, &[address], &[Class::Int]);
                let load = |(n, scalar): (usize, &Scalar)| {
                    let float = *scalar == Scalar::Float;
                    let class = if float { Class::Float } else { Class::Int };
                    self.load(class, block, offset(n), Width::Cell)
                };
                let cells = several.iter().enumerate().map(load).collect();
                self.emit(Inst::Free { s: block });
                cells
            }
        };
        for (scalar, cell) in scalars.iter().zip(&cells) {
            self.check_scalar(*scalar, *cell, wrong);
        }
        let mut cells = cells.into_iter();
        types
            .iter()
            .map(|ty| {
                let parts = self.context.types.parts(ty).len();
                cells.by_ref().take(parts).collect()
            })
            .collect()
    }

    /// Goes to `wrong` unless a number is one of its type.
    fn check_scalar(&mut self, scalar: Scalar, cell: Reg, wrong: BlockIdx) {
        match scalar {
            Scalar::Int | Scalar::Float => {}
            Scalar::Bool => self.must(Compare::LtU, cell, 2, wrong),
            Scalar::Char => self.must_be_char(cell, wrong),
        }
    }

    /// A new block for so many bytes.
    pub(in crate::lower) fn block_of(&mut self, length: Reg) -> Reg {
        let head = Operand::Imm(i32::from(ELEMENTS));
        let bytes = self.binary(BinaryOp::AddWrap, length, head);
        let block = self.bytes_reg();
        self.emit(Inst::NewBytes { d: block, bytes });
        self.store(block, LENGTH, length);
        block
    }

    fn packed_fields(&mut self, types: &[Type], length: Reg, wrong: BlockIdx) -> Vec<Value> {
        let block = self.block_of(length);
        let at = self.variable(&Type::Int)[0];
        let begin = self.address(block, ELEMENTS);
        self.copy_to(&[at], &[begin]);
        self.machine(MachineOp::MessageBytes, &[begin], &[Class::Int]);
        let end = self.binary(BinaryOp::AddWrap, begin, Operand::Reg(length));
        let unread = self.block();
        let reader = Reader::new(at, end);
        let values: Vec<Value> =
            types.iter().map(|ty| self.read_wire(ty, &reader, unread)).collect();
        let read = self.block();
        self.branch(Compare::Eq, at, Operand::Reg(end), read, unread);
        self.at(unread);
        self.emit(Inst::Free { s: block });
        self.jump(wrong);
        self.at(read);
        self.emit(Inst::Free { s: block });
        values
    }

    /// The numbers that values of these types are, if they are nothing else and not many.
    fn scalars(&mut self, types: &[Type]) -> Option<Vec<Scalar>> {
        let mut all = Vec::new();
        for ty in types {
            self.add_scalars(ty, &mut all)?;
        }
        (all.len() <= MAX_FLAT).then_some(all)
    }

    fn add_scalars(&mut self, ty: &Type, all: &mut Vec<Scalar>) -> Option<()> {
        match ty {
            Type::Int | Type::Duration | Type::Node | Type::Pid(_) => all.push(Scalar::Int),
            Type::Bool => all.push(Scalar::Bool),
            Type::Char => all.push(Scalar::Char),
            Type::Float => all.push(Scalar::Float),
            Type::Reply(_) => all.extend([Scalar::Int, Scalar::Int]),
            Type::Tuple(_) | Type::Record(..) => {
                let shape = self.shape(ty);
                match &shape.layout {
                    Layout::Product(product) if !product.boxed => {
                        for field in &product.fields.types {
                            self.add_scalars(field, all)?;
                        }
                    }
                    _ => return None,
                }
            }
            _ => return None,
        }
        Some(())
    }

    /// A cell of the current message, which has at most two.
    pub(super) fn message_cell(&mut self, n: usize) -> Reg {
        let block = self.bytes_reg();
        self.emit(Inst::New { d: block, bytes: offset(2), variant: 0 });
        let address = self.address(block, CELLS);
        self.machine(MachineOp::MessageBytes, &[address], &[Class::Int]);
        let cell = self.load(Class::Int, block, offset(n), Width::Cell);
        self.emit(Inst::Free { s: block });
        cell
    }

    /// Sends a message as a value.
    pub(super) fn send_value(&mut self, of: &Type, pid: Reg, value: &[Reg]) {
        let kinds = self.kinds(of);
        if !self.is_by_variant(of) {
            for kind in kinds {
                let tag = self.int(kind.tag);
                self.send_fields(pid, tag, &kind.fields, vec![value.to_vec()]);
            }
            return;
        }
        let blocks: Vec<BlockIdx> = kinds.iter().map(|_| self.block()).collect();
        let after = self.block();
        self.switch_on_variant(value, of, &blocks, after);
        for (kind, block) in kinds.into_iter().zip(blocks) {
            self.at(block);
            let read = |(nth, ty): (usize, &Type)| {
                let (source, _) = self.payload(value, of, kind.variant, nth);
                self.read(&source, ty)
            };
            let values = kind.fields.iter().enumerate().map(read).collect();
            let tag = self.int(kind.tag);
            self.send_fields(pid, tag, &kind.fields, values);
            self.jump(after);
        }
        self.at(after);
    }

    /// The messages that a process of a type receives.
    pub(super) fn kinds(&mut self, of: &Type) -> Vec<Kind> {
        let program = self.context.program;
        match of {
            Type::Never => Vec::new(),
            Type::Enum(id, args) if self.is_by_variant(of) => {
                let variants = (0..).zip(&program.enums[id.0 as usize].variants);
                let kind = |(variant, declared): (u32, &crate::core::Variant)| Kind {
                    tag: self.context.tag(of, variant),
                    variant,
                    fields: declared.fields.iter().map(|(_, ty)| ty.substitute(args)).collect(),
                };
                variants.map(kind).collect()
            }
            other => {
                let tag = self.context.tag(of, 0);
                vec![Kind { tag, variant: 0, fields: vec![other.clone()] }]
            }
        }
    }

    /// Whether each variant of a type is a message of its own. An option is a value like others.
    pub(super) fn is_by_variant(&self, of: &Type) -> bool {
        matches!(of, Type::Enum(id, _) if !self.is_option(*id))
    }

    /// The current message as an option of a value.
    pub(super) fn message_value(&mut self, ty: &Type, length: Reg) -> Value {
        let option = self.option_of(ty);
        let found = self.variable(&option);
        let (wrong, after) = (self.block(), self.block());
        let value = self.fields_in_order(std::slice::from_ref(ty), length, wrong).concat();
        let some = self.variant(&option, SOME, vec![value]);
        self.copy_to(&found, &some);
        self.jump(after);
        self.at(wrong);
        let none = self.variant(&option, NONE, vec![Vec::new()]);
        self.copy_to(&found, &none);
        self.jump(after);
        self.at(after);
        found
    }

    /// Who waits for an answer to the current message, and its tag. Nobody is 0.
    pub(super) fn asker(&mut self, length: Reg) -> Value {
        let block = self.block_of(length);
        let address = self.address(block, ELEMENTS);
        self.machine(MachineOp::MessageBytes, &[address], &[Class::Int]);
        let who = self.load_cells(block, ELEMENTS, &[Class::Int; 2]);
        self.emit(Inst::Free { s: block });
        who
    }

    /// A new tag for an answer: a random number from 2^62 on.
    pub(super) fn new_reply(&mut self) -> Value {
        let pid = self.machine(MachineOp::OwnPid, &[], &[Class::Int])[0];
        let bits = self.machine(MachineOp::Random, &[], &[Class::Int])[0];
        let number = self.binary(BinaryOp::ShrU, bits, Operand::Imm(2));
        let first = self.int(1 << 62);
        let tag = self.binary(BinaryOp::Or, number, Operand::Reg(first));
        vec![pid, tag]
    }
}

/// In which order the fields of a message are written: whom to answer comes first.
fn order(types: &[Type]) -> Vec<usize> {
    let reply = types.iter().rposition(|ty| matches!(ty, Type::Reply(_)));
    reply.into_iter().chain((0..types.len()).filter(|n| Some(*n) != reply)).collect()
}

fn in_order(types: &[Type], values: Vec<Value>) -> (Vec<Type>, Vec<Value>) {
    let order = order(types);
    let mut values: Vec<Option<Value>> = values.into_iter().map(Some).collect();
    order.into_iter().filter_map(|n| Some((types[n].clone(), values.get_mut(n)?.take()?))).unzip()
}
