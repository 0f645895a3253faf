//! Documentation, from the comments with `##` in sources: as Markdown, or as pages of HTML.

mod html;
mod links;
mod markdown;
pub(crate) mod signature;
mod text;

use iridium_isa::FileId;

use crate::diag::Problem;
use crate::names::library;
use crate::syntax::ast::{File, Item, ItemKind};
use crate::syntax::parse;

pub use html::{index, page};
pub use links::Links;
pub use markdown::markdown;

/// What a module is about, and what it offers.
#[derive(Debug, Clone)]
pub struct Module {
    /// As one imports it: `std.list`, `shop.cart`.
    pub name: String,
    /// Whether its types and methods are there without an import.
    pub is_prelude: bool,
    /// What its file says of itself.
    pub doc: String,
    /// What is `pub` in it, in the order of the source.
    pub items: Vec<Entry>,
}

/// A declaration that others can use.
#[derive(Debug, Clone)]
pub struct Entry {
    /// As it is called.
    pub name: String,
    /// Its name within the page: no two are the same.
    pub anchor: String,
    /// What it declares.
    pub kind: Kind,
    /// As the formatter prints it, without what it does.
    pub signature: String,
    /// The comment before it.
    pub doc: String,
    /// Fields, variants and handlers that have a comment of their own: what they are, and that.
    pub parts: Vec<(String, String)>,
}

/// What a declaration declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A record, an enum, an alias, an actor or an app.
    Type,
    /// A function or a method.
    Function,
    /// A constant.
    Constant,
}

impl Module {
    /// Reads the documentation of a source.
    ///
    /// # Errors
    /// What is wrong with the source, when it cannot be read.
    pub fn read(name: &str, source: &str) -> Result<Self, Vec<Problem>> {
        let parsed = parse(FileId(0), source);
        if !parsed.problems.is_empty() {
            return Err(parsed.problems);
        }
        Ok(Self::of(name, source, &parsed.file))
    }

    fn of(name: &str, source: &str, file: &File) -> Self {
        let mut module = Self {
            name: name.to_owned(),
            is_prelude: false,
            doc: file.doc.as_deref().unwrap_or_default().to_owned(),
            items: Vec::new(),
        };
        for item in file.items.iter().filter(|item| item.public) {
            module.add(source, item);
        }
        module
    }

    fn add(&mut self, source: &str, item: &Item) {
        let (name, kind) = match &item.kind {
            ItemKind::Fn(function) => (&function.name, Kind::Function),
            ItemKind::Const(constant) => (&constant.name, Kind::Constant),
            ItemKind::Record(record) => (&record.name, Kind::Type),
            ItemKind::Enum(declared) => (&declared.name, Kind::Type),
            ItemKind::Alias(alias) => (&alias.name, Kind::Type),
            ItemKind::Actor(actor) => (&actor.name, Kind::Type),
            ItemKind::App(app) => (&app.name, Kind::Type),
            ItemKind::Test(_) => return,
        };
        let name = name.text.to_string();
        let same = self.items.iter().filter(|other| other.name == name).count();
        self.items.push(Entry {
            anchor: if same == 0 { name.clone() } else { format!("{name}-{}", same + 1) },
            name,
            kind,
            signature: signature::of(source, item),
            doc: item.doc.as_deref().unwrap_or_default().to_owned(),
            parts: signature::parts(source, item),
        });
    }
}

/// The documentation of the standard library: of `std.list`, `std/list.pd` and the like, or of all
/// modules for `std`. `None` for other names.
pub fn of_library(name: &str) -> Option<Vec<Module>> {
    let wanted = match name.strip_prefix("std")? {
        "" => None,
        rest => Some(rest.strip_prefix('.')?),
    };
    let modules = library::names().filter(|module| wanted.is_none_or(|wanted| wanted == *module));
    let read = |module: &'static str| {
        let source = library::text(module)?;
        let parsed = parse(FileId(0), source);
        let mut found = Module::of(&format!("std.{module}"), source, &parsed.file);
        found.is_prelude = library::PRELUDE.contains(&module);
        Some(found).filter(|found| !found.items.is_empty())
    };
    let modules: Vec<Module> = modules.filter_map(read).collect();
    (!modules.is_empty()).then_some(modules)
}

/// The names that [`of_library`] knows, for advice.
pub fn names_of_library() -> impl Iterator<Item = String> {
    let names = library::names().filter(|name| of_library(&format!("std.{name}")).is_some());
    names.map(|name| format!("std.{name}"))
}
