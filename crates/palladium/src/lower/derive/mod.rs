//! What follows from the structure of a type: equality, order, hashes, text and JSON.
//!
//! Numbers are done in place, strings by the machine, some types by the library, small tuples and
//! records part by part, and all others by a function of their own, which may call itself.

mod decode;
mod encode;
mod equal;
mod hash;
mod json;
mod order;
mod show;

use std::sync::Arc;

use super::code::{Code, MADE, Value};
use super::context::Context;
use super::instances::Derived;
use super::shape::{Form, Layout};
use super::value::Source;
use crate::core::Type;
use crate::mir::{BlockIdx, Class, Function, Passing, Reg, Terminator};

/// Makes the function of a type.
pub(super) fn make(context: &mut Context<'_>, derived: Derived, ty: &Type) -> Function {
    let mut code = Code::new(context, 0..0);
    if let Derived::Decode = derived {
        return code.decode_function(ty);
    }
    let bytes = code.bytes_class();
    let value = code.value(ty);
    let (name, more, result) = match derived {
        Derived::Equal => ("equal", code.value(ty), Class::Int),
        Derived::Order => ("order", code.value(ty), Class::Int),
        Derived::Hash => ("hash", vec![code.reg(Class::Int)], Class::Int),
        Derived::Show => ("show", vec![code.reg(bytes)], bytes),
        Derived::Encode | Derived::Decode => ("encode", vec![code.reg(bytes)], bytes),
    };
    match derived {
        Derived::Equal => code.equal_body(ty, &value, &more),
        Derived::Order => code.order_body(ty, &value, &more),
        Derived::Hash => code.hash_body(ty, &value, more[0]),
        Derived::Show => code.show_body(ty, &value, more[0]),
        Derived::Encode | Derived::Decode => code.encode_body(ty, &value, more[0]),
    }
    let name = Arc::from(format!("{}.{name}", code.name_of(ty)));
    code.finish(name, MADE, [value, more].concat(), vec![result], Passing::Inferred)
}

/// The parts of a value that derived code goes through.
type Parts = Vec<(Source, Type)>;

impl Code<'_, '_> {
    /// Whether values of a type are compared as one integer.
    pub(super) fn is_number(&mut self, ty: &Type) -> bool {
        let shape = self.shape(ty);
        let is_sum = |form: &Form| matches!(form, Form::Number);
        shape.parts.as_slice() == [Class::Int]
            && match &shape.layout {
                Layout::Scalar => true,
                Layout::Sum(sum) => is_sum(&sum.form),
                Layout::Product(_) => false,
            }
    }

    /// Whether a type is done part by part where it is used.
    fn is_open(&mut self, ty: &Type) -> bool {
        matches!(&self.shape(ty).layout, Layout::Product(product) if !product.boxed)
    }

    fn fields_of(&mut self, ty: &Type, value: &[Reg]) -> Parts {
        let shape = self.shape(ty);
        let Layout::Product(product) = &shape.layout else { return Parts::new() };
        (0..product.fields.types.len()).map(|n| self.field(value, ty, n)).collect()
    }

    fn payload_of(&mut self, ty: &Type, variant: u32, value: &[Reg]) -> Parts {
        let shape = self.shape(ty);
        let Layout::Sum(sum) = &shape.layout else { return Parts::new() };
        let count = sum.variants[variant as usize].types.len();
        (0..count).map(|n| self.payload(value, ty, variant, n)).collect()
    }

    fn variants_of(&mut self, ty: &Type) -> Option<u32> {
        match &self.shape(ty).layout {
            Layout::Sum(sum) => Some(sum.variants.len() as u32),
            _ => None,
        }
    }

    /// A block for each variant, to which control goes.
    fn blocks_by_variant(&mut self, ty: &Type, value: &[Reg], variants: u32) -> Vec<BlockIdx> {
        let blocks: Vec<BlockIdx> = (0..variants).map(|_| self.block()).collect();
        match blocks.last() {
            Some(last) => self.switch_on_variant(value, ty, &blocks, *last),
            None => self.end(Terminator::Unreachable),
        }
        blocks
    }

    fn give(&mut self, value: Value) {
        self.end(Terminator::Return(value));
    }

    /// The name of a type, as it is shown.
    fn name_of(&self, ty: &Type) -> Arc<str> {
        match ty {
            Type::Record(id, _) => Arc::clone(&self.context.program.records[id.0 as usize].name),
            Type::Enum(id, _) => Arc::clone(&self.context.program.enums[id.0 as usize].name),
            _ => "tuple".into(),
        }
    }
}
