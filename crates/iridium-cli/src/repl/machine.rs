//! The default VM: a program that grows by the lines that are typed, and a process that
//! runs it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use iridium_asm::Session;
use iridium_isa::{Diagnostics, Module};
use iridium_node::control::SpawnOrder;
use iridium_sched::{Reason, RestoreOptions};
use iridium_vm::{Completion, Effect, Limits, Pid, Process, Program, Status};

use super::backend::{Backend, LocalBackend};
use super::effect_driver::{EffectDriver, OUTPUT};
use super::trace;
use crate::failure::Failure;
use crate::program::file::is_dash;
use crate::program::load::load;
use crate::program::saved_state::{SavedBy, SavedProcess, SavedState, check_place};
use crate::program::{End, Environment, Settings, prepare};

/// The name that diagnostics and traps give to typed lines in place of a file.
const SOURCE_NAME: &str = "repl";

/// How long processes may take to come to a point where they can be saved.
const SAVE_WITHIN: Duration = Duration::from_secs(5);

/// The default VM.
pub(super) struct Machine {
    /// Assembles typed lines onto the program.
    session: Session,
    program: Arc<Program>,
    /// Its status is `Ready` exactly while the program is stopped before its end.
    process: Process,
    /// The typed lines that have not run to their end, the outermost first: a line that is
    /// typed while another is stopped runs inside it.
    lines: Vec<RunningLine>,
    breakpoints: BTreeSet<u32>,
    /// Whether each instruction is printed as it runs.
    pub(super) traces: bool,
    /// The file that was loaded last.
    file: Option<PathBuf>,
    pub(super) driver: EffectDriver,
}

/// A typed line that is running or stopped.
#[derive(Debug, Clone, Copy)]
struct RunningLine {
    /// The index of the `hlt` that was put behind it.
    end: u32,
    /// Where the program was stopped when it was typed: instruction and call depth.
    stopped_at: Option<(u32, usize)>,
}

/// Why the machine has stopped.
pub(super) enum StopReason {
    /// What was typed has run.
    Done,
    /// The program has ended.
    Ended(End),
    /// It can go on.
    Stopped,
    /// A signal came; it can go on.
    Interrupted(crate::signals::Signal),
    /// An exit signal ended its process; it is another process from now on.
    ExitSignal(Reason),
}

/// Why a typed line was not run. The machine is as before.
pub(super) enum EnterError {
    /// It does not assemble.
    Assembly(Diagnostics),
    /// It cannot be run.
    Other(Failure),
}

impl Machine {
    /// A machine with an empty program.
    pub(super) fn new(driver: EffectDriver) -> Result<Self, Failure> {
        let program = prepare(empty_module()?, &driver.hosts)?;
        let mut process = Process::new(&program, Limits::default());
        run_to_halt(&mut process, &program)?;
        Ok(Self {
            session: Session::new(SOURCE_NAME),
            program,
            process,
            lines: Vec::new(),
            breakpoints: BTreeSet::new(),
            traces: false,
            file: None,
            driver,
        })
    }

    pub(super) fn process(&self) -> &Process {
        &self.process
    }

    pub(super) fn module(&self) -> &Module {
        self.program.module()
    }

    /// Labels with what they stand for, by name.
    pub(super) fn symbols(&self) -> Vec<(&str, i64)> {
        self.session.symbols()
    }

    /// What a label stands for.
    pub(super) fn symbol(&self, name: &str) -> Option<i64> {
        self.session.symbol(name)
    }

    /// How many instructions there are, without the `hlt` that the machine adds.
    pub(super) fn length(&self) -> u32 {
        self.session.length()
    }

    /// Whether the program is stopped before its end.
    pub(super) fn is_stopped(&self) -> bool {
        self.process.status() == Status::Ready
    }

    /// The source position and instruction that come next.
    pub(super) fn position(&self) -> String {
        self.process.place(self.program.module()).to_string()
    }

    /// Assembles a line and runs it. If a program is stopped, the line runs with the
    /// registers of that place, and the program is stopped there again afterwards.
    pub(super) fn enter(&mut self, line: &str) -> Result<StopReason, EnterError> {
        let mut session = self.session.clone();
        let stopped = self.is_stopped();
        if stopped && self.lines.iter().any(|line| line.end == self.last_instruction()) {
            // The session replaces a last `hlt` by what is typed next, but the stopped
            // line still has to reach this one: put another behind it. In the data section
            // that fails, and no code is going to be added either.
            let _ = session.enter("hlt");
        }
        let entered = session.enter(line).map_err(EnterError::Assembly)?;
        let program = prepare(entered.module, &self.driver.hosts).map_err(EnterError::Other)?;
        let stopped_at = stopped.then(|| (self.process.pc(), self.process.call_depth()));
        if !stopped {
            self.unwind_calls(0);
        }
        let end = program.module().code().len().saturating_sub(1) as u32;
        self.lines.push(RunningLine { end, stopped_at });
        (self.session, self.program) = (session, program);
        self.process.continue_with(&self.program, entered.start);
        self.resume(None).map_err(EnterError::Other)
    }

