//! Reads the files of a program and enters what they declare.
//!
//! The files of the user are read at once, modules of the library when something of them is asked
//! for.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use iridium_isa::{FileId, Span, suggest};

use super::library;
use super::loader::{LoadError, Loaded, Loader};
use super::source_file::SourceFile;
use super::world::{
    AliasDecl, AliasKey, AppDecl, AppId, ConstDecl, ConstKey, Constructor, EnumDecl, FnDecl, FnKey,
    Import, Module, ModuleId, Progress, RecordDecl, Target, TestDecl, TypeName, World,
};
use crate::core::{self, EnumId, RecordId};
use crate::diag::names as say;
use crate::syntax::{self, Parsed, ast};

impl World {
    /// Reads the root file, and all that it imports, directly or through others.
    ///
    /// # Errors
    ///
    /// When the root file itself cannot be read.
    pub(crate) fn read_program(
        &mut self,
        root: &str,
        loader: &mut dyn Loader,
    ) -> Result<ModuleId, LoadError> {
        let loaded = loader.load(root)?;
        let mut reader = Reader { world: self, loader, modules: HashMap::new() };
        Ok(reader.module(root, loaded))
    }

    /// Reads what has been typed at a prompt, the newest text first, and what that imports. Each text
    /// is a file and a module; all see what any of them declares, and what a newer one imports under
    /// a name hides what an older one does. The first file is the first text.
    pub(crate) fn read_typed(&mut self, texts: &[&Typed], loader: &mut dyn Loader) {
        let mut reader = Reader { world: self, loader, modules: HashMap::new() };
        let modules: Vec<ModuleId> = texts.iter().map(|text| reader.typed(text)).collect();
        self.share(&modules);
    }

    /// Lets modules see each other's declarations and imports as their own.
    fn share(&mut self, modules: &[ModuleId]) {
        let mut functions: HashMap<Arc<str>, Vec<FnKey>> = HashMap::new();
        let mut constructors: HashMap<Arc<str>, Vec<Constructor>> = HashMap::new();
        let (mut consts, mut types) = (HashMap::new(), HashMap::new());
        let mut imports: Vec<Import> = Vec::new();
        for module in modules.iter().map(|&module| self.module(module)) {
            for (name, own) in &module.functions {
                functions.entry(Arc::clone(name)).or_default().extend(own);
            }
            for (name, own) in &module.constructors {
                constructors.entry(Arc::clone(name)).or_default().extend(own);
            }
            consts.extend(module.consts.iter().map(|(name, key)| (Arc::clone(name), *key)));
            types.extend(module.types.iter().map(|(name, ty)| (Arc::clone(name), *ty)));
            for import in &module.imports {
                if imports.iter().all(|newer| newer.name != import.name) {
                    imports.push(import.clone());
                }
            }
        }
        for module in modules {
            let module = self.module_mut(*module);
            module.functions = functions.clone();
            module.constructors = constructors.clone();
            module.consts = consts.clone();
            module.types = types.clone();
            module.imports = imports.clone();
        }
    }

    /// A module of the library, read if it was not yet.
    pub(crate) fn library_module(&mut self, name: &str) -> Option<ModuleId> {
        if let Some(&module) = self.library.get(name) {
            return Some(module);
        }
        let name = library::names().find(|module| *module == name)?;
        let text: Arc<str> = library::text(name)?.into();
        let loaded = Loaded { name: format!("std/{name}.pd").into(), text };
        let (module, parsed) = self.enter(name.into(), loaded, true);
        self.library.insert(name, module);
        for import in &parsed.file.imports {
            let import = self.library_import(module, import);
            self.module_mut(module).imports.push(import);
        }
        Some(module)
    }

    fn library_import(&mut self, module: ModuleId, import: &ast::Import) -> Import {
        let target = match &*import.path {
            [std, name] if &*std.text == "std" => library_target(&name.text),
            _ => None,
        };
        if target.is_none() {
            let place = self.place(module, &import.span);
            self.problem(say::unknown_module(place, &path_text(import), None));
        }
        named_import(import, target)
    }

