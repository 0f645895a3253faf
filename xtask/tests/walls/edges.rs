//! Which file of a crate uses which: paths are followed through imports and
//! re-exports to the file that defines what they name.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::modules::{Import, Imported, Module, ROOT};

/// What one file uses of another, and the first line that does.
pub(crate) struct Use {
    pub(crate) name: String,
    pub(crate) line: usize,
}

/// By file and used file.
pub(crate) type Edges = BTreeMap<PathBuf, BTreeMap<PathBuf, Use>>;

/// What a name stands for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Module(usize),
    /// Anything else, defined in this module.
    ItemOf(usize),
}

/// The imports that are being followed: their module and place in it. One that
/// leads to itself brings nothing.
type Seen = BTreeSet<(usize, usize)>;

/// Declarations of modules and re-exports are not uses, nor is a module's name
/// without one of an item in it.
pub(crate) fn edges(modules: &[Module]) -> Edges {
    let mut finder = Finder { modules, edges: Edges::new() };
    for id in 0..modules.len() {
        finder.uses_of(id);
    }
    finder.edges
}

struct Finder<'a> {
    modules: &'a [Module],
    edges: Edges,
}

impl Finder<'_> {
    fn uses_of(&mut self, id: usize) {
        let module = &self.modules[id];
        for import in &module.imports {
            match &import.name {
                Imported::As(name) => self.import(id, import, name),
                Imported::Glob => self.glob(id, import),
            }
        }
        for (line, path) in &module.paths {
            let targets = match path.as_slice() {
                [name] => self.macro_called(id, name),
                path => self.resolve(id, path, &mut Seen::new()),
            };
            self.add(id, &targets, &path.join("::"), *line);
        }
    }

    /// A re-export is a use if the file names it elsewhere.
    fn import(&mut self, id: usize, import: &Import, name: &str) {
        let line = match import.reexport {
            false => Some(import.line),
            true => self.modules[id].names.get(name).copied(),
        };
        if let Some(line) = line {
            let targets = self.resolve(id, &import.path, &mut Seen::new());
            self.add(id, &targets, name, line);
        }
    }

    /// A glob uses what the module names and the glob can bring. If nothing of that is
    /// found (a macro may define it), an import uses the glob's own file.
    fn glob(&mut self, id: usize, import: &Import) {
        let targets = self.resolve(id, &import.path, &mut Seen::new());
        let mut found = BTreeSet::new();
        for (name, line) in &self.modules[id].names {
            if !self.named(id, name, &mut Seen::new()).is_empty() {
                continue;
            }
            let brought = self.lookup_all(&targets, name, &mut Seen::new());
            self.add(id, &brought, name, *line);
            found.extend(brought);
        }
        if found.is_empty() && !import.reexport {
            let defining = |target: &Target| match *target {
                Target::Module(id) | Target::ItemOf(id) => Target::ItemOf(id),
            };
            self.add(id, &targets.iter().map(defining).collect(), "*", import.line);
        }
    }

    fn add(&mut self, id: usize, targets: &BTreeSet<Target>, name: &str, line: usize) {
        let from = &self.modules[id].file;
        for target in targets {
            let Target::ItemOf(to) = *target else { continue };
            let to = &self.modules[to].file;
            if to != from {
                let uses = self.edges.entry(from.clone()).or_default();
                let name = name.to_owned();
                uses.entry(to.clone()).or_insert(Use { name, line });
            }
        }
    }

    /// What a path in a module stands for: nothing, if it is of another crate;
    /// two things, if a module and a function have the same name.
    fn resolve(&self, id: usize, path: &[String], seen: &mut Seen) -> BTreeSet<Target> {
        let Some((first, rest)) = path.split_first() else { return BTreeSet::new() };
        let first = match first.as_str() {
            "crate" => BTreeSet::from([Target::Module(ROOT)]),
            "self" => BTreeSet::from([Target::Module(id)]),
            "super" => BTreeSet::from([Target::Module(self.modules[id].parent)]),
            name => self.lookup(id, name, seen),
        };
        rest.iter().fold(first, |targets, name| self.step(&targets, name, seen))
    }

    /// One name further. What a module does not show to have, it has from a
    /// macro; what follows the name of an item is a part of it.
    fn step(&self, targets: &BTreeSet<Target>, name: &str, seen: &mut Seen) -> BTreeSet<Target> {
        let mut modules = modules_in(targets).peekable();
        if modules.peek().is_none() {
            return targets.clone();
        }
        let mut next = BTreeSet::new();
        for id in modules {
            if name == "super" {
                next.insert(Target::Module(self.modules[id].parent));
                continue;
            }
            let found = self.lookup(id, name, seen);
            let unknown = found.is_empty().then_some(Target::ItemOf(id));
            next.extend(found.into_iter().chain(unknown));
        }
        next
    }

    /// What a module has under a name; what a glob brings gives way to the rest.
    fn lookup(&self, id: usize, name: &str, seen: &mut Seen) -> BTreeSet<Target> {
        let found = self.named(id, name, seen);
        if !found.is_empty() {
            return found;
        }
        self.brought(id, name, &Imported::Glob, seen)
    }

    /// What a module has under a name without its globs.
    fn named(&self, id: usize, name: &str, seen: &mut Seen) -> BTreeSet<Target> {
        let module = &self.modules[id];
        let child = module.children.get(name).map(|&child| Target::Module(child));
        let item = module.items.get(name).map(|&definer| Target::ItemOf(definer));
        let mut found = self.brought(id, name, &Imported::As(name.to_owned()), seen);
        found.extend(child.into_iter().chain(item));
        found
    }

    /// What the imports of a kind bring for a name.
    fn brought(&self, id: usize, name: &str, by: &Imported, seen: &mut Seen) -> BTreeSet<Target> {
        let mut brought = BTreeSet::new();
        let imports = self.modules[id].imports.iter().enumerate();
        for (place, import) in imports.filter(|(_, import)| import.name == *by) {
            if seen.insert((id, place)) {
                let targets = self.resolve(id, &import.path, seen);
                brought.extend(match by {
                    Imported::As(_) => targets,
                    Imported::Glob => self.lookup_all(&targets, name, seen),
                });
                seen.remove(&(id, place));
            }
        }
        brought
    }

    fn lookup_all(&self, all: &BTreeSet<Target>, name: &str, seen: &mut Seen) -> BTreeSet<Target> {
        modules_in(all).flat_map(|id| self.lookup(id, name, seen)).collect()
    }

    /// A macro called without a path, if it is of a module around this one: what
    /// imports bring is a use already.
    fn macro_called(&self, id: usize, name: &str) -> BTreeSet<Target> {
        let module = &self.modules[id];
        match module.macros.get(name) {
            Some(&definer) => BTreeSet::from([Target::ItemOf(definer)]),
            None if id == ROOT => BTreeSet::new(),
            None => self.macro_called(module.parent, name),
        }
    }
}

fn modules_in(targets: &BTreeSet<Target>) -> impl Iterator<Item = usize> {
    targets.iter().filter_map(|target| match *target {
        Target::Module(id) => Some(id),
        Target::ItemOf(_) => None,
    })
}
