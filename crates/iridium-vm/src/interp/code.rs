//! The code of a program, ready to run: one [`Op`] an instruction, so that indices stay the same.

use std::any::Any;
use std::sync::OnceLock;

use super::dataflow::Dataflow;
use super::op::Op;
use super::register_cache::CachedRegisters;

/// The code of a program, ready to run.
#[derive(Debug)]
pub(crate) struct Code {
    /// They know each other's addresses, so they are never moved.
    ops: Box<[Op]>,
    /// What the handler of each op expects to be in the register cache.
    dataflow: Dataflow,
    /// All jump tables, one after the other: instruction indices.
    tables: Vec<u32>,
    /// What takes over at hooked instructions: an `Arc<dyn EntryHook>`. That one is given runs, which
    /// have code, so its type is known where runs come to it and not here.
    hook: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl Code {
    pub(super) fn new(ops: Box<[Op]>, dataflow: Dataflow, tables: Vec<u32>) -> Self {
        Self { ops, dataflow, tables, hook: OnceLock::new() }
    }

    /// The ops; as many as the module has instructions.
    pub(super) fn ops(&self) -> &[Op] {
        &self.ops
    }

    /// What is known of the registers at each instruction.
    pub(super) fn dataflow(&self) -> &Dataflow {
        &self.dataflow
    }

    /// What the handler of an op expects to be in the register cache.
    pub(super) fn cached(&self, index: usize) -> CachedRegisters {
        self.dataflow.cached.get(index).copied().unwrap_or_default()
    }

    /// Whether an instruction is a toll.
    pub(super) fn is_toll(&self, index: u32) -> bool {
        self.dataflow.tolls.get(index as usize).is_some_and(|toll| *toll)
    }

    /// The target of a jump table at a position that the table has.
    pub(super) fn table_entry(&self, position: usize) -> Option<u32> {
        self.tables.get(position).copied()
    }

    /// What takes over at hooked instructions, if there is something.
    pub(super) fn hook<H: Any>(&self) -> Option<&H> {
        self.hook.get()?.downcast_ref()
    }

    /// Whether something takes over at hooked instructions.
    pub(super) fn has_hook(&self) -> bool {
        self.hook.get().is_some()
    }

    /// Installs what takes over at hooked instructions; `false` when there is something already.
    pub(crate) fn set_hook<H: Any + Send + Sync>(&self, hook: H) -> bool {
        self.hook.set(Box::new(hook)).is_ok()
    }
}
