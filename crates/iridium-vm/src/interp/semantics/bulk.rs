//! Bulk instructions on few bytes, which cost 1 and are done at once. Those on more, and those that
//! have begun already, are in `slow_path/bulk.rs`.

use crate::blocks::{class_of, first_free, head_word};
use crate::interp::machine::{Machine, Step};
use crate::siphash::siphash13;

use super::blocks::new_block;

/// Fewer bytes than this cost nothing beyond the instruction.
const FEW: u64 = 64;

/// The length when it is one of few bytes, and the instruction has not begun yet.
#[inline(always)]
fn few<const F: usize>(m: &mut Machine<'_, F>, length: i64) -> Option<usize> {
    let begins = m.run().process.pending.is_none();
    (begins && (length as u64) < FEW).then_some(length as usize)
}

#[inline(always)]
pub(in crate::interp) fn memcpy<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let (to, from, length) = (m.int(0), m.int(1), m.int(2));
    let Some(length) = few(m, length) else { return Step::SlowPath };
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    match m.run().copy(to, from, length) {
        Some(()) => paid(m),
        None => Step::SlowPath,
    }
}

/// Its result has no slot: the literal says where it is.
#[inline(always)]
pub(in crate::interp) fn memcmp<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let (x, y, length) = (m.int(0), m.int(1), m.int(2));
    let Some(length) = few(m, length) else { return Step::SlowPath };
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    let run = m.run();
    let order = run.bytes(x, length).zip(run.bytes(y, length)).map(|(x, y)| x.cmp(y));
    match order {
        Some(order) => {
            m.set_fourth(order as i64);
            paid(m)
        }
        None => Step::SlowPath,
    }
}

#[inline(always)]
pub(in crate::interp) fn hash<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let (address, length, key) = (m.int(0), m.int(1), m.int(2));
    let Some(length) = few(m, length) else { return Step::SlowPath };
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    let hash = m.run().bytes(address, length).map(|bytes| siphash13(key as u64, bytes));
    match hash {
        Some(hash) => {
            m.set_int(2, hash as i64);
            paid(m)
        }
        None => Step::SlowPath,
    }
}

/// As `new`, when there is a free block.
#[inline(always)]
pub(in crate::interp) fn newv<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let size = m.int(0);
    let begins = m.run().process.pending.is_none();
    let class = if begins && size >= 16 { class_of(size as u64) } else { None };
    let Some(class) = class else { return Step::SlowPath };
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    let kind = (head_word(0, 0, class) >> 32) as u32;
    match new_block(m.run(), kind, first_free(class) as i64) {
        Some(block) => {
            m.set_int(1, block);
            paid(m)
        }
        None => Step::SlowPath,
    }
}

/// What is done once it is known that there is fuel.
#[inline(always)]
fn paid<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    m.pay();
    Step::Next
}
