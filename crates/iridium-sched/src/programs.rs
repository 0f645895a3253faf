//! The programs that can be named by the identity of their module.

use std::collections::HashMap;
use std::sync::Arc;

use iridium_isa::{DebugId, ModuleId};
use iridium_vm::Program;

/// Programs by identity. Those whose modules behave alike, and differ only in what they show to
/// people, are kept beside each other, so that each process shows the places of its own.
#[derive(Debug, Default)]
pub(crate) struct Programs(HashMap<ModuleId, Vec<Arc<Program>>>);

impl Programs {
    /// The first program of a module.
    pub(crate) fn find(&self, id: ModuleId) -> Option<&Arc<Program>> {
        self.0.get(&id)?.first()
    }

    /// The program of a module with just this debug information.
    pub(crate) fn find_exact(&self, id: ModuleId, debug: DebugId) -> Option<&Arc<Program>> {
        self.0.get(&id)?.iter().find(|program| program.debug_id() == debug)
    }

    /// Whether this very program is among them.
    pub(crate) fn has(&self, program: &Arc<Program>) -> bool {
        let alike = self.0.get(&program.module().id());
        alike.is_some_and(|alike| alike.iter().any(|known| Arc::ptr_eq(known, program)))
    }

    /// Adds a program, unless one with the same debug information is there.
    pub(crate) fn add(&mut self, program: &Arc<Program>) {
        let (id, debug) = (program.module().id(), program.debug_id());
        if self.find_exact(id, debug).is_none() {
            self.0.entry(id).or_default().push(Arc::clone(program));
        }
    }

    /// Forgets those of these programs that nothing else uses.
    pub(crate) fn forget_unused(&mut self, ids: &[(ModuleId, DebugId)]) {
        for (id, debug) in ids {
            if let Some(alike) = self.0.get_mut(id) {
                let used = |program: &Arc<Program>| Arc::strong_count(program) > 1;
                alike.retain(|program| program.debug_id() != *debug || used(program));
                if alike.is_empty() {
                    self.0.remove(id);
                }
            }
        }
    }

    /// All programs.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Program>> {
        self.0.values().flatten()
    }

    /// Whether there are several of a module.
    pub(crate) fn is_ambiguous(&self, id: ModuleId) -> bool {
        self.0.get(&id).is_some_and(|alike| alike.len() > 1)
    }
}
