//! Blocks where the fast path leaves them: what grows the heap, and what traps.

use std::ops::ControlFlow;

use iridium_isa::DATA_BASE;
use iridium_isa::operand::{BlockSize, Int, IntOut, VariantLit};

use super::bulk::reserve;
use super::interruption::Interruption;
use super::operands::{read_word, readable, write_word};
use crate::blocks::{END, FREED, LIVE, SIZES, TABLE_SIZE, TOP, class_of, head_offset, head_word};
use crate::interp::machine::Run;
use crate::trap::TrapKind;

/// Bytes that the heap grows by at least and, for blocks below, at most.
const GROWTH: (usize, usize) = (256, 64 << 10);

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

/// Where the table has something; `None` without a table.
fn in_table(run: &Run<'_>, offset: usize) -> Option<i64> {
    run.process.heap.table.map(|table| i64::from(table) + offset as i64)
}

/// The part of the heap that was not handed out, if the table tells of one.
fn unused(run: &Run<'_>) -> Result<Option<(u64, u64)>, TrapKind> {
    let (Some(top), Some(end)) = (in_table(run, TOP), in_table(run, END)) else { return Ok(None) };
    let (top, end) = (read_word(run.process, top)?, read_word(run.process, end)?);
    if top % 16 != 0 || top > end || end > run.process.heap.bytes.len() as u64 {
        return Err(TrapKind::HeapOutOfBounds);
    }
    Ok(Some((top, end)))
}

/// Whether there is a block of this class without growing.
fn has_room(run: &Run<'_>, class: usize) -> Result<bool, TrapKind> {
    let Some(first) = in_table(run, head_offset(class)) else { return Ok(false) };
    if readable(run.process, run.module, first, 4)?.iter().any(|byte| *byte != 0) {
        return Ok(true);
    }
    Ok(unused(run)?.is_some_and(|(top, end)| end - top >= SIZES[class]))
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
    let top = match unused(run)? {
        None => behind + TABLE_SIZE,
        // What `aloc` has added in between is left alone.
        Some((top, end)) if end == length as u64 => top as usize,
        Some(_) => behind,
    };
    let limit = run.process.limits.heap as usize;
    let needed = usize::try_from(SIZES[class]).ok().and_then(|size| top.checked_add(size));
    let needed = needed.filter(|needed| *needed <= limit).ok_or(TrapKind::HeapLimit)?;
    let more = (length / 8).clamp(GROWTH.0, GROWTH.1);
    let wanted = (top.max(behind) + more).next_multiple_of(16);
    let total = wanted.min(limit).max(needed);
    reserve(run, total, limit)?;
    Ok(Growth { top, bytes: total - length })
}

/// Writes into the table that the heap has grown; makes the table when there is none.
fn take_over(run: &mut Run<'_>, growth: &Growth) -> Result<(), TrapKind> {
    let length = run.process.heap.bytes.len() as u64;
    match unused(run)? {
        None => {
            let table = growth.top - TABLE_SIZE;
            run.process.heap.table = Some(u32::try_from(table).map_err(|_| TrapKind::HeapLimit)?);
        }
        Some((top, end)) if top != growth.top as u64 => retire(run, top, end)?,
        Some(_) => {}
    }
    set(run, TOP, growth.top as u64)?;
    set(run, END, length)
}

/// Makes free blocks of what is left before memory of `aloc`.
fn retire(run: &mut Run<'_>, mut top: u64, end: u64) -> Result<(), TrapKind> {
    while let Some(class) = SIZES.iter().rposition(|size| *size <= end - top) {
        give_back(run, top as i64, class)?;
        top += SIZES[class];
    }
    Ok(())
}

fn set(run: &mut Run<'_>, offset: usize, value: u64) -> Result<(), TrapKind> {
    let at = in_table(run, offset).ok_or(TrapKind::HeapOutOfBounds)?;
    write_word(run.process, at, value)
}

/// A block of a class for which there is room.
fn allocate(run: &mut Run<'_>, class: usize, variant: u16) -> Result<i64, TrapKind> {
    let corrupt = TrapKind::HeapOutOfBounds;
    let first = first_free(run, class)?;
    let block = if first != 0 {
        let block = i64::from(first);
        if read_word(run.process, block)? != head_word(FREED, 0, class) {
            return Err(corrupt);
        }
        let next = read_word(run.process, block + 8)? as u32;
        set_first_free(run, class, next)?;
        block
    } else {
        let (top, end) = unused(run)?.ok_or(corrupt)?;
        let after = top + SIZES[class];
        if after > end {
            return Err(corrupt);
        }
        set(run, TOP, after)?;
        top as i64
    };
    let live = in_table(run, LIVE).ok_or(corrupt)?;
    let live = read_word(run.process, live)?;
    set(run, LIVE, live.wrapping_add(1))?;
    write_word(run.process, block, head_word(1, variant, class))?;
    Ok(block)
}

/// Puts a block at the begin of the free ones of its class.
fn give_back(run: &mut Run<'_>, block: i64, class: usize) -> Result<(), TrapKind> {
    let next = first_free(run, class)?;
    write_word(run.process, block, head_word(FREED, 0, class))?;
    write_word(run.process, block + 8, u64::from(next))?;
    set_first_free(run, class, block as u32)
}

fn first_free(run: &Run<'_>, class: usize) -> Result<u32, TrapKind> {
    let at = in_table(run, head_offset(class)).ok_or(TrapKind::HeapOutOfBounds)?;
    let bytes = readable(run.process, run.module, at, 4)?;
    Ok(bytes.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes)))
}

fn set_first_free(run: &mut Run<'_>, class: usize, block: u32) -> Result<(), TrapKind> {
    let at = in_table(run, head_offset(class)).ok_or(TrapKind::HeapOutOfBounds)?;
    super::operands::writable(run.process, at, 4)?.copy_from_slice(&block.to_le_bytes());
    Ok(())
}

/// What comes here of instructions with a block has none at that address.
pub(super) fn no_block(address: i64) -> TrapKind {
    if address >= DATA_BASE { TrapKind::ReadOnlyWrite } else { TrapKind::HeapOutOfBounds }
}
