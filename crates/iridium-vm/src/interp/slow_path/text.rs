//! Text and bytes: conversions of numbers, and what looks through memory.

use std::ops::ControlFlow;

use iridium_isa::operand::{FailureLit, Float, FloatOut, Int, IntMut, IntOut, IntPair};
use memchr::memmem::Finder;

use super::fuel::SLICE;
use super::interruption::Interruption;
use super::operands::{readable, writable};
use crate::interp::machine::Run;
use crate::siphash::siphash13;
use crate::trap::{MAX_MESSAGE, TrapKind};

/// The traps of `trapm` by their numbers.
const FAILURES: [TrapKind; 6] = [
    TrapKind::Panic,
    TrapKind::Assert,
    TrapKind::Unwrap,
    TrapKind::MissingKey,
    TrapKind::BadSlice,
    TrapKind::Error,
];

/// The most digits after the point.
const MOST_DIGITS: usize = 100;

/// So many bytes of a needle are looked for. Where they are, the rest is compared, and paid for: no
/// step takes long, and not much is to be prepared anew after a stop.
const BEGIN: usize = 256;

/// Traps with a text. Of a long one only the begin is shown, and paid for.
pub(super) fn trapm(run: &mut Run<'_>, n: FailureLit, a: Int, len: Int) -> Interruption {
    match failure(run, n, a, len) {
        Ok((kind, text)) => Interruption::TrapWith(Box::new((kind, text))),
        Err(interruption) => interruption,
    }
}

fn failure(
    run: &mut Run<'_>,
    n: FailureLit,
    a: Int,
    len: Int,
) -> Result<(TrapKind, String), Interruption> {
    run.resume_bulk()?;
    let bytes = readable(run.process, run.module, run.int(a), run.int(len))?;
    // One more, so that it is seen that it was cut.
    let shown = &bytes[..bytes.len().min(MAX_MESSAGE + 1)];
    let text = String::from_utf8_lossy(shown).into_owned();
    let length = shown.len();
    run.pay_slice(&(0..length));
    let kind = FAILURES.get(usize::from(n.0)).copied().ok_or(TrapKind::Internal)?;
    Ok((kind, text))
}

/// Writes an integer as text.
pub(super) fn itoa(run: &mut Run<'_>, a: Int, m: Int, d: IntOut) -> Result<(), TrapKind> {
    let mut buffer = itoa::Buffer::new();
    let text = buffer.format(run.int(a));
    write_text(run, m, text)?;
    run.set_int(d, text.len() as i64);
    Ok(())
}

/// Writes a float as text.
pub(super) fn ftoa(run: &mut Run<'_>, a: Float, m: Int, d: IntMut) -> Result<(), Interruption> {
    run.resume_bulk()?;
    let (number, how) = (run.float(a.0), run.int(Int(d.0)));
    let text = match usize::try_from(how) {
        Ok(digits) if digits <= MOST_DIGITS => format!("{number:.digits$}"),
        _ if how == -2 => format!("{number:e}"),
        _ => format!("{number:?}"),
    };
    run.pay_slice(&(0..text.len()));
    write_text(run, m, &text)?;
    run.set_int(IntOut(d.0), text.len() as i64);
    Ok(())
}

fn write_text(run: &mut Run<'_>, m: Int, text: &str) -> Result<(), TrapKind> {
    let address = run.int(m);
    writable(run.process, address, text.len() as i64)?.copy_from_slice(text.as_bytes());
    Ok(())
}

/// Reads a float from text. What is longer than any number that somebody writes is none, because it
/// would have to be read in one go.
pub(super) fn atof(run: &mut Run<'_>, a: Int, len: Int, d: FloatOut) -> Result<(), Interruption> {
    run.resume_bulk()?;
    let bytes = readable(run.process, run.module, run.int(a), run.int(len))?;
    let bytes = Some(bytes).filter(|bytes| bytes.len() <= SLICE);
    let length = bytes.map_or(0, <[u8]>::len);
    let text = bytes.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let number = text.and_then(|text| text.parse().ok());
    run.pay_slice(&(0..length));
    run.flag = number.is_some();
    run.register(d.0).float = number.unwrap_or(0.0);
    Ok(())
}

