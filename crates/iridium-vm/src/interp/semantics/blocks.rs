//! Blocks and their elements on the fast path. What traps, and where the heap grows, is in
//! `slow_path/blocks.rs`.

use crate::blocks::{
    CLASSES, FREED, LAST_COUNT, POISON, SATURATED, SIZES, first_free, is_uncounted,
};
use crate::interp::arithmetic::bits;
use crate::interp::machine::{Machine, Run, Step};

/// The op has the place of the class in the table as its literal, and the upper half of the head
/// beside it.
#[inline(always)]
pub(in crate::interp) fn new<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    if !m.has_fuel() {
        return Step::OutOfFuel;
    }
    let (kind, place) = (m.op().high as u32, m.literal());
    match new_block(m.run(), kind, place) {
        Some(block) => {
            m.pay();
            m.set_int(0, block);
            Step::Next
        }
        None => Step::SlowPath,
    }
}

#[inline(always)]
pub(in crate::interp) fn free<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.int(0);
    match free_block(m.run(), value) {
        Some(()) => Step::Next,
        None => Step::SlowPath,
    }
}

#[inline(always)]
pub(in crate::interp) fn keep<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.int(0);
    let Some(mut block) = m.run().block(value) else {
        return if is_uncounted(value) { Step::Next } else { Step::SlowPath };
    };
    match block.count() {
        count if count < LAST_COUNT => block.set_count(count + 1),
        LAST_COUNT => block.set_count(SATURATED),
        SATURATED => {}
        _ => return Step::SlowPath,
    }
    Step::Next
}

#[inline(always)]
pub(in crate::interp) fn drop_<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.int(0);
    let Some(mut block) = m.run().block(value) else {
        return if is_uncounted(value) { Step::Next } else { Step::SlowPath };
    };
    match block.count() {
        count if (2..FREED).contains(&count) => {
            block.set_count(count - 1);
            Step::Next
        }
        1 => {
            let step = m.jump();
            if step == Step::Moved {
                m.store(value, [0; 4]);
            }
            step
        }
        SATURATED => Step::Next,
        _ => Step::SlowPath,
    }
}

#[inline(always)]
pub(in crate::interp) fn brsh<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.int(0);
    match m.run().block(value).map(|block| block.count()) {
        Some(0 | 1) => Step::Next,
        Some(FREED) => Step::SlowPath,
        None if !is_uncounted(value) => Step::SlowPath,
        _ => m.jump(),
    }
}

#[inline(always)]
pub(in crate::interp) fn cap<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let value = m.int(0);
    let room = match m.run().block(value) {
        Some(block) => SIZES.get(usize::from(block.class())).copied(),
        None => is_uncounted(value).then_some(0),
    };
    match room {
        Some(room) => {
            m.set_int(1, i64::from(room));
            Step::Next
        }
        None => Step::SlowPath,
    }
}

/// A block with count 1 and this upper half of its head, of the class whose place in the table is
/// given.
#[inline]
pub(super) fn new_block(run: &mut Run<'_>, kind: u32, place: i64) -> Option<i64> {
    let first = run.table.wrapping_add(place);
    let value = i64::from(u32::from_le_bytes(run.peek(first)?));
    let mut block = run.block(value)?;
    if block.count() != FREED || u32::from(block.class()) != kind >> 16 {
        return None;
    }
    let next = block.next();
    block.set_count(1);
    block.set_kind(kind);
    run.poke(first, next.to_le_bytes())?;
    Some(value)
}

#[inline]
fn free_block(run: &mut Run<'_>, value: i64) -> Option<()> {
    let block = run.block(value)?;
    let (count, class) = (block.count(), usize::from(block.class()));
    if count > 1 || class >= CLASSES {
        return None;
    }
    let first = run.table.wrapping_add(first_free(class) as i64);
    let next = u32::from_le_bytes(run.peek(first)?);
    if cfg!(debug_assertions) {
        run.fill(value + 8, SIZES[class] as usize - 8, POISON);
    }
    let mut block = run.block(value)?;
    block.set_count(FREED);
    block.set_next(next);
    run.poke(first, (value as u32).to_le_bytes())
}

/// The address of an element of a block with a length, if it has it.
#[inline]
fn element(run: &Run<'_>, block: i64, index: i64, width: i64) -> Option<i64> {
    let length = run.peek(block.wrapping_add(8)).map(u64::from_le_bytes)?;
    let at = block.wrapping_add(16).wrapping_add(index.wrapping_mul(width));
    ((index as u64) < length).then_some(at)
}

/// `name: set, |bytes: type| value;` for loads of an element.
macro_rules! load_element {
    ($($name:ident $set:ident |$bytes:ident: $type:ty| $value:expr;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let (block, index, width) = (m.int(0), m.int(1), size_of::<$type>() as i64);
            let Some(at) = element(m.run(), block, index, width) else { return Step::SlowPath };
            let Some(bytes) = m.load(at) else { return Step::SlowPath };
            let $bytes = <$type>::from_le_bytes(bytes);
            m.$set(2, $value);
            Step::Next
        }
    )+};
}

/// `name: get, |value| bytes;` for stores of an element.
macro_rules! store_element {
    ($($name:ident $get:ident |$value:ident| $bytes:expr, $type:ty;)+) => {$(
        #[inline(always)]
        pub(in crate::interp) fn $name<const F: usize>(m: &mut Machine<'_, F>) -> Step {
            let (block, index, width) = (m.int(0), m.int(1), size_of::<$type>() as i64);
            let Some(at) = element(m.run(), block, index, width) else { return Step::SlowPath };
            let $value = m.$get(2);
            let bytes: $type = $bytes;
            match m.store(at, bytes.to_le_bytes()) {
                Some(()) => Step::Next,
                None => Step::SlowPath,
            }
        }
    )+};
}

load_element! {
    ldx64 set_int |v: i64| v;
    ldx8 set_int |v: u8| i64::from(v);
    ldxf64 set_float |v: u64| f64::from_bits(v);
}

store_element! {
    stx64 int |v| v, i64;
    stx8 int |v| v as u8, u8;
    stxf64 float |v| bits(v), u64;
}
