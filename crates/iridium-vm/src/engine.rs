//! What runs processes: the interpreter, and engines that others add.

use std::fmt;
use std::time::Duration;

use crate::environment::Environment;
use crate::interp::{self, Dispatch, Mode};
use crate::process::{Process, Status};
use crate::program::Program;
use crate::stop::{RunError, Stop};

/// Runs processes of verified modules.
///
/// All engines give the same results for a process: registers, heap, effects, traps and fuel, also
/// when it stops in one engine and goes on in another. An engine that makes code of its own keeps it
/// with the [program](Program::engine_data), leaves what is rare to the interpreter, and takes over
/// from it at [hooked instructions](Program::hook_entry).
pub trait Engine: fmt::Debug + Send + Sync {
    /// Its name in options and reports.
    fn name(&self) -> &'static str;

    /// Runs a process until something stops it or the fuel of this run is used up.
    ///
    /// The process stops *before* the first instruction that costs fuel when none is left. An
    /// instruction whose price depends on its operands may overdraw; nothing that costs runs after
    /// it in this run.
    ///
    /// # Errors
    /// When the process cannot run with this program, or cannot run now. Nothing has changed then.
    fn run(
        &self,
        process: &mut Process,
        program: &Program,
        fuel: u64,
        environment: &mut dyn Environment,
    ) -> Result<Stop, RunError>;

    /// What it has compiled since it was made; `None` when it compiles nothing.
    fn compile_stats(&self) -> Option<CompileStats> {
        None
    }
}

/// What an engine has compiled since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct CompileStats {
    /// Functions, also of programs that have gone.
    pub functions: u64,
    /// The instructions in them.
    pub instructions: u64,
    /// Bytes of machine code that were made of them.
    pub bytes: u64,
    /// The time that it took.
    pub took: Duration,
    /// Functions that are left to the interpreter because they are too large.
    pub too_large: u64,
    /// Functions that are left to the interpreter because the compiler has refused them.
    pub refused: u64,
    /// How often there was no room for code that had been made.
    pub no_room: u64,
    /// Bytes of memory that code takes now.
    pub memory: u64,
    /// Bytes of memory that code takes at most.
    pub memory_limit: u64,
    /// Functions that wait to be compiled, or are being compiled.
    pub waiting: u64,
    /// Functions that wait at most, beside the one that is being compiled; others are asked for again
    /// later.
    pub waiting_limit: u64,
}

/// The interpreter, with one of its two ways of dispatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Interpreter {
    /// How it gets from one instruction to the next.
    pub dispatch: Dispatch,
}

impl Interpreter {
    /// By a loop around a `match`: portable.
    pub const LOOPED: Self = Self { dispatch: Dispatch::Looped };
    /// By tail calls: quick where the build has them.
    pub const THREADED: Self = Self { dispatch: Dispatch::Threaded };
}

impl Engine for Interpreter {
    fn name(&self) -> &'static str {
        match self.dispatch {
            Dispatch::Looped => "looped",
            Dispatch::Threaded => "threaded",
        }
    }

    fn run(
        &self,
        process: &mut Process,
        program: &Program,
        fuel: u64,
        environment: &mut dyn Environment,
    ) -> Result<Stop, RunError> {
        self.run_telling(process, program, fuel, environment, |_| ())
    }
}

impl Interpreter {
    /// As [`Engine::run`], and calls `out_of_fuel` before it comes back with [`Stop::OutOfFuel`]. For an
    /// engine that wants to know this costs the many runs that end with something else nothing; to look
    /// at what they return costs some ns, for it is copied once more then.
    ///
    /// # Errors
    /// As [`Engine::run`].
    #[inline]
    pub fn run_telling(
        self,
        process: &mut Process,
        program: &Program,
        fuel: u64,
        environment: &mut dyn Environment,
        out_of_fuel: impl FnOnce(&Process),
    ) -> Result<Stop, RunError> {
        process.prepare(program)?;
        let mode = Mode::Run(self.dispatch);
        Ok(interp::run(process, program, fuel, environment, mode, out_of_fuel))
    }
}

impl Process {
    /// Makes sure that the process may run with this program: it is of its module, ready, and in a
    /// state that the module can be in. For engines, before they touch it.
    ///
    /// # Errors
    /// As [`Engine::run`].
    #[inline]
    pub fn prepare(&mut self, program: &Program) -> Result<(), RunError> {
        if self.module != program.module().id() {
            return Err(self.other_module(program));
        }
        match self.status {
            Status::Ready => {}
            Status::Waiting => return Err(RunError::Waiting),
            Status::Halted(_) | Status::Exited(_) | Status::Trapped(_) => {
                return Err(RunError::Ended);
            }
        }
        Ok(self.validate(program.module())?)
    }

    #[cold]
    fn other_module(&self, program: &Program) -> RunError {
        let [process, program] = [self.module, program.module().id()].map(Box::new);
        RunError::OtherModule { process, program }
    }
}