/// How many bytes are valid UTF-8. So many are paid for.
pub(super) fn utf8(run: &mut Run<'_>, a: Int, len: Int, d: IntOut) -> Result<(), Interruption> {
    let (address, length) = (run.int(a), run.int(len));
    let mut done = run.resume_bulk()?;
    let length = readable(run.process, run.module, address, length)?.len();
    while done < length {
        let end = length.min(done + SLICE);
        let (at, size) = (address + done as i64, (end - done) as i64);
        let slice = readable(run.process, run.module, at, size)?;
        let (valid, goes_on) = match std::str::from_utf8(slice) {
            Ok(text) => (text.len(), true),
            // The last character may be cut off by the end of the slice.
            Err(error) => (error.valid_up_to(), error.error_len().is_none() && end < length),
        };
        run.pay_slice(&(done..done + valid));
        done += valid;
        if !goes_on {
            break;
        }
        if done < length {
            run.pause_bulk(done)?;
        }
    }
    run.set_int(d, done as i64);
    Ok(())
}

/// Finds bytes in others. What is paid for are the places that were looked at, and for each that
/// begins as a long needle does its rest.
pub(super) fn find(
    run: &mut Run<'_>,
    h: IntPair,
    m: IntPair,
    d: IntOut,
) -> Result<(), Interruption> {
    let [hay, needle] = [h, m].map(|pair| (run.int(Int(pair.0)), run.int(Int(pair.0 + 1))));
    let mut place = run.resume_bulk()?;
    let needle_length = readable(run.process, run.module, needle.0, needle.1)?.len();
    let length = readable(run.process, run.module, hay.0, hay.1)?.len();
    let begin = needle_length.min(BEGIN);
    let finder = Finder::new(readable(run.process, run.module, needle.0, begin as i64)?);
    let finder = finder.into_owned();
    let places = (length + 1).saturating_sub(needle_length);
    let mut found = -1;
    while place < places {
        let end = places.min(place + SLICE);
        let (at, size) = (hay.0 + place as i64, (end - place + begin).saturating_sub(1) as i64);
        let candidate = finder.find(readable(run.process, run.module, at, size)?);
        let next = candidate.map_or(end, |offset| place + offset + 1);
        run.pay_slice(&(place..next));
        place = next;
        if candidate.is_some() {
            let rest = needle_length - begin;
            let [at, wanted] = [hay.0 + (place - 1) as i64, needle.0].map(|at| at + begin as i64);
            let same = readable(run.process, run.module, at, rest as i64)?
                == readable(run.process, run.module, wanted, rest as i64)?;
            run.pay_slice(&(0..rest));
            if same {
                found = (place - 1) as i64;
                break;
            }
        }
        if place < places {
            run.pause_bulk(place)?;
        }
    }
    run.set_int(d, found);
    Ok(())
}

/// Hashes bytes. The hash of a slice is the key of the next one, so nothing but the register has to
/// be kept in between.
pub(super) fn hash(run: &mut Run<'_>, a: Int, len: Int, d: IntMut) -> Result<(), Interruption> {
    let (address, length) = (run.int(a), run.int(len));
    let done = run.resume_bulk()?;
    let length = readable(run.process, run.module, address, length)?.len();
    if length == 0 {
        let key = run.int(Int(d.0)) as u64;
        run.set_int(IntOut(d.0), siphash13(key, &[]) as i64);
        return Ok(());
    }
    run.in_slices(done, length, |run, slice| {
        let (at, size) = (address + slice.start as i64, slice.len() as i64);
        let key = run.int(Int(d.0)) as u64;
        let hash = siphash13(key, readable(run.process, run.module, at, size)?);
        run.set_int(IntOut(d.0), hash as i64);
        Ok(ControlFlow::Continue(()))
    })
}
