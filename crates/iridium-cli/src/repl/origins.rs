//! The files that modules were read from, to name programs in lists.

use std::collections::HashMap;

use iridium_isa::{DebugId, Module, ModuleId};

/// Names by module. Modules that behave alike may come from several files.
#[derive(Default)]
pub(super) struct Origins(HashMap<ModuleId, Vec<(DebugId, String)>>);

impl Origins {
    /// Notes where a module comes from.
    pub(super) fn add(&mut self, module: &Module, name: &str) {
        let (names, debug) = (self.0.entry(module.id()).or_default(), module.debug_id());
        names.retain(|(known, _)| *known != debug);
        names.push((debug, name.into()));
    }

    /// Where a module comes from: the one with this debug information, or else the last one.
    pub(super) fn find(&self, module: ModuleId, debug: Option<DebugId>) -> Option<&str> {
        let names = self.0.get(&module)?;
        let exact = names.iter().find(|(known, _)| Some(*known) == debug);
        exact.or(names.last()).map(|(_, name)| name.as_str())
    }
}
