//! App files: a tree of supervisors and programs as TOML. `docs/apps.md` describes them.
//!
//! Nothing is read from anywhere here. Whoever has the text of an app file makes an [`App`] of it,
//! which names modules by path, and turns that into a [`Spec`] by handing over the modules.

mod mistake;
mod read;
mod section;
#[cfg(test)]
mod tests;

use std::collections::hash_map::Entry as MapEntry;
use std::collections::{HashMap, HashSet};
use std::fmt::Display;
use std::ops::Deref;

use self::mistake::Fault;
pub use self::mistake::{AppError, Mistake};
use super::{Child, ChildBody, Restart, Spec, Strategy};
use iridium_isa::Module;
use iridium_isa::suggest::nearest;
use iridium_vm::{Limits, Register};

/// An app file that has been read.
///
/// ```
/// use std::convert::Infallible;
///
/// use iridium_asm::Assembler;
/// use crate::supervisor::app::App;
///
/// let app = App::parse("
///     [[child]]
///     name = 'counter'
///     module = 'counter.iasm'
///     entry = 'main'
/// ")?;
/// assert_eq!(app.modules(), ["counter.iasm"]);
/// let counter = Assembler::new("counter.iasm").assemble("main: hlt")?.module;
/// let spec = app.spec(|_path| Ok::<_, Infallible>(&counter))?;
/// assert_eq!(spec.children[0].registered.as_deref(), Some("counter"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct App {
    name: Option<String>,
    top: Group,
    /// For the places of mistakes that are found with the modules at hand.
    text: String,
}

/// A supervisor whose modules are paths.
#[derive(Debug, Clone, PartialEq)]
struct Group {
    strategy: Strategy,
    restarts: u32,
    within_ms: u64,
    children: Vec<Entry>,
}

/// A child whose module is a path.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    name: String,
    registered: Option<String>,
    restart: Restart,
    shutdown_ms: u64,
    body: Body,
}

/// What a child is. Places are offsets into the text.
#[derive(Debug, Clone, PartialEq)]
enum Body {
    Program {
        module: String,
        module_at: usize,
        entry: Option<(String, usize)>,
        arguments: Vec<Register>,
        limits: Limits,
    },
    Supervisor(Group),
}

impl App {
    /// Reads the text of an app file.
    ///
    /// # Errors
    /// The first mistake, with its place.
    pub fn parse(text: &str) -> Result<Self, AppError> {
        let (name, top) = read::read(text).map_err(|fault| fault.in_text(text))?;
        Ok(Self { name, top, text: text.to_owned() })
    }

    /// The name of the app, if the file gives one.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The paths of the modules as the file writes them, each once, in the order of the file. They
    /// are meant to be seen from the folder of the file.
    pub fn modules(&self) -> Vec<&str> {
        let mut paths = Vec::new();
        self.top.paths(&mut paths);
        let mut seen = HashSet::new();
        paths.retain(|path| seen.insert(*path));
        paths
    }

    /// The tree with its modules. Each is asked for once, by its path, in the order of the file.
    ///
    /// # Errors
    /// When a module cannot be had, or lacks the label at which a child is to start.
    pub fn spec<M, E>(&self, mut load: impl FnMut(&str) -> Result<M, E>) -> Result<Spec, AppError>
    where
        M: Deref<Target = Module>,
        E: Display,
    {
        let spec = self.top.spec(&mut HashMap::new(), &mut load);
        spec.map_err(|fault| fault.in_text(&self.text))
    }
}

impl Group {
    fn paths<'a>(&'a self, paths: &mut Vec<&'a str>) {
        for child in &self.children {
            match &child.body {
                Body::Program { module, .. } => paths.push(module),
                Body::Supervisor(group) => group.paths(paths),
            }
        }
    }

    fn spec<'a, M, E>(
        &'a self,
        modules: &mut HashMap<&'a str, M>,
        load: &mut impl FnMut(&str) -> Result<M, E>,
    ) -> Result<Spec, Fault>
    where
        M: Deref<Target = Module>,
        E: Display,
    {
        let children = self.children.iter().map(|child| {
            let body = match &child.body {
                Body::Supervisor(group) => ChildBody::Supervisor(group.spec(modules, load)?),
                Body::Program { module: path, module_at, entry, arguments, limits } => {
                    let module = match modules.entry(path) {
                        MapEntry::Occupied(known) => known.into_mut(),
                        MapEntry::Vacant(place) => place.insert(load(path).map_err(|error| {
                            let (child, module) = (child.name.clone(), path.clone());
                            let error = error.to_string();
                            Fault {
                                at: *module_at,
                                mistake: Mistake::Module { child, module, error },
                            }
                        })?),
                    };
                    if let Some((label, at)) = entry {
                        check_entry(&child.name, path, module, label, *at)?;
                    }
                    ChildBody::Program {
                        module: module.id(),
                        entry: entry.as_ref().map(|(label, _)| label.clone()),
                        arguments: arguments.clone(),
                        limits: *limits,
                    }
                }
            };
            Ok(Child {
                name: child.name.clone(),
                registered: child.registered.clone(),
                restart: child.restart,
                shutdown_ms: child.shutdown_ms,
                body,
            })
        });
        let children = children.collect::<Result<_, _>>()?;
        let (strategy, restarts, within_ms) = (self.strategy, self.restarts, self.within_ms);
        Ok(Spec { strategy, restarts, within_ms, children })
    }
}

fn check_entry(
    child: &str,
    path: &str,
    module: &Module,
    entry: &str,
    at: usize,
) -> Result<(), Fault> {
    if module.find(entry).is_some() {
        return Ok(());
    }
    let labels = module.code_labels().iter().chain(module.exports()).map(|(name, _)| name.as_str());
    let mistake = Mistake::NoEntry {
        child: child.to_owned(),
        module: path.to_owned(),
        entry: entry.to_owned(),
        nearest: nearest(entry, labels).map(str::to_owned),
    };
    Err(Fault { at, mistake })
}
