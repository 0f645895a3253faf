//! Programs that are ready to run here, and which of them are kept only for now.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use iridium_isa::{DebugId, Module, ModuleId};
use iridium_sched::Scheduler;
use iridium_vm::Program;

use crate::error::NodeError;
use crate::sync::lock;
use crate::this_node::ThisNode;

/// Foreign programs that are kept in memory although nothing uses them, and the bytes of their modules.
const MAX_UNUSED: usize = 256;
const MAX_UNUSED_BYTES: usize = 8 << 20;

/// Makes modules known to the scheduler. Foreign programs, which came from other nodes or from
/// operators' clients, are forgotten when they are many and nothing uses them.
pub(crate) struct Programs {
    this: Arc<ThisNode>,
    /// The latest last.
    foreign: Mutex<VecDeque<Foreign>>,
}

/// A foreign program, by its module.
struct Foreign {
    module: (ModuleId, DebugId),
    bytes: usize,
}

impl Programs {
    pub(crate) fn new(this: Arc<ThisNode>) -> Self {
        Self { this, foreign: Mutex::default() }
    }

    /// Makes a module ready to run, and keeps it for as long as the node runs.
    ///
    /// # Errors
    /// When it wants functions that this node does not have, or the node has stopped.
    pub(crate) fn load(&self, module: Module) -> Result<Arc<Program>, NodeError> {
        let scheduler = self.this.running()?;
        let (id, debug) = (module.id(), module.debug_id());
        // It may have been foreign until now.
        lock(&self.foreign).retain(|foreign| foreign.module != (id, debug));
        if let Some(known) = scheduler.program_as(id, debug) {
            return Ok(known);
        }
        let program = self.this.prepare(module)?;
        scheduler.add_program(&program);
        Ok(program)
    }

    /// As [`load`](Self::load), for a foreign module.
    ///
    /// # Errors
    /// As there.
    pub(crate) fn load_foreign(&self, module: Module) -> Result<Arc<Program>, NodeError> {
        let scheduler = self.this.running()?;
        if let Some(known) = scheduler.program_as(module.id(), module.debug_id()) {
            return Ok(known);
        }
        let program = self.this.prepare(module)?;
        self.keep_foreign(&scheduler, &program);
        Ok(program)
    }

    /// Makes a foreign program known, which is in use until it is dropped here.
    fn keep_foreign(&self, scheduler: &Scheduler, program: &Arc<Program>) {
        scheduler.add_program(program);
        let bytes = program.module().to_pieces().iter().map(|piece| piece.len()).sum();
        let module = (program.module().id(), program.debug_id());
        lock(&self.foreign).push_back(Foreign { module, bytes });
        self.forget_unused(scheduler);
    }

    /// Forgets the oldest of the foreign programs that nothing uses, as far as they are too many.
    pub(crate) fn forget_unused(&self, scheduler: &Scheduler) {
        let mut foreign = lock(&self.foreign);
        let many = too_many(&foreign);
        let oldest: Vec<_> = foreign.drain(..many).collect();
        scheduler.forget_unused(&oldest.iter().map(|foreign| foreign.module).collect::<Vec<_>>());
        // Those in use are looked at again the next time.
        let is_known = |foreign: &Foreign| {
            let (id, debug) = foreign.module;
            scheduler.program_as(id, debug).is_some()
        };
        foreign.extend(oldest.into_iter().filter(is_known));
    }
}

/// How many of the oldest are too many, if nothing uses them.
fn too_many(foreign: &VecDeque<Foreign>) -> usize {
    let (mut count, mut bytes) = (0, 0);
    let fits = |one: &&Foreign| {
        count += 1;
        bytes += one.bytes;
        count <= MAX_UNUSED && bytes <= MAX_UNUSED_BYTES
    };
    foreign.len() - foreign.iter().rev().take_while(fits).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_are_too_many_by_their_number_or_by_their_bytes() {
        let of = |bytes: &[usize]| {
            let module = (ModuleId([0; 32]), DebugId([0; 32]));
            too_many(&bytes.iter().map(|bytes| Foreign { module, bytes: *bytes }).collect())
        };
        assert_eq!(of(&[]), 0);
        assert_eq!(of(&vec![1; MAX_UNUSED + 2]), 2);
        assert_eq!(of(&[MAX_UNUSED_BYTES / 2; 4]), 2);
        assert_eq!(of(&[1, 1, MAX_UNUSED_BYTES]), 2);
        assert_eq!(of(&[1, MAX_UNUSED_BYTES * 2]), 2);
    }
}
