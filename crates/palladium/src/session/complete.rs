//! What a name at the prompt may become.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::{Look, Read, Session, look, read, typed};
use crate::names::offers::{members, public};
use crate::names::world::ModuleId;
use crate::names::{Loader, Typed, library_modules};
use crate::syntax::ast::File;
use crate::syntax::operand::operand_at_end;
use crate::syntax::token::Kind;
use crate::types::kind::is_error;
use crate::types::program::check_entry;

/// What has been typed is a file, so this is its module.
const TYPED: ModuleId = ModuleId(0);

impl Session {
    /// Where the word begins that an entry ends with so far, and what it may become: members of
    /// what stands before a dot, modules behind `import`, or else all that is known.
    pub fn complete(&self, entry: &str, loader: &mut dyn Loader) -> (usize, Vec<String>) {
        let is_inner = |c: char| c.is_alphanumeric() || c == '_';
        let start = entry.trim_end_matches(is_inner).len();
        let (before, word) = entry.split_at(start);
        let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
        let found = match before.strip_suffix('.') {
            _ if line.starts_with("import ") => modules(line),
            Some(of) => self.members(of, loader),
            None if word.is_empty() => BTreeSet::new(),
            None => self.names(word, loader),
        };
        let fits = |name: &Arc<str>| name.starts_with(word) && !name.is_empty();
        (start, found.into_iter().filter(fits).map(|name| name.to_string()).collect())
    }

    fn names(&self, word: &str, loader: &mut dyn Loader) -> BTreeSet<Arc<str>> {
        let empty = typed("", File::default());
        let texts: Vec<&Typed> = [&empty].into_iter().chain(&self.typed).collect();
        let mut world = look(&[], &texts, loader).world;
        if word.starts_with(char::is_uppercase) {
            return world.upper_names(TYPED);
        }
        let mut names = world.value_names(TYPED);
        names.extend(self.variables.iter().map(|known| Arc::clone(&known.name)));
        names.extend(Kind::RESERVED.iter().map(|word| Arc::from(*word)));
        names
    }

    /// The fields and methods of a value, or what a module declares.
    fn members(&self, of: &str, loader: &mut dyn Loader) -> BTreeSet<Arc<str>> {
        let Some(operand) = operand_at_end(of).and_then(|at| of.get(at..)) else {
            return BTreeSet::new();
        };
        let Ok(Read { new, stmts, .. }) = read(&format!("let it = {operand}")) else {
            return BTreeSet::new();
        };
        let texts: Vec<&Typed> = [&new].into_iter().chain(&self.typed).collect();
        let Look { mut world, given, .. } = look(&self.variables, &texts, loader);
        if given.iter().all(|known| &*known.name != operand)
            && let Some(Some(module)) = world.module_named(TYPED, operand)
        {
            return public(&world, module);
        }
        let (_, mut world, entry) = check_entry(world, &stmts, &given);
        let ty = entry.made.first().map(|(made, ..)| made.ty.clone()).filter(|ty| !is_error(ty));
        ty.map_or_else(BTreeSet::new, |ty| members(&mut world, TYPED, &ty))
    }
}

/// The modules that an import may name.
fn modules(line: &str) -> BTreeSet<Arc<str>> {
    match line {
        "import " => BTreeSet::from(["std".into()]),
        "import std." => library_modules().map(Arc::from).collect(),
        _ => BTreeSet::new(),
    }
}
