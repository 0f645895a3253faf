//! A process: everything a running program has, as plain data.
//!
//! A [`Process`] owns no thread, lock, socket or pointer, and names its module by hash. Between two
//! runs it can be saved, moved and restored. What it wants from the world it says as an
//! [`Effect`]; whoever owns it carries the effect out and answers with a [`Completion`].

mod check;
mod effect;
mod limits;
mod message;
mod pid;
mod snapshot;
mod trap;

use serde::{Deserialize, Serialize};

pub use self::check::InvalidState;
pub(crate) use self::effect::Pending;
pub use self::effect::{Completion, Effect, SpawnKind, Start, UnexpectedCompletion};
pub use self::limits::Limits;
pub use self::message::{Message, Payload};
pub use self::pid::{MAX_NODE, MAX_SERIAL, Pid};
pub use self::snapshot::{SNAPSHOT_VERSION, SnapshotError};
pub use self::trap::{Place, Trap, TrapKind};
use crate::interp::{self, Dispatch, Environment, Sink, Writing};
use crate::program::Program;
use iridium_isa::ModuleId;

/// A register: two lanes that never mix.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[repr(C)]
pub struct Register {
    /// The integer lane.
    pub int: i64,
    /// The float lane.
    pub float: f64,
}

/// A call that has not returned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// The instruction after the call.
    pub(crate) return_to: u32,
    /// How many registers the call slid the window up.
    pub(crate) slide: u32,
}

/// What a process is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    /// It can run.
    Ready,
    /// It waits until its last effect is answered.
    Waiting,
    /// It ended with `hlt` or a last `ret`; its result is `$0`.
    Halted(i64),
    /// It ended with `exit`.
    Exited(i64),
    /// It ended with a trap.
    Trapped(TrapKind),
}

/// Why a run came back.
#[derive(Debug, Clone, PartialEq)]
pub enum Stop {
    /// The fuel of this run is used up; running again goes on.
    OutOfFuel,
    /// `hlt`, with `$0`.
    Halted(i64),
    /// `exit`, with its code.
    Exited(i64),
    /// A trap, with where it happened.
    Trapped(Box<Trap>),
    /// The process wants something and waits until [`Process::complete`] answers.
    Effect(Effect),
}

/// Why a process cannot be run. Nothing has changed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The program is made from another module.
    #[error("the process belongs to module {process}, not to {program}")]
    OtherModule {
        /// Its module.
        process: ModuleId,
        /// The module at hand.
        program: ModuleId,
    },
    /// The state does not go with the module: it was restored from something that was tampered with.
    #[error("the state of the process is not one that its module can be in: {0}")]
    InvalidState(#[from] InvalidState),
    /// The last effect has not been answered.
    #[error("the process waits for an answer to its last effect")]
    Waiting,
    /// It has ended.
    #[error("the process has ended")]
    Ended,
}

/// A process of a module.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Process {
    pub(crate) module: ModuleId,
    pub(crate) limits: Limits,
    pub(crate) status: Status,
    pub(crate) pending: Option<Pending>,
    /// The instruction that runs next; after a trap the one that trapped.
    pub(crate) pc: u32,
    /// The register that is `$0` of the window in force.
    pub(crate) window: u32,
    /// All windows, as far as they have been reached.
    pub(crate) registers: Vec<Register>,
    pub(crate) flag: bool,
    pub(crate) remainder: i64,
    pub(crate) counter: u64,
    pub(crate) stack: Vec<i64>,
    pub(crate) frames: Vec<Frame>,
    pub(crate) heap: Vec<u8>,
    /// The message that `recv` took last.
    pub(crate) message: Option<Payload>,
    pub(crate) fuel_spent: u64,
    /// Whether this state was checked against its module. Only true for states that this program
    /// itself brought about, so it is not part of a snapshot.
    #[serde(skip)]
    pub(crate) checked: bool,
}

impl Process {
    /// A process that starts at the module's entry.
    pub fn new(program: &Program, limits: Limits) -> Self {
        Self::starting_at(program, program.module().entry(), limits)
    }

    /// A process that starts at a label or export; `None` when the module has no such label.
    pub fn at_label(program: &Program, label: &str, limits: Limits) -> Option<Self> {
        let entry = program.module().find(label)?;
        Some(Self::starting_at(program, entry, limits))
    }

