//! How large the blocks behind pointers are, as far as the program shows.

use std::collections::BTreeMap;

use super::roles::read_from;
use crate::mir::{Class, Function, GlueIdx, Inst, Program, Reg};

/// Blocks up to this size are handed out in steps of 16 bytes.
const FINE: u16 = 128;

/// The sizes of blocks by what is behind the pointer, and the variant.
#[derive(Debug, Default)]
pub(super) struct Sizes(BTreeMap<GlueIdx, BTreeMap<u16, Option<u16>>>);

/// Blocks of the same room can take each other's place.
pub(super) fn room(bytes: u16) -> u16 {
    if bytes <= FINE { bytes.max(1).next_multiple_of(16) } else { bytes }
}

impl Sizes {
    pub(super) fn of(program: &Program) -> Self {
        let mut sizes = Self::default();
        let mut unknown = Vec::new();
        for function in &program.functions {
            for (inst, _) in function.blocks.iter().flat_map(|block| &block.insts) {
                match inst {
                    Inst::New { d, bytes, variant } => {
                        if let Some(glue) = glue(function, *d) {
                            sizes.note(glue, *variant, room(*bytes));
                        }
                    }
                    // Blocks of other sizes or with other contents come to be behind it.
                    Inst::NewBytes { d, .. } => unknown.extend(glue(function, *d)),
                    Inst::Copy { d, s } => {
                        let (to, from) = (glue(function, *d), glue(function, *s));
                        if to != from {
                            unknown.extend(to.into_iter().chain(from));
                        }
                    }
                    _ => {}
                }
            }
        }
        for glue in unknown {
            sizes.0.remove(&glue);
        }
        sizes
    }

    fn note(&mut self, glue: GlueIdx, variant: u16, room: u16) {
        let known = self.0.entry(glue).or_default().entry(variant).or_insert(Some(room));
        if *known != Some(room) {
            *known = None;
        }
    }

    /// The room of a block's variant.
    pub(super) fn room(&self, glue: GlueIdx, variant: u16) -> Option<u16> {
        self.0.get(&glue)?.get(&variant).copied().flatten()
    }
}

/// What is behind the pointer in a register.
pub(super) fn glue(function: &Function, reg: Reg) -> Option<GlueIdx> {
    match function.regs.get(reg.0 as usize)? {
        Class::Ptr(glue) => Some(*glue),
        Class::Int | Class::Float => None,
    }
}

/// The register, base and offset of a pointer that is read out of a cell.
pub(super) fn cell(inst: &Inst) -> Option<(Reg, Reg, Option<u16>)> {
    let (d, base) = read_from(inst)?;
    let offset = match inst {
        Inst::Load { offset, .. } => Some(*offset),
        _ => None,
    };
    Some((d, base, offset))
}
