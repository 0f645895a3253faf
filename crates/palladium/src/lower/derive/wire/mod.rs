//! Values as the payloads of messages: cells of 8 bytes, little-endian.
//!
//! | type | cells |
//! | --- | --- |
//! | `Int`, `Float` (bits, one NaN), `Bool` (0, 1), `Char`, `Duration` (ns), `Node`, `Pid` | 1 |
//! | `String`, `Bytes` | the length in bytes, the bytes, zeros up to the next cell |
//! | list, set | the count, the elements |
//! | map | the count, then key, value, … in order |
//! | record, tuple | the fields in order |
//! | enum | the number of the variant, its fields |
//! | `Reply` | 2: pid, tag |
//!
//! An element or key that has no cells takes one of 0: so there are never more than there are cells.
//!
//! A value has one form. Who writes one asks for its size first, so that writing needs no checks of
//! room. Who reads one trusts nothing: what is not the form of a value is refused before memory is
//! taken for it. Maps and sets are written and read by `std/wire.pd`.

mod library;
mod read;
mod read_again;
mod size;
mod write;

use crate::core::{EnumId, Type};
use crate::lower::code::{Code, Value};
use crate::lower::shape::{Form, Layout};
use crate::mir::{BinaryOp, BlockIdx, Compare, Operand, Reg};

pub(in crate::lower) use read::Reader;

/// The bytes of a cell.
const CELL: u32 = 8;
/// Values of a fixed size are at most so large: what is larger is done part by part.
const MAX_FIXED: u32 = 1024;
/// Values of a type may lie in each other so deep, where the inner one is not the last part of the
/// outer: what is deeper is neither written nor read.
const MAX_DEPTH: i32 = 10_000;

/// Where a function begins again with the last part of a value, which is of the same type.
struct Again<'t> {
    ty: &'t Type,
    begin: BlockIdx,
    value: &'t [Reg],
}

impl Code<'_, '_> {
    /// The bytes of every value of a type, when they are always as many.
    pub(in crate::lower) fn fixed_size(&self, ty: &Type) -> Option<u32> {
        self.fixed_within(ty, MAX_FIXED)
    }

    fn fixed_within(&self, ty: &Type, most: u32) -> Option<u32> {
        let bytes = match ty {
            Type::Int | Type::Float | Type::Bool | Type::Char | Type::Duration => CELL,
            Type::Node | Type::Pid(_) => CELL,
            Type::Reply(_) => 2 * CELL,
            Type::Never => 0,
            Type::Enum(id, _) if self.has_no_fields(*id) => CELL,
            Type::Tuple(types) => self.fixed_fields(types, most)?,
            Type::Record(id, args) if !self.is_table(ty) => {
                let fields = &self.context.program.records[id.0 as usize].fields;
                let types: Vec<Type> = fields.iter().map(|(_, ty)| ty.substitute(args)).collect();
                self.fixed_fields(&types, most)?
            }
            _ => return None,
        };
        (bytes <= most).then_some(bytes)
    }

    fn fixed_fields(&self, types: &[Type], most: u32) -> Option<u32> {
        types.iter().try_fold(0, |sum, ty| Some(sum + self.fixed_within(ty, most - sum)?))
    }

    /// Whether values are not made of others.
    fn is_scalar(&self, ty: &Type) -> bool {
        match ty {
            Type::Tuple(_) | Type::Record(..) | Type::Enum(..) => false,
            _ => self.fixed_size(ty).is_some(),
        }
    }

    fn has_no_fields(&self, id: EnumId) -> bool {
        let variants = &self.context.program.enums[id.0 as usize].variants;
        variants.iter().all(|variant| variant.fields.is_empty())
    }

    /// Whether the library writes and reads the values of a type.
    fn is_table(&self, ty: &Type) -> bool {
        self.context.has_result("derive_read_wire", ty)
    }

    /// Whether a value is one cell, which is its one register.
    fn is_cell(&mut self, ty: &Type) -> bool {
        self.fixed_size(ty) == Some(CELL) && self.context.types.parts(ty).len() == 1
    }

