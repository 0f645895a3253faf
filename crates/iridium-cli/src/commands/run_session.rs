//! Runs a program with all its processes until it ends or has to stop, and reports how.

use std::convert::Infallible;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, TryRecvError, after, never, select};

use iridium_sched::supervisor::Spec;
use iridium_sched::{
    Activity, ExitInfo, ProcessInfo, Reason, RestoreError, RestoreOptions, Scheduler, SpawnOptions,
};
use iridium_vm::{Limits, Pid, Process, Program};

use super::run_tree::Tree;
use super::{run_json, run_stats};
use crate::args::RunFlags;
use crate::failure::Failure;
use crate::output;
use crate::path_text::shell_word;
use crate::program::merged_notices::MergedNotices;
use crate::program::saved_state::{SavedBy, SavedProcess, SavedState};
use crate::program::{End, Environment, Notice, Settings, Stream, drain, view};
use crate::signals::Signal;

/// How long processes may take to reach a point where they can be stopped and saved.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How long the children of an app may take to be there.
const START_WITHIN: Duration = Duration::from_secs(5);
/// How long output may take after a signal.
const OUTPUT_WITHIN: Duration = Duration::from_millis(500);

/// A program that runs, with all processes that it has started.
pub(super) struct RunSession {
    environment: Environment,
    pid: Pid,
    first: FirstProcess,
    /// Receives how the first process ends.
    exit: Receiver<ExitInfo>,
    /// Disconnected when it and those that it is linked to have ended.
    group: Receiver<Infallible>,
    signals: Receiver<Signal>,
    notices: MergedNotices,
    /// The app that the first process runs beside, and which ends with it.
    app: Option<App>,
}

/// An app that runs.
struct App {
    tree: Tree,
    /// Receives how its top supervisor ends.
    exit: Receiver<ExitInfo>,
}

/// The first process, which the exit code and `--json` are about.
pub(super) enum FirstProcess {
    /// It runs this program.
    Runs(Arc<Program>),
    /// It has ended; others may still run.
    Ended { process: Arc<Process>, program: Arc<Program>, end: End },
}

/// Why the run stops.
enum Stop {
    /// All processes that it was to wait for have ended.
    Ended,
    OutOfFuel,
    Interrupted(Signal),
    /// All processes wait for messages that nobody can send.
    Deadlock,
    /// Nobody reads the output any more.
    Unread,
}

impl RunSession {
    /// Starts the first process; before it the app that it runs beside, if there is one.
    pub(super) fn start(
        process: Process,
        program: Arc<Program>,
        app: Option<Spec>,
        settings: Settings,
        signals: Receiver<Signal>,
    ) -> Result<Self, Failure> {
        let environment = Environment::start(settings, Stream::to(io::stdout()))?;
        let app = app.map(|spec| App::start(&environment.scheduler, &program, spec)).transpose()?;
        let options = SpawnOptions { group: true };
        let started = environment.scheduler.spawn_with(process, &program, options);
        let started = started.map_err(|error| Failure::failed(error.to_string()))?;
        let (pid, exit, group) = (started.pid, started.exit, started.group);
        let (first, notices) = (FirstProcess::Runs(program), MergedNotices::new(Instant::now()));
        Ok(Self { environment, pid, first, exit, group, signals, notices, app })
    }

    /// Resumes processes that were saved.
    pub(super) fn resume(
        processes: &[u8],
        pid: Pid,
        first: FirstProcess,
        settings: Settings,
        signals: Receiver<Signal>,
    ) -> Result<Self, Failure> {
        let environment = Environment::start(settings, Stream::to(io::stdout()))?;
        let options = RestoreOptions { exit_of: Some(pid), ..RestoreOptions::default() };
        let hosts = environment.settings.hosts.clone();
        let restored = environment.scheduler.restore_all(processes, &hosts, options);
        let restored =
            restored.map_err(|error: RestoreError| Failure::failed(error.to_string()))?;
        if matches!(first, FirstProcess::Runs(_)) && !restored.pids.contains(&pid) {
            return Err(Failure::failed("its first process is missing; the file is damaged"));
        }
        let (exit, group) = (restored.exit, restored.group);
        let notices = MergedNotices::new(Instant::now());
        let app = match &first {
            FirstProcess::Runs(program) => App::resumed(&environment.scheduler, program),
            FirstProcess::Ended { .. } => None,
        };
        Ok(Self { environment, pid, first, exit, group, signals, notices, app })
    }

