//! Runs the default VM as one process among others. Its instructions are interpreted
//! here, in slices, so that signals are noticed. Its effects (messages, links, names, new
//! processes) are carried out by the backend, as those of any other process.

use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select, TryRecvError};

use iridium_sched::Progress;
use iridium_vm::{Completion, Effect, Hosts, Limits, Process, Program, RunError, Stop, TrapKind};

use super::backend::Backend;
use crate::failure::Failure;
use crate::program::{End, Notice, Stream, view};
use crate::signals::Signal;

/// Fuel between two looks at signals and exit signals: about a millisecond.
const SLICE: u64 = 1 << 16;
/// How often a program that waits for room for its output looks at signals.
const ROOM_CHECK: Duration = Duration::from_millis(100);
/// How long output may take before something else is printed.
pub(super) const OUTPUT: Duration = Duration::from_millis(500);

/// Runs the default VM as the process of a backend.
pub(super) struct EffectDriver {
    pub(super) backend: Backend,
    /// What programs may call.
    pub(super) hosts: Hosts,
    stream: Stream,
    signals: Receiver<Signal>,
    /// Prints a line about something that has happened.
    notify: Box<dyn Fn(&str)>,
}

impl EffectDriver {
    /// Runs the process of this backend.
    pub(super) fn new(
        backend: Backend,
        hosts: Hosts,
        stream: Stream,
        signals: Receiver<Signal>,
        notify: Box<dyn Fn(&str)>,
    ) -> Self {
        Self { backend, hosts, stream, signals, notify }
    }

    /// Where output goes.
    pub(super) fn stream(&self) -> Stream {
        self.stream.clone()
    }

    /// Runs until the process ends or a signal comes.
    ///
    /// # Errors
    /// When it cannot run with this program, or its output cannot be written.
    pub(super) fn run(
        &mut self,
        process: &mut Process,
        program: &Arc<Program>,
    ) -> Result<End, Failure> {
        let mut stream = self.stream();
        loop {
            if let Some(end) = self.check_interrupt()? {
                return Ok(end);
            }
            let stop = process.run(program, SLICE, &mut stream)?;
            match self.on_stop(stop, process, program)? {
                Some(End::OutOfFuel) | None => {}
                Some(end) => return Ok(end),
            }
        }
    }

