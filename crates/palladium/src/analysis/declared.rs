//! What is declared at a place: its kind, how it is written, and what its comment says.

use std::rc::Rc;

use iridium_isa::{FileId, Span};

use super::Analysis;
use crate::core::Type;
use crate::diag::Place;
use crate::doc::signature;
use crate::names::world::{FnKey, Generics};
use crate::syntax::ast;
use crate::types::text::text;

/// A declaration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// What it declares.
    pub kind: Kind,
    /// As it is called.
    pub name: String,
    /// As the formatter prints it, without what it does.
    pub signature: String,
    /// The comment before it.
    pub doc: String,
}

/// What a declaration declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "they are the words of the language")]
pub enum Kind {
    Module,
    Function,
    /// A function with a parameter `self`.
    Method,
    Constant,
    Record,
    Enum,
    Alias,
    Actor,
    App,
    /// Of an app.
    Child,
    /// Of a record, or a labelled one of a variant.
    Field,
    Variant,
    /// What an actor does when a message comes.
    Handler,
    /// A parameter, or what a statement or a pattern binds.
    Local,
    TypeParameter,
    Test,
    /// A type that is a part of the language.
    BuiltIn,
    Keyword,
}

/// Something that has a name in the tree of a file.
#[derive(Debug, Clone, Copy)]
enum Found<'a> {
    Item(&'a ast::Item, &'a ast::Ident),
    Generic(&'a ast::Generic),
    Param(&'a ast::Param),
    Field(&'a ast::Ident, &'a ast::Field),
    Variant(&'a ast::Ident, &'a ast::Variant),
    Label(&'a ast::Variant, &'a ast::VariantField, &'a ast::Ident),
    Handler(&'a ast::Ident, &'a ast::Handler),
    /// Of an actor.
    Var(&'a ast::Var),
    /// Of an actor.
    Fn(&'a ast::Fn),
    Child(&'a ast::Ident, &'a ast::Child),
}

impl<'a> Found<'a> {
    fn name(self) -> &'a ast::Ident {
        match self {
            Self::Item(_, name) | Self::Label(_, _, name) => name,
            Self::Generic(generic) => &generic.name,
            Self::Param(param) => &param.name,
            Self::Field(_, field) => &field.name,
            Self::Variant(_, variant) => &variant.name,
            Self::Handler(_, handler) => &handler.name,
            Self::Var(var) => &var.name,
            Self::Fn(function) => &function.name,
            Self::Child(_, child) => &child.name,
        }
    }
}

impl Analysis {
    /// What is declared at the place of a name.
    pub fn declared(&self, declared: &Place) -> Option<Declared> {
        if declared.span.is_empty() {
            return self.declared_module(declared.file);
        }
        let mut found = None;
        each_found(self.items_at(declared.file, declared.span.start), &mut |one| {
            if one.name().span == declared.span {
                found = Some(one);
            }
        });
        if let Some(found) = found {
            let mut told = describe(self.text(declared.file), found);
            // The type of a variable that is written without one was found by the check.
            if let Found::Var(ast::Var { ty: None, .. }) = found
                && let Some(local) = self.local(declared)
            {
                told.signature = format!("var {}", local.signature);
            }
            return Some(told);
        }
        self.nested_function(declared).or_else(|| self.local(declared))
    }

    /// The place of a name that is declared at an offset.
    pub(super) fn declared_at(&self, file: FileId, offset: u32) -> Option<Place> {
        let touches = |span: &Span| span.start <= offset && offset <= span.end && !span.is_empty();
        let mut found = None;
        each_found(self.items_at(file, offset), &mut |one| {
            let span = &one.name().span;
            if touches(span) {
                found = Some(span.clone());
            }
        });
        let of_function = |function: &crate::core::Function| {
            let named = function.locals.iter().filter(|local| !local.name.is_empty());
            named.map(|local| &local.span).find(|span| touches(span)).cloned()
        };
        let mut functions = self.functions().filter(|function| function.file == file);
        let found = found.or_else(|| functions.find_map(of_function));
        let nested = || {
            let keys = (0..self.world().functions.len() as u32).map(FnKey);
            let mut places = keys.map(|key| self.function_place(key));
            places.find(|place| place.file == file && touches(&place.span)).map(|place| place.span)
        };
        let span = found.or_else(nested)?;
        Some(Place { file, span })
    }

    /// The function that is declared at a place.
    pub(super) fn function_at(&self, declared: &Place) -> Option<FnKey> {
        let mut keys = (0..self.world().functions.len() as u32).map(FnKey);
        keys.find(|key| self.function_place(*key) == *declared)
    }

    pub(super) fn function_place(&self, key: FnKey) -> Place {
        let decl = self.world().function(key);
        self.world().place(decl.module, &decl.ast.name.span)
    }

    /// The innermost function around an offset.
    pub(super) fn function_around(&self, file: FileId, offset: u32) -> Option<FnKey> {
        let keys = (0..self.world().functions.len() as u32).map(FnKey);
        let around = keys.filter(|key| {
            let decl = self.world().function(*key);
            let body = decl.ast.body.as_ref();
            self.world().module(decl.module).file == file
                && decl.ast.name.span.start <= offset
                && body.is_some_and(|body| offset <= body.span.end)
        });
        around.max_by_key(|key| self.world().function(*key).ast.name.span.start)
    }

    /// A type as one writes it in a function.
    pub(super) fn type_text(&self, function: Option<FnKey>, ty: &Type) -> String {
        let signature = function.and_then(|key| self.world().function(key).signature.as_ref());
        let generics = signature.map(|signature| Rc::clone(&signature.generics));
        text(self.world(), &generics.unwrap_or_else(|| Generics::from([])), ty)
    }

    fn declared_module(&self, file: FileId) -> Option<Declared> {
        let module = self.module_of(file)?;
        let name = match module.library {
            true => format!("std.{}", module.name),
            false => module.name.to_string(),
        };
        let doc = self.parsed(file).and_then(|parsed| parsed.file.doc.as_deref());
        let doc = doc.unwrap_or_default().to_owned();
        Some(Declared { kind: Kind::Module, signature: format!("module {name}"), name, doc })
    }

    fn nested_function(&self, declared: &Place) -> Option<Declared> {
        let ast = &self.world().function(self.function_at(declared)?).ast;
        let before = self.text(declared.file).get(..declared.span.start as usize)?;
        let span = before.rfind("fn")? as u32..ast.body.as_ref()?.span.end;
        let signature = signature::of_function(self.text(declared.file), &span, ast);
        let name = ast.name.text.to_string();
        let doc = ast.doc.as_deref().unwrap_or_default().to_owned();
        Some(Declared { kind: Kind::Function, name, signature, doc })
    }

    fn local(&self, declared: &Place) -> Option<Declared> {
        let functions = self.functions().filter(|function| function.file == declared.file);
        let mut locals = functions.flat_map(|function| &function.locals);
        let local = locals.find(|local| local.span == declared.span && !local.name.is_empty())?;
        let around = self.function_around(declared.file, declared.span.start);
        let signature = format!("{}: {}", local.name, self.type_text(around, &local.ty));
        let name = local.name.to_string();
        Some(Declared { kind: Kind::Local, name, signature, doc: String::new() })
    }
}

/// All names that are declared by items, but for those in bodies.
fn each_found<'a>(items: &'a [ast::Item], visit: &mut impl FnMut(Found<'a>)) {
    for item in items {
        match &item.kind {
            ast::ItemKind::Fn(function) => {
                visit(Found::Item(item, &function.name));
                each_of_function(function, visit);
            }
            ast::ItemKind::Record(record) => {
                visit(Found::Item(item, &record.name));
                record.generics.iter().for_each(|generic| visit(Found::Generic(generic)));
                let fields = record.fields.iter();
                fields.for_each(|field| visit(Found::Field(&record.name, field)));
            }
            ast::ItemKind::Enum(declared) => {
                visit(Found::Item(item, &declared.name));
                declared.generics.iter().for_each(|generic| visit(Found::Generic(generic)));
                for variant in &declared.variants {
                    visit(Found::Variant(&declared.name, variant));
                    for field in &variant.fields {
                        if let Some(label) = &field.label {
                            visit(Found::Label(variant, field, label));
                        }
                    }
                }
            }
            ast::ItemKind::Alias(alias) => {
                visit(Found::Item(item, &alias.name));
                alias.generics.iter().for_each(|generic| visit(Found::Generic(generic)));
            }
            ast::ItemKind::Const(constant) => visit(Found::Item(item, &constant.name)),
            ast::ItemKind::Actor(actor) => each_of_actor(item, actor, visit),
            ast::ItemKind::App(app) => {
                visit(Found::Item(item, &app.name));
                app.children.iter().for_each(|child| visit(Found::Child(&app.name, child)));
            }
            ast::ItemKind::Test(_) => {}
        }
    }
}

fn each_of_function<'a>(function: &'a ast::Fn, visit: &mut impl FnMut(Found<'a>)) {
    function.generics.iter().for_each(|generic| visit(Found::Generic(generic)));
    function.params.iter().for_each(|param| visit(Found::Param(param)));
}

fn each_of_actor<'a>(
    item: &'a ast::Item,
    actor: &'a ast::Actor,
    visit: &mut impl FnMut(Found<'a>),
) {
    visit(Found::Item(item, &actor.name));
    actor.generics.iter().for_each(|generic| visit(Found::Generic(generic)));
    actor.params.iter().for_each(|param| visit(Found::Param(param)));
    actor.vars.iter().for_each(|var| visit(Found::Var(var)));
    for handler in &actor.handlers {
        visit(Found::Handler(&actor.name, handler));
        handler.params.iter().for_each(|param| visit(Found::Param(param)));
    }
    for function in &actor.functions {
        visit(Found::Fn(function));
        each_of_function(function, visit);
    }
}

fn describe(source: &str, found: Found<'_>) -> Declared {
    let written = |span: &Span| signature::on_one_line(source, span);
    let name = found.name();
    let (kind, signature, doc) = match found {
        Found::Item(item, _) => (item_kind(item), signature::of(source, item), item.doc.as_ref()),
        Found::Generic(generic) => {
            let bounds: Vec<&str> = generic.bounds.iter().map(|bound| &*bound.text).collect();
            let bounds =
                if bounds.is_empty() { String::new() } else { format!(": {}", bounds.join(" + ")) };
            (Kind::TypeParameter, format!("{}{bounds}", name.text), None)
        }
        Found::Param(param) => (Kind::Local, written(&param.span), None),
        Found::Field(owner, field) => {
            let end = field.default.as_ref().map_or(field.ty.span.end, |value| value.span.end);
            let text = written(&(name.span.start..end));
            (Kind::Field, format!("{}.{text}", owner.text), field.doc.as_ref())
        }
        Found::Variant(owner, variant) => {
            let fields: Vec<String> =
                variant.fields.iter().map(|field| variant_field(field, &written)).collect();
            let fields =
                if fields.is_empty() { String::new() } else { format!("({})", fields.join(", ")) };
            (Kind::Variant, format!("{}.{}{fields}", owner.text, name.text), variant.doc.as_ref())
        }
        Found::Label(variant, field, _) => {
            let text = variant_field(field, &written);
            (Kind::Field, format!("{}({text})", variant.name.text), None)
        }
        Found::Handler(owner, handler) => {
            let call = signature::call(source, &handler.params, handler.result.as_ref());
            (Kind::Handler, format!("{}.{}{call}", owner.text, name.text), handler.doc.as_ref())
        }
        Found::Var(var) => {
            let ty = var.ty.as_ref().map(|ty| format!(": {}", written(&ty.span)));
            (Kind::Local, format!("var {}{}", name.text, ty.unwrap_or_default()), var.doc.as_ref())
        }
        Found::Fn(function) => {
            let call = signature::call(source, &function.params, function.result.as_ref());
            (Kind::Function, format!("fn {}{call}", name.text), function.doc.as_ref())
        }
        Found::Child(owner, child) => {
            let value = written(&child.value.span);
            (Kind::Child, format!("{}.{} = {value}", owner.text, name.text), None)
        }
    };
    let doc = doc.map(ToString::to_string).unwrap_or_default();
    Declared { kind, name: name.text.to_string(), signature, doc }
}

fn variant_field(field: &ast::VariantField, written: &impl Fn(&Span) -> String) -> String {
    let ty = written(&field.ty.span);
    field.label.as_ref().map_or(ty.clone(), |label| format!("{}: {ty}", label.text))
}

/// What an item declares.
pub(super) fn item_kind(item: &ast::Item) -> Kind {
    match &item.kind {
        ast::ItemKind::Fn(function) if is_method(function) => Kind::Method,
        ast::ItemKind::Fn(_) => Kind::Function,
        ast::ItemKind::Record(_) => Kind::Record,
        ast::ItemKind::Enum(_) => Kind::Enum,
        ast::ItemKind::Alias(_) => Kind::Alias,
        ast::ItemKind::Const(_) => Kind::Constant,
        ast::ItemKind::Actor(_) => Kind::Actor,
        ast::ItemKind::App(_) => Kind::App,
        ast::ItemKind::Test(_) => Kind::Test,
    }
}

fn is_method(function: &ast::Fn) -> bool {
    function.params.first().is_some_and(|param| &*param.name.text == "self")
}
