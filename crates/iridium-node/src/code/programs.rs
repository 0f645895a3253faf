//! Programs that are ready to run here, and which of them are kept only for now.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use iridium_isa::{DebugId, Module, ModuleId};
use iridium_sched::Scheduler;
use iridium_vm::Program;

use crate::error::NodeError;
use crate::sync::lock;
use crate::this_node::ThisNode;

/// Foreign programs that are kept in memory although nothing uses them.
const MAX_UNUSED: usize = 256;

/// Makes modules known to the scheduler. Foreign programs, which came from other nodes or from
/// operators' clients, are forgotten when they are many and nothing uses them.
pub(crate) struct Programs {
    this: Arc<ThisNode>,
    /// The latest last.
    foreign: Mutex<VecDeque<(ModuleId, DebugId)>>,
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
        lock(&self.foreign).retain(|foreign| *foreign != (id, debug));
        if let Some(known) = scheduler.program_as(id, debug) {
            return Ok(known);
        }
        let program = Arc::new(Program::new(module, &self.this.hosts)?);
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
        let program = Arc::new(Program::new(module, &self.this.hosts)?);
        self.keep_foreign(&scheduler, &program);
        Ok(program)
    }

    /// Makes a foreign program known, and forgets the oldest of those that nothing uses.
    fn keep_foreign(&self, scheduler: &Scheduler, program: &Arc<Program>) {
        scheduler.add_program(program);
        let mut foreign = lock(&self.foreign);
        foreign.push_back((program.module().id(), program.debug_id()));
        let many = foreign.len().saturating_sub(MAX_UNUSED);
        let oldest: Vec<_> = foreign.drain(..many).collect();
        scheduler.forget_unused(&oldest);
        // Those in use are looked at again the next time.
        let is_known =
            |(id, debug): &(ModuleId, DebugId)| scheduler.program_as(*id, *debug).is_some();
        foreign.extend(oldest.into_iter().filter(is_known));
    }
}