    /// Parses a file and enters its declarations.
    fn enter(&mut self, name: Arc<str>, loaded: Loaded, library: bool) -> (ModuleId, Rc<Parsed>) {
        let file = FileId(self.files.len() as u32);
        let parsed = match &mut self.uses {
            Some(uses) => uses.tree(file, &loaded),
            None => Rc::new(syntax::parse(file, &loaded.text)),
        };
        self.problems.extend(parsed.problems.iter().cloned());
        let id = self.enter_file(name, loaded, library);
        for item in &parsed.file.items {
            self.declare(id, item);
        }
        (id, parsed)
    }

    /// Enters a file without what it declares.
    fn enter_file(&mut self, name: Arc<str>, loaded: Loaded, library: bool) -> ModuleId {
        let file = FileId(self.files.len() as u32);
        self.files.push(SourceFile { name: loaded.name, text: loaded.text });
        let id = ModuleId(self.modules.len() as u32);
        self.modules.push(Module {
            name,
            file,
            library,
            functions: HashMap::new(),
            consts: HashMap::new(),
            types: HashMap::new(),
            constructors: HashMap::new(),
            imports: Vec::new(),
            tests: Vec::new(),
        });
        id
    }

    fn declare(&mut self, module: ModuleId, item: &ast::Item) {
        let public = item.public;
        match &item.kind {
            ast::ItemKind::Fn(function) => self.declare_function(module, public, function),
            ast::ItemKind::Record(record) => self.declare_record(module, public, record),
            ast::ItemKind::Enum(enumeration) => self.declare_enum(module, public, enumeration),
            ast::ItemKind::Alias(alias) => {
                let key = AliasKey(self.aliases.len() as u32);
                self.declare_type(module, &alias.name, TypeName::Alias(key));
                let ast = Arc::clone(alias);
                self.aliases.push(AliasDecl { module, public, ast, resolved: Progress::No });
            }
            ast::ItemKind::Const(constant) => self.declare_const(module, public, constant),
            ast::ItemKind::Actor(actor) => self.declare_actor(module, public, actor),
            ast::ItemKind::App(app) => self.declare_app(module, app),
            ast::ItemKind::Test(test) => self.declare_test(module, test),
        }
    }

    fn declare_function(&mut self, module: ModuleId, public: bool, function: &Arc<ast::Fn>) {
        let name = Arc::clone(&function.name.text);
        let key = self.add_function(FnDecl {
            module,
            public,
            path: Arc::clone(&name),
            ast: Arc::clone(function),
            around: Vec::new(),
            hidden: Vec::new(),
            actor: None,
            signature: None,
            reached: None,
        });
        self.module_mut(module).functions.entry(name).or_default().push(key);
    }

    fn declare_record(&mut self, module: ModuleId, public: bool, record: &Arc<ast::Record>) {
        let id = RecordId(self.records.len() as u32);
        self.declare_type(module, &record.name, TypeName::Record(id));
        let name = Arc::clone(&record.name.text);
        self.construct(module, &name, Constructor::Record(id));
        let generics = record.generics.len() as u32;
        self.records.push(core::Record { name, generics, fields: Vec::new() });
        let ast = Arc::clone(record);
        let decl = RecordDecl { module, public, ast, generics: None, resolved: false };
        self.record_decls.push(decl);
    }