    /// Runs on until a breakpoint, a signal or the end; with `steps`, that many
    /// instructions at most.
    pub(super) fn resume(&mut self, steps: Option<u64>) -> Result<StopReason, Failure> {
        let stream = self.driver.stream();
        let stepwise = steps.is_some() || self.traces || !self.breakpoints.is_empty();
        let end = if stepwise { self.run_stepwise(steps) } else { self.run() };
        if matches!(end, Ok(Some(End::Interrupted(_)))) {
            stream.note_interrupt();
        }
        stream.end_line(OUTPUT)?;
        match end {
            Ok(Some(end)) => self.on_end(end),
            Ok(None) => Ok(StopReason::Stopped),
            Err(failure) => {
                self.abandon_line()?;
                Err(failure)
            }
        }
    }

    fn run(&mut self) -> Result<Option<End>, Failure> {
        self.driver.run(&mut self.process, &self.program).map(Some)
    }

    /// Like `run`, but looks at breakpoints and prints traces between instructions.
    fn run_stepwise(&mut self, steps: Option<u64>) -> Result<Option<End>, Failure> {
        let mut steps_done = 0;
        loop {
            let at_breakpoint = steps_done > 0 && self.breakpoints.contains(&self.process.pc());
            if at_breakpoint || steps == Some(steps_done) {
                return Ok(None);
            }
            let traced = self.traces && !self.at_end_of_line();
            let before = traced.then(|| trace::BeforeStep::of(&self.process, self.module()));
            let end = self.driver.step(&mut self.process, &self.program)?;
            if let Some(before) = before {
                self.driver.stream().end_line(OUTPUT)?;
                before.print(&self.process)?;
            }
            if end.is_some() {
                return Ok(end);
            }
            steps_done += 1;
        }
    }

    /// What is left to do for a typed line or program whose process ended so.
    fn on_end(&mut self, end: End) -> Result<StopReason, Failure> {
        match end {
            End::Interrupted(signal) => Ok(StopReason::Interrupted(signal)),
            End::OutOfFuel => Ok(StopReason::Stopped),
            End::Deadlock => {
                let place = self.position();
                self.abandon_line()?;
                Err(Failure::failed(format!(
                    "{place} waits for a message that nobody can send; it was stopped"
                )))
            }
            End::ExitSignal(reason) => {
                self.lines.clear();
                self.finish()?;
                self.driver.backend.respawn()?;
                Ok(StopReason::ExitSignal(reason))
            }
            End::Trapped(_) => {
                self.abandon_line()?;
                Ok(StopReason::Ended(end))
            }
            End::Halted(_) if self.at_end_of_line() => {
                self.abandon_line()?;
                Ok(StopReason::Done)
            }
            End::Halted(_) | End::Exited(_) => {
                self.lines.clear();
                Ok(StopReason::Ended(end))
            }
        }
    }

    /// Whether the process has come to the `hlt` behind the innermost typed line.
    fn at_end_of_line(&self) -> bool {
        self.lines.last().is_some_and(|line| line.end == self.process.pc())
    }

    /// Drops the innermost line. A program that was stopped when it was typed is
    /// stopped there again.
    fn abandon_line(&mut self) -> Result<(), Failure> {
        match self.lines.pop().and_then(|line| line.stopped_at) {
            Some((at, depth)) => {
                self.process.unwind(depth);
                self.process.continue_with(&self.program, at);
                Ok(())
            }
            None => self.finish(),
        }
    }

    /// Brings a process that is not going to run on to its end.
    fn finish(&mut self) -> Result<(), Failure> {
        if matches!(self.process.status(), Status::Waiting | Status::Ready) {
            self.process.continue_with(&self.program, self.last_instruction());
            run_to_halt(&mut self.process, &self.program)?;
        }
        Ok(())
    }

    fn last_instruction(&self) -> u32 {
        self.module().code().len().saturating_sub(1) as u32
    }

    /// Returns from calls down to this depth, and drops the typed lines.
    fn unwind_calls(&mut self, depth: usize) {
        self.process.unwind(depth);
        self.lines.clear();
    }

    /// Sets a breakpoint at an instruction, or removes it. Returns whether it is set now.
    pub(super) fn toggle_breakpoint(&mut self, at: u32) -> bool {
        let set = !self.breakpoints.remove(&at);
        if set {
            self.breakpoints.insert(at);
        }
        set
    }

    pub(super) fn breakpoints(&self) -> &BTreeSet<u32> {
        &self.breakpoints
    }

    /// Replaces the program by that of a file, stopped at its start. Without a path it is
    /// the file that was loaded last; `None` when there is none.
    pub(super) fn load(&mut self, path: Option<&str>) -> Result<Option<&Path>, Failure> {
        let path = path.map(|path| file_named(path).map(PathBuf::from)).transpose()?;
        let Some(path) = path.or_else(|| self.file.clone()) else { return Ok(None) };
        let program = prepare(load(&path)?.module, &self.driver.hosts)?;
        self.process = Process::new(&program, Limits::default());
        self.replace(program);
        Ok(Some(self.file.insert(path)))
    }

