//! Calling a host function on a process.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;

use iridium_isa::Module;
use iridium_isa::operand::WINDOW_SPAN;

use crate::host::{Answer, Caller, HostError, HostFunction, HostResult, Reply, ReplySink};
use crate::pid::Pid;
use crate::process::Process;
use crate::register::Register;

/// Runs something with the window at `$window` of a process that calls a host function. What it
/// leaves in the registers goes back, unless it fails.
pub(crate) fn with_caller(
    process: &mut Process,
    module: &Module,
    pid: Pid,
    window: u8,
    run: impl FnOnce(&mut Caller<'_>) -> HostResult,
) -> HostResult {
    let mut registers = [Register::default(); WINDOW_SPAN as usize];
    for (number, register) in (window..=u8::MAX).zip(&mut registers) {
        *register = process.register(number);
    }
    let limits = process.limits;
    let mut caller = Caller {
        registers: &mut registers,
        heap: &mut process.heap.bytes,
        data: module.data(),
        pid,
        limits,
    };
    // A function that panics is a fault of the embedder's; it costs the process that called it,
    // and not the worker with all who are to run there.
    let called = catch_unwind(AssertUnwindSafe(|| run(&mut caller)));
    called.unwrap_or_else(|_| Err(HostError("the host function panicked".into())))?;
    for (number, register) in (window..=u8::MAX).zip(registers) {
        process.set_register(number, register);
    }
    Ok(())
}

/// Calls a function and waits for its answer, however it is given.
pub(crate) fn call_and_wait(
    process: &mut Process,
    module: &Module,
    pid: Pid,
    window: u8,
    function: &HostFunction,
) -> HostResult {
    match function {
        HostFunction::Immediate(function) | HostFunction::Blocking(function) => {
            with_caller(process, module, pid, window, |caller| function(caller))
        }
        HostFunction::Deferred(function) => {
            let (sender, answer) = mpsc::channel();
            let reply = Reply::new(Waiting(sender));
            with_caller(process, module, pid, window, |caller| {
                function(caller, reply);
                Ok(())
            })?;
            let missing = || HostError("the host function has given no answer".into());
            let answer: Answer = answer.recv().map_err(|_| missing())?;
            with_caller(process, module, pid, window, answer)
        }
    }
}

/// Somebody who waits on the spot.
struct Waiting(mpsc::Sender<Answer>);

impl ReplySink for Waiting {
    fn deliver(self: Box<Self>, answer: Answer) {
        // Whoever waits does so until this is dropped.
        let _ = self.0.send(answer);
    }

    fn is_wanted(&self) -> bool {
        true
    }

    fn on_cancel(&self, _: Box<dyn FnOnce() + Send>) {}
}
