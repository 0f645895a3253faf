//! Places: the way into a variable, opened so that a part of it can be changed, and closed again.
//!
//! On the way each block is made unique and is taken out of the one around it, so that no count
//! rises because of the way itself.

use super::code::{CELLS, Value};
use super::function::{Body, Variable};
use super::shape::Layout;
use super::slot::Slot;
use super::value::offset;
use crate::core::{Expr, LocalId, Place, Step, Type};
use crate::mir::Reg;

/// A place that is open: what it leads to, and what is to be put back, the last first.
pub(super) struct Open {
    pub(super) slot: Slot,
    outer: Vec<(Slot, Value)>,
}

impl<'a> Body<'_, 'a> {
    /// The whole of a local.
    pub(super) fn whole(&mut self, local: LocalId) -> Slot {
        let ty = self.local_type(local);
        match self.variable(local) {
            Variable::Regs(regs) => Slot::Regs(regs),
            Variable::Shared(base) => {
                let classes = self.code.context.types.parts(&ty);
                Slot::Cells { base, offset: CELLS, classes }
            }
        }
    }

    pub(super) fn assign(&mut self, place: &'a Place, value: &'a Expr) {
        let value = self.expr(value);
        let open = self.open(place, false);
        self.code.replace(&open.slot, &value);
        self.close(open);
    }

    /// `steady`: something may change a local that is an index before the place is closed.
    pub(super) fn open(&mut self, place: &'a Place, steady: bool) -> Open {
        let whole = self.whole(place.local);
        self.open_in(whole, place, steady)
    }

    /// The same in what stands for the whole of the local.
    pub(super) fn open_in(&mut self, whole: Slot, place: &'a Place, steady: bool) -> Open {
        let mut open = Open { slot: whole, outer: Vec::new() };
        let mut ty = self.local_type(place.local);
        for step in &place.path {
            ty = match step {
                Step::Field(index) => self.open_field(&mut open, &ty, *index as usize),
                Step::Index(index) => {
                    let index = self.expr(index);
                    let index = if steady { self.code.copy_of(&index) } else { index };
                    self.open_element(&mut open, &ty, index[0])
                }
            };
        }
        open
    }

    pub(super) fn close(&mut self, open: Open) {
        for (slot, value) in open.outer.into_iter().rev() {
            self.code.put(&slot, &value);
        }
    }

    fn open_field(&mut self, open: &mut Open, ty: &Type, index: usize) -> Type {
        let shape = self.code.shape(ty);
        let Layout::Product(product) = &shape.layout else { return Type::Never };
        let field = product.fields.types[index].clone();
        let first = product.fields.first[index];
        let classes = self.code.context.types.parts(&field);
        if product.boxed {
            let base = self.unique(open);
            open.slot = Slot::Cells { base, offset: offset(first), classes };
            return field;
        }
        if let Slot::Element { list, index, .. } = &open.slot {
            let base = self.code.take_element(*list, *index, ty);
            open.slot = self.unpacked(open, base, ty);
        }
        open.slot = match &open.slot {
            Slot::Regs(regs) => Slot::Regs(regs[first..first + classes.len()].to_vec()),
            Slot::Cells { base, offset, .. } => {
                Slot::Cells { base: *base, offset: offset + 8 * first as u16, classes }
            }
            other => other.clone(),
        };
        field
    }

    /// The parts of an element that was taken out in one register; that is put back in the end.
    fn unpacked(&mut self, open: &mut Open, cell: Reg, ty: &Type) -> Slot {
        let classes = self.code.context.types.parts(ty);
        let Slot::Element { list, index, .. } = open.slot else { return open.slot.clone() };
        // What is put back is the one register, which is as an element of the type of a whole.
        open.outer.push((Slot::Packed { list, index }, vec![cell]));
        if classes.len() == 1 {
            return Slot::Regs(vec![cell]);
        }
        self.code.unique(cell);
        Slot::Cells { base: cell, offset: CELLS, classes }
    }

    fn open_element(&mut self, open: &mut Open, ty: &Type, index: Reg) -> Type {
        let base = self.unique(open);
        match ty {
            Type::List(element) => {
                let ty = Type::clone(element);
                open.slot = Slot::Element { list: base, index, ty: ty.clone() };
                ty
            }
            _ => {
                open.slot = Slot::Byte { bytes: base, index };
                Type::Int
            }
        }
    }

    /// The block that the slot holds, as one that nobody else has.
    fn unique(&mut self, open: &mut Open) -> Reg {
        let block = self.code.take(&open.slot);
        let base = block[0];
        self.code.unique(base);
        if !matches!(open.slot, Slot::Regs(_)) {
            open.outer.push((open.slot.clone(), block));
        }
        base
    }
}
