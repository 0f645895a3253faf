//! Bulk instructions on few bytes, which are done at once. Those on more, and those that have begun
//! already, are in `slow_path/bulk.rs` and `slow_path/text.rs`.

use crate::blocks::{class_of, first_free, head_word};
use crate::interp::machine::{Machine, Run, Step};
use crate::siphash::siphash13;

use super::blocks::new_block;

/// At most so many bytes are done at once: what that takes longer than other instructions is not much.
const FEW: u64 = 1 << 10;

/// The length when it is one of few bytes, and the instruction has not begun yet.
#[inline(always)]
pub(super) fn few<const F: usize>(m: &mut Machine<'_, F>, length: i64) -> Option<usize> {
    let begins = m.run().process.pending.is_none();
    (begins && length as u64 <= FEW).then_some(length as usize)
}

#[inline(always)]
pub(in crate::interp) fn memcpy<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let (to, from, length) = (m.int(0), m.int(1), m.int(2));
    let Some(length) = few(m, length) else { return Step::SlowPath };
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    match m.run().copy(to, from, length) {
        Some(()) => paid(m, length),
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
            paid(m, length)
        }
        None => Step::SlowPath,
    }
}

/// Of one byte, when no more than few bytes are looked at for it.
#[inline(always)]
pub(in crate::interp) fn find<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let ([hay, length], [needle, size]) = (m.int_pair(0), m.int_pair(1));
    if size != 1 || m.run().process.pending.is_some() {
        return Step::SlowPath;
    }
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    let Some((at, looked_at)) = find_byte(m.run(), hay, length, needle) else {
        return Step::SlowPath;
    };
    m.set_int(2, at);
    paid(m, looked_at)
}

/// Where a byte is, or -1, and how many were looked at. `None` when this is not for the fast path.
#[inline(always)]
fn find_byte(run: &Run<'_>, hay: i64, length: i64, needle: i64) -> Option<(i64, usize)> {
    let hay = run.bytes(hay, usize::try_from(length).ok()?)?;
    let [byte] = *run.bytes(needle, 1)? else { return None };
    let few = hay.get(..FEW as usize).unwrap_or(hay);
    match memchr::memchr(byte, few) {
        Some(at) => Some((at as i64, at + 1)),
        None if few.len() == hay.len() => Some((-1, few.len())),
        None => None,
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
            paid(m, length)
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
            paid(m, 0)
        }
        None => Step::SlowPath,
    }
}

/// What is done to so many bytes once it is known that there is fuel.
#[inline(always)]
pub(super) fn paid<const F: usize>(m: &mut Machine<'_, F>, bytes: usize) -> Step {
    m.pay_bulk(bytes);
    Step::Next
}
