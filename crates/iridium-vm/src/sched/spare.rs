//! What processes that have ended leave behind for the next ones.
//!
//! Most processes that are short-lived are many, and getting memory for each and giving it back takes
//! longer than what they do. So a worker keeps the boxes and the registers of some that have come to
//! their end, without anything in them.

use std::cell::RefCell;

use super::task::{Body, Task};
use crate::process::{Actor, Register};

/// How many boxes a worker keeps at most, and how many sets of registers: as many as the processes
/// that one can start in a turn.
const KEPT: usize = 512;
/// Larger sets of registers are not kept; 1 KiB, so that a worker keeps less than 1 MiB in all.
const REGISTERS: usize = 64;

/// Memory of processes that have ended.
#[derive(Default)]
pub(crate) struct Spare {
    #[expect(clippy::vec_box, reason = "the boxes are what is kept")]
    boxes: RefCell<Vec<Box<Task>>>,
    registers: RefCell<Vec<Vec<Register>>>,
}

impl Spare {
    /// Keeps what can be used again of a process that has ended, and drops the rest.
    pub(crate) fn keep(&self, mut task: Box<Task>) {
        if let Some(registers) = task.end()
            && registers.capacity() <= REGISTERS
        {
            put(&self.registers, registers);
        }
        put(&self.boxes, task);
    }

    /// A process in a box.
    pub(crate) fn task(&self, actor: Actor, body: Body) -> Box<Task> {
        match take(&self.boxes) {
            Some(mut task) => {
                task.begin(actor, body);
                task
            }
            None => Box::new(Task::new(actor, body)),
        }
    }

    /// Registers whose content is to be replaced.
    pub(crate) fn registers(&self) -> Option<Vec<Register>> {
        take(&self.registers)
    }
}

fn put<T>(kept: &RefCell<Vec<T>>, one: T) {
    if let Ok(mut kept) = kept.try_borrow_mut()
        && kept.len() < KEPT
    {
        kept.push(one);
    }
}

fn take<T>(kept: &RefCell<Vec<T>>) -> Option<T> {
    kept.try_borrow_mut().ok()?.pop()
}
