//! Running a process that has nothing around it: no scheduler, and output into a sink.

use crate::engine::{Engine, Interpreter};
use crate::environment::{OutputOnly, Sink};
use crate::interp::{self, Mode};
use crate::process::Process;
use crate::program::Program;
use crate::stop::{RunError, Stop};

impl Process {
    /// Runs on the interpreter until something stops it or the fuel of this run is used up.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn run(
        &mut self,
        program: &Program,
        fuel: u64,
        sink: &mut dyn Sink,
    ) -> Result<Stop, RunError> {
        self.run_on(&Interpreter::default(), program, fuel, sink)
    }

    /// As [`run`](Self::run), on a chosen engine. The engine changes no result.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn run_on(
        &mut self,
        engine: &dyn Engine,
        program: &Program,
        fuel: u64,
        sink: &mut dyn Sink,
    ) -> Result<Stop, RunError> {
        engine.run(self, program, fuel, &mut OutputOnly(sink))
    }

    /// Runs one instruction. `None` means that it ran and the process goes on.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn step(
        &mut self,
        program: &Program,
        sink: &mut dyn Sink,
    ) -> Result<Option<Stop>, RunError> {
        self.prepare(program)?;
        let mut environment = OutputOnly(sink);
        let stop = interp::run(self, program, u64::MAX, &mut environment, Mode::Step, |_| ());
        Ok(if stop == Stop::OutOfFuel { None } else { Some(stop) })
    }

    /// Runs instruction by instruction. `watch` sees the process before each one and ends the run,
    /// with `None`, by answering `false`: for breakpoints, traces and interrupts.
    ///
    /// # Errors
    /// As [`Engine::run`].
    pub fn run_watched(
        &mut self,
        program: &Program,
        sink: &mut dyn Sink,
        watch: &mut dyn FnMut(&Process) -> bool,
    ) -> Result<Option<Stop>, RunError> {
        while watch(self) {
            if let Some(stop) = self.step(program, sink)? {
                return Ok(Some(stop));
            }
        }
        Ok(None)
    }
}
