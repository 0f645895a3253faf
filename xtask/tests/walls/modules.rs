//! The modules of a crate, read from its text: what each defines, imports and
//! names. Tests (`#[cfg(test)]`) are left out, and no macro is expanded.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::source::Source;

/// The files of a crate, by their path in its `src`.
pub(crate) type Files = BTreeMap<PathBuf, Source>;

/// The place in `Modules` of the module that `crate` names.
pub(crate) const ROOT: usize = 0;

/// A module, as the text of its file has it. Others are named by their place in
/// the list that `read` gives.
#[derive(Default)]
pub(crate) struct Module {
    /// An inline module (`mod x { }`) has the file that it stands in.
    pub(crate) file: PathBuf,
    pub(crate) parent: usize,
    pub(crate) children: BTreeMap<String, usize>,
    /// What it defines, and the module that does so: another one for a macro
    /// that is exported to the crate's root.
    pub(crate) items: BTreeMap<String, usize>,
    /// The macros that code after their definition, and modules within, can
    /// call without a path.
    pub(crate) macros: BTreeMap<String, usize>,
    pub(crate) imports: Vec<Import>,
    /// The paths in its code of two names and more, and the macros it calls.
    pub(crate) paths: Vec<(usize, Vec<String>)>,
    /// The names in its code that imports could have brought, with the first
    /// line of each.
    pub(crate) names: BTreeMap<String, usize>,
    /// Where the files of its children are.
    folder: PathBuf,
    /// Its macros can be called in its parent as well.
    macro_use: bool,
}

/// One leaf of a `use` declaration.
pub(crate) struct Import {
    pub(crate) path: Vec<String>,
    pub(crate) name: Imported,
    /// Others can import it from here: `pub use`, `pub(crate) use` and so on.
    pub(crate) reexport: bool,
    pub(crate) line: usize,
}

#[derive(PartialEq)]
pub(crate) enum Imported {
    /// Under this name.
    As(String),
    Glob,
}

/// The modules of the crate whose root is the file `root`; it is the first.
pub(crate) fn read(root: &Path, files: &Files) -> Vec<Module> {
    let mut modules = vec![Module { file: root.to_path_buf(), ..Module::default() }];
    read_file(&mut modules, ROOT, files);
    // Children come after their parents, so macros rise from leaf to root.
    for id in (ROOT + 1..modules.len()).rev() {
        if modules[id].macro_use {
            let (parent, macros) = (modules[id].parent, modules[id].macros.clone());
            modules[parent].macros.extend(macros);
        }
    }
    modules
}

fn read_file(modules: &mut Vec<Module>, module: usize, files: &Files) {
    let source = &files[&modules[module].file];
    let mut reader = Reader {
        modules,
        files,
        tokens: source.tokens(),
        at: 0,
        module,
        depth: 0,
        outer: Vec::new(),
        macro_use: false,
        macro_export: false,
    };
    reader.read();
}

struct Reader<'a> {
    modules: &'a mut Vec<Module>,
    files: &'a Files,
    tokens: Vec<(usize, &'a str)>,
    at: usize,
    /// The module that the next token is in.
    module: usize,
    /// How many braces are open.
    depth: usize,
    /// The modules around this one in the same file, and their depth.
    outer: Vec<(usize, usize)>,
    /// These attributes were seen, and what they are for was not.
    macro_use: bool,
    macro_export: bool,
}

impl<'a> Reader<'a> {
    fn read(&mut self) {
        while let Some(token) = self.peek(0) {
            match token {
                "#" if self.at_test_attribute() => self.skip_item(),
                "{" => self.open(),
                "}" => self.close(),
                "mod" => self.child(),
                "use" if self.peek(1) != Some("<") => self.import(),
                "macro_rules" => self.macro_rules(),
                "macro_use" => self.macro_use = self.skip(),
                "macro_export" => self.macro_export = self.skip(),
                "struct" | "enum" | "union" | "trait" | "type" | "fn" | "const" | "static" => {
                    self.item();
                }
                name if is_name(name) => self.path(),
                _ => self.at += 1,
            }
        }
    }

