//! Types as they are written.

use std::borrow::Cow;

use super::kind::{as_param, as_var, is_unit};
use crate::core::Type;
use crate::names::library;
use crate::names::lookup::is_built_in;
use crate::names::world::{Generic, Module, World};

/// A type as a person writes it; what is not known is `_`.
pub(crate) fn text(world: &World, generics: &[Generic], ty: &Type) -> String {
    let all = |types: &[Type]| {
        let texts: Vec<String> = types.iter().map(|ty| text(world, generics, ty)).collect();
        texts.join(", ")
    };
    let applied = |name: &str, types: &[Type]| match types {
        [] => name.to_owned(),
        types => format!("{name}[{}]", all(types)),
    };
    match ty {
        Type::Int => "Int".to_owned(),
        Type::Float => "Float".to_owned(),
        Type::Bool => "Bool".to_owned(),
        Type::Char => "Char".to_owned(),
        Type::String => "String".to_owned(),
        Type::Bytes => "Bytes".to_owned(),
        Type::Duration => "Duration".to_owned(),
        Type::Node => "Node".to_owned(),
        Type::Never => "Never".to_owned(),
        Type::Tuple(types) => format!("({})", all(types)),
        Type::List(ty) => format!("List[{}]", text(world, generics, ty)),
        Type::Pid(ty) => format!("Pid[{}]", text(world, generics, ty)),
        Type::Reply(ty) => format!("Reply[{}]", text(world, generics, ty)),
        Type::Record(id, types) => {
            let module = world.module(world.record_decls[id.0 as usize].module);
            applied(&unmistakable(world, module, &world.records[id.0 as usize].name), types)
        }
        Type::Enum(id, types) => {
            let declared = &world.enums[id.0 as usize];
            let module = world.module(world.enum_decls[id.0 as usize].module);
            match &types[..] {
                [of] if &*declared.name == "Option" && module.library => {
                    let inner = text(world, generics, of);
                    if matches!(of, Type::Fn(_)) { format!("Option[{inner}]") } else { inner + "?" }
                }
                types => applied(&unmistakable(world, module, &declared.name), types),
            }
        }
        Type::Fn(function) => {
            let result = match &function.result {
                result if is_unit(result) => String::new(),
                result => format!(" -> {}", text(world, generics, result)),
            };
            format!("fn({}){result}", all(&function.params))
        }
        Type::Param(_) if as_var(ty).is_some() => "_".to_owned(),
        Type::Param(_) => match as_param(ty).and_then(|nth| generics.get(nth)) {
            Some(generic) => generic.name.to_string(),
            None => "_".to_owned(),
        },
    }
}

/// The name of a declared type, with its module where the program has another of that name.
fn unmistakable<'n>(world: &World, module: &Module, name: &'n str) -> Cow<'n, str> {
    let user = world.modules.iter().filter(|other| !other.library);
    let mut found = user.filter_map(|other| other.types.get(name));
    let first = found.next();
    // What has been typed at a prompt is the same in several modules.
    let twice = found.any(|other| Some(other) != first);
    match !module.library && (twice || is_built_in(name) || library::home(name).is_some()) {
        true => Cow::Owned(format!("{}.{name}", module.name)),
        false => Cow::Borrowed(name),
    }
}