    fn declare_enum(&mut self, module: ModuleId, public: bool, enumeration: &Arc<ast::Enum>) {
        let id = EnumId(self.enums.len() as u32);
        self.declare_type(module, &enumeration.name, TypeName::Enum(id));
        let mut variants: Vec<core::Variant> = Vec::new();
        let mut spans: Vec<&Span> = Vec::new();
        for (nth, variant) in enumeration.variants.iter().enumerate() {
            let name = Arc::clone(&variant.name.text);
            if let Some(first) = variants.iter().position(|other| other.name == name) {
                let place = self.place(module, &variant.name.span);
                let first = self.place(module, spans[first]);
                self.problem(say::declared_twice(place, &name, first));
            } else {
                self.construct(module, &name, Constructor::Variant(id, nth as u32));
            }
            spans.push(&variant.name.span);
            variants.push(core::Variant { name, fields: Vec::new() });
        }
        let (name, generics) =
            (Arc::clone(&enumeration.name.text), enumeration.generics.len() as u32);
        self.enums.push(core::Enum { name, generics, variants });
        let ast = Arc::clone(enumeration);
        let decl = EnumDecl { module, public, ast, actor: None, generics: None, resolved: false };
        self.enum_decls.push(decl);
    }

    fn declare_const(&mut self, module: ModuleId, public: bool, constant: &Arc<ast::Const>) {
        let key = ConstKey(self.consts.len() as u32);
        let (name, span) = (Arc::clone(&constant.name.text), constant.name.span.clone());
        let ast = Arc::clone(constant);
        self.consts.push(ConstDecl { module, public, ast, checked: Progress::No });
        if let Some(first) = self.module_mut(module).consts.insert(Arc::clone(&name), key) {
            let first = &self.consts[first.0 as usize].ast.name.span;
            let (place, first) = (self.place(module, &span), self.place(module, first));
            self.problem(say::declared_twice(place, &name, first));
        }
    }

    fn declare_app(&mut self, module: ModuleId, app: &Arc<ast::App>) {
        let id = AppId(self.apps.len() as u32);
        self.declare_type(module, &app.name, TypeName::App(id));
        self.apps.push(AppDecl { module, ast: Arc::clone(app), children: Progress::No });
    }

    fn declare_test(&mut self, module: ModuleId, test: &ast::Test) {
        let path = format!("test {}", self.module(module).tests.len() + 1).into();
        let span = test.name_span.clone();
        let function = self.add_function(FnDecl {
            module,
            public: false,
            path,
            ast: Arc::clone(&test.run),
            around: Vec::new(),
            hidden: Vec::new(),
            actor: None,
            signature: None,
            reached: None,
        });
        let name = Arc::clone(&test.name);
        self.module_mut(module).tests.push(TestDecl { name, span, function });
    }

    pub(super) fn declare_type(&mut self, module: ModuleId, name: &ast::Ident, declared: TypeName) {
        let first = self.module_mut(module).types.insert(Arc::clone(&name.text), declared);
        if first.is_some() && !name.text.is_empty() {
            let first = first.map_or(0..0, |first| self.declared_span(first));
            let (place, first) = (self.place(module, &name.span), self.place(module, &first));
            self.problem(say::declared_twice(place, &name.text, first));
        }
    }

    pub(super) fn construct(
        &mut self,
        module: ModuleId,
        name: &Arc<str>,
        constructor: Constructor,
    ) {
        let constructors = &mut self.module_mut(module).constructors;
        constructors.entry(Arc::clone(name)).or_default().push(constructor);
    }
}

/// A text that has been typed at a prompt.
#[derive(Debug, Clone)]
pub(crate) struct Typed {
    /// What diagnostics call it.
    pub(crate) name: Arc<str>,
    pub(crate) text: Arc<str>,
    pub(crate) imports: Vec<ast::Import>,
    /// Those that it declares and that no newer text declares again.
    pub(crate) items: Vec<ast::Item>,
}

/// Reads the files of the user.
struct Reader<'w> {
    world: &'w mut World,
    loader: &'w mut dyn Loader,
    /// What has been read, or not found, by path.
    modules: HashMap<String, Option<ModuleId>>,
}

