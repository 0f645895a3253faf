//! Bulk instructions: those that move any number of bytes, in [slices](super::fuel).

use std::cmp::Ordering;
use std::ops::ControlFlow;

use iridium_isa::operand::{Data, Int, IntOut};
use iridium_isa::{DATA_BASE, Module};

use super::fuel::SLICE;
use super::interruption::Interruption;
use super::operands::{read_data, readable, writable};
use crate::interp::machine::Run;
use crate::message::Payload;
use crate::process::Unsent;
use crate::trap::TrapKind;

/// Grows the heap by zero bytes.
pub(super) fn aloc(run: &mut Run<'_>, a: Int) -> Result<(), Interruption> {
    let done = run.resume_bulk()?;
    let more = usize::try_from(run.int(a)).map_err(|_| TrapKind::HeapLimit)?;
    let limit = run.process.limits.heap;
    let left = more.saturating_sub(done);
    let total = run.process.heap.bytes.len().checked_add(left);
    let total = total.filter(|total| *total as u64 <= limit).ok_or(TrapKind::HeapLimit)?;
    reserve(run, total, limit as usize)?;
    run.in_slices(done, more, |run, slice| {
        let grown = run.process.heap.bytes.len() + slice.len();
        run.process.heap.bytes.resize(grown, 0);
        Ok(ControlFlow::Continue(()))
    })
}

/// Makes room for so many bytes in the heap.
pub(super) fn reserve(run: &mut Run<'_>, total: usize, limit: usize) -> Result<(), TrapKind> {
    let length = run.process.heap.bytes.len();
    if run.process.heap.bytes.capacity() >= total {
        return Ok(());
    }
    // Doubling keeps many small requests cheap; the limit keeps doubling within bounds.
    let wanted = (length * 2).min(limit).max(total);
    reserve_exact(run, wanted).or_else(|_| reserve_exact(run, total))
}

fn reserve_exact(run: &mut Run<'_>, total: usize) -> Result<(), TrapKind> {
    let heap = &mut run.process.heap.bytes;
    let more = total.saturating_sub(heap.capacity());
    if !run.environment.may_grow(more as u64) {
        return Err(TrapKind::MemoryLimit);
    }
    heap.try_reserve_exact(total - heap.len()).map_err(|_| TrapKind::HeapLimit)
}

/// Copies bytes to the heap; the ranges may overlap.
pub(super) fn memcpy(run: &mut Run<'_>, d: Int, a: Int, len: Int) -> Result<(), Interruption> {
    let (to, from, length) = (run.int(d), run.int(a), run.int(len));
    let done = run.resume_bulk()?;
    readable(run.process, run.module, from, length)?;
    writable(run.process, to, length)?;
    let length = length as usize;
    // From the end, when a copy from the start would overwrite what is still to be copied.
    let backwards = from < to;
    run.in_slices(done, length, |run, slice| {
        let at = if backwards { length - slice.end } else { slice.start };
        let (to, from) = (to + at as i64, from + at as i64);
        if from >= DATA_BASE {
            let source = read_data(run.module, from, slice.len() as i64);
            let source = source.ok_or(TrapKind::HeapOutOfBounds)?;
            writable(run.process, to, slice.len() as i64)?.copy_from_slice(source);
        } else {
            let from = from as usize;
            run.process.heap.bytes.copy_within(from..from + slice.len(), to as usize);
        }
        Ok(ControlFlow::Continue(()))
    })
}

/// Fills bytes of the heap.
pub(super) fn memset(run: &mut Run<'_>, d: Int, b: Int, len: Int) -> Result<(), Interruption> {
    let (address, byte, length) = (run.int(d), run.int(b) as u8, run.int(len));
    let done = run.resume_bulk()?;
    let length = writable(run.process, address, length)?.len();
    run.in_slices(done, length, |run, slice| {
        writable(run.process, address + slice.start as i64, slice.len() as i64)?.fill(byte);
        Ok(ControlFlow::Continue(()))
    })
}

/// Compares bytes.
pub(super) fn memcmp(
    run: &mut Run<'_>,
    [a, b, len]: [Int; 3],
    d: IntOut,
) -> Result<(), Interruption> {
    let (x, y, length) = (run.int(a), run.int(b), run.int(len));
    let done = run.resume_bulk()?;
    readable(run.process, run.module, y, length)?;
    let length = readable(run.process, run.module, x, length)?.len();
    let mut order = Ordering::Equal;
    run.in_slices(done, length, |run, slice| {
        let (at, size) = (slice.start as i64, slice.len() as i64);
        let bytes = readable(run.process, run.module, x + at, size)?;
        order = bytes.cmp(readable(run.process, run.module, y + at, size)?);
        if order.is_eq() {
            return Ok(ControlFlow::Continue(()));
        }
        // What comes after the first difference is paid for all the same.
        run.pay_slice(&(slice.end..length));
        Ok(ControlFlow::Break(()))
    })?;
    run.set_int(d, order as i64);
    Ok(())
}

