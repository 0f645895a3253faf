//! A whole program: what is checked in which order, and what the back end gets of it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::build::within;
use super::checker::Checker;
use super::entry::{CheckedEntry, EntryVariable};
use super::escape::check_escapes;
use super::kind::{any, is_unit, parts};
use super::matches::{check_endless, check_matches};
use super::messages::check_messages;
use super::replies::check_replies;
use crate::core::walk::each_child;
use crate::core::{Body, Expr, FnId, Function, Known, Program, Start, Test, Type};
use crate::diag::calls as say;
use crate::names::lookup::{builtin_module, same_head};
use crate::names::world::{ConstKey, FnDecl, FnKey, ModuleId, Part, World};
use crate::syntax::ast;

/// The functions of a type's module that derived code calls.
const DERIVED: [&str; 4] = ["derive_show", "derive_equal", "derive_order", "derive_hash"];

/// Functions that derived code calls where something asks for it.
struct Asked {
    home: &'static str,
    /// The intrinsics of the home that ask for it.
    by: &'static [&'static str],
    /// A module that asks for it wherever it is read.
    with: Option<&'static str>,
    /// Functions of the home.
    own: &'static [&'static str],
    /// Functions of the modules of types, and of the home.
    derived: &'static [&'static str],
}

/// Payloads and JSON.
const ASKED: [Asked; 3] = [
    Asked {
        home: "wire",
        by: &["to_bytes", "from_bytes"],
        with: Some("process"),
        own: &[],
        derived: &["derive_wire_size", "derive_write_wire", "derive_read_wire"],
    },
    Asked {
        home: "json_encode",
        by: &["encode_value"],
        with: None,
        own: &[],
        derived: &["derive_encode"],
    },
    Asked {
        home: "json_decode",
        by: &["decode_value"],
        with: None,
        own: &[
            "is_null",
            "open_object",
            "has_field",
            "which_field",
            "after_field",
            "miss_field",
            "open_tuple",
            "after_value",
            "open_variant",
            "close_variant",
            "lose",
        ],
        derived: &["derive_decode"],
    },
];

/// The checked program, and the world with its problems.
pub(crate) fn check(world: World, root: Option<ModuleId>) -> (Program, World) {
    let mut checker = Checker::new(world);
    checker.call_timeout_ms = root.and_then(|root| checker.app_call_timeout(root));
    checker.check_user();
    complete(checker, root, |checker| root.and_then(|root| checker.main(root)))
}

/// The checked program of what has been typed at a prompt: its declarations in the world, and these
/// statements in the first of its modules.
pub(crate) fn check_entry(
    world: World,
    stmts: &[ast::Stmt],
    variables: &[EntryVariable],
) -> (Program, World, CheckedEntry) {
    let mut checker = Checker::new(world);
    checker.hide(variables);
    checker.check_user();
    let entry = checker.entry(stmts, variables);
    let (program, mut world) = complete(checker, None, |_| None);
    // The types of variables are still looked up in it.
    world.records.clone_from(&program.records);
    world.enums.clone_from(&program.enums);
    (program, world, entry)
}

fn complete(
    mut checker: Checker,
    root: Option<ModuleId>,
    main: impl FnOnce(&mut Checker) -> Option<FnId>,
) -> (Program, World) {
    checker.check_reached();
    checker.complete_types();
    let known = checker.known_functions();
    checker.complete_types();
    let (option, result, ordering) = (
        checker.world.known_enum("option", "Option"),
        checker.world.known_enum("result", "Result"),
        checker.world.known_enum("ordering", "Ordering"),
    );
    let mut container = |module: &str, name: &str| {
        let read = checker.world.library.contains_key(module);
        read.then(|| checker.world.known_record(module, name)).flatten()
    };
    let (map, set) = (container("map", "Map"), container("set", "Set"));
    let main = main(&mut checker);
    let tests = checker.tests();
    let starts = checker.starts(root);
    let app = root.and_then(|root| checker.app(root));
    // One is missing only where something is wrong.
    let functions = checker.functions.into_iter().collect::<Option<Vec<_>>>().unwrap_or_default();
    let mut world = checker.world;
    check_whole(&mut world, &functions);
    let program = Program {
        records: std::mem::take(&mut world.records),
        enums: std::mem::take(&mut world.enums),
        functions,
        main,
        tests,
        starts,
        app,
        known: Known { option, result, ordering, map, set, functions: known },
        files: world.files.iter().map(|file| Arc::clone(&file.name)).collect(),
    };
    let problems = check_messages(&world, &program);
    world.problems.extend(problems);
    (program, world)
}

/// Looks for what is wrong with all functions that were checked as a whole.
pub(super) fn check_whole(world: &mut World, functions: &[Function]) {
    let problems = [
        check_matches(world, functions),
        check_endless(world),
        check_escapes(functions),
        check_replies(world, functions),
    ];
    world.problems.extend(problems.into_iter().flatten());
}

