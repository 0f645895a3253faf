//! The tree of an app file, whose modules are paths.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt::Display;
use std::ops::Deref;

use super::arguments::{Begin, Word, begin};
use super::error::{Fault, Mistake};
use crate::supervisor::spec::{Child, ChildBody, Restart, Shutdown, Spec, Strategy};
use iridium_isa::Module;
use iridium_vm::Limits;

/// A supervisor whose modules are paths.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AppSupervisor {
    pub(super) strategy: Strategy,
    pub(super) restarts: u32,
    pub(super) within_ms: u64,
    pub(super) children: Vec<AppChild>,
}

/// A child whose module is a path.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct AppChild {
    pub(super) name: String,
    pub(super) registered: Option<String>,
    pub(super) restart: Restart,
    pub(super) shutdown: Shutdown,
    pub(super) body: AppBody,
}

/// What a child is. Positions are offsets into the text.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum AppBody {
    Program {
        module: String,
        module_at: usize,
        entry: Option<(String, usize)>,
        arguments: Vec<Word>,
        limits: Limits,
    },
    Supervisor(AppSupervisor),
}

impl AppSupervisor {
    /// The paths of all modules, in the order of the file.
    pub(super) fn paths<'a>(&'a self, paths: &mut Vec<&'a str>) {
        for child in &self.children {
            match &child.body {
                AppBody::Program { module, .. } => paths.push(module),
                AppBody::Supervisor(group) => group.paths(paths),
            }
        }
    }

    /// The tree with its modules, of which `modules` keeps those that are loaded.
    pub(super) fn spec<'a, M, E>(
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
                AppBody::Supervisor(group) => ChildBody::Supervisor(group.spec(modules, load)?),
                AppBody::Program { module: path, module_at, entry, arguments, limits } => {
                    let module = match modules.entry(path) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(vacant) => vacant.insert(load(path).map_err(|error| {
                            let (child, module) = (child.name.clone(), path.clone());
                            let error = error.to_string();
                            Fault {
                                at: *module_at,
                                mistake: Mistake::Module { child, module, error },
                            }
                        })?),
                    };
                    let Begin { entry, arguments, first } =
                        begin(&child.name, path, module, entry.as_ref(), arguments)?;
                    ChildBody::Program {
                        module: module.id(),
                        debug: Some(module.debug_id()),
                        entry,
                        arguments,
                        first,
                        limits: *limits,
                    }
                }
            };
            Ok(Child {
                name: child.name.clone(),
                registered: child.registered.clone(),
                restart: child.restart,
                shutdown: child.shutdown,
                body,
            })
        });
        let children = children.collect::<Result<_, _>>()?;
        let (strategy, restarts, within_ms) = (self.strategy, self.restarts, self.within_ms);
        Ok(Spec { strategy, restarts, within_ms, children })
    }
}
