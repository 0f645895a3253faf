//! Where dispatch leaves the fast path: for the slow one, for the hook of another engine, for good.
#![allow(unsafe_code)]

use std::sync::Arc;

use crate::interp::entry_hook::{EntryHook, EntryState, Resume};
use crate::interp::machine::{Exit, Machine, Run};
use crate::interp::slow_path;

/// Does the current instruction on the slow path. Returns the machine to go on with.
#[inline(always)]
pub(super) fn out_of_line(machine: Machine<'_>) -> Result<Machine<'_>, Exit> {
    leave(machine, |run| slow_path::execute(run))
}

/// What becomes of a hooked instruction.
pub(super) enum Entered<'r> {
    /// Control goes on wherever the process is now.
    Continue(Machine<'r>),
    /// The interpreter is to do the current instruction.
    Interpret(Machine<'r>),
}

/// Lets an engine take over.
pub(super) fn enter_hook(machine: Machine<'_>) -> Result<Entered<'_>, Exit> {
    let mut resume = Resume::Interpret;
    let machine = leave(machine, |run| {
        // An instruction that is hooked no more is an ordinary one.
        let Some(hook) = run.code.hook::<Arc<dyn EntryHook>>() else { return Ok(()) };
        let (pc, fuel) = (run.process.pc, run.fuel);
        resume = hook.enter(&mut EntryState { run: &mut *run });
        if resume == Resume::Continue && (run.process.pc, run.fuel) == (pc, fuel) {
            resume = Resume::Interpret;
        }
        match resume {
            Resume::Continue | Resume::Interpret => Ok(()),
            Resume::OutOfFuel => Err(Exit::OutOfFuel),
            Resume::Stopped => Err(Exit::Stopped),
        }
    })?;
    Ok(match resume {
        Resume::Continue => Entered::Continue(machine),
        _ => Entered::Interpret(machine),
    })
}

/// Ends dispatch before the current instruction.
pub(super) fn stop_before(machine: Machine<'_>) -> Exit {
    machine.put_back();
    Exit::OutOfFuel
}

/// Ends dispatch after the current instruction, for whose result the process waits.
///
/// # Safety
/// The current instruction is one that goes on to the next.
#[inline(always)]
pub(super) unsafe fn stop_after(mut machine: Machine<'_>) -> Exit {
    // SAFETY: the caller's promise.
    unsafe { machine.advance() };
    machine.put_back();
    Exit::Stopped
}

/// Hands the run from the machine to safe code, and makes the machine anew.
#[inline(always)]
fn leave<'r>(
    machine: Machine<'r>,
    act: impl FnOnce(&mut Run<'r>) -> Result<(), Exit>,
) -> Result<Machine<'r>, Exit> {
    let run = machine.put_back();
    // SAFETY: the run is valid, and the only machine that reached it is gone (I6).
    let run: &mut Run<'r> = unsafe { &mut *run };
    act(run)?;
    // SAFETY: the reference is not used any more, so that the machine is alone again.
    Ok(unsafe { run.machine() })
}
