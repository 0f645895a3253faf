//! The default VM as a process among others: it runs here, in slices, so that a
//! signal is noticed, and its wishes are carried out where the process lives, by the
//! scheduler on whose workers the other processes run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select, TryRecvError};

use iridium_isa::ModuleId;
use iridium_sched::Progress;
use iridium_vm::{Completion, Effect, Limits, Process, Program, RunError, Stop, TrapKind};

use super::place::Place;
use crate::failure::Failure;
use crate::program::{End, News, Stream, view};
use crate::signals::Signal;

/// Fuel between two looks at signals and at what has come: a millisecond or so.
const SLICE: u64 = 1 << 16;
/// How long output may take before something else is shown.
pub(super) const OUTPUT: Duration = Duration::from_millis(500);

/// Runs the default VM, as a process of a scheduler.
pub(super) struct Driver {
    pub(super) place: Place,
    stream: Stream,
    signals: Receiver<Signal>,
    tell: Box<dyn Fn(&str)>,
    /// Where modules came from.
    pub(super) origins: HashMap<ModuleId, String>,
}

impl Driver {
    /// Drives the process in this place.
    pub(super) fn new(
        place: Place,
        stream: Stream,
        signals: Receiver<Signal>,
        tell: Box<dyn Fn(&str)>,
    ) -> Self {
        Self { place, stream, signals, tell, origins: HashMap::new() }
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
            if let Some(end) = self.look()? {
                return Ok(end);
            }
            let stop = process.run(program, SLICE, &mut stream)?;
            match self.settle(stop, process, program)? {
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
        if let Some(end) = self.look()? {
            return Ok(Some(end));
        }
        match process.step(program, &mut self.stream())? {
            Some(stop) => self.settle(stop, process, program),
            None => Ok(None),
        }
    }

    /// Looks whether something has come while the VM rests, that is, whether it
    /// was told to end.
    pub(super) fn look_in(&mut self) -> Result<Option<String>, Failure> {
        match self.place.poll()? {
            Progress::Ended(reason) => {
                let before = self.place.pid();
                self.place.renew()?;
                let now = self.place.pid();
                Ok(Some(format!("process {before}, this VM, was ended: {reason}; it is {now} now")))
            }
            _ => Ok(None),
        }
    }

    /// Does something as the process while no program of it runs, and gives the
    /// answer.
    ///
    /// # Errors
    /// When a signal comes first, and when the process was ended.
    pub(super) fn ask(
        &mut self,
        effect: Effect,
        program: &Arc<Program>,
    ) -> Result<Completion, Failure> {
        let mut progress = self.place.perform(effect, program, Limits::default())?;
        loop {
            match progress {
                Progress::Done(answer) => return Ok(answer),
                Progress::Ended(_) => {
                    let told = self.look_in()?;
                    return Err(Failure::failed(told.unwrap_or_default()));
                }
                Progress::Host { .. } | Progress::Waits => {}
            }
            if self.wait().is_some() {
                self.place.give_up()?;
                return Err(Failure::failed("given up"));
            }
            progress = self.place.poll()?;
        }
    }

    /// Tells of what has happened to other processes.
    pub(super) fn tell(&self, news: &News) {
        if let News::Trapped(pid, trap) = news {
            (self.tell)(&view::trap_line(*pid, trap));
        }
    }

    /// Tells a line.
    pub(super) fn tell_line(&self, text: &str) {
        (self.tell)(text);
    }

    /// What there is to look at while the VM rests: news, and what comes for it.
    pub(super) fn receivers(&self) -> (Receiver<News>, Receiver<()>) {
        (self.place.news().clone(), self.place.wakes().clone())
    }

    /// A reason to leave a process that could go on.
    fn look(&mut self) -> Result<Option<End>, Failure> {
        if self.stream.failed().try_recv().is_ok() {
            self.stream.flush(Duration::ZERO)?;
        }
        if let Ok(signal) = self.signals.try_recv() {
            return Ok(Some(End::Interrupted(signal)));
        }
        // It has also something to say when it is closed: that the node is gone.
        if self.place.wakes().try_recv() != Err(TryRecvError::Empty)
            && let Progress::Ended(reason) = self.place.poll()?
        {
            return Ok(Some(End::Told(reason)));
        }
        Ok(None)
    }

    /// The end that a stop means, or `None` when a wish was granted.
    fn settle(
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
            Stop::Effect(effect) => return self.carry_out(effect, process, program),
        }))
    }

    fn carry_out(
        &mut self,
        effect: Effect,
        process: &mut Process,
        program: &Arc<Program>,
    ) -> Result<Option<End>, Failure> {
        let mut progress = self.place.perform(effect, program, process.limits())?;
        loop {
            match progress {
                Progress::Done(answer) => return answer_with(process, program, answer),
                Progress::Host { import, window } => {
                    let called = program.call_host(process, import, window);
                    let called = called.map_err(|error| Failure::failed(error.to_string()))?;
                    return Ok(called.err().map(|error| {
                        End::trapped(process, program, TrapKind::HostError, Some(error.0))
                    }));
                }
                Progress::Ended(reason) => return Ok(Some(End::Told(reason))),
                Progress::Waits => {}
            }
            if let Some(end) = self.wait() {
                let answer = self.place.give_up()?;
                if let End::Deadlock = end {
                    // It stays where it waits, for the one who tells of it.
                    return Ok(Some(end));
                }
                return Ok(answer_with(process, program, answer)?.or(Some(end)));
            }
            progress = self.place.poll()?;
        }
    }

    /// Waits until it is worth to look again; `Some` when there is no point in
    /// waiting.
    fn wait(&self) -> Option<End> {
        if self.place.is_deadlock() {
            // All may have come to rest before this process did, which is told once.
            return Some(End::Deadlock);
        }
        let (wakes, news) = (self.place.wakes(), self.place.news());
        let still = self.place.still();
        let mut select = Select::new();
        let (woken, signalled) = (select.recv(wakes), select.recv(&self.signals));
        let (told, at_rest) = (select.recv(news), select.recv(still));
        let chosen = match self.place.patience() {
            Some(patience) => select.select_timeout(patience).ok()?,
            None => select.select(),
        };
        match chosen.index() {
            at if at == woken => {
                // That something has come is all that it says.
                let _ = chosen.recv(wakes);
            }
            at if at == signalled => return chosen.recv(&self.signals).ok().map(End::Interrupted),
            at if at == told => {
                if let Ok(news) = chosen.recv(news) {
                    self.tell(&news);
                }
            }
            at if at == at_rest => {
                // It is looked whether that still holds before the next wait.
                let _ = chosen.recv(still);
            }
            _ => {}
        }
        None
    }
}

/// `Some` when the answer ends the process.
fn answer_with(
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
