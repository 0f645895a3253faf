//! Values put together from fields, and taken apart.

use std::rc::Rc;

use super::code::{CELLS, Code, VARIANT, Value};
use super::shape::{Fields, Form, Layout, Shape};
use crate::core::Type;
use crate::mir::{
    BinaryOp, BlockIdx, Class, Compare, Elem, Inst, MachineOp, Operand, Reg, Terminator, Width,
};

/// Where a value is that was not read yet.
#[derive(Debug, Clone)]
pub(super) enum Source {
    Regs(Value),
    /// In the cells of a block, from this offset on.
    Cells {
        base: Reg,
        offset: u16,
    },
    /// An element of a list.
    Element {
        list: Reg,
        index: Reg,
    },
}

/// The offset of a cell of a block.
pub(super) fn offset(cell: usize) -> u16 {
    CELLS + 8 * cell as u16
}

impl Code<'_, '_> {
    pub(super) fn shape(&mut self, ty: &Type) -> Rc<Shape> {
        self.context.types.shape(ty)
    }

    pub(super) fn read(&mut self, source: &Source, ty: &Type) -> Value {
        match source {
            Source::Regs(value) => value.clone(),
            Source::Cells { base, offset } => {
                let parts = self.context.types.parts(ty);
                self.load_cells(*base, *offset, &parts)
            }
            Source::Element { list, index } => self.element(*list, *index, ty),
        }
    }

    /// A new block with these cells.
    pub(super) fn boxed(&mut self, class: Class, variant: u16, cells: &[Reg]) -> Reg {
        let d = self.reg(class);
        self.emit(Inst::New { d, bytes: offset(cells.len()), variant });
        self.store_cells(d, CELLS, cells);
        d
    }

    pub(super) fn store_cells(&mut self, base: Reg, offset: u16, cells: &[Reg]) {
        for (n, cell) in cells.iter().enumerate() {
            self.store(base, offset + 8 * n as u16, *cell);
        }
    }

    pub(super) fn load_cells(&mut self, base: Reg, offset: u16, classes: &[Class]) -> Value {
        let load = |(n, class): (usize, &Class)| {
            self.load(*class, base, offset + 8 * n as u16, Width::Cell)
        };
        classes.iter().enumerate().map(load).collect()
    }

    /// A value in one register, for a cell of a list.
    pub(super) fn pack(&mut self, value: &[Reg], ty: &Type) -> Reg {
        match value {
            [] => self.int(0),
            [one] => *one,
            several => {
                let class = self.context.types.cell(ty);
                self.boxed(class, 0, several)
            }
        }
    }

    /// The value that [`pack`](Self::pack) put into one register.
    pub(super) fn unpack(&mut self, cell: Reg, ty: &Type) -> Value {
        match self.context.types.parts(ty).as_slice() {
            [] => Vec::new(),
            [_] => vec![cell],
            several => self.load_cells(cell, CELLS, several),
        }
    }

    pub(super) fn element(&mut self, list: Reg, index: Reg, ty: &Type) -> Value {
        let class = self.context.types.cell(ty);
        let d = self.reg(class);
        self.emit(Inst::LoadElem { d, base: list, index, width: Elem::Cell });
        self.unpack(d, ty)
    }

    /// A record or tuple.
    pub(super) fn product(&mut self, ty: &Type, fields: Vec<Value>) -> Value {
        let shape = self.shape(ty);
        let cells = fields.concat();
        match &shape.layout {
            Layout::Product(product) if product.boxed => {
                vec![self.boxed(shape.parts[0], 0, &cells)]
            }
            _ => cells,
        }
    }

    /// A field of a record or tuple, and its type.
    pub(super) fn field(&mut self, value: &[Reg], ty: &Type, index: usize) -> (Source, Type) {
        let shape = self.shape(ty);
        let Layout::Product(product) = &shape.layout else {
            return (Source::Regs(Vec::new()), Type::Never);
        };
        let field = product.fields.types[index].clone();
        let first = product.fields.first[index];
        if product.boxed {
            return (Source::Cells { base: value[0], offset: offset(first) }, field);
        }
        let parts = self.context.types.parts(&field).len();
        (Source::Regs(value[first..first + parts].to_vec()), field)
    }

