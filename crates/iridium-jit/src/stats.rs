//! Counting what is compiled.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use iridium_vm::CompileStats;

use crate::code_memory::Budget;

/// What an engine has compiled and has not compiled since it was made, and where the code lies.
#[derive(Debug)]
pub(crate) struct Counters {
    pub(crate) budget: Arc<Budget>,
    functions: AtomicU64,
    instructions: AtomicU64,
    bytes: AtomicU64,
    nanos: AtomicU64,
    too_large: AtomicU64,
    refused: AtomicU64,
    no_room: AtomicU64,
    waiting: AtomicU64,
}

impl Counters {
    pub(crate) fn new(budget: Arc<Budget>) -> Self {
        Self {
            budget,
            functions: AtomicU64::new(0),
            instructions: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
            nanos: AtomicU64::new(0),
            too_large: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            no_room: AtomicU64::new(0),
            waiting: AtomicU64::new(0),
        }
    }

    /// Does what compiles something, and counts the time that it takes, whatever comes of it.
    pub(crate) fn timed<T>(&self, compile: impl FnOnce() -> T) -> T {
        let began = Instant::now();
        let result = compile();
        let nanos = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        result
    }

    pub(crate) fn compiled(&self, functions: usize, instructions: usize, bytes: usize) {
        self.functions.fetch_add(functions as u64, Ordering::Relaxed);
        self.instructions.fetch_add(instructions as u64, Ordering::Relaxed);
        self.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn too_large(&self) {
        self.too_large.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn refused(&self) {
        self.refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn no_room(&self) {
        self.no_room.fetch_add(1, Ordering::Relaxed);
    }

    /// One more waits.
    pub(crate) fn waits(&self) {
        self.waiting.fetch_add(1, Ordering::Relaxed);
    }

    /// One of those that have [waited](Self::waits) does so no longer.
    pub(crate) fn waits_no_longer(&self) {
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    /// All but how many may wait.
    pub(crate) fn stats(&self) -> CompileStats {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CompileStats {
            functions: get(&self.functions),
            instructions: get(&self.instructions),
            bytes: get(&self.bytes),
            took: Duration::from_nanos(get(&self.nanos)),
            too_large: get(&self.too_large),
            refused: get(&self.refused),
            no_room: get(&self.no_room),
            memory: self.budget.taken() as u64,
            memory_limit: self.budget.limit() as u64,
            waiting: get(&self.waiting),
            waiting_limit: 0,
        }
    }
}
