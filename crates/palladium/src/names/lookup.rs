//! What a name in a module stands for: its own declarations first, then what it imports, then the
//! prelude.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::library;
use super::world::{ConstKey, Constructor, FnKey, Module, ModuleId, Target, TypeName, World};
use crate::core::{EnumId, RecordId, Type};

/// The functions that a method may be.
#[derive(Debug, Default)]
pub(crate) struct Methods {
    pub(crate) found: Vec<FnKey>,
    /// One of another module, which is not public.
    pub(crate) private: Option<FnKey>,
}

impl World {
    /// The module that a name stands for; `Some(None)` when it could not be read.
    pub(crate) fn module_named(
        &mut self,
        module: ModuleId,
        name: &str,
    ) -> Option<Option<ModuleId>> {
        let import = self.module(module).imports.iter().find(|import| &*import.name == name);
        if let Some(target) = import.map(|import| import.target) {
            return Some(target.and_then(|target| self.target_module(target)));
        }
        let known = self.module(module).library && library::PRELUDE.contains(&name);
        known.then(|| self.library_module(name))
    }

    fn target_module(&mut self, target: Target) -> Option<ModuleId> {
        match target {
            Target::Module(module) => Some(module),
            Target::Library(name) => self.library_module(name),
        }
    }

    /// The name of an imported module that has a public function or constant of this name.
    pub(crate) fn import_with(&mut self, module: ModuleId, name: &str) -> Option<Arc<str>> {
        let imports: Vec<_> = self
            .module(module)
            .imports
            .iter()
            .filter_map(|import| Some((Arc::clone(&import.name), import.target?)))
            .collect();
        imports.into_iter().find_map(|(import, target)| {
            let target = self.target_module(target)?;
            let functions = self.module(target).functions_named(name);
            let public = functions.iter().any(|key| self.function(*key).public)
                || self
                    .module(target)
                    .consts
                    .get(name)
                    .is_some_and(|key| self.consts[key.0 as usize].public);
            public.then_some(import)
        })
    }

    fn imported(&mut self, module: ModuleId) -> Vec<ModuleId> {
        let targets: Vec<_> =
            self.module(module).imports.iter().filter_map(|import| import.target).collect();
        targets.into_iter().filter_map(|target| self.target_module(target)).collect()
    }

    /// The modules of the prelude that may declare a type or variant: the one that is known to, or
    /// else all.
    fn prelude_for(&mut self, name: &str) -> Vec<ModuleId> {
        match library::home(name) {
            Some(home) => self.library_module(home).into_iter().collect(),
            None => library::PRELUDE.iter().filter_map(|name| self.library_module(name)).collect(),
        }
    }

    /// The types of this name in the nearest circle of modules that has any.
    pub(crate) fn types_named(&mut self, module: ModuleId, name: &str) -> Vec<TypeName> {
        if let Some(&own) = self.module(module).types.get(name) {
            return vec![own];
        }
        let imported = self.imported(module);
        let found = self.seen_types(module, &imported, name);
        if !found.is_empty() {
            return found;
        }
        let prelude = self.prelude_for(name);
        self.seen_types(module, &prelude, name)
    }

    fn seen_types(&self, from: ModuleId, modules: &[ModuleId], name: &str) -> Vec<TypeName> {
        let found = modules.iter().filter_map(|&module| {
            let ty = *self.module(module).types.get(name)?;
            self.sees(from, module, self.is_public_type(ty)).then_some(ty)
        });
        found.collect()
    }

    pub(crate) fn is_public_type(&self, ty: TypeName) -> bool {
        match ty {
            TypeName::Record(RecordId(id)) => self.record_decls[id as usize].public,
            TypeName::Enum(EnumId(id)) => self.enum_decls[id as usize].public,
            TypeName::Alias(key) => self.aliases[key.0 as usize].public,
            TypeName::Actor(id) => self.actor(id).public,
            TypeName::App(_) => true,
        }
    }

    /// What makes a value under this name, in the nearest circle of modules that has any.
    pub(crate) fn constructors_named(&mut self, module: ModuleId, name: &str) -> Vec<Constructor> {
        if let Some(own) = self.module(module).constructors.get(name) {
            return own.clone();
        }
        let imported = self.imported(module);
        let found = self.seen_constructors(module, &imported, name);
        if !found.is_empty() {
            return found;
        }
        let prelude = self.prelude_for(name);
        self.seen_constructors(module, &prelude, name)
    }

