//! What follows from the structure of a type: equality, order, hashes, text, JSON and payloads.
//!
//! Numbers are done in place, strings by the machine, some types by the library, small tuples and
//! records part by part, and all others by a function of their own, which may call itself.

mod decode;
mod encode;
mod equal;
mod hash;
pub(super) mod json;
mod order;
mod show;
pub(super) mod wire;

use std::sync::Arc;

use super::code::{Code, MADE, Value};
use super::context::Context;
use super::instances::Derived;
use super::shape::{Form, Layout};
use super::value::Source;
use crate::core::Type;
use crate::mir::{BlockIdx, Class, Function, Passing, Reg, Terminator};

pub(in crate::lower) use wire::Reader;

/// Makes the function of a type.
pub(super) fn make(context: &mut Context<'_>, derived: Derived, ty: &Type) -> Function {
    let mut code = Code::new(context, 0..0);
    let bytes = code.bytes_class();
    let (name, more, result, body): (_, _, _, Body) = match derived {
        Derived::Equal => {
            ("equal", code.value(ty), Class::Int, |c, ty, a, b| c.equal_body(ty, a, b))
        }
        Derived::Order => {
            ("order", code.value(ty), Class::Int, |c, ty, a, b| c.order_body(ty, a, b))
        }
        Derived::Hash => {
            let seed = vec![code.reg(Class::Int)];
            ("hash", seed, Class::Int, |c, ty, value, seed| c.hash_body(ty, value, seed[0]))
        }
        Derived::Show => {
            let out = vec![code.reg(bytes)];
            ("show", out, bytes, |c, ty, value, out| c.show_body(ty, value, out[0]))
        }
        Derived::Encode => {
            let out = vec![code.reg(bytes)];
            ("encode", out, bytes, |c, ty, value, out| c.encode_body(ty, value, out[0]))
        }
        Derived::Decode => return code.decode_function(ty),
        Derived::WireSize => return code.wire_size_function(ty),
        Derived::WriteWire => return code.write_wire_function(ty),
        Derived::ReadWire => return code.read_wire_function(ty),
    };
    let value = code.value(ty);
    body(&mut code, ty, &value, &more);
    let name = Arc::from(format!("{}.{name}", code.name_of(ty)));
    code.finish(name, MADE, [value, more].concat(), vec![result], Passing::Inferred)
}

/// What is done with a value and what else the function takes.
type Body = fn(&mut Code<'_, '_>, &Type, &[Reg], &[Reg]);

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
            Type::String => "string".into(),
            Type::Bytes => "bytes".into(),
            Type::List(_) => "list".into(),
            _ => "tuple".into(),
        }
    }
}
