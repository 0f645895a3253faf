//! The default VM as a process among others: it runs here, in slices, so that a
//! signal is noticed, and its wishes are carried out by the scheduler on whose
//! workers the other processes run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, Select};

use iridium_vm::process::RunError;
use iridium_vm::sched::{Guest, Progress};
use iridium_vm::{Completion, Effect, ModuleId, Process, Program, Stop, TrapKind};

use crate::failure::Failure;
use crate::program::{End, News, Settings, Stream, World, view};
use crate::signals::Signal;

/// Fuel between two looks at signals and at what has come: a millisecond or so.
const SLICE: u64 = 1 << 16;
/// How long output may take before something else is shown.
pub(super) const OUTPUT: Duration = Duration::from_millis(500);

/// Runs the default VM, as a process of a scheduler.
pub(super) struct Driver {
    pub(super) world: World,
    pub(super) guest: Guest,
    signals: Receiver<Signal>,
    tell: Box<dyn Fn(&str)>,
    /// Where modules came from.
    pub(super) origins: HashMap<ModuleId, String>,
}

impl Driver {
    /// A scheduler with nothing but the default VM.
    pub(super) fn start(
        settings: Settings,
        stream: Stream,
        signals: Receiver<Signal>,
        tell: Box<dyn Fn(&str)>,
    ) -> Result<Self, Failure> {
        let world = World::start(settings, stream)?;
        let guest = guest(&world)?;
        Ok(Self { world, guest, signals, tell, origins: HashMap::new() })
    }

    /// Where output goes.
    pub(super) fn stream(&self) -> Stream {
        self.world.stream.clone()
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
        match self.guest.poll() {
            Progress::Ended(reason) => {
                let before = self.guest.pid();
                self.renew()?;
                let now = self.guest.pid();
                Ok(Some(format!("process {before}, this VM, was ended: {reason}; it is {now} now")))
            }
            _ => Ok(None),
        }
    }

    /// Gives the VM another process, because its last one was ended.
    pub(super) fn renew(&mut self) -> Result<(), Failure> {
        self.guest = guest(&self.world)?;
        Ok(())
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
        (self.world.news.clone(), self.guest.wakes().clone())
    }

    /// A reason to leave a process that could go on.
    fn look(&mut self) -> Result<Option<End>, Failure> {
        if self.world.stream.failed().try_recv().is_ok() {
            self.world.stream.flush(Duration::ZERO)?;
        }
        if let Ok(signal) = self.signals.try_recv() {
            return Ok(Some(End::Interrupted(signal)));
        }
        if self.guest.wakes().try_recv().is_ok()
            && let Progress::Ended(reason) = self.guest.poll()
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
        let mut progress = self.guest.perform(effect, program, process.limits());
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
                let answer = self.guest.give_up();
                if let End::Deadlock = end {
                    // It stays where it waits, for the one who tells of it.
                    return Ok(Some(end));
                }
                return Ok(answer_with(process, program, answer)?.or(Some(end)));
            }
            progress = self.guest.poll();
        }
    }

    /// Waits until it is worth to look again; `Some` when there is no point in
    /// waiting.
    fn wait(&self) -> Option<End> {
        let (wakes, news) = (self.guest.wakes(), &self.world.news);
        let mut select = Select::new();
        let (woken, signalled) = (select.recv(wakes), select.recv(&self.signals));
        let (told, still) = (select.recv(news), select.recv(&self.world.still));
        let chosen = match self.guest.patience() {
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
            at if at == still => {
                let _ = chosen.recv(&self.world.still);
                // What was sent before all came to rest is there now.
                let rests = self.guest.patience().is_none() && self.world.scheduler.is_at_rest();
                return (rests && wakes.is_empty()).then_some(End::Deadlock);
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

fn guest(world: &World) -> Result<Guest, Failure> {
    world.scheduler.guest().map_err(|full| Failure::failed(full.to_string()))
}

impl From<RunError> for Failure {
    fn from(error: RunError) -> Self {
        Self::failed(error.to_string())
    }
}
