//! What was compiled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::compile::Batch;

/// What an engine has compiled since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Stats {
    /// Regions: functions, as a rule.
    pub regions: u64,
    /// The instructions in them.
    pub instructions: u64,
    /// Bytes of machine code that were made. Code of programs that have gone is counted too.
    pub bytes: u64,
    /// The time that it took.
    pub took: Duration,
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    regions: AtomicU64,
    instructions: AtomicU64,
    bytes: AtomicU64,
    nanos: AtomicU64,
}

impl Counters {
    pub(crate) fn count(&self, batch: &Batch) {
        self.regions.fetch_add(batch.regions as u64, Ordering::Relaxed);
        self.instructions.fetch_add(batch.instructions as u64, Ordering::Relaxed);
        self.bytes.fetch_add(batch.memory.len() as u64, Ordering::Relaxed);
        self.nanos.fetch_add(batch.took.as_nanos() as u64, Ordering::Relaxed);
    }

    pub(crate) fn stats(&self) -> Stats {
        Stats {
            regions: self.regions.load(Ordering::Relaxed),
            instructions: self.instructions.load(Ordering::Relaxed),
            bytes: self.bytes.load(Ordering::Relaxed),
            took: Duration::from_nanos(self.nanos.load(Ordering::Relaxed)),
        }
    }
}