/// Functions of the library by their qualified names.
type Reached = BTreeSet<(Arc<str>, FnId)>;

impl Checker {
    /// What the user has written is checked in full, reached or not.
    pub(super) fn check_user(&mut self) {
        let user = |world: &World, module: ModuleId| !world.module(module).library;
        for key in (0..self.world.functions.len() as u32).map(FnKey) {
            // The first values of an actor's variables are checked with what uses these.
            let begins = matches!(self.world.function(key).actor, Some((_, Part::Begin)));
            if !begins && user(&self.world, self.world.function(key).module) {
                self.world.signature(key);
                self.reach(key);
            }
        }
        for key in (0..self.world.consts.len() as u32).map(ConstKey) {
            if user(&self.world, self.world.consts[key.0 as usize].module) {
                self.check_const(key);
            }
        }
        self.check_apps();
        self.world.resolve_aliases();
        self.complete_types();
        self.check_twice();
    }

    /// Fills in all declarations of types.
    pub(super) fn complete_types(&mut self) {
        let (mut records, mut enums) = (0, 0);
        while records < self.world.records.len() || enums < self.world.enums.len() {
            if records < self.world.records.len() {
                self.world.resolve_record(crate::core::RecordId(records as u32));
                records += 1;
            }
            if enums < self.world.enums.len() {
                self.world.resolve_enum(crate::core::EnumId(enums as u32));
                enums += 1;
            }
        }
    }

    /// Functions of one name must be told apart by the type before the dot, or by their parameters.
    fn check_twice(&mut self) {
        for module in (0..self.world.modules.len() as u32).map(ModuleId) {
            if self.world.module(module).library {
                continue;
            }
            let functions = self.world.module(module).functions.values();
            // What has been typed at a prompt sees also what other modules declare.
            let own = |key: &&FnKey| self.world.function(**key).module == module;
            let functions = functions.map(|keys| keys.iter().filter(own).copied().collect());
            let mut several: Vec<Vec<FnKey>> =
                functions.filter(|keys: &Vec<FnKey>| keys.len() > 1).collect();
            several.sort();
            for keys in several {
                self.check_same(module, &keys);
            }
        }
    }

    fn check_same(&mut self, module: ModuleId, keys: &[FnKey]) {
        for (nth, &key) in keys.iter().enumerate() {
            let own = self.world.signature(key);
            for &first in &keys[..nth] {
                let other = self.world.signature(first);
                let apart = own.is_method()
                    && other.is_method()
                    && !same_head(&own.params[0].ty, &other.params[0].ty);
                let names = |signature: &crate::names::world::Signature| -> Vec<Arc<str>> {
                    signature.params.iter().map(|param| Arc::clone(&param.name)).collect()
                };
                let by_labels = own.is_method() == other.is_method()
                    && own.is_method()
                    && names(&own) != names(&other);
                if !apart && !by_labels && !own.name.text.is_empty() {
                    let place = self.world.place(module, &own.name.span);
                    let first = self.world.place(module, &other.name.span);
                    self.problem(say::same_function(place, &own.name.text, first));
                    break;
                }
            }
        }
    }

    pub(super) fn main(&mut self, root: ModuleId) -> Option<FnId> {
        let key = *self.world.module(root).functions_named("main").first()?;
        let signature = self.world.signature(key);
        let result = self.world.known_enum("result", "Result");
        let fits = match &signature.result {
            Type::Enum(id, args) => Some(*id) == result && is_unit(&args[0]),
            other => is_unit(other) || super::kind::is_error(other),
        };
        if !fits || !signature.params.is_empty() || !signature.generics.is_empty() {
            let place = self.world.place(root, &signature.name.span);
            self.problem(say::main_shape(place));
        }
        self.world.function(key).reached
    }

    fn tests(&self) -> Vec<Test> {
        let modules = self.world.modules.iter().filter(|module| !module.library);
        let tests = modules.flat_map(|module| module.tests.iter().map(move |test| (module, test)));
        let tests = tests.filter_map(|(module, test)| {
            let function = self.world.function(test.function).reached?;
            let (name, file, span) = (Arc::clone(&test.name), module.file, test.span.clone());
            Some(Test { name, function, file, span })
        });
        tests.collect()
    }

