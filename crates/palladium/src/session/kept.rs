//! The types of variables from one entry to the next: by names, since each check numbers what is
//! declared anew.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::core::{EnumId, FnType, RecordId, Type};
use crate::names::world::{ModuleId, TypeName, World};
use crate::types::kind::{any, parts, replace};
use crate::types::text::text;

/// A type, and what its declarations were.
#[derive(Debug, Clone)]
pub(super) struct KeptType {
    ty: Type,
    /// The records and enums that it speaks of, by their numbers then.
    names: Vec<(Type, Name)>,
    /// All that the user has declared which values of it consist of.
    outline: String,
}

/// A record or enum.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Name {
    /// The module of the library, or of an imported file; `None` for what has been typed.
    module: Option<Arc<str>>,
    name: Arc<str>,
}

impl KeptType {
    pub(super) fn new(world: &mut World, ty: &Type) -> Self {
        let mut names = Vec::new();
        any(ty, &mut |part| {
            if let Some(name) = name_of(world, part) {
                let bare = bare(part);
                if names.iter().all(|(known, _)| *known != bare) {
                    names.push((bare, name));
                }
            }
            false
        });
        Self { ty: ty.clone(), names, outline: outline(world, ty) }
    }

    /// The type in the world in which it was found.
    pub(super) fn now(&self) -> &Type {
        &self.ty
    }

    /// Whether there may be a function in values of it.
    pub(super) fn holds_function(&self) -> bool {
        self.outline.contains("fn(") || any(&self.ty, &mut |part| matches!(part, Type::Fn(_)))
    }

    /// The same type in another world; nothing when it is another one there.
    pub(super) fn find(&self, world: &mut World) -> Option<Type> {
        let mut found = Vec::new();
        for (bare, name) in &self.names {
            found.push((bare.clone(), named(world, name)?));
        }
        let ty = renamed(&self.ty, &found)?;
        (outline(world, &ty) == self.outline).then_some(ty)
    }
}

/// A record or enum without arguments.
fn bare(ty: &Type) -> Type {
    match ty {
        Type::Record(id, _) => Type::Record(*id, [].into()),
        Type::Enum(id, _) => Type::Enum(*id, [].into()),
        other => other.clone(),
    }
}

fn name_of(world: &World, ty: &Type) -> Option<Name> {
    let (module, name) = declared(world, ty)?;
    let home = world.module(module);
    // What has been typed comes first, and is in no file of its own.
    let typed = home.name == world.module(ModuleId(0)).name;
    Some(Name { module: (!typed).then(|| Arc::clone(&home.name)), name })
}

fn declared(world: &World, ty: &Type) -> Option<(ModuleId, Arc<str>)> {
    match ty {
        Type::Record(RecordId(id), _) => {
            let at = *id as usize;
            Some((world.record_decls[at].module, Arc::clone(&world.records[at].name)))
        }
        Type::Enum(EnumId(id), _) => {
            let at = *id as usize;
            Some((world.enum_decls[at].module, Arc::clone(&world.enums[at].name)))
        }
        _ => None,
    }
}

fn named(world: &mut World, name: &Name) -> Option<Type> {
    let module = match &name.module {
        None => ModuleId(0),
        Some(of) => {
            let files = (0..world.modules.len() as u32).map(ModuleId);
            let mut files = files.filter(|id| !world.module(*id).library);
            match files.find(|id| world.module(*id).name == *of) {
                Some(file) => file,
                None => world.library_module(of)?,
            }
        }
    };
    match world.module(module).types.get(&name.name)? {
        TypeName::Record(id) => Some(Type::Record(*id, [].into())),
        TypeName::Enum(id) => Some(Type::Enum(*id, [].into())),
        TypeName::Actor(id) => {
            let inbox = world.actor(*id).inbox;
            Some(Type::Enum(inbox, [].into()))
        }
        TypeName::Alias(_) | TypeName::App(_) => None,
    }
}

/// A type with other records and enums in it.
fn renamed(ty: &Type, names: &[(Type, Type)]) -> Option<Type> {
    let all = |types: &[Type]| -> Option<Arc<[Type]>> {
        types.iter().map(|ty| renamed(ty, names)).collect()
    };
    let one = |ty: &Type| renamed(ty, names).map(Arc::new);
    Some(match ty {
        Type::Record(_, args) | Type::Enum(_, args) => {
            let bare = bare(ty);
            let (_, found) = names.iter().find(|(known, _)| *known == bare)?;
            match found {
                Type::Record(id, _) => Type::Record(*id, all(args)?),
                Type::Enum(id, _) => Type::Enum(*id, all(args)?),
                _ => return None,
            }
        }
        Type::Tuple(types) => Type::Tuple(all(types)?),
        Type::List(ty) => Type::List(one(ty)?),
        Type::Pid(ty) => Type::Pid(one(ty)?),
        Type::Reply(ty) => Type::Reply(one(ty)?),
        Type::Fn(function) => Type::Fn(Arc::new(FnType {
            params: function.params.iter().map(|ty| renamed(ty, names)).collect::<Option<_>>()?,
            result: renamed(&function.result, names)?,
            receives: None,
        })),
        other => other.clone(),
    })
}

/// What values of a type consist of, as far as it is not of the library: names, fields and types.
fn outline(world: &mut World, ty: &Type) -> String {
    let mut text = String::new();
    let mut seen = BTreeSet::new();
    let mut open = vec![ty.clone()];
    while let Some(ty) = open.pop() {
        open.extend(parts(&ty).into_iter().cloned());
        if let Some((module, name)) = declared(world, &ty)
            && !world.module(module).library
            && seen.insert((module, name))
        {
            open.extend(describe(world, &ty, &mut text));
        }
    }
    text
}

/// Adds a declaration to a text. Returns the types that are named in it.
fn describe(world: &mut World, ty: &Type, to: &mut String) -> Vec<Type> {
    let variants = match ty {
        Type::Record(id, _) => {
            world.resolve_record(*id);
            to.push_str("record ");
            let record = &world.records[id.0 as usize];
            let fields = record.fields.iter().map(|(name, ty)| (Some(name.clone()), ty.clone()));
            vec![(record.name.clone(), fields.collect::<Vec<_>>())]
        }
        Type::Enum(id, _) => {
            world.resolve_enum(*id);
            to.push_str("enum ");
            let declared = &world.enums[id.0 as usize];
            let variants = declared.variants.iter();
            variants.map(|variant| (variant.name.clone(), variant.fields.clone())).collect()
        }
        _ => Vec::new(),
    };
    let mut types = Vec::new();
    for (name, fields) in variants {
        let _ = write!(to, "{name}(");
        for (label, ty) in fields {
            let label = label.unwrap_or_default();
            let _ = write!(to, "{label}:{},", text(world, &[], &numbered(&ty)));
            types.push(ty);
        }
        to.push(')');
    }
    to.push('\n');
    types
}

/// A type whose parameters can be told apart in a text.
fn numbered(ty: &Type) -> Type {
    replace(ty, &mut |part| match part {
        Type::Param(n) => Some(Type::Tuple(vec![Type::Int; *n as usize + 2].into())),
        _ => None,
    })
}