    /// The bytes of an element of a list, when they are always as many.
    fn fixed_element(&self, ty: &Type) -> Option<u32> {
        self.fixed_size(ty).map(|bytes| bytes.max(CELL))
    }

    /// Whether values of a type may lie in others of it.
    fn is_recursive(&self, ty: &Type) -> bool {
        matches!(ty, Type::Record(..) | Type::Enum(..)) && {
            let mut seen = Vec::new();
            self.parts_of(ty).iter().any(|part| self.leads_to(part, &mut seen, &|at| at == ty))
        }
    }

    /// Whether a value may have another in it of a type whose values may lie in each other.
    fn is_deep(&self, ty: &Type) -> bool {
        self.leads_to(ty, &mut Vec::new(), &|at| self.is_recursive(at))
    }

    fn leads_to(&self, ty: &Type, seen: &mut Vec<Type>, to: &impl Fn(&Type) -> bool) -> bool {
        if seen.contains(ty) {
            return false;
        }
        seen.push(ty.clone());
        to(ty) || self.parts_of(ty).iter().any(|part| self.leads_to(part, seen, to))
    }

    /// The types of what a value consists of.
    fn parts_of(&self, ty: &Type) -> Vec<Type> {
        match ty {
            Type::List(element) => vec![(**element).clone()],
            Type::Tuple(types) => types.to_vec(),
            Type::Record(_, args) if self.is_table(ty) => args.to_vec(),
            Type::Record(id, args) => {
                let fields = &self.context.program.records[id.0 as usize].fields;
                fields.iter().map(|(_, ty)| ty.substitute(args)).collect()
            }
            Type::Enum(id, args) => {
                let variants = &self.context.program.enums[id.0 as usize].variants;
                let fields = variants.iter().flat_map(|variant| &variant.fields);
                fields.map(|(_, ty)| ty.substitute(args)).collect()
            }
            _ => Vec::new(),
        }
    }

    /// The types of the fields, by variant; a record or tuple has one.
    fn fields_by_variant(&mut self, ty: &Type) -> Vec<Vec<Type>> {
        match &self.shape(ty).layout {
            Layout::Product(product) => vec![product.fields.types.clone()],
            Layout::Sum(sum) => sum.variants.iter().map(|fields| fields.types.clone()).collect(),
            Layout::Scalar => Vec::new(),
        }
    }

    /// Whether a value has no block of its own.
    fn is_unboxed(&mut self, ty: &Type) -> bool {
        match &self.shape(ty).layout {
            Layout::Product(product) => !product.boxed,
            Layout::Sum(sum) => !matches!(sum.form, Form::Boxed),
            Layout::Scalar => false,
        }
    }

    /// Whether the last part of a value may be one of this type. Where it is of the same type as
    /// the whole, that is a step of a loop and not a call: lists that are made of values may be long.
    fn ends_in(&mut self, types: &[Type], whole: &Type) -> bool {
        let Some(last) = types.last() else { return false };
        if last == whole {
            return true;
        }
        !self.is_table(last)
            && self.is_unboxed(last)
            && self.fields_by_variant(last).iter().any(|types| self.ends_in(types, whole))
    }

    /// The depth of what lies in a value at this depth.
    fn below(&mut self, ty: &Type, depth: Option<Reg>, wrong: BlockIdx) -> Option<Reg> {
        let depth = depth.filter(|_| self.is_recursive(ty));
        let Some(depth) = depth else { return depth };
        let fine = self.block();
        let below = self.binary(BinaryOp::AddWrap, depth, Operand::Imm(1));
        self.branch(Compare::Le, below, Operand::Imm(MAX_DEPTH), fine, wrong);
        self.at(fine);
        Some(below)
    }

    /// What stands for a value where there is none.
    fn nothing(&mut self, ty: &Type) -> Value {
        let classes = self.context.types.parts(ty);
        classes.into_iter().map(|class| self.zero(class)).collect()
    }
}