    pub(super) fn variant(&mut self, ty: &Type, variant: u32, fields: Vec<Value>) -> Value {
        let shape = self.shape(ty);
        let cells = fields.concat();
        let Layout::Sum(sum) = &shape.layout else { return cells };
        match &sum.form {
            Form::Number => vec![self.int(i64::from(variant))],
            Form::Niche { none, .. } if *none == variant => {
                let d = self.reg(shape.parts[0]);
                self.emit(Inst::Int { d, value: 0 });
                vec![d]
            }
            Form::Niche { .. } => cells,
            Form::Tagged { tag, slots } => {
                let slots = &slots[variant as usize];
                let part =
                    |(n, class): (usize, &Class)| match slots.iter().position(|slot| *slot == n) {
                        Some(cell) => cells[cell],
                        None if n == 0 && *tag => self.int(i64::from(variant)),
                        None => self.zero(*class),
                    };
                shape.parts.iter().enumerate().map(part).collect()
            }
            Form::Boxed if cells.is_empty() => {
                let d = self.reg(shape.parts[0]);
                self.emit(Inst::Int { d, value: immediate(variant) });
                vec![d]
            }
            Form::Boxed => vec![self.boxed(shape.parts[0], variant as u16, &cells)],
        }
    }

    pub(super) fn zero(&mut self, class: Class) -> Reg {
        let d = self.reg(class);
        self.emit(match class {
            Class::Float => Inst::Float { d, value: 0.0 },
            _ => Inst::Int { d, value: 0 },
        });
        d
    }

    /// A field of a value that is known to be this variant, and its type.
    pub(super) fn payload(
        &mut self,
        value: &[Reg],
        ty: &Type,
        variant: u32,
        index: usize,
    ) -> (Source, Type) {
        let shape = self.shape(ty);
        let Layout::Sum(sum) = &shape.layout else {
            return (Source::Regs(Vec::new()), Type::Never);
        };
        let fields = &sum.variants[variant as usize];
        let (first, field) = (fields.first[index], fields.types[index].clone());
        let parts = self.context.types.parts(&field).len();
        let source = match &sum.form {
            Form::Boxed if parts > 0 => Source::Cells { base: value[0], offset: offset(first) },
            Form::Tagged { slots, .. } => {
                let slots = &slots[variant as usize][first..first + parts];
                Source::Regs(slots.iter().map(|slot| value[*slot]).collect())
            }
            Form::Niche { .. } if parts > 0 => Source::Regs(value.to_vec()),
            _ => Source::Regs(Vec::new()),
        };
        (source, field)
    }

    /// The number of the variant that a value is.
    pub(super) fn variant_of(&mut self, value: &[Reg], ty: &Type) -> Reg {
        let shape = self.shape(ty);
        let Layout::Sum(sum) = &shape.layout else { return self.int(0) };
        match &sum.form {
            Form::Number | Form::Tagged { tag: true, .. } => value[0],
            Form::Tagged { tag: false, .. } => self.int(0),
            Form::Niche { none, .. } => {
                let d = self.reg(Class::Int);
                let op = if *none == 0 { Compare::Ne } else { Compare::Eq };
                self.emit(Inst::Compare { op, d, a: value[0], b: Operand::Imm(0) });
                d
            }
            Form::Boxed => self.variant_of_boxed(value[0], &sum.variants),
        }
    }

    fn variant_of_boxed(&mut self, value: Reg, variants: &[Fields]) -> Reg {
        if variants.iter().all(|fields| !fields.cells.is_empty()) {
            return self.load(Class::Int, value, VARIANT, Width::U16);
        }
        let d = self.reg(Class::Int);
        let (immediate, block, after) = (self.block(), self.block(), self.block());
        self.branch_on_immediate(value, immediate, block);
        self.at(immediate);
        let address = self.machine(MachineOp::Address, &[value], &[Class::Int])[0];
        let (op, b) = (BinaryOp::Shr, Operand::Imm(1));
        self.emit(Inst::Binary { op, d, a: address, b });
        self.jump(after);
        self.at(block);
        self.emit(Inst::Load { d, base: value, offset: VARIANT, width: Width::U16 });
        self.jump(after);
        self.at(after);
        d
    }