    /// Whether there is no process left to run.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.first, FirstProcess::Ended { .. })
            && self.environment.scheduler.process_count() == 0
    }

    /// Waits for the end and reports it.
    pub(super) fn finish(mut self, flags: &RunFlags) -> Result<ExitCode, Failure> {
        let wait_all = flags.wait_all && self.app.is_none();
        let mut stop = self.wait(wait_all);
        let ends_app = match stop {
            Stop::Ended | Stop::Deadlock => true,
            // What is saved is to go on.
            Stop::Interrupted(_) => flags.save.is_none(),
            Stop::OutOfFuel | Stop::Unread => false,
        };
        self.report_notices();
        if let Stop::Interrupted(_) = stop {
            self.environment.stream.note_interrupt();
        }
        let waiting = match stop {
            Stop::Deadlock => {
                let mut waiting = self.environment.scheduler.processes();
                // Supervisors always wait.
                waiting.retain(|info| info.activity != Activity::Supervising);
                waiting
            }
            _ => Vec::new(),
        };
        if ends_app && let Some(signal) = self.end_app() {
            stop = Stop::Interrupted(signal);
        } else if matches!(stop, Stop::Interrupted(_)) && flags.save.is_none() {
            drain(&self.environment.settings.outside, &self.signals);
        }
        // Saved even when all has ended, so that an older file is not taken for this run's.
        let stopped = self.environment.scheduler.stop(self.pid, flags.save.is_some(), STOP_WITHIN);
        let stopped = stopped.map_err(|error| Failure::failed(error.to_string()))?;
        // Waits for workers that are in the middle of writing output.
        self.environment.scheduler.shutdown();
        if let Ok(exit) = self.exit.try_recv() {
            // It ended by itself while it was being stopped.
            self.note(Some(exit));
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
        // A line end is added only where something of ours follows: a file gets exactly what
        // the program has written.
        if flags.json || flags.registers || io::stdout().is_terminal() {
            self.environment.stream.end_line(Duration::ZERO)?;
        }
        self.finish_output(&end)?;
        saved?;
        let exit = exit_code(&end, flags.save.is_some());
        let fuel = self.environment.scheduler.fuel_spent();
        report_end(&end, fuel, &process, &program, &waiting, flags.save.as_deref());
        if flags.registers {
            output::print_line(&view::all(&process))?;
        }
        if flags.json {
            output::print_line(&run_json::to_json(
                &end,
                exit,
                &process,
                self.environment.stream.bytes(),
            )?)?;
        }
        if flags.stats {
            run_stats::report(&self.environment.scheduler);
        }
        Ok(exit.into())
    }

    /// Waits until there is a reason to stop.
    fn wait(&mut self, wait_all: bool) -> Stop {
        let signals = self.signals.clone();
        let mut all = self.group.clone();
        let (notices, idle) = (self.environment.notices.clone(), self.environment.idle.clone());
        let failed = self.environment.stream.failed().clone();
        loop {
            let held = self.notices.timeout(Instant::now()).map_or_else(never, after);
            select! {
                recv(self.exit) -> exit => self.note(exit.ok()),
                recv(all) -> _ => {
                    all = never();
                    let exit = self.exit.try_recv().ok();
                    self.note(exit);
                    if !wait_all || self.environment.scheduler.process_count() == 0 {
                        return Stop::Ended;
                    }
                }
                recv(idle) -> _ => if let Some(stop) = self.stop_if_idle(wait_all) {
                    return stop;
                },
                recv(notices) -> notice => if let Ok(notice) = notice { self.report(&notice) },
                recv(held) -> _ => self.print_held(),
                recv(signals) -> signal => match signal {
                    Ok(signal) => return Stop::Interrupted(signal),
                    Err(_) => return Stop::Ended,
                },
                recv(failed) -> _ => return Stop::Unread,
            }
        }
    }

    /// Asks the app to end, and waits until it has. Its children have their times for that. A signal
    /// that comes meanwhile is not waited for.
    fn end_app(&mut self) -> Option<Signal> {
        let app = self.app.as_ref()?;
        let ended = app.exit.clone();
        self.environment.scheduler.kill(app.tree.top, Reason::SHUTDOWN);
        let (notices, idle) = (self.environment.notices.clone(), self.environment.idle.clone());
        let signals = self.signals.clone();
        loop {
            select! {
                recv(ended) -> _ => return None,
                recv(notices) -> notice => if let Ok(notice) = notice { self.report(&notice) },
                recv(idle) -> _ => if self.environment.scheduler.is_out_of_fuel() { return None },
                recv(signals) -> signal => return signal.ok(),
            }
        }
    }

    /// Why to stop when nothing runs any more, for want of work or of fuel.
    fn stop_if_idle(&mut self, wait_all: bool) -> Option<Stop> {
        // The message may be old. If it does not hold any more, another one follows when it
        // does again.
        let scheduler = &self.environment.scheduler;
        // Rest first, which lasts: what waits for fuel then, waited already. Seen the other way round,
        // those that come to rest in between would look as if they waited for messages.
        let at_rest = scheduler.is_idle();
        let out_of_fuel = scheduler.is_out_of_fuel();
        if !out_of_fuel && !at_rest {
            return None;
        }
        let all_ended = self.group.try_recv() == Err(TryRecvError::Disconnected);
        let over = all_ended && (!wait_all || scheduler.process_count() == 0);
        if over {
            let exit = self.exit.try_recv().ok();
            self.note(exit);
        }
        Some(match (over, out_of_fuel) {
            (true, _) => Stop::Ended,
            (_, true) => Stop::OutOfFuel,
            _ => Stop::Deadlock,
        })
    }

    /// Notes how the first process ended, or that its channel is closed.
    fn note(&mut self, exit: Option<ExitInfo>) {
        if let (Some(exit), FirstProcess::Runs(program)) = (exit, &self.first) {
            let (program, end) = (Arc::clone(program), End::of(&exit));
            if let Some(process) = exit.process {
                self.first = FirstProcess::Ended { process, program, end };
            }
        }
        self.exit = never();
    }

    fn report_notices(&mut self) {
        self.environment.notices.clone().try_iter().for_each(|notice| self.report(&notice));
        self.print_held();
        match self.environment.missed() {
            0 => {}
            missed => output::print_stderr(&format!("and {missed} more traps of processes\n")),
        }
    }

    /// Reports a trap in another process than the first, and what the app does about it. What
    /// happens very often is merged.
    fn report(&mut self, notice: &Notice) {
        let (about, line) = match (notice, &mut self.app) {
            (Notice::Trapped(pid, _), _) if *pid == self.pid => return,
            (Notice::Trapped(pid, trap), _) => ("traps".into(), view::trap_line(*pid, trap)),
            (Notice::Supervised(..), None) => return,
            (Notice::Supervised(supervisor, what), Some(app)) => {
                match app.tree.describe(*supervisor, what) {
                    Some(described) => described,
                    None => match app.tree.given_up() {
                        Some(why) => return self.print(&why),
                        None => return,
                    },
                }
            }
        };
        if let Some(line) = self.notices.take(&about, line, Instant::now()) {
            self.print(&line);
        }
    }

    fn print_held(&mut self) {
        self.notices.take_held(Instant::now()).iter().for_each(|line| self.print(line));
    }

    fn print(&self, line: &str) {
        if io::stdout().is_terminal() {
            // An error comes up again at the end.
            let _ = self.environment.stream.end_line(OUTPUT_WITHIN);
        }
        output::print_stderr(&format!("{line}\n"));
    }

    /// All that is needed to resume later.
    fn save(&self, processes: Vec<u8>) -> SavedState {
        let (process, program, ended) = match &self.first {
            FirstProcess::Ended { process, program, end } => {
                (Process::clone(process), program, Some(end))
            }
            // The process itself is among `processes`; this one only carries the program.
            FirstProcess::Runs(program) => {
                (Process::new(program, Limits::default()), program, None)
            }
        };
        SavedState {
            kind: SavedBy::Run,
            first: self.pid.bits(),
            ended: ended.map(|end| if let End::ExitSignal(reason) = end { reason.0 } else { 0 }),
            process: Some(SavedProcess { process, program: Arc::clone(program) }),
            settings: self.environment.settings.clone(),
            processes,
        }
    }

    /// The first process as it was left, or `stopped`.
    fn first_process(
        &mut self,
        stopped: Option<Process>,
    ) -> Result<(Process, Arc<Program>, End), Failure> {
        let program = self.program();
        match std::mem::replace(&mut self.first, FirstProcess::Runs(program)) {
            FirstProcess::Ended { process, program, end } => {
                Ok((Arc::unwrap_or_clone(process), program, end))
            }
            // The caller replaces this end by the reason for the stop.
            FirstProcess::Runs(program) => {
                stopped.map(|process| (process, program, End::OutOfFuel)).ok_or_else(|| {
                    Failure::failed("internal error: the scheduler has lost the first process")
                })
            }
        }
    }

    fn program(&self) -> Arc<Program> {
        match &self.first {
            FirstProcess::Runs(program) | FirstProcess::Ended { program, .. } => {
                Arc::clone(program)
            }
        }
    }

    /// Waits until all output is written; after or until a signal not for long.
    fn finish_output(&self, end: &End) -> Result<(), Failure> {
        if let End::Interrupted(_) = end {
            self.environment.stream.flush(OUTPUT_WITHIN)?;
            return Ok(());
        }
        while !self.environment.stream.flush(Duration::from_millis(50))? {
            if self.signals.try_recv().is_ok() {
                break;
            }
        }
        Ok(())
    }
}

