//! What is the same of writing JSON and of reading it.

use std::sync::Arc;

use crate::core::{EnumId, RecordId, Type};
use crate::lower::code::{Code, Value};

/// The positions of the variants of `Option`.
pub(in crate::lower) const NONE: u32 = 0;
pub(in crate::lower) const SOME: u32 = 1;

/// How the keys of a map are written, as `std/json_decode.pd` numbers it.
enum Keys {
    Text,
    Number,
    Pairs,
}

/// What a variant has beside its name.
pub(super) enum Payload {
    Nothing,
    /// One field without a label: its value.
    Value,
    /// Several: a list.
    Values,
    /// All have labels: an object.
    Labelled(Vec<Arc<str>>),
}

impl Code<'_, '_> {
    pub(in crate::lower) fn json_intrinsic(
        &mut self,
        name: &str,
        types: &[Type],
        args: &[Value],
    ) -> Value {
        let Some(ty) = types.first() else { return Vec::new() };
        match name {
            "encode_value" => {
                self.encode(ty, &args[1], args[0][0]);
                Vec::new()
            }
            "decode_value" => self.decode(ty, &args[0]),
            _ => {
                let form = self.keys(ty) as i64;
                vec![self.int(form)]
            }
        }
    }

    fn keys(&self, ty: &Type) -> Keys {
        match ty {
            Type::String | Type::Char => Keys::Text,
            Type::Int | Type::Duration => Keys::Number,
            Type::Enum(id, _) if self.is_list_of_names(*id) => Keys::Text,
            _ => Keys::Pairs,
        }
    }

    /// Whether no variant of an enum has a value.
    fn is_list_of_names(&self, id: EnumId) -> bool {
        let variants = &self.context.program.enums[id.0 as usize].variants;
        variants.iter().all(|variant| variant.fields.is_empty())
    }

    pub(in crate::lower) fn is_option(&self, id: EnumId) -> bool {
        self.context.program.known.option == Some(id)
    }

    /// Whether `null` is a value of a type, so that an option of it needs another form for that.
    pub(super) fn has_null(&self, ty: &Type) -> bool {
        match ty {
            Type::Enum(id, _) => self.is_option(*id),
            Type::Tuple(types) => types.is_empty(),
            _ => false,
        }
    }

    pub(super) fn names_of_fields(&self, id: RecordId) -> Vec<Arc<str>> {
        let fields = &self.context.program.records[id.0 as usize].fields;
        fields.iter().map(|(name, _)| Arc::clone(name)).collect()
    }

    /// The names of the variants, and how their values are written.
    pub(super) fn payloads(&self, id: EnumId) -> Vec<(Arc<str>, Payload)> {
        let variants = self.context.program.enums[id.0 as usize].variants.iter();
        let payload = |fields: &[(Option<Arc<str>>, Type)]| {
            let labels: Option<Vec<Arc<str>>> =
                fields.iter().map(|(label, _)| label.clone()).collect();
            match (fields, labels) {
                ([], _) => Payload::Nothing,
                (_, Some(labels)) => Payload::Labelled(labels),
                ([_], None) => Payload::Value,
                (_, None) => Payload::Values,
            }
        };
        variants.map(|v| (Arc::clone(&v.name), payload(&v.fields))).collect()
    }
}
