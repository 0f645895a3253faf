//! Memory of processes that have exited, kept for new ones.
//!
//! To allocate and free the memory of a short-lived process takes longer than most of them run. So a
//! worker keeps the boxes and the registers of some that have exited, cleared.
//!
//! Where one worker spawns processes and another one, which has stolen them, sees their exits, memory
//! would pile up at the second one. So a worker that has too much gives batches of it to the others.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::process::actor::ActorState;
use crate::process::entry::{Body, ProcessEntry};
use crate::sync::lock;
use iridium_vm::Register;

/// How many boxes a worker keeps at most, and how many sets of registers: as many as the processes
/// that can be spawned in a turn.
const MAX_LOCAL: usize = 512;
/// How many it gives to the others or takes from them at a time.
const BATCH: usize = MAX_LOCAL / 2;
/// How many batches all workers share; those that give at the same moment may each add one more.
const MAX_BATCHES: usize = 4;
/// Larger sets of registers are not kept; 1 KiB, so that a worker keeps less than 1 MiB in all.
const MAX_REGISTERS: usize = 64;

/// What a worker keeps of processes that have exited.
#[derive(Default)]
pub(crate) struct FreeList {
    boxes: Pool<Box<ProcessEntry>>,
    registers: Pool<Vec<Register>>,
}

/// Things of one kind that a worker keeps, and those that all share.
struct Pool<T> {
    local: RefCell<Vec<T>>,
    shared: Arc<Batches<T>>,
}

struct Batches<T> {
    batches: Mutex<Vec<Vec<T>>>,
    /// How many there are, or were a moment ago, so that mostly nobody locks in vain.
    count: AtomicUsize,
}

impl FreeList {
    /// The free list of another worker, which shares with this one.
    pub(crate) fn sibling(&self) -> Self {
        Self { boxes: self.boxes.sibling(), registers: self.registers.sibling() }
    }

    /// Keeps what can be used again of a process that has exited, and drops the rest.
    pub(crate) fn put(&self, mut entry: Box<ProcessEntry>) {
        if let Some(registers) = entry.clear()
            && registers.capacity() <= MAX_REGISTERS
        {
            self.registers.put(registers);
        }
        self.boxes.put(entry);
    }

    /// A process in a box.
    pub(crate) fn entry(&self, actor: ActorState, body: Body) -> Box<ProcessEntry> {
        match self.boxes.take() {
            Some(mut entry) => {
                entry.reuse(actor, body);
                entry
            }
            None => Box::new(ProcessEntry::new(actor, body)),
        }
    }

    /// Registers whose content is to be replaced.
    pub(crate) fn registers(&self) -> Option<Vec<Register>> {
        self.registers.take()
    }
}

impl<T> Default for Pool<T> {
    fn default() -> Self {
        let shared = Batches { batches: Mutex::default(), count: AtomicUsize::new(0) };
        Self { local: RefCell::default(), shared: Arc::new(shared) }
    }
}

impl<T> Pool<T> {
    fn sibling(&self) -> Self {
        Self { local: RefCell::default(), shared: Arc::clone(&self.shared) }
    }

    fn put(&self, one: T) {
        // Nothing that is called here comes back to the pool, so it is never borrowed already; if
        // it were, the memory would merely not be used again.
        let Ok(mut local) = self.local.try_borrow_mut() else { return };
        if local.len() >= MAX_LOCAL {
            self.shared.give(&mut local);
        }
        if local.len() < MAX_LOCAL {
            local.push(one);
        }
    }

    fn take(&self) -> Option<T> {
        let mut local = self.local.try_borrow_mut().ok()?;
        if local.is_empty() {
            *local = self.shared.take().unwrap_or_default();
        }
        local.pop()
    }
}

impl<T> Batches<T> {
    /// Takes a batch, unless there are many already.
    fn give(&self, local: &mut Vec<T>) {
        if self.count.load(Ordering::Relaxed) < MAX_BATCHES {
            let mut batches = lock(&self.batches);
            batches.push(local.split_off(MAX_LOCAL - BATCH));
            self.count.store(batches.len(), Ordering::Relaxed);
        }
    }

    fn take(&self) -> Option<Vec<T>> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut batches = lock(&self.batches);
        let batch = batches.pop();
        self.count.store(batches.len(), Ordering::Relaxed);
        batch
    }
}
