//! What processes that have ended leave behind for the next ones.
//!
//! Most processes that are short-lived are many, and getting memory for each and giving it back takes
//! longer than what they do. So a worker keeps the boxes and the registers of some that have come to
//! their end, without anything in them.
//!
//! Where one worker starts processes and another one, which has stolen them, ends them, memory would
//! gather at the second one. So what a worker has too much of it gives to the others, many at a time.

use std::cell::RefCell;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use super::sync::lock;
use super::task::{Body, Task};
use crate::actor::Actor;
use iridium_vm::Register;

/// How many boxes a worker keeps at most, and how many sets of registers: as many as the processes
/// that one can start in a turn.
const KEPT: usize = 512;
/// How many it gives to others or takes from them at a time, and how many times so many there are for
/// all together; workers that give at the same moment may make it one more each.
const BATCH: usize = KEPT / 2;
const BATCHES: usize = 4;
/// Larger sets of registers are not kept; 1 KiB, so that a worker keeps less than 1 MiB in all.
const REGISTERS: usize = 64;

/// What a worker has of the memory of processes that have ended.
#[derive(Default)]
pub(crate) struct Spare {
    boxes: Kept<Box<Task>>,
    registers: Kept<Vec<Register>>,
}

/// Things of one kind that a worker keeps, and those for all.
struct Kept<T> {
    own: RefCell<Vec<T>>,
    common: Arc<Common<T>>,
}

/// Things of one kind for all.
struct Common<T> {
    batches: Mutex<Vec<Vec<T>>>,
    /// How many batches there are, or were a moment ago, so that mostly nobody locks for nothing.
    count: AtomicUsize,
}

impl Spare {
    /// One for another worker.
    pub(crate) fn beside(&self) -> Self {
        Self { boxes: self.boxes.beside(), registers: self.registers.beside() }
    }

    /// Keeps what can be used again of a process that has ended, and drops the rest.
    pub(crate) fn keep(&self, mut task: Box<Task>) {
        if let Some(registers) = task.end()
            && registers.capacity() <= REGISTERS
        {
            self.registers.put(registers);
        }
        self.boxes.put(task);
    }

    /// A process in a box.
    pub(crate) fn task(&self, actor: Actor, body: Body) -> Box<Task> {
        match self.boxes.take() {
            Some(mut task) => {
                task.begin(actor, body);
                task
            }
            None => Box::new(Task::new(actor, body)),
        }
    }

    /// Registers whose content is to be replaced.
    pub(crate) fn registers(&self) -> Option<Vec<Register>> {
        self.registers.take()
    }
}

impl<T> Default for Kept<T> {
    fn default() -> Self {
        let common = Common { batches: Mutex::default(), count: AtomicUsize::new(0) };
        Self { own: RefCell::default(), common: Arc::new(common) }
    }
}

impl<T> Kept<T> {
    fn beside(&self) -> Self {
        Self { own: RefCell::default(), common: Arc::clone(&self.common) }
    }

    fn put(&self, one: T) {
        let Ok(mut own) = self.own.try_borrow_mut() else { return };
        if own.len() >= KEPT {
            self.common.give(&mut own);
        }
        if own.len() < KEPT {
            own.push(one);
        }
    }

    fn take(&self) -> Option<T> {
        let mut own = self.own.try_borrow_mut().ok()?;
        if own.is_empty() {
            *own = self.common.take().unwrap_or_default();
        }
        own.pop()
    }
}

impl<T> Common<T> {
    /// Takes a batch, if there is room.
    fn give(&self, own: &mut Vec<T>) {
        if self.count.load(Ordering::Relaxed) < BATCHES {
            let mut batches = lock(&self.batches);
            batches.push(own.split_off(KEPT - BATCH));
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
