//! Blocks where the fast path leaves them: what grows the heap, and what traps.

use std::ops::ControlFlow;

use iridium_isa::DATA_BASE;
use iridium_isa::operand::{BlockSize, Int, IntOut, VariantLit};

use super::bulk::reserve;
use super::interruption::Interruption;
use super::operands::{read_word, readable, writable, write_word};
use crate::blocks::{
    CUT, END, FREED, MOST, SIZES, TABLE_SIZE, TOP, address_of, class_of, first_free, head_word,
    parts_of,
};
use crate::interp::machine::Run;
use crate::trap::TrapKind;

/// Bytes that the heap grows by at least and, for blocks below, at most.
const GROWTH: (usize, usize) = (256, 64 << 10);

/// Bytes of small blocks that are cut at once.
const AT_ONCE: u32 = 4096;

/// A block whose size the instruction has.
pub(super) fn new(
    run: &mut Run<'_>,
    d: IntOut,
    n: BlockSize,
    v: VariantLit,
) -> Result<(), Interruption> {
    let class = class_of(u64::from(n.0)).ok_or(TrapKind::HeapLimit)?;
    if !has_room(run, class)? {
        let growth = growth(run, class, 0)?;
        // Not much, so it is done at once.
        run.pay_slice(&(0..growth.bytes));
        let length = run.process.heap.bytes.len() + growth.bytes;
        run.process.heap.bytes.resize(length, 0);
        take_over(run, &growth)?;
    }
    let block = allocate(run, class, v.0)?;
    run.set_int(d, block);
    Ok(())
}

/// A block whose size is computed.
pub(super) fn newv(run: &mut Run<'_>, a: Int, d: IntOut) -> Result<(), Interruption> {
    let done = run.resume_bulk()?;
    let size = u64::try_from(run.int(a)).ok().filter(|size| *size >= 16);
    let class = size.and_then(class_of).ok_or(TrapKind::HeapLimit)?;
    if !has_room(run, class)? {
        let growth = growth(run, class, done)?;
        run.in_slices(done, growth.bytes, |run, slice| {
            let length = run.process.heap.bytes.len() + slice.len();
            run.process.heap.bytes.resize(length, 0);
            Ok(ControlFlow::Continue(()))
        })?;
        take_over(run, &growth)?;
    }
    let block = allocate(run, class, 0)?;
    run.set_int(d, block);
    Ok(())
}

/// A cell of the table; `None` without a table.
fn cell(run: &Run<'_>, place: usize) -> Result<Option<u32>, TrapKind> {
    let Some(table) = run.process.heap.table else { return Ok(None) };
    let at = i64::from(table) + place as i64;
    let bytes = readable(run.process, run.module, at, 4)?;
    Ok(bytes.first_chunk().map(|bytes| u32::from_le_bytes(*bytes)))
}

fn set_cell(run: &mut Run<'_>, place: usize, value: u32) -> Result<(), TrapKind> {
    let table = run.process.heap.table.ok_or(TrapKind::HeapOutOfBounds)?;
    let at = i64::from(table) + place as i64;
    writable(run.process, at, 4)?.copy_from_slice(&value.to_le_bytes());
    Ok(())
}

/// The part of the heap that was not cut into blocks, if there is a table.
fn uncut(run: &Run<'_>) -> Result<Option<(u32, u32)>, TrapKind> {
    let (Some(top), Some(end)) = (cell(run, TOP)?, cell(run, END)?) else { return Ok(None) };
    let inside = top <= end && end as usize <= run.process.heap.bytes.len();
    if address_of(i64::from(top)).is_none() || !inside {
        return Err(TrapKind::HeapOutOfBounds);
    }
    Ok(Some((top, end)))
}

/// Whether there is a block of this class without growing.
fn has_room(run: &Run<'_>, class: usize) -> Result<bool, TrapKind> {
    if cell(run, first_free(class))?.is_some_and(|block| block != 0) {
        return Ok(true);
    }
    Ok(uncut(run)?.is_some_and(|(top, end)| end - top >= SIZES[class]))
}

/// How the heap grows for a block.
struct Growth {
    /// From where on blocks will be handed out.
    top: usize,
    /// By how many bytes it grows.
    bytes: usize,
}

