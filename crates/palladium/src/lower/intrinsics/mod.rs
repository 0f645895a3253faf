//! What the library leaves to the back end, by the names of its functions.
//!
//! The registers of an argument that the caller has back (`var`) are changed in place.

mod bytes;
mod list;
mod number;
mod process;
mod support;
mod world;

use super::code::{Code, Value};

use crate::core::Type;
pub(super) use support::make as make_support;

impl Code<'_, '_> {
    /// The value of an intrinsic, which is of the type `result`.
    pub(super) fn intrinsic(
        &mut self,
        name: &str,
        types: &[Type],
        args: &[Value],
        result: &Type,
    ) -> Value {
        let parts = self.intrinsic_parts(name, types, args);
        // What it gives lies in registers; as a value, so many lie in a block.
        match self.context.types.parts(result)[..] {
            [class] if parts.len() > 1 => vec![self.boxed(class, 0, &parts)],
            _ => parts,
        }
    }

    fn intrinsic_parts(&mut self, name: &str, types: &[Type], args: &[Value]) -> Value {
        let (module, name) = name.rsplit_once('.').unwrap_or(("", name));
        match module {
            "list" => self.list_intrinsic(name, types, args),
            "string" | "bytes" => self.bytes_intrinsic(module, name, args),
            "int" | "float" | "char" | "duration" => self.number_intrinsic(name, args),
            "process" => self.process_intrinsic(name, types, args),
            "json_encode" | "json_decode" => self.json_intrinsic(name, types, args),
            "wire" => self.wire_intrinsic(name, types, args),
            _ => self.world_intrinsic(name, args),
        }
    }
}
