//! What is typed at a prompt: entries of declarations, imports and statements, each compiled by
//! itself, with what the entries before it have left.
//!
//! Declarations are kept as they were written and are part of each later program, so that one may be
//! declared anew and all others see it. Variables live in the heap of the one process that runs all
//! entries (see [`Entry`]). Their strings may lie in read-only data, which therefore only grows.

mod complete;
mod declared;
mod kept;

use std::sync::Arc;

use iridium_isa::{Diagnostic, Diagnostics, FileId, Module, Severity, Sources};

use crate::compile::emitted;
use crate::core::{Entry, Program, Slot, Variable};
use crate::diag::{Place, Problem, diagnostics};
use crate::lower::{cells, lower_entry};
use crate::mir::Data;
use crate::names::world::World;
use crate::names::{Checked, Loader, Typed};
use crate::rc::{self, Mode};
use crate::syntax::{self, ast};
use crate::types::entry::{CheckedEntry, EntryVariable};
use crate::types::program::check_entry;
use kept::KeptType;

/// What diagnostics and traps call what was typed.
const NAME: &str = "repl";

/// What the entries so far have declared.
#[derive(Debug, Clone, Default)]
pub struct Session {
    /// The newest first.
    typed: Vec<Typed>,
    variables: Vec<Known>,
    data: Vec<Data>,
}

/// A variable.
#[derive(Debug, Clone)]
struct Known {
    name: Arc<str>,
    ty: KeptType,
    var: bool,
    slot: Slot,
}

/// An entry that can be run. Until [`ran`](Self::ran), nothing has changed.
#[derive(Debug)]
pub struct Entered {
    /// Ends the values of forgotten variables. Must run first, until it exits.
    pub cleanup: Option<Module>,
    /// Does what was typed, until it exits with a number for [`ran`](Self::ran); `None` when there
    /// is nothing to do.
    pub module: Option<Module>,
    /// What is to be said about it all the same.
    pub warnings: Diagnostics,
    /// The variables that are given up, because their types are declared anew.
    pub forgotten: Vec<Arc<str>>,
    next: Session,
    /// How many variables it makes.
    made: usize,
}

/// An entry as it is written.
struct Read {
    /// What it declares.
    new: Typed,
    /// What it does.
    stmts: Vec<ast::Stmt>,
    /// The names in it.
    words: Vec<Arc<str>>,
}

/// A world with what is declared, and the variables in it.
struct Look<'s> {
    world: World,
    known: Vec<&'s Known>,
    /// The same as the check takes them.
    given: Vec<EntryVariable>,
    /// Those whose types are others now.
    forgotten: Vec<&'s Known>,
}

impl Entered {
    /// The session after the entry, whose module has exited with this number, or 0 without one.
    pub fn ran(mut self, block: i64) -> Session {
        let before = self.next.variables.len().saturating_sub(self.made);
        for variable in self.next.variables.iter_mut().skip(before) {
            variable.slot.block = block;
        }
        self.next
    }
}