impl Reader<'_> {
    fn module(&mut self, path: &str, loaded: Loaded) -> ModuleId {
        let name = path.strip_suffix(".pd").unwrap_or(path).replace('/', ".");
        let (module, parsed) = self.world.enter(name.into(), loaded, false);
        self.modules.insert(path.to_owned(), Some(module));
        self.import(module, path, &parsed.file.imports);
        module
    }

    fn typed(&mut self, typed: &Typed) -> ModuleId {
        let (name, text) = (Arc::clone(&typed.name), Arc::clone(&typed.text));
        let loaded = Loaded { name: Arc::clone(&name), text };
        let module = self.world.enter_file(name, loaded, false);
        for item in &typed.items {
            self.world.declare(module, &ast::Item { public: true, ..item.clone() });
        }
        self.import(module, "", &typed.imports);
        module
    }

    fn import(&mut self, module: ModuleId, path: &str, imports: &[ast::Import]) {
        for import in imports {
            let target = self.target(module, path, import);
            if let Some(target) = target {
                self.world.note_import(module, import, target);
            }
            let import = named_import(import, target);
            self.check_twice(module, &import);
            self.world.module_mut(module).imports.push(import);
        }
    }

    fn check_twice(&mut self, module: ModuleId, import: &Import) {
        let before = self.world.module(module).imports.iter().find(|old| old.name == import.name);
        if let Some(first) = before.map(|first| first.span.clone()) {
            let place = self.world.place(module, &import.span);
            let first = self.world.place(module, &first);
            self.world.problem(say::declared_twice(place, &import.name, first));
        }
    }

    fn target(&mut self, module: ModuleId, own: &str, import: &ast::Import) -> Option<Target> {
        if import.path.iter().any(|name| name.text.is_empty()) {
            return None; // The parser has said so.
        }
        let place = self.world.place(module, &import.span);
        if import.dots == 0 && import.path.first().is_some_and(|name| &*name.text == "std") {
            let name = import.path.get(1).map(|name| &*name.text).unwrap_or_default();
            let target = library_target(name).filter(|_| import.path.len() == 2);
            if target.is_none() {
                let near = suggest::nearest(name, library::names());
                let near = near.map(|near| format!("std.{near}"));
                self.world.problem(say::unknown_module(place, &path_text(import), near));
            }
            return target;
        }
        let path = file_path(own, import);
        if let Some(known) = self.modules.get(&path) {
            return known.map(Target::Module);
        }
        match self.loader.load(&path) {
            Ok(loaded) => Some(Target::Module(self.module(&path, loaded))),
            Err(error) => {
                self.world.problem(say::unreadable_module(place, &path, &error));
                self.modules.insert(path, None);
                None
            }
        }
    }
}

fn library_target(name: &str) -> Option<Target> {
    library::names().find(|module| *module == name).map(Target::Library)
}

fn named_import(import: &ast::Import, target: Option<Target>) -> Import {
    let last = import.alias.as_ref().or(import.path.last());
    let name = last.map(|name| Arc::clone(&name.text)).unwrap_or_default();
    Import { name, span: import.span.clone(), target }
}

fn path_text(import: &ast::Import) -> String {
    let names: Vec<&str> = import.path.iter().map(|name| &*name.text).collect();
    format!("{}{}", ".".repeat(import.dots as usize), names.join("."))
}

/// The path of an imported file, seen from the folder of the root.
fn file_path(own: &str, import: &ast::Import) -> String {
    let mut folders: Vec<&str> = match import.dots {
        0 => Vec::new(),
        _ => own.split('/').collect(),
    };
    folders.pop();
    if import.dots > 1 && folders.last().is_none_or(|folder| *folder == "..") {
        folders.push("..");
    } else if import.dots > 1 {
        folders.pop();
    }
    folders.extend(import.path.iter().map(|name| &*name.text));
    folders.join("/") + ".pd"
}

/// Functions that have a name in a module.
impl Module {
    pub(crate) fn functions_named(&self, name: &str) -> &[FnKey] {
        self.functions.get(name).map(Vec::as_slice).unwrap_or_default()
    }
}
