//! Values whose last part may be another of the same type (a list that is made of them) are read in
//! a loop: a block is made before what is read next is known, and that is put into it then.
//!
//! Meanwhile the blocks are known by their addresses, which are not counted.

use crate::core::Type;
use crate::lower::code::{Code, Value};
use crate::lower::derive::Reader;
use crate::lower::value::offset;
use crate::mir::{BinaryOp, BlockIdx, Compare, Inst, Operand, Reg};

/// The values that were read.
struct Chain<'t> {
    ty: &'t Type,
    /// The address of the first, or 0.
    first: Reg,
    /// The address of the cell that waits for the next, or 0.
    hole: Reg,
    next: BlockIdx,
    done: BlockIdx,
    wrong: BlockIdx,
}

/// A record, tuple or variant of which the last field is still to be read.
#[derive(Clone)]
struct Begun<'t> {
    ty: &'t Type,
    variant: Option<u32>,
    fields: Vec<Value>,
}

impl Code<'_, '_> {
    /// Whether [`read_again`](Self::read_again) reads values of a type.
    pub(super) fn begins_again(&mut self, ty: &Type) -> bool {
        self.fields_by_variant(ty).iter().any(|types| self.ends_in(types, ty))
    }

    /// Reads a value, and gives it.
    pub(super) fn read_again(&mut self, ty: &Type, reader: &Reader, wrong: BlockIdx) {
        let [first, hole] = [self.int(0), self.int(0)];
        let [next, done, lost] = [self.block(), self.block(), self.block()];
        self.jump(next);
        self.at(next);
        let chain = Chain { ty, first, hole, next, done, wrong: lost };
        self.read_last(ty, &[], reader, &chain);
        self.at(done);
        let value = self.value(ty);
        self.emit(Inst::Copy { d: value[0], s: first });
        self.give([value, vec![reader.at]].concat());
        // What nothing uses is dropped.
        self.at(lost);
        let partial = self.value(ty);
        self.emit(Inst::Copy { d: partial[0], s: first });
        self.jump(wrong);
    }

    /// Reads a value that is the last part of others.
    fn read_last(&mut self, ty: &Type, outer: &[Begun<'_>], reader: &Reader, chain: &Chain<'_>) {
        let variants = self.fields_by_variant(ty);
        let is_sum = self.variants_of(ty).is_some();
        let blocks = match is_sum {
            true => self.switch_on_number(variants.len(), reader, chain.wrong),
            false => Vec::new(),
        };
        for (n, types) in (0..).zip(&variants) {
            if let Some(block) = blocks.get(n as usize) {
                self.at(*block);
            }
            let (last, before) = match types.split_last() {
                Some((last, before)) if self.ends_in(types, chain.ty) => (Some(last), before),
                _ => (None, types.as_slice()),
            };
            let fields = self.read_values(before, reader, chain.wrong);
            let begun = Begun { ty, variant: is_sum.then_some(n), fields };
            let begun = [outer, &[begun]].concat();
            match last {
                None => {
                    self.link(&begun, None, chain);
                    self.jump(chain.done);
                }
                Some(last) if last == chain.ty => {
                    let class = self.context.types.cell(last);
                    let nothing = self.zero(class);
                    self.link(&begun, Some(nothing), chain);
                    self.jump(chain.next);
                }
                Some(last) => self.read_last(last, &begun, reader, chain),
            }
        }
    }

    /// Makes a value of what has begun and its last field, and puts it where one is waited for. Then
    /// one is waited for where it has the last field.
    fn link(&mut self, begun: &[Begun<'_>], last: Option<Reg>, chain: &Chain<'_>) {
        let mut value: Option<Value> = last.map(|last| vec![last]);
        let mut cell = None;
        for Begun { ty, variant, fields } in begun.iter().rev() {
            let fields: Vec<Value> = fields.iter().cloned().chain(value).collect();
            cell = fields.iter().flatten().position(|reg| Some(*reg) == last);
            value = Some(match variant {
                Some(variant) => self.variant(ty, *variant, fields),
                None => self.product(ty, fields),
            });
        }
        let address = self.int(0);
        for s in value.into_iter().flatten() {
            self.emit(Inst::Copy { d: address, s });
        }
        let [begin, go_on, after] = [self.block(), self.block(), self.block()];
        self.branch(Compare::Eq, chain.hole, Operand::Imm(0), begin, go_on);
        self.at(begin);
        self.emit(Inst::Copy { d: chain.first, s: address });
        self.jump(after);
        self.at(go_on);
        self.store(chain.hole, 0, address);
        self.jump(after);
        self.at(after);
        if let Some(cell) = cell {
            let (d, b) = (chain.hole, Operand::Imm(i32::from(offset(cell))));
            self.emit(Inst::Binary { op: BinaryOp::AddWrap, d, a: address, b });
        }
    }
}
