//! The default VM: a program that grows by what is typed, and a process in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use iridium_asm::Session;
use iridium_isa::{Diagnostics, Module};
use iridium_node::control::SpawnOrder;
use iridium_sched::{Reason, RestoreOptions};
use iridium_vm::{Completion, Effect, Limits, Pid, Process, Program, Status};

use super::drive::{Driver, OUTPUT};
use super::place::{Here, Place};
use super::trace;
use crate::failure::Failure;
use crate::program::state::{Kind, Saved, State};
use crate::program::{End, Settings, World, hosts, load, prepare};

/// What stands for a file in diagnostics and traps of lines that were typed.
const NAME: &str = "repl";

/// How long processes may take to come to a point where they can be saved.
const PATIENCE: Duration = Duration::from_secs(5);

/// The default VM.
pub(super) struct Machine {
    /// Assembles what is typed onto what is there.
    session: Session,
    program: Arc<Program>,
    /// It is ready exactly while it is stopped before its end.
    process: Process,
    /// The typed lines that have not come to their end, the outermost first.
    lines: Vec<Line>,
    breakpoints: BTreeSet<u32>,
    pub(super) traces: bool,
    /// The file that was loaded last.
    file: Option<PathBuf>,
    pub(super) driver: Driver,
}

/// A typed line that runs.
#[derive(Debug, Clone, Copy)]
struct Line {
    /// The `hlt` behind it.
    end: u32,
    /// Where the program was stopped when it was typed: instruction and calls.
    stopped_at: Option<(u32, usize)>,
}

/// Why the machine is at rest.
pub(super) enum Rest {
    /// What was typed has run.
    Done,
    /// The program has ended.
    Ended(End),
    /// It can go on.
    Stopped,
    /// A signal came; it can go on.
    Interrupted(crate::signals::Signal),
    /// It was told to end, and is another process from now on.
    Told(Reason),
}

/// Why a line was not run. Nothing has changed.
pub(super) enum Refused {
    /// It does not assemble.
    Source(Diagnostics),
    /// Something else.
    Other(Failure),
}

