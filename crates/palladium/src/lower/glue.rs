//! How blocks end and are copied.
//!
//! What blocks of some type lead to again (a list, a tree) may be deep, so such blocks are dropped
//! without recursion: those that are dead wait in a linked list that is made of themselves. The
//! count in the head of a block that waits, which is 0, holds the address of the one behind it;
//! since blocks lie at multiples of 16, the number of its type is in the lower bits.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::code::{CELLS, Code, ELEMENTS, LENGTH, MADE, VARIANT};
use super::context::Context;
use super::instances::Key;
use super::shape::{Kind, Layout};
use super::value::offset;
use crate::mir::{
    BinaryOp, BlockIdx, Class, Compare, Elem, Function, Glue, GlueIdx, Inst, MachineOp, Operand,
    Passing, Reg, Terminator, Width,
};

/// How many types of blocks that lead to each other are told apart in the lower bits of an address.
const MAX_GROUP: usize = 16;
/// The least bytes of a copy, since it is about to be changed.
const LEAST_COPY: i32 = 48;

/// The pointers in blocks.
enum Pointers {
    /// By variant, with their offsets.
    Cells(Vec<Vec<(u16, GlueIdx)>>),
    /// All elements of a list.
    Elements(GlueIdx),
}

/// What is said of some glue to the back end. Asks for the functions that it takes.
pub(super) fn glue(context: &mut Context<'_>, glue: GlueIdx) -> Glue {
    let pointers = pointers(context, glue);
    let drop = (!targets(&pointers).is_empty()).then(|| context.instances.get(Key::Drop(glue)));
    let copy = context.types.has_copies(glue).then(|| context.instances.get(Key::Copy(glue)));
    let pointers = match pointers {
        Pointers::Cells(variants) => Some(variants),
        Pointers::Elements(_) => None,
    };
    Glue { pointers, drop, copy }
}

pub(super) fn make_drop(context: &mut Context<'_>, glue: GlueIdx) -> Function {
    let group = group(context, glue);
    let name: Arc<str> = format!("{}.drop", name(context, glue)).into();
    let mut code = Code::new(context, 0..0);
    let block = code.reg(Class::Int);
    if group.is_empty() {
        code.drop_once(block, glue);
    } else {
        code.drop_all(block, glue, group);
    }
    code.finish(name, MADE, vec![block], Vec::new(), Passing::Fixed(vec![true]))
}

pub(super) fn make_copy(context: &mut Context<'_>, glue: GlueIdx) -> Function {
    let name: Arc<str> = format!("{}.copy", name(context, glue)).into();
    let kind = context.types.kind(glue).cloned();
    let mut code = Code::new(context, 0..0);
    let class = Class::Ptr(glue);
    let old = code.reg(class);
    let new = code.reg(class);
    match kind {
        Some(Kind::Bytes) => code.copy_bytes(new, old),
        Some(Kind::List(element)) => {
            let cell = code.context.types.cell(&element);
            code.copy_list(new, old, cell);
        }
        _ => {
            let cells = cells(code.context, glue);
            let bytes = offset(cells.len());
            code.emit(Inst::New { d: new, bytes, variant: 0 });
            let values = code.load_cells(old, CELLS, &cells);
            code.store_cells(new, CELLS, &values);
        }
    }
    code.end(Terminator::Return(vec![new]));
    code.finish(name, MADE, vec![old], vec![class], Passing::Fixed(vec![true]))
}

/// The types of blocks that lead to these again, with these; none when they do not.
fn group(context: &mut Context<'_>, glue: GlueIdx) -> Vec<GlueIdx> {
    let mut group = Vec::new();
    for other in reached(context, glue) {
        if reached(context, other).contains(&glue) {
            group.push(other);
        }
    }
    group.truncate(MAX_GROUP);
    if group.contains(&glue) || group.is_empty() {
        return group;
    }
    // It is not among the first: then it is one of those that the others call.
    group.pop();
    group.push(glue);
    group
}

