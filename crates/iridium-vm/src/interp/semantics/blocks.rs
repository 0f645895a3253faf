//! Blocks and their elements on the fast path. What traps, and where the heap grows, is in
//! `slow_path/blocks.rs`.

use iridium_isa::DATA_BASE;

use crate::blocks::{
    CLASSES, END, FREED, LIVE, POISON, SATURATED, SIZES, TOP, class_of_head, head_offset,
    head_word, is_immediate,
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
    let (head, place) = (u64::from(m.op().high as u32) << 32 | 1, m.literal());
    match new_block(m.run(), head, place) {
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
    let block = m.int(0);
    match free_block(m.run(), block) {
        Some(()) => Step::Next,
        None => Step::SlowPath,
    }
}

#[inline(always)]
pub(in crate::interp) fn keep<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let block = m.int(0);
    match count(m.run(), block) {
        Some(Count::Of(count)) => {
            let more = if count + 1 == FREED { SATURATED } else { count + 1 };
            m.store(block, more.to_le_bytes());
            Step::Next
        }
        Some(Count::Stays) => Step::Next,
        None => Step::SlowPath,
    }
}

#[inline(always)]
pub(in crate::interp) fn drop_<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let block = m.int(0);
    match count(m.run(), block) {
        Some(Count::Of(1)) => {
            let step = m.jump();
            if step == Step::Moved {
                m.store(block, [0; 4]);
            }
            step
        }
        Some(Count::Of(count @ 2..)) => {
            m.store(block, (count - 1).to_le_bytes());
            Step::Next
        }
        Some(Count::Stays) => Step::Next,
        Some(Count::Of(0)) | None => Step::SlowPath,
    }
}

#[inline(always)]
pub(in crate::interp) fn brsh<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let block = m.int(0);
    match count(m.run(), block) {
        Some(Count::Of(0 | 1)) => Step::Next,
        Some(_) => m.jump(),
        None => Step::SlowPath,
    }
}

#[inline(always)]
pub(in crate::interp) fn cap<const F: usize>(m: &mut Machine<'_, F>) -> Step {
    let block = m.int(0);
    match room(m.run(), block) {
        Some(room) => {
            m.set_int(1, room as i64);
            Step::Next
        }
        None => Step::SlowPath,
    }
}

/// A block that begins with this head, of the class whose place in the table is given.
#[inline]
fn new_block(run: &mut Run<'_>, head: u64, place: i64) -> Option<i64> {
    let first = run.table.wrapping_add(place);
    let block = i64::from(u32::from_le_bytes(run.peek(first)?));
    if block == 0 {
        return first_use(run, head);
    }
    let class = head & (0xffff << 48);
    if word(run, block)? != class | u64::from(FREED) {
        return None;
    }
    let next = word(run, block + 8)? as u32;
    run.poke(first, next.to_le_bytes())?;
    count_live(run, 1)?;
    run.poke(block, head.to_le_bytes())?;
    Some(block)
}

/// The same, of what was not handed out yet.
#[inline]
fn first_use(run: &mut Run<'_>, head: u64) -> Option<i64> {
    let (top_at, end_at) = (in_table(run, TOP), in_table(run, END));
    let (top, end) = (word(run, top_at)?, word(run, end_at)?);
    let after = top.checked_add(SIZES[class_of_head(head)])?;
    if top & 15 != 0 || after > end || end > run.heap_length() {
        return None;
    }
    run.poke(top_at, after.to_le_bytes())?;
    count_live(run, 1)?;
    run.poke(top as i64, head.to_le_bytes())?;
    Some(top as i64)
}

#[inline]
fn free_block(run: &mut Run<'_>, block: i64) -> Option<()> {
    // Not as one word, since the count may just have been written alone: a processor waits when it
    // reads more than it has just written.
    let class = usize::from(u16::from_le_bytes(run.peek(block.wrapping_add(6))?));
    let count = count_at(run, block)?;
    if count > 1 || class >= CLASSES || block & 15 != 0 || block == 0 {
        return None;
    }
    let size = SIZES[class];
    if block as u64 + size > run.heap_length() {
        return None;
    }
    let first = in_table(run, head_offset(class));
    let next = u32::from_le_bytes(run.peek(first)?);
    if cfg!(debug_assertions) {
        run.fill(block + 8, size as usize - 8, POISON);
    }
    run.poke(block, head_word(FREED, 0, class).to_le_bytes())?;
    run.poke(block + 8, u64::from(next).to_le_bytes())?;
    run.poke(first, (block as u32).to_le_bytes())?;
    count_live(run, -1)
}

/// The word at an address, if that is in the heap.
#[inline]
fn word(run: &Run<'_>, address: i64) -> Option<u64> {
    run.peek(address).map(u64::from_le_bytes)
}

/// The count of a block, if its head is in the heap.
#[inline]
fn count_at(run: &Run<'_>, block: i64) -> Option<u32> {
    run.peek(block).map(u32::from_le_bytes)
}

/// A place in the table of blocks.
#[inline]
fn in_table(run: &Run<'_>, offset: usize) -> i64 {
    run.table.wrapping_add(offset as i64)
}

#[inline]
fn count_live(run: &mut Run<'_>, by: i64) -> Option<()> {
    let at = in_table(run, LIVE);
    let live = word(run, at)?;
    run.poke(at, live.wrapping_add_signed(by).to_le_bytes())
}

/// How many hold a value.
enum Count {
    /// So many hold this block.
    Of(u32),
    /// Nobody counts: it is no block, or read-only, or its count has become too high.
    Stays,
}

/// How many hold a value; `None` when it is no block that is alive.
#[inline]
fn count(run: &Run<'_>, value: i64) -> Option<Count> {
    if is_immediate(value) {
        return Some(Count::Stays);
    }
    match count_at(run, value) {
        Some(FREED) => None,
        Some(SATURATED) => Some(Count::Stays),
        Some(count) => Some(Count::Of(count)),
        None => (value >= DATA_BASE).then_some(Count::Stays),
    }
}

#[inline]
fn room(run: &Run<'_>, value: i64) -> Option<u64> {
    if is_immediate(value) || value >= DATA_BASE {
        return Some(0);
    }
    SIZES.get(class_of_head(word(run, value)?)).copied()
}

/// The address of an element of a block with a length, if it has it.
#[inline]
fn element(run: &Run<'_>, block: i64, index: i64, width: i64) -> Option<i64> {
    let length = word(run, block.wrapping_add(8))?;
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
