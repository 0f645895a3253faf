//! A program with all its processes, until it ends or is to stop, and what is
//! told of that.

use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use crossbeam_channel::{Receiver, TryRecvError, never, select};

use iridium_sched::{ExitInfo, ProcessInfo, RestoreError, RestoreOptions, SpawnOptions};
use iridium_vm::{Limits, Pid, Process, Program};

use super::outcome;
use crate::args::RunFlags;
use crate::failure::Failure;
use crate::output;
use crate::program::state::{Kind, Saved, State};
use crate::program::{End, News, Settings, Stream, World, hosts, view};
use crate::signals::Signal;

/// How long processes may take to come to a point where they can be saved.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long output may take after somebody has said that all is to end.
const FAREWELL: Duration = Duration::from_secs(1);

/// A program that runs.
pub(super) struct Whole {
    world: World,
    pid: Pid,
    first: First,
    /// Receives how the first process ends.
    exit: Receiver<ExitInfo>,
    /// Disconnected when it and those that it is linked to have ended.
    group: Receiver<Infallible>,
    signals: Receiver<Signal>,
}

/// The first process, of which the outcome speaks.
pub(super) enum First {
    /// It lives, and belongs to this program.
    Runs(Arc<Program>),
    /// It has ended; others may go on.
    Ended { process: Box<Process>, program: Arc<Program>, end: End },
}

/// Why the program is left.
enum Stop {
    /// All that it was to wait for has ended.
    Ended,
    OutOfFuel,
    Interrupted(Signal),
    /// What lives waits, and nothing can come.
    Deadlock,
    /// Nobody takes the output.
    Unread,
}

impl Whole {
    /// Starts the first process.
    pub(super) fn start(
        process: Process,
        program: Arc<Program>,
        settings: Settings,
        signals: Receiver<Signal>,
    ) -> Result<Self, Failure> {
        let world = World::start(settings, Stream::to(io::stdout()))?;
        let options = SpawnOptions { group: true };
        let started = world.scheduler.spawn_with(process, &program, options);
        let started = started.map_err(|full| Failure::failed(full.to_string()))?;
        let (pid, exit, group) = (started.pid, started.exit, started.group);
        Ok(Self { world, pid, first: First::Runs(program), exit, group, signals })
    }

    /// Goes on with processes that were saved.
    pub(super) fn resume(
        processes: &[u8],
        pid: Pid,
        first: First,
        settings: Settings,
        signals: Receiver<Signal>,
    ) -> Result<Self, Failure> {
        let world = World::start(settings, Stream::to(io::stdout()))?;
        let options = RestoreOptions { exit_of: Some(pid), ..RestoreOptions::default() };
        let restored = world.scheduler.restore_all(processes, &hosts(), options);
        let restored =
            restored.map_err(|error: RestoreError| Failure::failed(error.to_string()))?;
        let (exit, group) = (restored.exit, restored.group);
        Ok(Self { world, pid, first, exit, group, signals })
    }