    /// Runs one instruction. `None` means that it ran and the process goes on.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub(super) fn step(
        &mut self,
        process: &mut Process,
        program: &Arc<Program>,
    ) -> Result<Option<End>, Failure> {
        if let Some(end) = self.check_interrupt()? {
            return Ok(Some(end));
        }
        match process.step(program, &mut self.stream())? {
            Some(stop) => self.on_stop(stop, process, program),
            None => Ok(None),
        }
    }

    /// Looks whether an exit signal has ended the process while no program of it runs. If
    /// so it becomes another process, which the answer says.
    pub(super) fn check_exit(&mut self) -> Result<Option<String>, Failure> {
        match self.backend.poll()? {
            Progress::Ended(reason) => {
                let before = self.backend.pid();
                self.backend.respawn()?;
                let now = self.backend.pid();
                Ok(Some(format!("process {before}, this VM, was ended: {reason}; it is {now} now")))
            }
            _ => Ok(None),
        }
    }

    /// Carries out an effect as the process while no program of it runs, and returns the
    /// answer.
    ///
    /// # Errors
    /// When a signal comes first, and when an exit signal has ended the process.
    pub(super) fn perform(
        &mut self,
        effect: Effect,
        program: &Arc<Program>,
    ) -> Result<Completion, Failure> {
        let mut progress = self.backend.perform(effect, program, Limits::default())?;
        loop {
            match progress {
                Progress::Done(answer) => return Ok(answer),
                Progress::Ended(_) => {
                    let text = self.check_exit()?;
                    return Err(Failure::failed(text.unwrap_or_default()));
                }
                Progress::Host { .. } | Progress::Waits => {}
            }
            if self.wait().is_some() {
                self.backend.cancel_wait()?;
                return Err(Failure::failed("interrupted"));
            }
            progress = self.backend.poll()?;
        }
    }

    /// Reports a trap of another process.
    pub(super) fn report(&self, notice: &Notice) {
        if let Notice::Trapped(pid, trap) = notice {
            (self.notify)(&view::trap_line(*pid, trap));
        }
    }

    /// Prints a line, above the one that is being typed on a terminal.
    pub(super) fn print_notice(&self, text: &str) {
        (self.notify)(text);
    }

    /// What to wait for while no program runs: notices about other processes, and what comes
    /// for this one.
    pub(super) fn receivers(&self) -> (Receiver<Notice>, Receiver<()>) {
        (self.backend.notices().clone(), self.backend.wakes().clone())
    }

    /// A reason to stop a process that could go on: a signal, or an exit signal.
    fn check_interrupt(&mut self) -> Result<Option<End>, Failure> {
        if self.stream.failed().try_recv().is_ok() {
            self.stream.flush(Duration::ZERO)?;
        }
        if let Ok(signal) = self.signals.try_recv() {
            return Ok(Some(End::Interrupted(signal)));
        }
        // A closed channel means that the node is lost, which `poll` reports.
        if self.backend.wakes().try_recv() != Err(TryRecvError::Empty)
            && let Progress::Ended(reason) = self.backend.poll()?
        {
            return Ok(Some(End::ExitSignal(reason)));
        }
        Ok(None)
    }

    /// How the process has ended; `None` when an effect was carried out and it goes on.
    fn on_stop(
        &mut self,
        stop: Stop,
        process: &mut Process,
        program: &Arc<Program>,
    ) -> Result<Option<End>, Failure> {
        Ok(Some(match stop {
            Stop::Halted(result) => End::Halted(result),
            Stop::Exited(code) => End::Exited(code),
            Stop::Trapped(trap) => End::Trapped(trap),
            Stop::OutOfFuel => End::OutOfFuel,
            Stop::OutputFull => return self.wait_for_room(),
            Stop::Effect(effect) => return self.perform_for(effect, process, program),
        }))
    }

    /// Waits until output is taken again, or something ends the process.
    fn wait_for_room(&mut self) -> Result<Option<End>, Failure> {
        while !self.stream.wait_for_room(ROOM_CHECK) {
            if let Some(end) = self.check_interrupt()? {
                return Ok(Some(end));
            }
        }
        Ok(None)
    }

    /// Carries out an effect of the program, and lets the process go on with the answer.
    fn perform_for(
        &mut self,
        effect: Effect,
        process: &mut Process,
        program: &Arc<Program>,
    ) -> Result<Option<End>, Failure> {
        let mut progress = self.backend.perform(effect, program, process.limits())?;
        loop {
            match progress {
                Progress::Done(answer) => return complete(process, program, answer),
                Progress::Host { import, window } => {
                    let called = program.call_host(process, self.backend.pid(), import, window);
                    let called = called.map_err(|error| Failure::failed(error.to_string()))?;
                    return Ok(called.err().map(|error| {
                        End::trapped(process, program, TrapKind::HostError, Some(error.0))
                    }));
                }
                Progress::Ended(reason) => return Ok(Some(End::ExitSignal(reason))),
                Progress::Waits => {}
            }
            if let Some(end) = self.wait() {
                let answer = self.backend.cancel_wait()?;
                if let End::Deadlock = end {
                    // The process stays where it waits, so that the report can say where that is.
                    return Ok(Some(end));
                }
                return Ok(complete(process, program, answer)?.or(Some(end)));
            }
            progress = self.backend.poll()?;
        }
    }

    /// Waits until it is worth polling again; `Some` when waiting is over: a signal came, or
    /// nothing can come any more.
    fn wait(&self) -> Option<End> {
        if self.backend.is_deadlock() {
            // The scheduler reports once that it is idle, which may have been before this
            // process began to wait.
            return Some(End::Deadlock);
        }
        let (wakes, notices) = (self.backend.wakes(), self.backend.notices());
        let idle = self.backend.idle();
        let mut select = Select::new();
        let (woken, signalled) = (select.recv(wakes), select.recv(&self.signals));
        let (noticed, at_rest) = (select.recv(notices), select.recv(idle));
        let chosen = match self.backend.timeout() {
            Some(timeout) => select.select_timeout(timeout).ok()?,
            None => select.select(),
        };
        match chosen.index() {
            at if at == woken => {
                // It carries no value: the caller polls for what has come.
                let _ = chosen.recv(wakes);
            }
            at if at == signalled => return chosen.recv(&self.signals).ok().map(End::Interrupted),
            at if at == noticed => {
                if let Ok(notice) = chosen.recv(notices) {
                    self.report(&notice);
                }
            }
            at if at == at_rest => {
                // The next wait begins by looking whether that still holds.
                let _ = chosen.recv(idle);
            }
            _ => {}
        }
        None
    }
}

/// Hands an answer to the process; `Some` when that ends it.
fn complete(
    process: &mut Process,
    program: &Program,
    answer: Completion,
) -> Result<Option<End>, Failure> {
    let failed = if let Completion::Failed(kind) = answer { Some(kind) } else { None };
    process.complete(answer).map_err(|error| Failure::failed(error.to_string()))?;
    Ok(failed.map(|kind| End::trapped(process, program, kind, None)))
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::failed(error.to_string())
    }
}