/// Prints a NUL-ended string of the data. One that is not valid traps where that is seen.
pub(super) fn prts(run: &mut Run<'_>, s: Data) -> Result<(), Interruption> {
    let mut done = run.resume_output()?;
    let module: &Module = run.module;
    let start = (s.0 as usize).saturating_add(done);
    let mut rest = module.data().get(start..).ok_or(TrapKind::BadString)?;
    loop {
        let slice = &rest[..rest.len().min(SLICE)];
        let end = slice.iter().position(|byte| *byte == 0);
        if end.is_none() && slice.len() == rest.len() {
            return Err(TrapKind::BadString.into());
        }
        let text = valid_text(&slice[..end.unwrap_or(slice.len())], end.is_some())?;
        run.pay_slice(&(done..done + text.len()));
        run.environment.write(text);
        if end.is_some() {
            return Ok(());
        }
        done += text.len();
        rest = &rest[text.len()..];
        run.pause_output(done)?;
    }
}

/// All of a part of a string, without a last character that is cut off, unless the string ends with
/// it.
fn valid_text(bytes: &[u8], ends: bool) -> Result<&[u8], TrapKind> {
    match std::str::from_utf8(bytes) {
        Ok(_) => Ok(bytes),
        Err(error) if !ends && error.error_len().is_none() && error.valid_up_to() > 0 => {
            Ok(&bytes[..error.valid_up_to()])
        }
        _ => Err(TrapKind::BadString),
    }
}

/// Prints bytes as UTF-8; what is invalid becomes U+FFFD.
pub(super) fn prtm(run: &mut Run<'_>, a: Int, len: Int) -> Result<(), Interruption> {
    let (address, length) = (run.int(a), run.int(len));
    let mut done = run.resume_output()?;
    let length = readable(run.process, run.module, address, length)?.len();
    while done < length {
        let end = length.min(done + SLICE);
        let (at, size) = (address + done as i64, (end - done) as i64);
        let slice = readable(run.process, run.module, at, size)?;
        let printed = print_lossy(slice, end == length, |text| run.environment.write(text));
        run.pay_slice(&(done..done + printed));
        done += printed;
        if done < length {
            run.pause_output(done)?;
        }
    }
    Ok(())
}

/// Prints text, without a last character that may be cut off, unless the text ends with it. Returns
/// how many bytes it has printed.
fn print_lossy(bytes: &[u8], ends: bool, mut print: impl FnMut(&[u8])) -> usize {
    let mut printed = 0;
    for chunk in bytes.utf8_chunks() {
        print(chunk.valid().as_bytes());
        printed += chunk.valid().len();
        let invalid = chunk.invalid().len();
        if invalid > 0 && (ends || printed + invalid < bytes.len()) {
            print("\u{FFFD}".as_bytes());
            printed += invalid;
        }
    }
    printed
}

/// The bytes that `send` sends.
#[inline(never)]
pub(super) fn payload(
    run: &mut Run<'_>,
    address: i64,
    length: i64,
) -> Result<Payload, Interruption> {
    let done = run.resume_bulk()?;
    let bytes = readable(run.process, run.module, address, length)?;
    let length = bytes.len();
    if length <= SLICE {
        let payload = Payload::Bytes(bytes.into());
        run.pay_slice(&(0..length));
        return Ok(payload);
    }
    let mut unsent = run.process.unsent.take().unwrap_or_default().0;
    let done = done.min(length);
    unsent
        .try_reserve_exact(length.saturating_sub(unsent.len()))
        .map_err(|_| TrapKind::MemoryLimit)?;
    if unsent.len() < done {
        // It was restored, without what is in the heap anyway.
        let lost = readable(run.process, run.module, address, done as i64)?;
        unsent.extend_from_slice(&lost[unsent.len()..]);
    }
    let copied = run.in_slices(done, length, |run, slice| {
        let (at, size) = (address + slice.start as i64, slice.len() as i64);
        unsent.extend_from_slice(readable(run.process, run.module, at, size)?);
        Ok(ControlFlow::Continue(()))
    });
    if let Err(interruption) = copied {
        run.process.unsent = Some(Box::new(Unsent(unsent)));
        return Err(interruption);
    }
    Ok(Payload::Bytes(unsent.into()))
}

/// Copies the current message to the heap.
#[inline(never)]
pub(super) fn msgm(run: &mut Run<'_>, a: Int, d: IntOut) -> Result<(), Interruption> {
    let address = run.int(a);
    let done = run.resume_bulk()?;
    // Taken out for the moment, because both are parts of the process.
    let message = run.process.message.take().ok_or(TrapKind::BadMessage)?;
    let length = message.bytes().len();
    let copied = match writable(run.process, address, length as i64) {
        Err(kind) => Err(kind.into()),
        Ok(_) => run.in_slices(done, length, |run, slice| {
            let to = writable(run.process, address + slice.start as i64, slice.len() as i64)?;
            to.copy_from_slice(&message.bytes()[slice]);
            Ok(ControlFlow::Continue(()))
        }),
    };
    run.process.message = Some(message);
    copied?;
    run.set_int(d, length as i64);
    Ok(())
}