    /// Starts a process that runs a file, or the present program, from its start.
    pub(super) fn spawn(&mut self, path: Option<&str>) -> Result<Pid, Failure> {
        let program = match path {
            Some(path) => prepare(load(file_named(path)?)?.module, &self.driver.hosts)?,
            None => Arc::clone(&self.program),
        };
        match &self.driver.backend {
            Backend::Local(local) => {
                let process = Process::new(&program, Limits::default());
                let spawned = local.environment.scheduler.spawn(process, &program);
                spawned.map_err(|full| Failure::failed(full.to_string()))
            }
            Backend::Remote(remote) => {
                let module = program.module();
                let order = SpawnOrder {
                    module: module.id(),
                    entry: None,
                    arguments: Vec::new(),
                    limits: Limits::default(),
                    on: None,
                    name: None,
                    link_app: false,
                };
                Ok(remote.connect()?.spawn(order, module)?)
            }
        }
    }

    /// Carries out an effect as the process of this VM, and returns the answer.
    pub(super) fn perform(&mut self, effect: Effect) -> Result<Completion, Failure> {
        self.driver.perform(effect, &self.program)
    }

    /// Writes this VM and all other processes to a file. Returns the number of the others.
    pub(super) fn save(&self, path: &str) -> Result<usize, Failure> {
        check_place(Path::new(path))?;
        let LocalBackend { environment, process: native, .. } =
            self.driver.backend.require_local()?;
        let Environment { scheduler, settings, .. } = environment;
        let processes = scheduler.save_with(native, SAVE_WITHIN);
        let saved =
            SavedProcess { process: self.process.clone(), program: Arc::clone(&self.program) };
        let state = SavedState {
            kind: SavedBy::Repl,
            first: native.pid().bits(),
            ended: None,
            process: Some(saved),
            settings: settings.clone(),
            processes: processes.map_err(|error| Failure::failed(error.to_string()))?,
        };
        state.write(Path::new(path))?;
        Ok(scheduler.process_count().saturating_sub(1))
    }

    /// Replaces this VM and all other processes by those of a file. Returns the number of the
    /// others.
    pub(super) fn restore(&mut self, path: &str) -> Result<usize, Failure> {
        let stream = self.driver.stream();
        let local = self.driver.backend.require_local_mut()?;
        let state = SavedState::read(file_named(path)?, SavedBy::Repl, &self.driver.hosts)?;
        let Some(saved) = state.process else {
            return Err(Failure::failed(format!("{path} is damaged")));
        };
        let before = &local.environment.settings;
        let (threads, engine, hosts) = (before.threads, before.engine, before.hosts.clone());
        let outside = Arc::clone(&before.outside);
        let settings = Settings { threads, engine, hosts, outside, ..state.settings };
        let environment = Environment::start_reachable(settings, stream)?;
        let options = RestoreOptions { native: true, ..RestoreOptions::default() };
        let hosts = &self.driver.hosts;
        let restored = environment.scheduler.restore_all(&state.processes, hosts, options);
        let restored = restored.map_err(|error| Failure::failed(format!("{path}: {error}")))?;
        let Some(process) = restored.native else {
            return Err(Failure::failed(format!("{path} is damaged")));
        };
        let others = environment.scheduler.process_count().saturating_sub(1);
        *local = LocalBackend { environment, process, is_clustered: false };
        self.process = saved.process;
        self.replace(saved.program);
        Ok(others)
    }

    /// Removes the program. Registers, stack and heap stay.
    pub(super) fn clear_program(&mut self) -> Result<(), Failure> {
        let program = prepare(empty_module()?, &self.driver.hosts)?;
        self.unwind_calls(0);
        self.process.continue_with(&program, 0);
        run_to_halt(&mut self.process, &program)?;
        self.replace(program);
        self.session = Session::new(SOURCE_NAME);
        Ok(())
    }

    /// Clears registers, stacks and calls.
    pub(super) fn clear_registers(&mut self) {
        self.process.clear_registers();
    }

    fn replace(&mut self, program: Arc<Program>) {
        self.session = Session::from_module(SOURCE_NAME, program.module());
        self.program = program;
        self.lines.clear();
        self.breakpoints.clear();
    }
}

/// A module that has only a `hlt`.
fn empty_module() -> Result<Module, Failure> {
    let entered = Session::new(SOURCE_NAME).enter("");
    entered.map(|entered| entered.module).map_err(|error| Failure::failed(error.to_string()))
}

/// Runs a process whose next instruction is `hlt`.
fn run_to_halt(process: &mut Process, program: &Program) -> Result<(), Failure> {
    process.run(program, 0, &mut Vec::new())?;
    Ok(())
}

/// A file that a command of the REPL reads.
fn file_named(path: &str) -> Result<&Path, Failure> {
    let path = Path::new(path);
    if is_dash(path) {
        return Err(Failure::usage(
            "stdin is where the lines of this REPL come from; name a file (./- for one that is \
             called so)",
        ));
    }
    Ok(path)
}