    /// The actors, and functions that receive, which need no types to be started.
    fn starts(&mut self, root: Option<ModuleId>) -> Vec<Start> {
        let user = |world: &World, key: FnKey| !world.module(world.function(key).module).library;
        let is_start = |decl: &FnDecl| match decl.actor {
            Some((_, part)) => part == Part::Run,
            None => decl.ast.receives.is_some(),
        };
        let all = (0..self.world.functions.len() as u32).map(FnKey);
        let found: Vec<FnKey> = all
            .filter(|key| user(&self.world, *key) && is_start(self.world.function(*key)))
            .collect();
        let mut starts = Vec::new();
        for key in found {
            let signature = self.world.signature(key);
            let (Some(function), Some(inbox)) =
                (self.world.function(key).reached, signature.receives.clone())
            else {
                continue;
            };
            let params = signature.params.iter().map(|param| Arc::clone(&param.name)).collect();
            let plain = signature.params.iter().all(|param| !param.inout);
            if signature.generics.is_empty() && plain {
                let module = self.world.function(key).module;
                let name = match Some(module) == root {
                    true => Arc::clone(&signature.name.text),
                    false => within(&self.world.module(module).name, &signature.name.text),
                };
                starts.push(Start { name, function, inbox, params });
            }
        }
        starts
    }

    /// What derived code may call for the types that occur. That may bring more types.
    fn known_functions(&mut self) -> Vec<(Arc<str>, FnId)> {
        let mut known = BTreeSet::new();
        let mut looked = BTreeSet::new();
        let mut from = 0;
        loop {
            let mut modules = BTreeSet::from(["string".to_owned()]);
            for function in self.functions[from..].iter().flatten() {
                modules_of(&self.world, function, &mut modules);
            }
            for record in &self.world.records {
                record.fields.iter().for_each(|(_, ty)| note(&self.world, ty, &mut modules));
            }
            for variant in self.world.enums.iter().flat_map(|declared| &declared.variants) {
                variant.fields.iter().for_each(|(_, ty)| note(&self.world, ty, &mut modules));
            }
            from = self.functions.len();
            looked.extend(modules);
            let before = known.len();
            for module in &looked {
                self.reach_derived(module, &mut known);
            }
            self.reach_asked(&looked, &mut known);
            if known.len() == before {
                return known.into_iter().collect();
            }
            self.check_reached();
            self.complete_types();
        }
    }

    fn reach_derived(&mut self, module: &str, known: &mut Reached) {
        let own: &[&str] =
            if module == "string" { &["push", "equal", "order_of", "hash_of"] } else { &[] };
        for name in DERIVED.iter().chain(own) {
            self.reach_named(module, name, known);
        }
    }

    /// What other derived code calls, when there is some.
    fn reach_asked(&mut self, modules: &BTreeSet<String>, known: &mut Reached) {
        for asked in &ASKED {
            let with = asked.with.is_some_and(|with| self.world.library.contains_key(with));
            if !with && !asked.by.iter().any(|name| self.is_reached(asked.home, name)) {
                continue;
            }
            for name in asked.own {
                self.reach_named(asked.home, name, known);
            }
            for name in asked.derived {
                for module in modules.iter().map(String::as_str).chain([asked.home]) {
                    self.reach_named(module, name, known);
                }
            }
        }
    }

    /// Whether something calls a function of the library.
    fn is_reached(&self, module: &str, name: &str) -> bool {
        self.world.library.get(module).is_some_and(|module| {
            let functions = self.world.module(*module).functions_named(name);
            functions.iter().any(|key| self.world.function(*key).reached.is_some())
        })
    }

    /// All functions of a name in a module.
    fn reach_named(&mut self, module: &str, name: &str, known: &mut Reached) {
        let Some(id) = self.world.library_module(module) else { return };
        for key in self.world.module(id).functions_named(name).to_vec() {
            let function = self.reach(key);
            known.insert((format!("{module}.{name}").into(), function));
        }
    }
}

/// The modules of the library whose types occur in a function.
fn modules_of(world: &World, function: &Function, modules: &mut BTreeSet<String>) {
    function.locals.iter().for_each(|local| note(world, &local.ty, modules));
    if let Body::Code(body) = &function.body {
        in_expr(world, body, modules);
    }
}

fn in_expr(world: &World, expr: &Expr, modules: &mut BTreeSet<String>) {
    note(world, &expr.ty, modules);
    each_child(expr, &mut |child| in_expr(world, child, modules));
}

fn note(world: &World, ty: &Type, modules: &mut BTreeSet<String>) {
    if parts(ty).is_empty() && !matches!(ty, Type::Record(..) | Type::Enum(..)) {
        let module = builtin_module(ty).filter(|module| !modules.contains(*module));
        modules.extend(module.map(str::to_owned));
        return;
    }
    any(ty, &mut |part| {
        if let Some(module) = builtin_module(part)
            && !modules.contains(module)
        {
            modules.insert(module.to_owned());
        }
        let declared = match part {
            Type::Record(id, _) => Some(world.record_decls[id.0 as usize].module),
            Type::Enum(id, _) => Some(world.enum_decls[id.0 as usize].module),
            _ => None,
        };
        if let Some(home) = declared.map(|module| world.module(module))
            && home.library
            && !modules.contains(&*home.name)
        {
            modules.insert(home.name.to_string());
        }
        false
    });
}
