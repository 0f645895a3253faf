//! Single instructions of an engine that has taken over.

use super::looped;
use crate::interp::entry_hook::{EntryState, Stepped};
use crate::interp::machine::Exit;

impl EntryState<'_, '_> {
    /// Does the instruction at `pc`, as the interpreter does, with its traps and slow cases. Parts of
    /// the process may be elsewhere afterwards, or have grown.
    pub fn step(&mut self) -> Stepped {
        match looped::go::<true>(self.run) {
            Exit::OutOfFuel => Stepped::OutOfFuel,
            Exit::Stopped => Stepped::Stopped,
            _ => Stepped::Done,
        }
    }
}
