//! Where a process is, and how it got there.

use std::sync::Arc;

use iridium_isa::Module;

use crate::place::Place;
use crate::process::Process;
use crate::trap::{Trap, TrapKind};

/// Calls that a backtrace shows.
const SHOWN_CALLS: usize = 32;

impl Process {
    /// Where the process is.
    pub fn place(&self, module: &Arc<Module>) -> Place {
        Place::of(module, self.current_instruction())
    }

    /// Where the process is in its own program: while the library of its language does something for
    /// it, that is the call.
    pub fn own_place(&self, module: &Arc<Module>) -> Place {
        let here = self.place(module);
        if !here.is_library() {
            return here;
        }
        let calls = self.frames.iter().rev().map(|frame| frame.return_to.saturating_sub(1));
        let mut calls = calls.map(|index| Place::of(module, index));
        calls.find(|place| place.is_written() && !place.is_library()).unwrap_or(here)
    }

    /// Where the process is, and the calls that led there, innermost first; the first 32.
    pub fn backtrace(&self, module: &Arc<Module>) -> Vec<Place> {
        let calls = self.frames.iter().rev().map(|frame| frame.return_to.saturating_sub(1));
        let calls = calls.map(|index| Place::of(module, index));
        std::iter::once(self.place(module)).chain(calls).take(SHOWN_CALLS).collect()
    }

    /// The instruction that the outermost call is at: it tells which function the process began in.
    pub fn outermost(&self) -> u32 {
        self.frames.first().map_or(self.pc, |frame| frame.return_to.saturating_sub(1))
    }

    /// A trap of the process where it stands, for reports. `message` is what a host function said.
    pub fn trap_here(&self, module: &Arc<Module>, kind: TrapKind, message: Option<String>) -> Trap {
        let backtrace = self.backtrace(module);
        let deeper = (self.frames.len() + 1).saturating_sub(backtrace.len());
        Trap { kind, message, backtrace, deeper }
    }
}