    /// What makes values under a name in some modules, as far as another module sees it.
    pub(crate) fn seen_constructors(
        &self,
        from: ModuleId,
        modules: &[ModuleId],
        name: &str,
    ) -> Vec<Constructor> {
        let is_public = |constructor: &Constructor| match *constructor {
            Constructor::Record(id) => self.is_public_type(TypeName::Record(id)),
            Constructor::Variant(id, _) => self.is_public_type(TypeName::Enum(id)),
            Constructor::Actor(id) => self.actor(id).public,
        };
        let found = modules.iter().flat_map(|&module| {
            let all = self.module(module).constructors.get(name).into_iter().flatten();
            all.filter(move |found| self.sees(from, module, is_public(found)))
        });
        found.copied().collect()
    }

    /// The functions of this name of the module itself, or else of the prelude.
    pub(crate) fn functions_named(&mut self, module: ModuleId, name: &str) -> Vec<FnKey> {
        let own = self.module(module).functions_named(name);
        if !own.is_empty() {
            return own.to_vec();
        }
        let mut found = Vec::new();
        let of_processes = library::OF_PROCESSES.contains(&name).then_some("process");
        for open in library::OPEN.iter().copied().chain(of_processes) {
            let Some(open) = self.library_module(open) else { continue };
            for key in self.module(open).functions_named(name).to_vec() {
                let seen = self.sees(module, open, self.function(key).public);
                if seen && !self.signature(key).is_method() {
                    found.push(key);
                }
            }
        }
        found
    }

    pub(crate) fn const_named(&mut self, module: ModuleId, name: &str) -> Option<ConstKey> {
        if let Some(&own) = self.module(module).consts.get(name) {
            return Some(own);
        }
        library::OPEN.iter().find_map(|open| {
            let open = self.library_module(open)?;
            let key = *self.module(open).consts.get(name)?;
            self.consts[key.0 as usize].public.then_some(key)
        })
    }

    /// Whether a module has a constant, function or imported module of this name.
    pub(crate) fn is_value(&mut self, module: ModuleId, name: &str) -> bool {
        self.const_named(module, name).is_some()
            || !self.functions_named(module, name).is_empty()
            || self.module_named(module, name).is_some()
    }

    /// The function that gives the next value of what a loop runs over. It may belong to the library.
    pub(crate) fn loop_method(&mut self, module: ModuleId, ty: &Type, name: &str) -> Option<FnKey> {
        let methods = self.methods(module, ty, name);
        let library = |key: &FnKey| self.module(self.function(*key).module).library;
        methods.found.first().copied().or(methods.private.filter(library))
    }

    /// The module that a type is declared in.
    pub(crate) fn home_of(&mut self, ty: &Type) -> Option<ModuleId> {
        let name = match ty {
            Type::Record(id, _) => return Some(self.record_decls[id.0 as usize].module),
            Type::Enum(id, _) => return Some(self.enum_decls[id.0 as usize].module),
            other => builtin_module(other)?,
        };
        self.library_module(name)
    }

    /// The functions that `x.name` may be, for an `x` of a type: of the module itself, of that of the
    /// type, of those that are imported.
    pub(crate) fn methods(&mut self, module: ModuleId, ty: &Type, name: &str) -> Methods {
        let mut methods = Methods::default();
        self.methods_in(module, module, ty, name, &mut methods);
        if methods.found.is_empty()
            && let Some(home) = self.home_of(ty)
        {
            self.methods_in(home, module, ty, name, &mut methods);
        }
        if methods.found.is_empty() {
            for imported in self.imported(module) {
                self.methods_in(imported, module, ty, name, &mut methods);
            }
        }
        if methods.found.is_empty() {
            for open in library::OPEN {
                let Some(open) = self.library_module(open) else { continue };
                self.methods_in(open, module, ty, name, &mut methods);
            }
        }
        methods
    }

    fn methods_in(
        &mut self,
        module: ModuleId,
        from: ModuleId,
        ty: &Type,
        name: &str,
        methods: &mut Methods,
    ) {
        for key in self.module(module).functions_named(name).to_vec() {
            let signature = self.signature(key);
            let fits = signature.is_method() && same_head(&signature.params[0].ty, ty);
            if fits && self.sees(from, module, self.function(key).public) {
                methods.found.push(key);
            } else if fits {
                methods.private.get_or_insert(key);
            }
        }
    }