    /// A process as an effect asks for it, with its first registers filled.
    pub fn spawned(program: &Program, start: &Start, limits: Limits) -> Self {
        Self::spawned_with(None, program, start, limits)
    }

    /// As [`spawned`](Self::spawned), with registers of a process that has ended, if they fit.
    pub fn spawned_with(
        registers: Option<Vec<Register>>,
        program: &Program,
        start: &Start,
        limits: Limits,
    ) -> Self {
        let entry = if (start.entry as usize) < program.module().code().len() {
            start.entry
        } else {
            program.module().entry()
        };
        let mut process = Self::starting_with(registers, program, entry, limits);
        for (register, argument) in process.registers.iter_mut().zip(start.arguments.iter()) {
            *register = *argument;
        }
        process
    }

    fn starting_at(program: &Program, entry: u32, limits: Limits) -> Self {
        Self::starting_with(None, program, entry, limits)
    }

    fn starting_with(
        registers: Option<Vec<Register>>,
        program: &Program,
        entry: u32,
        limits: Limits,
    ) -> Self {
        let window = program.module().window();
        // Others would make a process look larger or smaller than it is.
        let registers = registers.filter(|registers| registers.capacity() == window);
        let registers = registers.map_or_else(
            || vec![Register::default(); window],
            |mut registers| {
                registers.clear();
                registers.resize(window, Register::default());
                registers
            },
        );
        Self {
            module: program.module().id(),
            limits: limits.clamped(),
            status: Status::Ready,
            pending: None,
            pc: entry,
            window: 0,
            registers,
            flag: false,
            remainder: 0,
            counter: 0,
            stack: Vec::new(),
            frames: Vec::new(),
            heap: Vec::new(),
            message: None,
            fuel_spent: 0,
            checked: true,
        }
    }

    /// Runs until something stops it or the fuel of this run is used up.
    ///
    /// The process stops *before* the first instruction that costs fuel when none is left. An
    /// instruction whose price depends on its operands may overdraw; nothing that costs runs after
    /// it in this run.
    ///
    /// # Errors
    /// When the process cannot run with this program, or cannot run now. Nothing has changed then.
    pub fn run(
        &mut self,
        program: &Program,
        fuel: u64,
        sink: &mut dyn Sink,
    ) -> Result<Stop, RunError> {
        self.run_on(Dispatch::default(), program, fuel, sink)
    }