    /// Whether there was nothing left to go on with.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.first, First::Ended { .. }) && self.world.scheduler.process_count() == 0
    }

    /// Waits for the end and tells of it.
    pub(super) fn finish(mut self, flags: &RunFlags) -> Result<ExitCode, Failure> {
        let stop = self.wait(flags.wait_all);
        self.tell_news();
        // Workers may wait for room for their output, and are not to.
        self.world.stream.hurry();
        if let Stop::Interrupted(_) = stop {
            self.world.stream.note_interrupt();
        }
        let waiting = match stop {
            Stop::Deadlock => self.world.scheduler.processes(),
            _ => Vec::new(),
        };
        // Also what has ended, so that no earlier state passes for its own.
        let stopped = self.world.scheduler.stop(self.pid, flags.save.is_some(), PATIENCE);
        let stopped = stopped.map_err(|error| Failure::failed(error.to_string()))?;
        // For those who were in the middle of writing.
        self.world.scheduler.shutdown();
        if let Ok(ending) = self.exit.try_recv() {
            // It came to its end while it was to be stopped.
            self.note(Some(ending));
        }
        let saved = match (&flags.save, stopped.saved) {
            (Some(path), Some(processes)) => self.save(processes).write(path),
            _ => Ok(()),
        };
        let (process, program, end) = self.first_process(stopped.process)?;
        let end = match stop {
            Stop::Ended | Stop::Unread => end,
            Stop::OutOfFuel => End::OutOfFuel,
            Stop::Interrupted(signal) => End::Interrupted(signal),
            Stop::Deadlock => End::Deadlock,
        };
        // What goes to a file is the program's own, byte for byte.
        if flags.json || flags.registers || io::stdout().is_terminal() {
            self.world.stream.end_line(Duration::ZERO)?;
        }
        self.let_output_go(&end)?;
        saved?;
        let exit = exit_code(&end, flags.save.is_some());
        let fuel = self.world.scheduler.fuel_spent();
        tell(&end, fuel, &process, &program, &waiting, flags.save.as_deref());
        if flags.registers {
            output::line(&view::all(&process))?;
        }
        if flags.json {
            output::line(&outcome::to_json(&end, exit, &process, self.world.stream.bytes())?)?;
        }
        Ok(exit.into())
    }

    /// Waits until there is a reason to stop.
    fn wait(&mut self, wait_all: bool) -> Stop {
        let signals = self.signals.clone();
        let mut all = self.group.clone();
        let (news, still) = (self.world.news.clone(), self.world.still.clone());
        let failed = self.world.stream.failed().clone();
        loop {
            select! {
                recv(self.exit) -> ending => self.note(ending.ok()),
                recv(all) -> _ => {
                    all = never();
                    let ending = self.exit.try_recv().ok();
                    self.note(ending);
                    if !wait_all || self.world.scheduler.process_count() == 0 {
                        return Stop::Ended;
                    }
                }
                recv(still) -> _ => if let Some(stop) = self.stop_if_still(wait_all) {
                    return stop;
                },
                recv(news) -> told => if let Ok(told) = told { self.tell(&told) },
                recv(signals) -> signal => match signal {
                    Ok(signal) => return Stop::Interrupted(signal),
                    Err(_) => return Stop::Ended,
                },
                recv(failed) -> _ => return Stop::Unread,
            }
        }
    }

    /// Why to stop when nothing runs any more, or nothing can.
    fn stop_if_still(&mut self, wait_all: bool) -> Option<Stop> {
        // What was told of it may have been so a while ago. Then it is told again
        // when it comes to be so.
        let scheduler = &self.world.scheduler;
        let (spent, rests) = (scheduler.is_out_of_fuel(), scheduler.is_idle());
        if !spent && !rests {
            return None;
        }
        let gone = self.group.try_recv() == Err(TryRecvError::Disconnected);
        let over = gone && (!wait_all || scheduler.process_count() == 0);
        if over {
            let ending = self.exit.try_recv().ok();
            self.note(ending);
        }
        Some(match (over, spent) {
            (true, _) => Stop::Ended,
            (_, true) => Stop::OutOfFuel,
            _ => Stop::Deadlock,
        })
    }

    /// Notes how the first process ended, or that nothing more is told of it.
    fn note(&mut self, ending: Option<ExitInfo>) {
        if let (Some(ending), First::Runs(program)) = (ending, &self.first) {
            let (program, end) = (Arc::clone(program), End::of(&ending));
            if let Some(process) = ending.process {
                self.first = First::Ended { process, program, end };
            }
        }
        self.exit = never();
    }

    fn tell_news(&self) {
        self.world.news.try_iter().for_each(|news| self.tell(&news));
        match self.world.missed() {
            0 => {}
            missed => output::complain(&format!("and {missed} more traps of processes\n")),
        }
    }

    /// Tells of a trap in another process than the first.
    fn tell(&self, news: &News) {
        let News::Trapped(pid, trap) = news else { return };
        if *pid == self.pid {
            return;
        }
        if io::stdout().is_terminal() {
            // An error comes up again later.
            let _ = self.world.stream.end_line(FAREWELL);
        }
        output::complain(&format!("{}\n", view::trap_line(*pid, trap)));
    }

    /// All that is needed to go on.
    fn save(&self, processes: Vec<u8>) -> State {
        let (process, program, ended) = match &self.first {
            First::Ended { process, program, end } => (Process::clone(process), program, Some(end)),
            // Only for its program.
            First::Runs(program) => (Process::new(program, Limits::default()), program, None),
        };
        State {
            kind: Kind::Run,
            first: self.pid.bits(),
            ended: ended.map(|end| if let End::Told(reason) = end { reason.0 } else { 0 }),
            machine: Some(Saved { process, program: Arc::clone(program) }),
            settings: self.world.settings,
            processes,
        }
    }

    /// The first process as it was left, or `stopped`.
    fn first_process(
        &mut self,
        stopped: Option<Process>,
    ) -> Result<(Process, Arc<Program>, End), Failure> {
        let program = self.program();
        match std::mem::replace(&mut self.first, First::Runs(program)) {
            First::Ended { process, program, end } => Ok((*process, program, end)),
            // Why it was stopped is told by who has stopped it.
            First::Runs(program) => stopped
                .map(|process| (process, program, End::OutOfFuel))
                .ok_or_else(|| Failure::failed("nothing is known of the first process")),
        }
    }

    fn program(&self) -> Arc<Program> {
        match &self.first {
            First::Runs(program) | First::Ended { program, .. } => Arc::clone(program),
        }
    }

    /// Waits until all output is written, unless it is to end and nobody reads.
    fn let_output_go(&self, end: &End) -> Result<(), Failure> {
        if let End::Interrupted(_) = end {
            self.world.stream.flush(FAREWELL)?;
            return Ok(());
        }
        while !self.world.stream.flush(Duration::from_millis(50))? {
            if self.signals.try_recv().is_ok() {
                break;
            }
        }
        Ok(())
    }
}

/// Whoever asks for a state to go on from has got what was asked for.
fn exit_code(end: &End, saved: bool) -> u8 {
    match end {
        End::Halted(_) => 0,
        End::Exited(code) => (code & 0xFF) as u8,
        End::Told(reason) => (reason.0 & 0xFF) as u8,
        End::OutOfFuel if saved => 0,
        End::Trapped(_) | End::OutOfFuel | End::Deadlock => 1,
        // As a shell reports a process that a signal has ended.
        End::Interrupted(signal) => 128 + *signal as u8,
    }
}

/// Says on stderr why a program did not come to its end.
fn tell(
    end: &End,
    fuel: u64,
    process: &Process,
    program: &Program,
    waiting: &[ProcessInfo],
    saved: Option<&Path>,
) {
    let places = process.backtrace(program);
    let place = places.first().map(|place| format!(" at {place}")).unwrap_or_default();
    let what = match end {
        End::Halted(_) | End::Exited(_) => return,
        End::Trapped(trap) => return output::trap(trap),
        End::Told(reason) => {
            return output::error(&format!("the process was ended{place}: {reason}"));
        }
        End::Deadlock => return output::error(&view::deadlock(waiting)),
        End::OutOfFuel => format!("out of fuel after {fuel}{place}"),
        End::Interrupted(_) => format!("interrupted{place}"),
    };
    match saved {
        Some(path) => {
            let path = path.display();
            output::complain(&format!("{what}\ngoes on with: iridium resume {path}\n"));
        }
        None => output::error(&format!("{what}; with --save STATE it could go on")),
    }
}
