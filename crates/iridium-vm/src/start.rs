//! How a process begins.

use crate::effect::Start;
use crate::heap::Heap;
use crate::limits::Limits;
use crate::process::{Process, Status};
use crate::program::Program;
use crate::register::Register;

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

    /// A process at the start of an instruction. `None` when there is no such instruction.
    pub fn at(program: &Program, index: u32, limits: Limits) -> Option<Self> {
        let there = (index as usize) < program.module().code().len();
        there.then(|| Self::starting_at(program, index, limits))
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
            heap: Heap::default(),
            message: None,
            fuel_spent: 0,
            checked: true,
            unsent: None,
        }
    }

    /// Moves a process that is not waiting to another module, at an instruction of it, keeping
    /// registers, stacks and heap. This is how a REPL goes on after code was added.
    pub fn continue_with(&mut self, program: &Program, at: u32) {
        self.module = program.module().id();
        self.pc = at;
        self.status = Status::Ready;
        self.pending = None;
        self.unsent = None;
        self.checked = false;
    }
}