    /// As [`run`](Self::run), on a chosen dispatch backend. The backend changes no result.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn run_on(
        &mut self,
        dispatch: Dispatch,
        program: &Program,
        fuel: u64,
        sink: &mut dyn Sink,
    ) -> Result<Stop, RunError> {
        self.run_in(&mut Writing(sink), dispatch, program, fuel)
    }

    /// As [`run_on`](Self::run_on), in a world that may have more than somewhere to write to.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    #[inline]
    pub fn run_in(
        &mut self,
        world: &mut dyn Environment,
        dispatch: Dispatch,
        program: &Program,
        fuel: u64,
    ) -> Result<Stop, RunError> {
        self.prepare(program)?;
        Ok(interp::run(self, program, fuel, world, interp::Mode::Run(dispatch)))
    }

    /// Runs one instruction. `None` means that it ran and the process goes on.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn step(
        &mut self,
        program: &Program,
        sink: &mut dyn Sink,
    ) -> Result<Option<Stop>, RunError> {
        self.prepare(program)?;
        let stop = interp::run(self, program, u64::MAX, &mut Writing(sink), interp::Mode::Step);
        Ok(if stop == Stop::OutOfFuel { None } else { Some(stop) })
    }

    /// Runs instruction by instruction. `watch` sees the process before each one and ends the run,
    /// with `None`, by answering `false`: for breakpoints, traces and interrupts.
    ///
    /// # Errors
    /// As [`run`](Self::run).
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

    /// Makes sure that the process may run with this program.
    fn prepare(&mut self, program: &Program) -> Result<(), RunError> {
        if self.module != program.module().id() {
            let (process, program) = (self.module, program.module().id());
            return Err(RunError::OtherModule { process, program });
        }
        match self.status {
            Status::Ready => {}
            Status::Waiting => return Err(RunError::Waiting),
            Status::Halted(_) | Status::Exited(_) | Status::Trapped(_) => {
                return Err(RunError::Ended);
            }
        }
        Ok(self.check(program)?)
    }

    /// Checks a restored state against its module, so that it can be run.
    ///
    /// # Errors
    /// What is wrong with the state.
    pub fn check(&mut self, program: &Program) -> Result<(), InvalidState> {
        if !self.checked {
            check::check(self, program)?;
            self.checked = true;
        }
        Ok(())
    }

    /// Moves a process that is not waiting to another module, at an instruction of it, keeping
    /// registers, stacks and heap. This is how a REPL goes on after code was added.
    pub fn continue_with(&mut self, program: &Program, at: u32) {
        self.module = program.module().id();
        self.pc = at;
        self.status = Status::Ready;
        self.pending = None;
        self.checked = false;
    }

    /// The module's identity.
    pub fn module(&self) -> ModuleId {
        self.module
    }

    /// What the process is doing.
    pub fn status(&self) -> Status {
        self.status
    }

    /// The instruction that runs next; after a trap the one that trapped.
    pub fn pc(&self) -> u32 {
        self.pc
    }

    /// A register of the window in force, both lanes; zero where none was ever reached.
    pub fn register(&self, number: u8) -> Register {
        let at = self.window as usize + usize::from(number);
        self.registers.get(at).copied().unwrap_or_default()
    }

    /// Sets a register of the window in force. Does nothing when the window is not there, as in a
    /// restored state that will not run.
    pub fn set_register(&mut self, number: u8, value: Register) {
        let at = self.window as usize + usize::from(number);
        if self.window as usize > self.registers.len() {
            return;
        }
        if at >= self.registers.len() {
            self.registers.resize(at + 1, Register::default());
        }
        if let Some(register) = self.registers.get_mut(at) {
            *register = value;
        }
    }

    /// Clears all registers, windows, stacks, the flag, the remainder and the loop counter.
    pub fn clear_registers(&mut self) {
        self.registers.fill(Register::default());
        self.window = 0;
        self.frames.clear();
        self.stack.clear();
        (self.flag, self.remainder, self.counter) = (false, 0, 0);
    }

    /// The result of the last comparison.
    pub fn flag(&self) -> bool {
        self.flag
    }

    /// The remainder register.
    pub fn remainder(&self) -> i64 {
        self.remainder
    }

    /// The loop counter.
    pub fn loop_counter(&self) -> u64 {
        self.counter
    }

    /// The data stack, its top last.
    pub fn stack(&self) -> &[i64] {
        &self.stack
    }

    /// How many calls have not returned.
    pub fn call_depth(&self) -> usize {
        self.frames.len()
    }

    /// How far calls have slid the window up: the number that `$0` has without any call.
    pub fn window(&self) -> u32 {
        self.window
    }

    /// Forgets the innermost calls until this many are left, and slides the window back as if they
    /// had returned. This is how a REPL leaves what a trap or an interrupt cut short.
    pub fn unwind(&mut self, depth: usize) {
        for frame in self.frames.drain(depth.min(self.frames.len())..) {
            self.window = self.window.saturating_sub(frame.slide);
        }
    }

    /// The heap.
    pub fn heap(&self) -> &[u8] {
        &self.heap
    }

    /// The memory that registers, stacks, heap and current message take, in bytes.
    pub fn memory(&self) -> u64 {
        let message = self.message.as_ref().map_or(0, |message| message.bytes().len());
        let parts = self.registers.capacity() * size_of::<Register>()
            + self.stack.capacity() * size_of::<i64>()
            + self.frames.capacity() * size_of::<Frame>()
            + self.heap.capacity()
            + message;
        parts as u64
    }

    /// Its registers, for [another process](Self::spawned_with).
    pub fn into_registers(self) -> Vec<Register> {
        self.registers
    }

    /// Fuel spent since the start.
    pub fn fuel_spent(&self) -> u64 {
        self.fuel_spent
    }

    /// The limits.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Where the process is, and the calls that led there, innermost first.
    pub fn backtrace(&self, program: &Program) -> Vec<Place> {
        trap::backtrace(self, program)
    }
}