    /// Whether a module may use something of another one.
    pub(crate) fn sees(&self, from: ModuleId, declared: ModuleId, public: bool) -> bool {
        let both_library = self.module(from).library && self.module(declared).library;
        public || from == declared || both_library
    }

    /// The names of all methods of a type that a module sees.
    pub(crate) fn method_names(&mut self, module: ModuleId, ty: &Type) -> BTreeSet<Arc<str>> {
        let mut modules = vec![module];
        modules.extend(self.home_of(ty));
        modules.extend(self.imported(module));
        let mut names = BTreeSet::new();
        for of in modules {
            let functions = &self.module(of).functions;
            let all: Vec<_> =
                functions.iter().map(|(name, keys)| (Arc::clone(name), keys.clone())).collect();
            for (name, keys) in all {
                let fits = keys.iter().any(|&key| {
                    let signature = self.signature(key);
                    signature.is_method()
                        && same_head(&signature.params[0].ty, ty)
                        && self.sees(module, of, self.function(key).public)
                });
                if fits {
                    names.insert(name);
                }
            }
        }
        names
    }

    /// The names of functions, constants and modules that a module can use as they are.
    pub(crate) fn value_names(&mut self, module: ModuleId) -> BTreeSet<Arc<str>> {
        let mut names = own_values(self.module(module));
        names.extend(self.module(module).imports.iter().map(|import| Arc::clone(&import.name)));
        // Short ones are near to too much.
        let of_processes = library::OF_PROCESSES.iter().filter(|name| name.len() > 4);
        names.extend(of_processes.map(|name| Arc::from(*name)));
        for open in library::OPEN {
            let Some(open) = self.library_module(open) else { continue };
            let functions = self.module(open).functions.values().flatten();
            let public = functions.map(|&key| self.function(key)).filter(|decl| decl.public);
            names.extend(public.map(|decl| Arc::clone(&decl.ast.name.text)));
        }
        names
    }

    /// The names of types and of what makes values that a module can use as they are.
    pub(crate) fn upper_names(&mut self, module: ModuleId) -> BTreeSet<Arc<str>> {
        let mut modules = vec![module];
        modules.extend(self.imported(module));
        modules.extend(library::PRELUDE.iter().filter_map(|name| self.library_module(name)));
        let keys = modules.iter().flat_map(|&module| {
            let module = self.module(module);
            module.types.keys().chain(module.constructors.keys()).cloned()
        });
        let builtin = BUILTIN.iter().map(|name| Arc::from(*name));
        keys.chain(builtin).collect()
    }
}

/// The functions and constants of a module.
pub(crate) fn own_values(module: &Module) -> BTreeSet<Arc<str>> {
    module.functions.keys().chain(module.consts.keys()).cloned().collect()
}

const BUILTIN: &[&str] = &[
    "Int", "Float", "Bool", "Char", "String", "Bytes", "Duration", "Node", "Never", "List", "Pid",
    "Reply",
];

/// Whether a type of this name is a part of the language. A file may hide it with one of its own.
pub(crate) fn is_built_in(name: &str) -> bool {
    BUILTIN.contains(&name)
}

/// The module of the library that a built-in type's methods are in.
pub(crate) fn builtin_module(ty: &Type) -> Option<&'static str> {
    Some(match ty {
        Type::Int => "int",
        Type::Float => "float",
        Type::Bool => "bool",
        Type::Char => "char",
        Type::String => "string",
        Type::Bytes => "bytes",
        Type::Duration => "duration",
        Type::List(_) => "list",
        Type::Pid(_) | Type::Reply(_) | Type::Node => "process",
        _ => return None,
    })
}

/// Whether a value of a type may be given where one like `declared` is wanted, as far as the
/// outermost of both tells.
pub(crate) fn same_head(declared: &Type, ty: &Type) -> bool {
    match (declared, ty) {
        (Type::Param(_), _) | (_, Type::Param(_)) => true,
        (Type::Record(a, _), Type::Record(b, _)) => a == b,
        (Type::Enum(a, _), Type::Enum(b, _)) => a == b,
        (Type::Tuple(a), Type::Tuple(b)) => a.len() == b.len(),
        (a, b) => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}
