//! Fuel on the slow path. The fast path pays in
//! [`Machine::pay`](crate::interp::machine::Machine::pay),
//! an entry hook in [`EntryState::pay`](crate::EntryState::pay).
//!
//! A bulk instruction moves any number of bytes. It does so in slices, each of which is paid for, and
//! stops between two of them when no fuel is left. How far it has come is part of the process, so it
//! goes on from there, also in another engine or on another machine.

use std::ops::{ControlFlow, Range};

use super::interruption::Interruption;
use crate::effect::Pending;
use crate::interp::machine::Run;
use crate::trap::TrapKind;

/// Bytes that a bulk instruction does at once: some microseconds. A multiple of the 64 bytes that
/// cost 1, so that the price is the same however often it stops.
pub(super) const SLICE: usize = 16 << 10;

impl Run<'_> {
    /// Pays, unless no fuel is left.
    pub(super) fn pay(&mut self, cost: u64) -> Result<(), Interruption> {
        if self.fuel <= 0 {
            return Err(Interruption::OutOfFuel);
        }
        self.fuel -= cost as i64;
        Ok(())
    }

    /// Begins a bulk instruction, which costs 1, or goes on with it. Returns how many bytes are done.
    pub(super) fn resume_bulk(&mut self) -> Result<usize, Interruption> {
        match self.process.pending {
            Some(Pending::Bulk(done)) => {
                if self.fuel <= 0 {
                    return Err(Interruption::OutOfFuel);
                }
                self.process.pending = None;
                // Only a restored one can be past what there is, and then nothing is left to do.
                Ok(usize::try_from(done).unwrap_or(usize::MAX))
            }
            _ => self.pay(1).map(|()| 0),
        }
    }

    /// Pays for these bytes of a bulk instruction. That may overdraw.
    pub(super) fn pay_slice(&mut self, bytes: &Range<usize>) {
        self.fuel -= (bytes.end / 64 - bytes.start / 64) as i64;
    }

    /// Stops in a bulk instruction, of which so many bytes are done, when no fuel is left.
    pub(super) fn pause_bulk(&mut self, done: usize) -> Result<(), Interruption> {
        if self.fuel > 0 {
            return Ok(());
        }
        self.process.pending = Some(Pending::Bulk(done as u64));
        Err(Interruption::OutOfFuel)
    }

    /// Stops before an instruction that was paid for and writes, when the environment takes no output.
    /// It is paid for when it is done.
    pub(super) fn begin_output(&mut self) -> Result<(), Interruption> {
        if self.environment.takes_output() {
            return Ok(());
        }
        self.fuel += 1;
        Err(Interruption::OutputFull)
    }

    /// As [`resume_bulk`](Self::resume_bulk), unless the environment takes no output.
    pub(super) fn resume_output(&mut self) -> Result<usize, Interruption> {
        if self.environment.takes_output() {
            return self.resume_bulk();
        }
        Err(Interruption::OutputFull)
    }

    /// As [`pause_bulk`](Self::pause_bulk), and also stops when the environment takes no output.
    pub(super) fn pause_output(&mut self, done: usize) -> Result<(), Interruption> {
        self.pause_bulk(done)?;
        if self.environment.takes_output() {
            return Ok(());
        }
        self.process.pending = Some(Pending::Bulk(done as u64));
        Err(Interruption::OutputFull)
    }

    /// Does the bytes of a bulk instruction from `done` on, slice by slice, until all are done or `act`
    /// breaks.
    pub(super) fn in_slices(
        &mut self,
        done: usize,
        length: usize,
        mut act: impl FnMut(&mut Self, Range<usize>) -> Result<ControlFlow<()>, TrapKind>,
    ) -> Result<(), Interruption> {
        let mut done = done;
        while done < length {
            let slice = done..length.min(done.saturating_add(SLICE));
            self.pay_slice(&slice);
            done = slice.end;
            if act(self, slice)?.is_break() {
                break;
            }
            if done < length {
                self.pause_bulk(done)?;
            }
        }
        Ok(())
    }
}