/// What blocks lead to, directly or through others.
fn reached(context: &mut Context<'_>, from: GlueIdx) -> BTreeSet<GlueIdx> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(next) = open.pop() {
        let pointers = pointers(context, next);
        open.extend(targets(&pointers).into_iter().filter(|target| found.insert(*target)));
    }
    found
}

fn targets(pointers: &Pointers) -> Vec<GlueIdx> {
    match pointers {
        Pointers::Cells(variants) => variants.iter().flatten().map(|(_, glue)| *glue).collect(),
        Pointers::Elements(glue) => vec![*glue],
    }
}

fn pointers(context: &mut Context<'_>, glue: GlueIdx) -> Pointers {
    let among = |first: usize, cells: &[Class]| {
        let pointer = |(n, class): (usize, &Class)| match class {
            Class::Ptr(glue) => Some((offset(first + n), *glue)),
            _ => None,
        };
        cells.iter().enumerate().filter_map(pointer).collect()
    };
    match context.types.kind(glue).cloned() {
        Some(Kind::List(element)) => match context.types.cell(&element) {
            Class::Ptr(glue) => Pointers::Elements(glue),
            _ => Pointers::Cells(vec![Vec::new()]),
        },
        Some(Kind::Closure) => {
            Pointers::Cells(context.captures.iter().map(|cells| among(1, cells)).collect())
        }
        Some(Kind::Of(ty)) => match &context.types.shape(&ty).layout {
            Layout::Sum(sum) => {
                let variants = sum.variants.iter().map(|fields| among(0, &fields.cells));
                Pointers::Cells(variants.collect())
            }
            Layout::Product(product) => Pointers::Cells(vec![among(0, &product.fields.cells)]),
            Layout::Scalar => Pointers::Cells(Vec::new()),
        },
        Some(Kind::Cells(cells)) => Pointers::Cells(vec![among(0, &cells)]),
        Some(Kind::Bytes) | None => Pointers::Cells(vec![Vec::new()]),
    }
}