    fn peek(&self, ahead: usize) -> Option<&'a str> {
        self.tokens.get(self.at + ahead).map(|(_, token)| *token)
    }

    fn before(&self) -> Option<&'a str> {
        self.at.checked_sub(1).map(|at| self.tokens[at].1)
    }

    fn skip(&mut self) -> bool {
        self.at += 1;
        true
    }

    fn line(&self) -> usize {
        self.tokens[self.at.min(self.tokens.len() - 1)].0
    }

    fn here(&mut self) -> &mut Module {
        &mut self.modules[self.module]
    }

    /// Adds an import. The functions of a module often have the same one, which says nothing new:
    /// to follow each of them would take a time that is exponential in their number.
    fn note_import(&mut self, import: Import) {
        let imports = &mut self.here().imports;
        let same = |other: &Import| {
            (&other.path, &other.name, other.reexport)
                == (&import.path, &import.name, import.reexport)
        };
        if !imports.iter().any(same) {
            imports.push(import);
        }
    }

    fn open(&mut self) {
        self.depth += 1;
        self.at += 1;
    }

    fn close(&mut self) {
        self.depth = self.depth.saturating_sub(1);
        self.at += 1;
        if let Some((module, _)) = self.outer.pop_if(|(_, depth)| *depth == self.depth) {
            self.module = module;
        }
    }

    /// Whether an attribute follows that holds only for tests: `cfg(test)`, or
    /// `cfg(all(…))` with `test` among the conditions.
    fn at_test_attribute(&self) -> bool {
        let attribute: Vec<&str> =
            self.tokens[self.at..].iter().map(|t| t.1).take_while(|t| *t != "]").collect();
        let Some(condition) = attribute.strip_prefix(&["#", "[", "cfg", "("]) else { return false };
        let Some(all) = condition.strip_prefix(&["all", "("]) else {
            return condition == ["test", ")"];
        };
        let mut depth = 0;
        all.iter().any(|token| {
            depth += i32::from(*token == "(") - i32::from(*token == ")");
            depth == 0 && *token == "test"
        })
    }

    /// Skips attributes and the item that has them: up to a semicolon, or to a
    /// closing brace that none follows.
    fn skip_item(&mut self) {
        let mut depth = 0;
        while let Some(token) = self.peek(0) {
            match token {
                "{" | "(" | "[" => depth += 1,
                "}" | ")" | "]" if depth == 0 => return,
                "}" | ")" | "]" => depth -= 1,
                _ => {}
            }
            self.at += 1;
            let ends = token == ";" || (token == "}" && self.peek(0) != Some(";"));
            if depth == 0 && ends {
                return;
            }
        }
    }

    /// `mod x;` or `mod x { … }`; the name may be a macro's (`$x`).
    fn child(&mut self) {
        let by_macro = usize::from(self.peek(1) == Some("$"));
        let name = self.peek(1 + by_macro).filter(|name| is_name(name));
        let (Some(name), Some(then @ ("{" | ";"))) = (name, self.peek(2 + by_macro)) else {
            self.at += 1;
            return;
        };
        self.at += 2 + by_macro;
        let child = self.add_child(name);
        if then == "{" {
            self.outer.push((self.module, self.depth));
            self.modules[child].file = self.here().file.clone();
            self.module = child;
            self.open();
        } else if by_macro == 0 {
            self.modules[child].file = self.file_of(name);
            read_file(self.modules, child, self.files);
        }
    }

    /// The child of this name; one that two conditions declare is one module.
    fn add_child(&mut self, name: &str) -> usize {
        let parent = self.module;
        let new = self.modules.len();
        let child = *self.here().children.entry(name.to_owned()).or_insert(new);
        if child == new {
            let folder = self.here().folder.join(name);
            self.modules.push(Module { parent, folder, ..Module::default() });
        }
        self.modules[child].macro_use |= std::mem::take(&mut self.macro_use);
        child
    }

    fn file_of(&self, name: &str) -> PathBuf {
        let module = &self.modules[self.module];
        let folder = module.folder.join(name);
        let found = [folder.with_extension("rs"), folder.join("mod.rs")]
            .into_iter()
            .find(|path| self.files.contains_key(path));
        assert!(found.is_some(), "mod {name} of {} has no file", module.file.display());
        found.unwrap()
    }

    fn macro_rules(&mut self) {
        if let Some(name) = self.peek(2).filter(|name| is_name(name)) {
            let (module, name) = (self.module, name.to_owned());
            if std::mem::take(&mut self.macro_export) {
                self.modules[ROOT].items.insert(name.clone(), module);
            }
            self.here().macros.insert(name.clone(), module);
            self.here().items.insert(name, module);
        }
        self.at += 3;
    }

    /// Notes what is defined, unless it is within a function, type or macro.
    fn item(&mut self) {
        let floor = self.outer.last().map_or(0, |(_, depth)| depth + 1);
        self.at += 1;
        if let Some(name) = self.peek(0).filter(|name| is_name(name) && self.depth == floor) {
            let module = self.module;
            self.here().items.insert(name.to_owned(), module);
        }
    }

    fn import(&mut self) {
        let reexport = matches!(self.before(), Some("pub" | ")"));
        self.at += 1;
        self.use_tree(&[], reexport);
    }

    fn use_tree(&mut self, prefix: &[String], reexport: bool) {
        let mut path = prefix.to_vec();
        while let Some(token) = self.peek(0) {
            let line = self.line();
            self.at += 1;
            match token {
                "{" => return self.use_branches(&path, reexport),
                "*" => {
                    self.note_import(Import { path, name: Imported::Glob, reexport, line });
                    return;
                }
                "::" if path.is_empty() => path.push(String::new()), // Not ours: no name is empty.
                "::" | "$" => {}
                name => {
                    path.push(name.to_owned());
                    if self.peek(0) != Some("::") {
                        let name = self.imported_name(&mut path);
                        self.note_import(Import { path, name, reexport, line });
                        return;
                    }
                }
            }
        }
    }

    fn use_branches(&mut self, prefix: &[String], reexport: bool) {
        while !matches!(self.peek(0), Some("}") | None) {
            self.use_tree(prefix, reexport);
            self.at += usize::from(self.peek(0) == Some(","));
        }
        self.at += 1;
    }

    /// The name that a whole path brings; `self` at its end is left out.
    fn imported_name(&mut self, path: &mut Vec<String>) -> Imported {
        if path.len() > 1 {
            path.pop_if(|last| last == "self");
        }
        let mut name = path.last().cloned().unwrap_or_default();
        if self.peek(0) == Some("as") {
            name = self.peek(1).unwrap_or_default().to_owned();
            self.at += 2;
        }
        Imported::As(name)
    }

    fn path(&mut self) {
        let (line, before) = (self.line(), self.before());
        let mut path = vec![self.tokens[self.at].1.to_owned()];
        self.at += 1;
        while self.peek(0) == Some("::") && self.peek(1).is_some_and(is_name) {
            path.extend(self.peek(1).map(str::to_owned));
            self.at += 2;
        }
        // A method, the rest of a path, a lifetime, a macro's variable, and what
        // is being defined come from no import.
        let own = match before {
            Some("$") => path[0] != "crate",
            before => matches!(before, Some("." | "::" | "'" | "fn")),
        };
        if own {
            return;
        }
        // A field or parameter, in front of its type or value.
        if self.peek(0) != Some(":") {
            self.here().names.entry(path[0].clone()).or_insert(line);
        }
        if path.len() > 1 || self.peek(0) == Some("!") {
            self.here().paths.push((line, path));
        }
    }
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}