impl Session {
    /// Compiles an entry.
    ///
    /// # Errors
    /// All that is wrong with it, or does not go together with what was declared before.
    pub fn enter(&self, text: &str, loader: &mut dyn Loader) -> Result<Entered, Diagnostics> {
        let Read { new, stmts, words } = read(text)?;
        let typed = declared::without(&self.typed, &new);
        let texts: Vec<&Typed> = [&new].into_iter().chain(&typed).collect();
        let Look { world, known, given, forgotten } = look(&self.variables, &texts, loader);
        let (program, mut world, entry) = check_entry(world, &stmts, &given);
        let made = made(&mut world, &entry);
        let checked = Checked { program, problems: world.problems, files: world.files };
        let warnings = judge(&checked)?;

        let mut gone = declared::values(&new);
        gone.extend(made.iter().map(|known| Arc::clone(&known.name)));
        let stays = |known: &Known| !gone.contains(&known.name);
        let is_used = |known: &Known| words.contains(&known.name) || !stays(known);
        let used = known.iter().zip(&entry.given).filter(|(known, _)| is_used(known));
        let used = used.map(|(known, local)| Variable {
            local: *local,
            slot: known.slot,
            stays: stays(known),
        });
        let used: Vec<Variable> = used.collect();
        let mut variables: Vec<Known> =
            known.iter().copied().filter(|known| stays(known)).cloned().collect();
        let is_idle = stmts.is_empty() && used.is_empty();
        let entry = Entry {
            function: entry.function,
            variables: used,
            made: entry.made.iter().map(|(_, local, _)| *local).collect(),
            freed: blocks_without(&known, &variables),
        };
        let count = made.len();
        variables.extend(placed(&checked.program, made));
        let mut data = self.data.clone();
        let module = (!is_idle).then(|| module(&checked, entry, &mut data)).transpose()?;
        let cleanup = self.end(&forgotten, loader)?;
        let forgotten = forgotten.iter().map(|known| Arc::clone(&known.name)).collect();
        let new = (!declared::is_empty(&new)).then_some(new);
        let typed = new.into_iter().chain(typed).collect();
        let next = Self { typed, variables, data };
        Ok(Entered { cleanup, module, warnings, forgotten, next, made: count })
    }

    /// Whether there is a variable, a function or a constant of this name.
    pub fn knows(&self, name: &str) -> bool {
        let is_variable = self.variables.iter().any(|known| &*known.name == name);
        is_variable || self.typed.iter().flat_map(declared::values).any(|value| &*value == name)
    }

    /// Whether nothing is declared and there are no variables.
    pub fn is_empty(&self) -> bool {
        self.typed.is_empty() && self.variables.is_empty()
    }

    /// The module that ends the values of variables.
    fn end(
        &self,
        ended: &[&Known],
        loader: &mut dyn Loader,
    ) -> Result<Option<Module>, Diagnostics> {
        if ended.is_empty() {
            return Ok(None);
        }
        let empty = typed("", ast::File::default());
        let texts: Vec<&Typed> = [&empty].into_iter().chain(&self.typed).collect();
        let Look { world, known, given, .. } = look(ended.iter().copied(), &texts, loader);
        let (program, world, entry) = check_entry(world, &[], &given);
        let checked = Checked { program, problems: world.problems, files: world.files };
        judge(&checked)?;
        let is_ended = |known: &&Known| ended.iter().any(|ended| ended.name == known.name);
        let left: Vec<Known> =
            self.variables.iter().filter(|known| !is_ended(known)).cloned().collect();
        let variables = known.iter().zip(&entry.given);
        let variables = variables.map(|(known, local)| Variable {
            local: *local,
            slot: known.slot,
            stays: false,
        });
        let entry = Entry {
            function: entry.function,
            variables: variables.collect(),
            made: Vec::new(),
            freed: blocks_without(ended, &left),
        };
        module(&checked, entry, &mut self.data.clone()).map(Some)
    }
}

/// Reads an entry.
fn read(text: &str) -> Result<Read, Diagnostics> {
    let parsed = syntax::parse_entry(FileId(0), text);
    let mut problems = parsed.problems;
    problems.extend(parsed.file.items.iter().filter_map(not_at_prompt));
    if !problems.is_empty() {
        let mut sources = Sources::new();
        sources.add(NAME, text);
        return Err(diagnostics(&problems, &sources));
    }
    let words = parsed.tree.tokens.iter().filter(|token| token.kind.is_name());
    let words = words.filter_map(|token| text.get(token.start as usize..token.end as usize));
    let words = words.map(Arc::from).collect();
    Ok(Read { new: typed(text, parsed.file), stmts: parsed.stmts, words })
}

fn typed(text: &str, file: ast::File) -> Typed {
    let ast::File { imports, items, .. } = file;
    Typed { name: NAME.into(), text: text.into(), imports, items }
}

