//! How a file is made up: what it declares, and what is in that.

use iridium_isa::{FileId, Span};

use super::Analysis;
use super::declared::{Kind, item_kind};
use crate::syntax::ast;

/// Something that a file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symbol {
    /// As it is called; of a test, what it shows.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// All of it.
    pub span: Span,
    /// Its name.
    pub name_span: Span,
    /// What is declared in it.
    pub children: Vec<Symbol>,
}

impl Analysis {
    /// What a source file declares, in its order.
    pub fn outline(&self, file: FileId) -> Vec<Symbol> {
        let items = self.parsed(file).into_iter().flat_map(|parsed| &parsed.file.items);
        items.filter_map(symbol).collect()
    }
}

fn symbol(item: &ast::Item) -> Option<Symbol> {
    let (name, children) = match &item.kind {
        ast::ItemKind::Fn(function) => (&function.name, Vec::new()),
        ast::ItemKind::Record(record) => {
            let fields = record.fields.iter();
            let field = |field: &ast::Field| {
                let end = field.default.as_ref().map_or(field.ty.span.end, |value| value.span.end);
                part(&field.name, Kind::Field, field.name.span.start..end)
            };
            (&record.name, fields.filter_map(field).collect())
        }
        ast::ItemKind::Enum(declared) => {
            let variants = declared.variants.iter();
            let variant = |variant: &ast::Variant| {
                let last = variant.fields.last().map_or(variant.name.span.end, |f| f.ty.span.end);
                part(&variant.name, Kind::Variant, variant.name.span.start..last)
            };
            (&declared.name, variants.filter_map(variant).collect())
        }
        ast::ItemKind::Alias(alias) => (&alias.name, Vec::new()),
        ast::ItemKind::Const(constant) => (&constant.name, Vec::new()),
        ast::ItemKind::Actor(actor) => (&actor.name, of_actor(actor)),
        ast::ItemKind::App(app) => {
            let children = app.children.iter();
            let child = |child: &ast::Child| part(&child.name, Kind::Child, child.span.clone());
            (&app.name, children.filter_map(child).collect())
        }
        ast::ItemKind::Test(test) => {
            let name = test.name.to_string();
            let (span, name_span) = (item.span.clone(), test.name_span.clone());
            return Some(Symbol { name, kind: Kind::Test, span, name_span, children: Vec::new() });
        }
    };
    let whole = part(name, item_kind(item), item.span.clone())?;
    Some(Symbol { children, ..whole })
}

fn of_actor(actor: &ast::Actor) -> Vec<Symbol> {
    let vars = actor.vars.iter().map(|var| part(&var.name, Kind::Local, var.span.clone()));
    let handlers = actor.handlers.iter();
    let handlers = handlers.map(|on| part(&on.name, Kind::Handler, on.span.clone()));
    let functions = actor.functions.iter().map(|function| {
        let end = function.body.as_ref().map_or(function.name.span.end, |body| body.span.end);
        part(&function.name, Kind::Function, function.name.span.start..end)
    });
    let mut all: Vec<Symbol> = vars.chain(handlers).chain(functions).flatten().collect();
    all.sort_by_key(|symbol| symbol.span.start);
    all
}

/// A part of a declaration; `None` when its name is missing.
fn part(name: &ast::Ident, kind: Kind, span: Span) -> Option<Symbol> {
    let (text, name_span) = (name.text.to_string(), name.span.clone());
    let span = span.start.min(name_span.start)..span.end.max(name_span.end);
    (!text.is_empty()).then(|| Symbol { name: text, kind, span, name_span, children: Vec::new() })
}