impl App {
    /// Starts the app of a program, and waits until its children are there.
    fn start(scheduler: &Scheduler, program: &Arc<Program>, spec: Spec) -> Result<Self, Failure> {
        let name = name_of_app(program);
        scheduler.add_program(program);
        let top = scheduler.start_supervisor(spec.clone(), Some(&name));
        let top = top.map_err(|error| Failure::failed(error.to_string()))?;
        if top.up.recv_timeout(START_WITHIN) == Err(RecvTimeoutError::Timeout) {
            return Err(Failure::failed(format!("the app {name} has not come up in time")));
        }
        Ok(Self { tree: Tree::new(name, top.pid, spec), exit: top.exit })
    }

    /// The app of a program that goes on, if it is among what was saved.
    fn resumed(scheduler: &Scheduler, program: &Program) -> Option<Self> {
        let app = program.module().app()?;
        let top = scheduler.find(&app.name)?;
        let spec = Spec::of_module(program.module(), app, Limits::default());
        let exit = scheduler.subscribe_exit(top);
        Some(Self { tree: Tree::new(app.name.clone(), top, spec), exit })
    }
}

fn name_of_app(program: &Program) -> String {
    program.module().app().map_or_else(String::new, |app| app.name.clone())
}

/// The exit code of the command. Running out of fuel is no failure with `--save`: the state
/// to resume from is what was asked for.
fn exit_code(end: &End, saved: bool) -> u8 {
    match end {
        End::Halted(_) => 0,
        End::Exited(code) => (code & 0xFF) as u8,
        End::ExitSignal(reason) => (reason.0 & 0xFF) as u8,
        End::OutOfFuel if saved => 0,
        End::Trapped(_) | End::OutOfFuel | End::Deadlock => 1,
        // As a shell reports a process that a signal has ended.
        End::Interrupted(signal) => 128 + *signal as u8,
    }
}

/// Reports on stderr why a program did not come to its end.
fn report_end(
    end: &End,
    fuel: u64,
    process: &Process,
    program: &Program,
    waiting: &[ProcessInfo],
    saved: Option<&Path>,
) {
    let place = process.own_place(program.module());
    // What a compiler has made that stands nowhere in the source tells a reader nothing.
    let place =
        if place.is_written() { format!(" at {}", place.in_source()) } else { String::new() };
    let what = match end {
        End::Halted(_) | End::Exited(_) => return,
        End::Trapped(trap) => return output::print_trap(trap),
        End::ExitSignal(reason) => {
            return output::print_error(&format!("the process was ended{place}: {reason}"));
        }
        End::Deadlock => return output::print_error(&view::deadlock(waiting)),
        End::OutOfFuel => format!("out of fuel after {fuel}{place}"),
        End::Interrupted(_) => format!("interrupted{place}"),
    };
    match saved {
        Some(path) => {
            let path = shell_word(path);
            output::print_stderr(&format!("{what}\nresume it with: iridium resume {path}\n"));
        }
        None => output::print_error(&format!("{what}; with --save STATE it could be resumed")),
    }
}