/// How the heap grows for a block of a class, when it has grown by `done` bytes for it, and makes room
/// for that.
fn growth(run: &mut Run<'_>, class: usize, done: usize) -> Result<Growth, TrapKind> {
    let length = run.process.heap.bytes.len().saturating_sub(done);
    let behind = length.next_multiple_of(16);
    let top = match uncut(run)? {
        None => behind + TABLE_SIZE,
        // What `aloc` has added in between is left alone.
        Some((top, end)) if end as usize == length => top as usize,
        Some(_) => behind,
    };
    let limit = run.process.limits.heap.min(MOST) as usize;
    let needed = top.checked_add(SIZES[class] as usize);
    let needed = needed.filter(|needed| *needed <= limit).ok_or(TrapKind::HeapLimit)?;
    let more = (length / 8).clamp(GROWTH.0, GROWTH.1);
    let wanted = (top.max(behind) + more).next_multiple_of(16);
    let total = wanted.min(limit).max(needed);
    reserve(run, total, limit)?;
    Ok(Growth { top, bytes: total - length })
}

/// Writes into the table that the heap has grown; makes the table when there is none.
fn take_over(run: &mut Run<'_>, growth: &Growth) -> Result<(), TrapKind> {
    let number = |at: usize| u32::try_from(at).map_err(|_| TrapKind::HeapLimit);
    let (top, end) = (number(growth.top)?, number(run.process.heap.bytes.len())?);
    match uncut(run)? {
        None => run.process.heap.table = Some(number(growth.top - TABLE_SIZE)?),
        Some((left, left_end)) if left != top => cut_up(run, left, left_end)?,
        Some(_) => {}
    }
    set_cell(run, TOP, top)?;
    set_cell(run, END, end)
}

/// Makes free blocks of what is left before memory of `aloc`.
fn cut_up(run: &mut Run<'_>, mut top: u32, end: u32) -> Result<(), TrapKind> {
    while let Some(class) = SIZES.iter().rposition(|size| *size <= end - top) {
        cut(run, class, top, 1)?;
        top += SIZES[class];
    }
    Ok(())
}

/// Cuts so many blocks, and puts them before the free ones of their class, the first one first.
fn cut(run: &mut Run<'_>, class: usize, top: u32, count: u32) -> Result<(), TrapKind> {
    for number in (0..count).rev() {
        let block = top + number * SIZES[class];
        let next = cell(run, first_free(class))?.unwrap_or(0);
        write_word(run.process, i64::from(block), head_word(FREED, 0, class))?;
        write_word(run.process, i64::from(block) + 8, u64::from(next))?;
        set_cell(run, first_free(class), block)?;
    }
    let before = cell(run, CUT)?.unwrap_or(0);
    set_cell(run, CUT, before.wrapping_add(count))
}

/// A block of a class for which there is room.
fn allocate(run: &mut Run<'_>, class: usize, variant: u16) -> Result<i64, TrapKind> {
    let corrupt = TrapKind::HeapOutOfBounds;
    if cell(run, first_free(class))?.unwrap_or(0) == 0 {
        let (top, end) = uncut(run)?.ok_or(corrupt)?;
        let size = SIZES[class];
        // Several at once, so that the next ones are quick.
        let count = (((end - top) / 4).min(AT_ONCE) / size).max(1);
        let after = top.checked_add(count * size).filter(|after| *after <= end).ok_or(corrupt)?;
        set_cell(run, TOP, after)?;
        cut(run, class, top, count)?;
    }
    let first = cell(run, first_free(class))?.unwrap_or(0);
    let block = address_of(i64::from(first)).ok_or(corrupt)?;
    let next = read_word(run.process, block + 8)? as u32;
    if parts_of(read_word(run.process, block)?) != (FREED, class) {
        return Err(corrupt);
    }
    write_word(run.process, block, head_word(1, variant, class))?;
    set_cell(run, first_free(class), next)?;
    Ok(block)
}

/// What comes here of instructions with a block has none at that address.
pub(super) fn no_block(address: i64) -> TrapKind {
    if address >= DATA_BASE { TrapKind::ReadOnlyWrite } else { TrapKind::HeapOutOfBounds }
}