fn look<'s>(
    variables: impl IntoIterator<Item = &'s Known>,
    texts: &[&Typed],
    loader: &mut dyn Loader,
) -> Look<'s> {
    let mut world = World::default();
    world.read_typed(texts, loader);
    let mut look = Look { world, known: Vec::new(), given: Vec::new(), forgotten: Vec::new() };
    for variable in variables {
        match variable.ty.find(&mut look.world) {
            Some(ty) => {
                let (name, var) = (Arc::clone(&variable.name), variable.var);
                look.given.push(EntryVariable { name, ty, var });
                look.known.push(variable);
            }
            None => look.forgotten.push(variable),
        }
    }
    look
}

/// The variables that an entry makes, without their places.
fn made(world: &mut World, entry: &CheckedEntry) -> Vec<Known> {
    let mut made = Vec::new();
    for (EntryVariable { name, ty, var }, _, span) in &entry.made {
        let kept = KeptType::new(world, ty);
        if kept.holds_function() {
            let place = Place { file: FileId(0), span: span.clone() };
            world.problem(function_in_variable(place, name));
        }
        let slot = Slot { block: 0, cell: 0 };
        made.push(Known { name: Arc::clone(name), ty: kept, var: *var, slot });
    }
    made
}

/// New variables, one after the other in a block that is not known yet.
fn placed(program: &Program, made: Vec<Known>) -> Vec<Known> {
    let mut next = 0;
    let place = |known: Known| {
        let slot = Slot { block: 0, cell: next };
        next += cells(program, known.ty.now());
        Known { slot, ..known }
    };
    made.into_iter().map(place).collect()
}

/// The warnings about an entry.
fn judge(checked: &Checked) -> Result<Diagnostics, Diagnostics> {
    let (here, elsewhere): (Vec<Problem>, Vec<Problem>) =
        checked.problems.iter().cloned().partition(|problem| problem.primary.0.file == FileId(0));
    if !checked.has_errors() {
        // Others were told when it was typed.
        return Ok(diagnostics(&here, &checked.sources()));
    }
    let is_error = |problem: &Problem| problem.severity == Severity::Error;
    if here.iter().any(is_error) {
        return Err(diagnostics(&here, &checked.sources()));
    }
    let errors: Vec<Problem> = elsewhere.into_iter().filter(is_error).collect();
    let mut report = diagnostics(&errors, &checked.sources());
    report.push(Diagnostic::error(
        "this does not go together with what was declared before: declare both anew in one entry",
    ));
    Err(report)
}

/// The module of an entry. `data` is what all entries have needed so far.
fn module(checked: &Checked, entry: Entry, data: &mut Vec<Data>) -> Result<Module, Diagnostics> {
    let mut program = lower_entry(&checked.program, entry, data);
    rc::insert(&mut program, Mode::Optimised);
    // The code of functions does not stay, but what lies behind them must not move.
    let kept = |data: &Data| match data {
        Data::Closure(_) => Data::Cells([].into()),
        other => other.clone(),
    };
    *data = program.data.iter().map(kept).collect();
    emitted(&program, &checked.sources())
}

/// The blocks in which variables lie, but none of those that are left.
fn blocks_without(variables: &[&Known], left: &[Known]) -> Vec<i64> {
    let mut blocks: Vec<i64> = variables.iter().map(|known| known.slot.block).collect();
    blocks.sort_unstable();
    blocks.dedup();
    blocks.retain(|block| *block != 0 && left.iter().all(|known| known.slot.block != *block));
    blocks
}

fn not_at_prompt(item: &ast::Item) -> Option<Problem> {
    let ast::ItemKind::Test(test) = &item.kind else { return None };
    let place = Place { file: FileId(0), span: test.name_span.clone() };
    let problem = Problem::error("test-at-prompt", place, "a test does not run at the prompt");
    Some(problem.label("it belongs into a file").help("type what is in it, line by line"))
}

fn function_in_variable(place: Place, name: &str) -> Problem {
    let message = format!("`{name}` holds a function, which no variable of the prompt can");
    Problem::error("function-in-variable", place, message)
        .label("has a function in it")
        .help("declare the function with `fn`")
}
