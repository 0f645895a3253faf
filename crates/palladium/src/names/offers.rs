//! What can stand after a dot.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::world::{ModuleId, World};
use crate::core::Type;
use crate::syntax::ast::Fn;

/// The names of the fields and methods of a type that a module sees.
pub(crate) fn members(world: &mut World, module: ModuleId, ty: &Type) -> BTreeSet<Arc<str>> {
    let mut names = world.method_names(module, ty);
    if let Type::Record(id, _) = ty {
        let fields = &world.records[id.0 as usize].fields;
        names.extend(fields.iter().map(|(name, _)| Arc::clone(name)));
    }
    // What the library calls by itself.
    names.retain(|name| !name.starts_with("derive_"));
    names
}

/// What a module declares for others, but for its methods.
pub(crate) fn public(world: &World, module: ModuleId) -> BTreeSet<Arc<str>> {
    let declared = world.module(module);
    let is_public = |name: &&Arc<str>| {
        let functions = declared.functions_named(name).iter().map(|key| world.function(*key));
        let is_method = |function: &Fn| {
            function.params.first().is_some_and(|param| &*param.name.text == "self")
        };
        let mut functions = functions.filter(|function| !is_method(&function.ast));
        functions.any(|function| function.public)
    };
    let functions = declared.functions.keys().filter(is_public);
    let types = declared.types.iter().filter(|(_, ty)| world.is_public_type(**ty));
    let consts = declared.consts.iter();
    let consts = consts.filter(|(_, key)| world.consts[key.0 as usize].public);
    let names = types.map(|(name, _)| name).chain(consts.map(|(name, _)| name));
    functions.chain(names).cloned().collect()
}