    fn branch_on_immediate(&mut self, value: Reg, immediate: BlockIdx, block: BlockIdx) {
        let address = self.machine(MachineOp::Address, &[value], &[Class::Int])[0];
        let odd = self.binary(BinaryOp::And, address, Operand::Imm(1));
        self.branch(Compare::Ne, odd, Operand::Imm(0), immediate, block);
    }

    /// Goes to the block of the variant that a value is; the blocks are in order of the variants,
    /// those that are `otherwise` share one.
    pub(super) fn switch_on_variant(
        &mut self,
        value: &[Reg],
        ty: &Type,
        targets: &[BlockIdx],
        otherwise: BlockIdx,
    ) {
        let mut named = (0..targets.len()).filter(|n| targets[*n] != otherwise);
        match (named.next(), named.next()) {
            (None, _) => self.jump(otherwise),
            (Some(only), None) => {
                self.branch_on_variant(value, ty, only as u32, targets[only], otherwise);
            }
            (Some(first), Some(second)) if targets.len() == 2 => {
                self.branch_on_variant(value, ty, first as u32, targets[first], targets[second]);
            }
            _ => {
                let number = self.variant_of(value, ty);
                let targets = targets.to_vec();
                self.end(Terminator::Switch { value: number, targets, otherwise });
            }
        }
    }

    /// Whether a value is this variant.
    fn branch_on_variant(
        &mut self,
        value: &[Reg],
        ty: &Type,
        variant: u32,
        then: BlockIdx,
        otherwise: BlockIdx,
    ) {
        let shape = self.shape(ty);
        let Layout::Sum(sum) = &shape.layout else { return self.jump(then) };
        match &sum.form {
            Form::Tagged { tag: false, .. } => self.jump(then),
            Form::Number | Form::Tagged { .. } => {
                let b = Operand::Imm(variant as i32);
                self.branch(Compare::Eq, value[0], b, then, otherwise);
            }
            Form::Niche { none, .. } => {
                let op = if *none == variant { Compare::Eq } else { Compare::Ne };
                self.branch(op, value[0], Operand::Imm(0), then, otherwise);
            }
            Form::Boxed => {
                self.branch_on_boxed(value[0], &sum.variants, variant, then, otherwise);
            }
        }
    }

    fn branch_on_boxed(
        &mut self,
        value: Reg,
        variants: &[Fields],
        variant: u32,
        then: BlockIdx,
        otherwise: BlockIdx,
    ) {
        let is_block = |fields: &Fields| !fields.cells.is_empty();
        let blocks = variants.iter().filter(|fields| is_block(fields)).count();
        let odd = |n: usize| Operand::Imm(immediate(n as u32) as i32);
        if !is_block(&variants[variant as usize]) {
            return self.branch(Compare::Eq, value, odd(variant as usize), then, otherwise);
        }
        if blocks == 1 {
            return match variants.iter().position(|fields| !is_block(fields)) {
                Some(only) if variants.len() == 2 => {
                    self.branch(Compare::Ne, value, odd(only), then, otherwise);
                }
                Some(_) => self.branch_on_immediate(value, otherwise, then),
                None => self.jump(then),
            };
        }
        if blocks < variants.len() {
            let block = self.block();
            self.branch_on_immediate(value, otherwise, block);
            self.at(block);
        }
        let number = self.load(Class::Int, value, VARIANT, Width::U16);
        let b = Operand::Imm(variant as i32);
        self.branch(Compare::Eq, number, b, then, otherwise);
    }
}

/// What a variant without cells is, where others are blocks.
fn immediate(variant: u32) -> i64 {
    2 * i64::from(variant) + 1
}
