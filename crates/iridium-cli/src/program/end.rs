//! How a process ended, or why it was stopped before its end.

use iridium_sched::{ExitInfo, Reason};
use iridium_vm::{Process, Program, Status, Trap};

use crate::signals::Signal;

/// How a process ended, or why it was stopped.
#[derive(Debug)]
pub(crate) enum End {
    /// It ended with `hlt` and this in `$0`.
    Halted(i64),
    /// It ended with `exit` and this code.
    Exited(i64),
    /// It ended with a trap.
    Trapped(Box<Trap>),
    /// An exit signal ended it: another process killed it, or one that it was linked to ended.
    ExitSignal(Reason),
    /// Its fuel is used up; it can go on with more.
    OutOfFuel,
    /// A signal came; it can go on.
    Interrupted(Signal),
    /// All processes wait for messages that nobody can send.
    Deadlock,
}

impl End {
    /// The end of a process as a scheduler reports it.
    pub(crate) fn of(exit: &ExitInfo) -> Self {
        match (&exit.trap, exit.process.as_ref().map(|process| process.status())) {
            (Some(trap), _) => Self::Trapped(trap.clone()),
            (None, Some(Status::Halted(result))) => Self::Halted(result),
            (None, Some(Status::Exited(code))) => Self::Exited(code),
            _ => Self::ExitSignal(exit.reason),
        }
    }

    /// The end of a process from the state that it was saved in.
    pub(crate) fn of_state(process: &Process, program: &Program, reason: Reason) -> Self {
        match process.status() {
            Status::Halted(result) => Self::Halted(result),
            Status::Exited(code) => Self::Exited(code),
            Status::Trapped(kind) => Self::trapped(process, program, kind, None),
            Status::Ready | Status::Waiting => Self::ExitSignal(reason),
        }
    }

    /// A trap at the place where the process is.
    pub(crate) fn trapped(
        process: &Process,
        program: &Program,
        kind: iridium_vm::TrapKind,
        message: Option<String>,
    ) -> Self {
        let backtrace = process.backtrace(program.module());
        let deeper = (process.call_depth() + 1).saturating_sub(backtrace.len());
        Self::Trapped(Box::new(Trap { kind, message, backtrace, deeper }))
    }
}
