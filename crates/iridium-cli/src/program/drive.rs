//! A process to its end: in slices, so that a signal is noticed and output does
//! not wait, and with its wishes carried out as far as one process goes.

use std::time::Instant;

use crossbeam_channel::{Receiver, RecvTimeoutError};

use iridium_vm::process::RunError;
use iridium_vm::{Completion, Effect, Module, Process, Program, Stop, Trap};

use super::Stream;
use super::alone::{self, Answer};
use crate::failure::Failure;
use crate::signals::Signal;

/// Fuel between two looks at signals and output: a millisecond or so.
const SLICE: u64 = 1 << 16;

/// Why a process was left.
#[derive(Debug)]
pub(crate) enum End {
    /// It ended with `hlt` and this in `$0`.
    Halted(i64),
    /// It ended with `exit` and this code.
    Exited(i64),
    /// It ended with a trap.
    Trapped(Box<Trap>),
    /// It has spent what it was given, and can go on.
    OutOfFuel,
    /// A signal came; it can go on.
    Interrupted(Signal),
}

/// Runs processes.
#[derive(Debug)]
pub(crate) struct Driver {
    signals: Receiver<Signal>,
    start: Instant,
}

impl Driver {
    /// A driver whose processes give way to these signals.
    pub(crate) fn new(signals: Receiver<Signal>) -> Self {
        Self { signals, start: Instant::now() }
    }

    /// Runs until the process ends or has spent `fuel`, or a signal comes.
    ///
    /// # Errors
    /// When the process wants what a lone process cannot have, when it cannot
    /// run with this program, or when its output cannot be written.
    pub(crate) fn run(
        &self,
        process: &mut Process,
        program: &Program,
        fuel: u64,
        stream: &mut Stream,
    ) -> Result<End, Failure> {
        let before = process.fuel_spent();
        loop {
            let left = fuel.saturating_sub(process.fuel_spent() - before);
            let slice = left.min(SLICE);
            let stop = process.run(program, slice, stream);
            stream.flush()?;
            if stop == Ok(Stop::OutOfFuel) && slice < left {
                if let Some(signal) = self.signal() {
                    return Ok(End::Interrupted(signal));
                }
            } else if let Some(end) = self.settle(stop?, process, program)? {
                return Ok(end);
            }
        }
    }

    /// Runs one instruction. `None` means that it ran and the process goes on.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(crate) fn step(
        &self,
        process: &mut Process,
        program: &Program,
        stream: &mut Stream,
    ) -> Result<Option<End>, Failure> {
        if let Some(signal) = self.signal() {
            return Ok(Some(End::Interrupted(signal)));
        }
        let Some(stop) = process.step(program, stream)? else { return Ok(None) };
        stream.flush()?;
        self.settle(stop, process, program)
    }

    /// A signal that has come.
    fn signal(&self) -> Option<Signal> {
        self.signals.try_recv().ok()
    }

    /// The end that a stop means, or `None` when a wish was granted.
    fn settle(
        &self,
        stop: Stop,
        process: &mut Process,
        program: &Program,
    ) -> Result<Option<End>, Failure> {
        match stop {
            Stop::Halted(result) => Ok(Some(End::Halted(result))),
            Stop::Exited(code) => Ok(Some(End::Exited(code))),
            Stop::Trapped(trap) => Ok(Some(End::Trapped(trap))),
            Stop::OutOfFuel => Ok(Some(End::OutOfFuel)),
            Stop::Effect(effect) => self.carry_out(&effect, process, program),
        }
    }

    /// Carries a wish out. A signal cuts waiting short: the process then finds
    /// that its time is over.
    fn carry_out(
        &self,
        effect: &Effect,
        process: &mut Process,
        program: &Program,
    ) -> Result<Option<End>, Failure> {
        let mut end = None;
        let completion = match alone::answer(effect, self.start)? {
            Answer::Now(completion) => completion,
            Answer::After(time, completion) => {
                end = self.wait(time);
                completion
            }
            Answer::Never => {
                return Err(unfit(
                    process,
                    program,
                    "waits for a message for ever, and without other processes none can come",
                ));
            }
            Answer::Unavailable => {
                return Err(unfit(
                    process,
                    program,
                    "needs other processes, which this version of iridium cannot run",
                ));
            }
        };
        answer(process, completion)?;
        Ok(end)
    }

    fn wait(&self, time: std::time::Duration) -> Option<End> {
        match self.signals.recv_timeout(time) {
            Ok(signal) => Some(End::Interrupted(signal)),
            Err(RecvTimeoutError::Timeout) => None,
            // Without the thread that fetches signals none can come.
            Err(RecvTimeoutError::Disconnected) => {
                std::thread::sleep(time);
                None
            }
        }
    }
}

fn answer(process: &mut Process, completion: Completion) -> Result<(), Failure> {
    process.complete(completion).map_err(|error| Failure::failed(error.to_string()))
}

/// The process wants what it cannot have. The effect's instruction is the one
/// before the next.
fn unfit(process: &Process, program: &Program, why: &str) -> Failure {
    let at = process.pc().saturating_sub(1);
    let module = program.module();
    Failure::failed(format!("{}: `{}` {why}", place(module, at), module.instruction_text(at)))
}

fn place(module: &Module, at: u32) -> String {
    let lines = module.lines();
    match lines.and_then(|table| Some((table, table.places.get(at as usize)?))) {
        Some((table, (line, column))) => format!("{}:{line}:{column}", table.file),
        None => format!("instruction {at}"),
    }
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::failed(error.to_string())
    }
}
