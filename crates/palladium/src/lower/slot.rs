//! Parts of places: what is read, taken out and put back.

use super::code::{CELLS, Code, Value};
use crate::core::Type;
use crate::mir::{Class, Elem, Inst, Reg, Width};

/// Where a part of a variable is. The blocks that it is in are nobody else's.
#[derive(Debug, Clone)]
pub(super) enum Slot {
    Regs(Value),
    /// Some cells of a block.
    Cells {
        base: Reg,
        offset: u16,
        classes: Vec<Class>,
    },
    /// An element of a list, as a value of this type.
    Element {
        list: Reg,
        index: Reg,
        ty: Type,
    },
    /// The one cell of an element.
    Packed {
        list: Reg,
        index: Reg,
    },
    /// A byte of bytes.
    Byte {
        bytes: Reg,
        index: Reg,
    },
}

impl Code<'_, '_> {
    /// The value of a slot, which is left without its pointers. Registers are given themselves.
    pub(super) fn take(&mut self, slot: &Slot) -> Value {
        match slot {
            Slot::Regs(regs) => regs.clone(),
            Slot::Cells { base, offset, classes } => self.take_cells(*base, *offset, classes),
            Slot::Element { list, index, ty } => {
                let cell = self.take_element(*list, *index, ty);
                let parts = self.context.types.parts(ty);
                match parts.as_slice() {
                    [] => Vec::new(),
                    [_] => vec![cell],
                    several => {
                        self.unique(cell);
                        self.take_cells(cell, CELLS, several)
                    }
                }
            }
            // It is only put back.
            Slot::Packed { .. } => Vec::new(),
            Slot::Byte { bytes, index } => vec![self.byte(*bytes, *index)],
        }
    }

    /// Puts a value where [`take`](Self::take) has taken one.
    pub(super) fn put(&mut self, slot: &Slot, value: &[Reg]) {
        match slot {
            Slot::Regs(regs) => self.move_to(regs, value),
            Slot::Cells { base, offset, .. } => self.store_cells(*base, *offset, value),
            Slot::Element { list, index, ty } => {
                let s = self.pack(value, ty);
                self.emit(Inst::StoreElem { base: *list, index: *index, s, width: Elem::Cell });
            }
            Slot::Packed { list, index } => {
                let (base, index, s) = (*list, *index, value[0]);
                self.emit(Inst::StoreElem { base, index, s, width: Elem::Cell });
            }
            Slot::Byte { bytes, index } => {
                let (base, index, s) = (*bytes, *index, value[0]);
                self.emit(Inst::StoreElem { base, index, s, width: Elem::Byte });
            }
        }
    }

    /// Puts a value in the place of another.
    pub(super) fn replace(&mut self, slot: &Slot, value: &[Reg]) {
        match slot {
            Slot::Regs(_) | Slot::Packed { .. } | Slot::Byte { .. } => {}
            Slot::Cells { base, offset, classes } => {
                let cells = (*offset..).step_by(8).zip(classes);
                for (offset, class) in cells.filter(|(_, class)| matches!(class, Class::Ptr(_))) {
                    let d = self.reg(*class);
                    self.emit(Inst::Take { d, base: *base, offset });
                }
            }
            Slot::Element { list, index, ty } => {
                if let Class::Ptr(_) = self.context.types.cell(ty) {
                    self.take_element(*list, *index, ty);
                }
            }
        }
        self.put(slot, value);
    }

    pub(super) fn take_cells(&mut self, base: Reg, offset: u16, classes: &[Class]) -> Value {
        let mut value = Vec::new();
        for (offset, class) in (offset..).step_by(8).zip(classes) {
            let d = self.reg(*class);
            self.emit(match class {
                Class::Ptr(_) => Inst::Take { d, base, offset },
                _ => Inst::Load { d, base, offset, width: Width::Cell },
            });
            value.push(d);
        }
        value
    }

    /// The value of cells that others may change at any time: it has references of its own, and does
    /// not count on those in the cells.
    pub(super) fn look(&mut self, base: Reg, offset: u16, classes: &[Class]) -> Value {
        let value = self.take_cells(base, offset, classes);
        let cells = (offset..).step_by(8).zip(classes).zip(&value);
        for ((offset, class), s) in cells {
            if let Class::Ptr(_) = class {
                self.store(base, offset, *s);
            }
        }
        value
    }

    pub(super) fn take_element(&mut self, base: Reg, index: Reg, ty: &Type) -> Reg {
        let class = self.context.types.cell(ty);
        let d = self.reg(class);
        self.emit(match class {
            Class::Ptr(_) => Inst::TakeElem { d, base, index },
            _ => Inst::LoadElem { d, base, index, width: Elem::Cell },
        });
        d
    }
}