impl Machine {
    /// A machine with an empty program.
    pub(super) fn new(mut driver: Driver) -> Result<Self, Failure> {
        let program = prepare(empty()?)?;
        driver.origins.insert(program.module().id(), NAME.into());
        let mut process = Process::new(&program, Limits::default());
        end(&mut process, &program)?;
        Ok(Self {
            session: Session::new(NAME),
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
    pub(super) fn symbols(&self) -> Vec<(String, i64)> {
        self.session.symbols()
    }

    /// The instructions, without the `hlt` that the machine adds.
    pub(super) fn listing(&self) -> Vec<String> {
        self.session.listing()
    }

    /// Whether the program is stopped before its end.
    pub(super) fn is_stopped(&self) -> bool {
        self.process.status() == Status::Ready
    }

    /// Where the program is, in words.
    pub(super) fn place(&self) -> String {
        let places = self.process.backtrace(&self.program);
        places.first().map(ToString::to_string).unwrap_or_default()
    }

    /// Assembles a line and runs it. A program that is stopped stays where it
    /// is: the line runs in its window, as if it were called there.
    pub(super) fn enter(&mut self, line: &str) -> Result<Rest, Refused> {
        let mut session = self.session.clone();
        let stopped = self.is_stopped();
        if stopped && self.lines.iter().any(|line| line.end == self.last()) {
            // What is stopped will come to this `hlt`, so no code may take its
            // place. In the data section this fails, and no code comes.
            let _ = session.enter("hlt");
        }
        let entered = session.enter(line).map_err(Refused::Source)?;
        let program = prepare(entered.module).map_err(Refused::Other)?;
        let stopped_at = stopped.then(|| (self.process.pc(), self.process.call_depth()));
        if !stopped {
            self.leave_calls(0);
        }
        let end = program.module().code().len().saturating_sub(1) as u32;
        self.lines.push(Line { end, stopped_at });
        self.driver.origins.insert(program.module().id(), NAME.into());
        (self.session, self.program) = (session, program);
        self.process.continue_with(&self.program, entered.start);
        self.go(None).map_err(Refused::Other)
    }

    /// Goes on until a breakpoint, a signal or the end; with `steps` for so many
    /// instructions at most.
    pub(super) fn go(&mut self, steps: Option<u64>) -> Result<Rest, Failure> {
        let stream = self.driver.stream();
        let watched = steps.is_some() || self.traces || !self.breakpoints.is_empty();
        let end = if watched { self.walk(steps) } else { self.run() };
        if matches!(end, Ok(Some(End::Interrupted(_)))) {
            stream.note_interrupt();
        }
        stream.end_line(OUTPUT)?;
        match end {
            Ok(Some(end)) => self.settle(end),
            Ok(None) => Ok(Rest::Stopped),
            Err(failure) => {
                self.give_up()?;
                Err(failure)
            }
        }
    }

    fn run(&mut self) -> Result<Option<End>, Failure> {
        self.driver.run(&mut self.process, &self.program).map(Some)
    }

    /// As `run`, instruction by instruction.
    fn walk(&mut self, steps: Option<u64>) -> Result<Option<End>, Failure> {
        let mut walked = 0;
        loop {
            let at_breakpoint = walked > 0 && self.breakpoints.contains(&self.process.pc());
            if at_breakpoint || steps == Some(walked) {
                return Ok(None);
            }
            let traced = self.traces && !self.at_end_of_line();
            let before = traced.then(|| trace::Before::of(&self.process, self.module()));
            let end = self.driver.step(&mut self.process, &self.program)?;
            if let Some(before) = before {
                self.driver.stream().end_line(OUTPUT)?;
                before.tell(&self.process)?;
            }
            if end.is_some() {
                return Ok(end);
            }
            walked += 1;
        }
    }

    /// What an end of the process means for what was typed.
    fn settle(&mut self, end: End) -> Result<Rest, Failure> {
        match end {
            End::Interrupted(signal) => Ok(Rest::Interrupted(signal)),
            End::OutOfFuel => Ok(Rest::Stopped),
            End::Deadlock => {
                let place = self.place();
                self.give_up()?;
                Err(Failure::failed(format!(
                    "{place} waits for a message that nobody can send; it is given up"
                )))
            }
            End::Told(reason) => {
                self.lines.clear();
                self.rest()?;
                self.driver.place.renew()?;
                Ok(Rest::Told(reason))
            }
            End::Trapped(_) => {
                self.give_up()?;
                Ok(Rest::Ended(end))
            }
            End::Halted(_) if self.at_end_of_line() => {
                self.give_up()?;
                Ok(Rest::Done)
            }
            End::Halted(_) | End::Exited(_) => {
                self.lines.clear();
                Ok(Rest::Ended(end))
            }
        }
    }

    /// Whether the process stands at the `hlt` behind a typed line.
    fn at_end_of_line(&self) -> bool {
        self.lines.last().is_some_and(|line| line.end == self.process.pc())
    }

    /// Ends the innermost line. A program that was stopped when it was typed is
    /// stopped there again.
    fn give_up(&mut self) -> Result<(), Failure> {
        match self.lines.pop().and_then(|line| line.stopped_at) {
            Some((at, depth)) => {
                self.process.unwind(depth);
                self.process.continue_with(&self.program, at);
                Ok(())
            }
            None => self.rest(),
        }
    }

    /// Makes sure that a process that does not go on is at its end.
    fn rest(&mut self) -> Result<(), Failure> {
        if matches!(self.process.status(), Status::Waiting | Status::Ready) {
            self.process.continue_with(&self.program, self.last());
            end(&mut self.process, &self.program)?;
        }
        Ok(())
    }

    fn last(&self) -> u32 {
        self.module().code().len().saturating_sub(1) as u32
    }

    fn leave_calls(&mut self, depth: usize) {
        self.process.unwind(depth);
        self.lines.clear();
    }

    /// Sets a breakpoint at a label, or takes it away. Answers whether it is set.
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

    /// Puts the program of a file in the place of what is there, stopped at its
    /// start. Without a path it is the file that was loaded last; `None` when
    /// there is none.
    pub(super) fn load(&mut self, path: Option<&str>) -> Result<Option<&Path>, Failure> {
        let path = path.map(PathBuf::from).or_else(|| self.file.clone());
        let Some(path) = path else { return Ok(None) };
        let program = prepare(load(&path)?.module)?;
        self.process = Process::new(&program, Limits::default());
        self.replace(program);
        let origin = path.display().to_string();
        self.driver.origins.insert(self.module().id(), origin);
        Ok(Some(self.file.insert(path)))
    }

    /// Starts a process of a program from a file, or of the program that is here,
    /// at its start.
    pub(super) fn spawn(&mut self, path: Option<&str>) -> Result<Pid, Failure> {
        let program = match path {
            Some(path) => {
                let program = prepare(load(Path::new(path))?.module)?;
                self.driver.origins.insert(program.module().id(), path.into());
                program
            }
            None => Arc::clone(&self.program),
        };
        match &self.driver.place {
            Place::Here(here) => {
                let process = Process::new(&program, Limits::default());
                let spawned = here.world.scheduler.spawn(process, &program);
                spawned.map_err(|full| Failure::failed(full.to_string()))
            }
            Place::There(there) => {
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
                Ok(there.connect()?.spawn(order, module)?)
            }
        }
    }

    /// Does something as the process of this VM, and gives the answer.
    pub(super) fn ask(&mut self, effect: Effect) -> Result<Completion, Failure> {
        self.driver.ask(effect, &self.program)
    }

    /// Writes the process with its program, and all other processes. Answers how
    /// many.
    pub(super) fn save(&self, path: &str) -> Result<usize, Failure> {
        let Here { world, guest, .. } = self.driver.place.own()?;
        let World { scheduler, settings, .. } = world;
        let processes = scheduler.save_with(guest, PATIENCE);
        let machine = Saved { process: self.process.clone(), program: Arc::clone(&self.program) };
        let state = State {
            kind: Kind::Repl,
            first: guest.pid().bits(),
            ended: None,
            machine: Some(machine),
            settings: *settings,
            processes: processes.map_err(|error| Failure::failed(error.to_string()))?,
        };
        state.write(Path::new(path))?;
        Ok(scheduler.process_count().saturating_sub(1))
    }

    /// Puts what was saved in the place of what is there. Answers how many other
    /// processes there are now.
    pub(super) fn restore(&mut self, path: &str) -> Result<usize, Failure> {
        let stream = self.driver.stream();
        let here = self.driver.place.own_mut()?;
        let state = State::read(Path::new(path), Kind::Repl)?;
        let Some(machine) = state.machine else {
            return Err(Failure::failed(format!("{path} is damaged")));
        };
        let settings = Settings { threads: here.world.settings.threads, ..state.settings };
        let world = World::start_reachable(settings, stream)?;
        let options = RestoreOptions { native: true, ..RestoreOptions::default() };
        let restored = world.scheduler.restore_all(&state.processes, &hosts(), options);
        let restored = restored.map_err(|error| Failure::failed(format!("{path}: {error}")))?;
        let Some(guest) = restored.native else {
            return Err(Failure::failed(format!("{path} is damaged")));
        };
        let others = world.scheduler.process_count().saturating_sub(1);
        *here = Here { world, guest, is_clustered: false };
        self.process = machine.process;
        self.replace(machine.program);
        self.driver.origins.insert(self.module().id(), NAME.into());
        Ok(others)
    }

    /// Forgets the program. Registers, stack and heap stay.
    pub(super) fn clear_program(&mut self) -> Result<(), Failure> {
        let program = prepare(empty()?)?;
        self.leave_calls(0);
        self.process.continue_with(&program, 0);
        end(&mut self.process, &program)?;
        self.replace(program);
        self.session = Session::new(NAME);
        Ok(())
    }

    /// Clears registers, stacks and calls.
    pub(super) fn clear_registers(&mut self) {
        self.process.clear_registers();
    }

    fn replace(&mut self, program: Arc<Program>) {
        self.session = Session::from_module(NAME, program.module());
        self.program = program;
        self.lines.clear();
        self.breakpoints.clear();
    }
}

/// A module that ends at once.
fn empty() -> Result<Module, Failure> {
    let entered = Session::new(NAME).enter("");
    entered.map(|entered| entered.module).map_err(|error| Failure::failed(error.to_string()))
}

/// Runs a process that stands at a `hlt`.
fn end(process: &mut Process, program: &Program) -> Result<(), Failure> {
    process.run(program, 0, &mut Vec::new())?;
    Ok(())
}
