//! What an entry declares, and what of earlier entries it takes the place of.

use std::sync::Arc;

use crate::names::Typed;
use crate::syntax::ast;

/// What can be declared anew.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Declared {
    Type(Arc<str>),
    /// A function or a constant.
    Value(Arc<str>),
    /// A method, with the name of its type.
    Method(Arc<str>, Arc<str>),
}

/// The names of the functions and constants that a text declares.
pub(super) fn values(typed: &Typed) -> Vec<Arc<str>> {
    let names = typed.items.iter().filter_map(|item| match declared(item) {
        Declared::Value(name) => Some(name),
        _ => None,
    });
    names.collect()
}

/// Earlier texts without what a new one declares or imports under the same name.
pub(super) fn without(earlier: &[Typed], new: &Typed) -> Vec<Typed> {
    let declares: Vec<Declared> = new.items.iter().map(declared).collect();
    let imports: Vec<_> = new.imports.iter().filter_map(import_name).collect();
    let mut left = earlier.to_vec();
    for typed in &mut left {
        typed.items.retain(|item| !declares.contains(&declared(item)));
        typed.imports.retain(|import| import_name(import).is_none_or(|n| !imports.contains(&n)));
    }
    left.retain(|typed| !is_empty(typed));
    left
}

/// Whether a text has nothing that a later one could use.
pub(super) fn is_empty(typed: &Typed) -> bool {
    typed.items.is_empty() && typed.imports.is_empty()
}

fn import_name(import: &ast::Import) -> Option<&Arc<str>> {
    import.alias.as_ref().or(import.path.last()).map(|name| &name.text)
}

fn declared(item: &ast::Item) -> Declared {
    let name = |name: &ast::Ident| Arc::clone(&name.text);
    match &item.kind {
        ast::ItemKind::Fn(function) => match function.params.first() {
            Some(param) if &*param.name.text == "self" => {
                Declared::Method(name(&function.name), head(function, param))
            }
            _ => Declared::Value(name(&function.name)),
        },
        ast::ItemKind::Const(constant) => Declared::Value(name(&constant.name)),
        ast::ItemKind::Record(record) => Declared::Type(name(&record.name)),
        ast::ItemKind::Enum(declared) => Declared::Type(name(&declared.name)),
        ast::ItemKind::Alias(alias) => Declared::Type(name(&alias.name)),
        ast::ItemKind::Actor(actor) => Declared::Type(name(&actor.name)),
        ast::ItemKind::App(app) => Declared::Type(name(&app.name)),
        ast::ItemKind::Test(test) => Declared::Value(Arc::clone(&test.name)),
    }
}

/// The outermost part of the type of `self`.
fn head(function: &ast::Fn, param: &ast::Param) -> Arc<str> {
    match param.ty.as_ref().map(|ty| &ty.kind) {
        Some(ast::TypeKind::Named { name, .. }) => {
            let generic = function.generics.iter().any(|known| known.name.text == name.text);
            if generic { "".into() } else { Arc::clone(&name.text) }
        }
        Some(ast::TypeKind::Option(_)) => "Option".into(),
        Some(ast::TypeKind::Tuple(types)) => format!("({})", types.len()).into(),
        Some(ast::TypeKind::Fn { .. }) => "fn".into(),
        Some(ast::TypeKind::Error) | None => "".into(),
    }
}