/// The cells of a block without variants.
fn cells(context: &mut Context<'_>, glue: GlueIdx) -> Vec<Class> {
    match context.types.kind(glue).cloned() {
        Some(Kind::Cells(cells)) => cells,
        Some(Kind::Of(ty)) => match &context.types.shape(&ty).layout {
            Layout::Product(product) => product.fields.cells.clone(),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

fn name(context: &Context<'_>, glue: GlueIdx) -> Arc<str> {
    use crate::core::Type;
    match context.types.kind(glue) {
        Some(Kind::Bytes) => "bytes".into(),
        Some(Kind::List(_)) => "list".into(),
        Some(Kind::Closure) => "fn".into(),
        Some(Kind::Of(Type::Record(id, _))) => {
            Arc::clone(&context.program.records[id.0 as usize].name)
        }
        Some(Kind::Of(Type::Enum(id, _))) => Arc::clone(&context.program.enums[id.0 as usize].name),
        _ => "cells".into(),
    }
}

/// Blocks of types that lead to each other while they are dropped.
struct Waiting {
    /// Their types, by the numbers in addresses.
    group: Vec<GlueIdx>,
    /// Where a block of each is dropped.
    starts: Vec<BlockIdx>,
    /// The first that waits, or 0.
    first: Reg,
    /// Where that is taken.
    next: BlockIdx,
}

impl Waiting {
    fn number(&self, glue: GlueIdx) -> Option<usize> {
        self.group.iter().position(|other| *other == glue)
    }
}

impl Code<'_, '_> {
    /// Drops what is in a dead block, and frees it.
    fn drop_once(&mut self, block: Reg, glue: GlueIdx) {
        let after = self.block();
        self.drop_pointers(block, glue, after, None);
        self.at(after);
        self.emit(Inst::Free { s: block });
        self.end(Terminator::Return(Vec::new()));
    }

    /// Drops the pointers in a block, then goes on at another block.
    fn drop_pointers(
        &mut self,
        base: Reg,
        glue: GlueIdx,
        after: BlockIdx,
        waiting: Option<&Waiting>,
    ) {
        match pointers(self.context, glue) {
            Pointers::Elements(target) => {
                let length = self.length(base);
                self.repeat(length, |code, index| {
                    let d = code.reg(Class::Int);
                    code.emit(Inst::LoadElem { d, base, index, width: Elem::Cell });
                    code.drop_pointer(d, target, waiting);
                });
                self.jump(after);
            }
            Pointers::Cells(variants) => {
                let blocks = self.variants(base, glue, &variants, after);
                for (block, cells) in blocks.into_iter().zip(variants) {
                    if block != after {
                        self.at(block);
                        self.drop_cells(base, &cells, after, waiting);
                    }
                }
            }
        }
    }

    /// Drops the pointers in some cells of a block. The last that leads to others goes on with that
    /// at once.
    fn drop_cells(
        &mut self,
        base: Reg,
        cells: &[(u16, GlueIdx)],
        after: BlockIdx,
        waiting: Option<&Waiting>,
    ) {
        let number = |glue: GlueIdx| waiting.and_then(|waiting| waiting.number(glue));
        let last = cells.iter().rposition(|(_, glue)| number(*glue).is_some());
        for (n, (offset, glue)) in cells.iter().enumerate() {
            if Some(n) != last {
                let cell = self.load(Class::Int, base, *offset, Width::Cell);
                self.drop_pointer(cell, *glue, waiting);
            }
        }
        let Some((waiting, (offset, glue))) = waiting.zip(last.map(|last| cells[last])) else {
            return self.jump(after);
        };
        let cell = self.load(Class::Int, base, offset, Width::Cell);
        self.emit(Inst::Free { s: base });
        self.emit(Inst::Copy { d: base, s: cell });
        let last = waiting.number(glue).map_or(waiting.next, |n| waiting.starts[n]);
        self.end(Terminator::Release { s: base, last, otherwise: waiting.next });
    }

    fn drop_pointer(&mut self, cell: Reg, glue: GlueIdx, waiting: Option<&Waiting>) {
        match waiting.and_then(|waiting| waiting.number(glue).zip(Some(waiting.first))) {
            Some((number, first)) => self.let_wait(cell, number, first),
            None => self.drop_later(cell, glue),
        }
    }

    /// Blocks for the variants that have pointers; the others go on at once. What has no cells at
    /// all is no block, so where one variant is left nobody need look.
    fn variants(
        &mut self,
        base: Reg,
        glue: GlueIdx,
        variants: &[Vec<(u16, GlueIdx)>],
        after: BlockIdx,
    ) -> Vec<BlockIdx> {
        let blocks: Vec<BlockIdx> = variants
            .iter()
            .map(|cells| if cells.is_empty() { after } else { self.block() })
            .collect();
        let only = match blocks.as_slice() {
            [] => Some(after),
            [only] => Some(*only),
            _ => self.only_block(glue).map(|n| blocks[n]),
        };
        match only {
            Some(only) => self.jump(only),
            None => {
                let value = self.load(Class::Int, base, VARIANT, Width::U16);
                let targets = blocks.clone();
                self.end(Terminator::Switch { value, targets, otherwise: after });
            }
        }
        blocks
    }

    /// The variant that all blocks are, if there is one.
    fn only_block(&mut self, glue: GlueIdx) -> Option<usize> {
        let Some(Kind::Of(ty)) = self.context.types.kind(glue).cloned() else { return None };
        let shape = self.shape(&ty);
        let Layout::Sum(sum) = &shape.layout else { return None };
        let mut blocks = (0..).zip(&sum.variants).filter(|(_, fields)| !fields.cells.is_empty());
        let (only, _) = blocks.next()?;
        blocks.next().is_none().then_some(only)
    }

    /// A reference that nothing uses is dropped by the pass that counts.
    fn drop_later(&mut self, address: Reg, glue: GlueIdx) {
        let d = self.reg(Class::Ptr(glue));
        self.emit(Inst::Copy { d, s: address });
    }

    /// Drops a dead block and all that it leads to that is dead then.
    fn drop_all(&mut self, block: Reg, glue: GlueIdx, group: Vec<GlueIdx>) {
        let first = self.int(0);
        let (next, done) = (self.block(), self.block());
        let starts: Vec<BlockIdx> = group.iter().map(|_| self.block()).collect();
        let waiting = Waiting { group, starts, first, next };
        self.jump(waiting.number(glue).map_or(done, |n| waiting.starts[n]));
        for (glue, start) in waiting.group.iter().zip(&waiting.starts) {
            self.at(*start);
            let after = self.block();
            self.drop_pointers(block, *glue, after, Some(&waiting));
            self.at(after);
            self.emit(Inst::Free { s: block });
            self.jump(next);
        }
        self.at(next);
        let some = self.block();
        self.branch(Compare::Ne, first, Operand::Imm(0), some, done);
        self.at(some);
        self.next_waiting(block, &waiting);
        self.at(done);
        self.end(Terminator::Return(Vec::new()));
    }

    /// Gives up a reference; a block that is dead then waits.
    fn let_wait(&mut self, cell: Reg, number: usize, first: Reg) {
        let (last, after) = (self.block(), self.block());
        self.end(Terminator::Release { s: cell, last, otherwise: after });
        self.at(last);
        self.emit(Inst::Store { base: cell, offset: 0, s: first, width: Width::U32 });
        let marked = match number {
            0 => cell,
            _ => self.binary(BinaryOp::AddWrap, cell, Operand::Imm(number as i32)),
        };
        self.emit(Inst::Copy { d: first, s: marked });
        self.jump(after);
        self.at(after);
    }

    /// Takes the first block that waits, and goes to where its type is dropped.
    fn next_waiting(&mut self, block: Reg, waiting: &Waiting) {
        let Waiting { starts, first, .. } = waiting;
        let (first, mask) = (*first, MAX_GROUP as i32 - 1);
        let (number, address) = match starts.as_slice() {
            [_] => (None, first),
            _ => {
                let number = self.binary(BinaryOp::And, first, Operand::Imm(mask));
                (Some(number), self.binary(BinaryOp::And, first, Operand::Imm(!mask)))
            }
        };
        self.emit(Inst::Copy { d: block, s: address });
        self.emit(Inst::Load { d: first, base: block, offset: 0, width: Width::U32 });
        let none = self.int(0);
        self.emit(Inst::Store { base: block, offset: 0, s: none, width: Width::U32 });
        match number {
            None => self.jump(starts[0]),
            Some(value) => {
                let (targets, otherwise) = (starts.clone(), starts[0]);
                self.end(Terminator::Switch { value, targets, otherwise });
            }
        }
    }

    fn copy_bytes(&mut self, new: Reg, old: Reg) {
        let length = self.length(old);
        self.new_copy(new, length, 0);
        let (to, from) = (self.address(new, ELEMENTS), self.address(old, ELEMENTS));
        self.machine(MachineOp::Copy, &[to, from, length], &[]);
    }

    fn copy_list(&mut self, new: Reg, old: Reg, cell: Class) {
        let length = self.length(old);
        self.new_copy(new, length, 3);
        if let Class::Ptr(_) = cell {
            self.repeat(length, |code, index| {
                let s = code.reg(cell);
                code.emit(Inst::LoadElem { d: s, base: old, index, width: Elem::Cell });
                code.emit(Inst::StoreElem { base: new, index, s, width: Elem::Cell });
            });
            return;
        }
        let bytes = self.binary(BinaryOp::Shl, length, Operand::Imm(3));
        let (to, from) = (self.address(new, ELEMENTS), self.address(old, ELEMENTS));
        self.machine(MachineOp::Copy, &[to, from, bytes], &[]);
    }

    fn new_copy(&mut self, new: Reg, length: Reg, scale: i32) {
        let bytes = self.size(length, scale);
        let bytes = self.binary(BinaryOp::Max, bytes, Operand::Imm(LEAST_COPY));
        self.emit(Inst::NewBytes { d: new, bytes });
        self.store(new, LENGTH, length);
    }
}
