//! Whether a restored state is one that its module can be in.
//!
//! The interpreter trusts what it brought about itself. A state from outside is checked once, before
//! its first run:
//!
//! * **S1** the next instruction exists, and every return address is that of an instruction after a
//!   call, where the interpreter expects control to come back;
//! * **S2** the window in force lies inside the registers, and undoing all calls ends at register 0;
//! * **S3** no part is larger than its limit, and the heap ends below the read-only data.

use iridium_isa::Module;

use crate::limits::Limits;
use crate::process::Process;
use crate::register::Register;

/// What is wrong with a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidState {
    /// An instruction past the end of the code.
    #[error("instruction {0} does not exist")]
    Instruction(u32),
    /// A return address that no call gives.
    #[error("instruction {0} is returned to but does not follow a call")]
    Return(u32),
    /// Windows that calls cannot have led to.
    #[error("the register windows contradict the calls")]
    Windows,
    /// A part that is larger than its limit.
    #[error("{0} is past its limit")]
    Limit(&'static str),
}

impl Process {
    /// Makes sure that a restored state is one that its module can be in, so that it can be run, and
    /// gives it the registers that the code can reach. States that this interpreter has produced
    /// are valid by construction and not checked again.
    ///
    /// # Errors
    /// What is wrong with the state. Nothing has changed then.
    #[inline]
    pub fn validate(&mut self, module: &Module) -> Result<(), InvalidState> {
        if !self.checked {
            check(self, module)?;
            self.checked = true;
        }
        Ok(())
    }
}

fn check(process: &mut Process, module: &Module) -> Result<(), InvalidState> {
    let code = module.code();
    if process.pc as usize >= code.len() {
        return Err(InvalidState::Instruction(process.pc));
    }
    let before = |index: u32| index.checked_sub(1).and_then(|call| code.get(call as usize));
    let is_return = |index: u32| {
        (index as usize) < code.len()
            && before(index).is_some_and(|instruction| instruction.opcode().is_call())
    };
    if let Some(frame) = process.frames.iter().find(|frame| !is_return(frame.return_to)) {
        return Err(InvalidState::Return(frame.return_to));
    }
    let limits = process.limits;
    if limits != limits.clamped() {
        return Err(InvalidState::Limit("a limit"));
    }
    let slides: u64 = process.frames.iter().map(|frame| u64::from(frame.slide)).sum();
    // The registers below the window are there, or a few bytes could ask for gigabytes of them.
    if slides != u64::from(process.window) || (process.window as usize) > process.registers.len() {
        return Err(InvalidState::Windows);
    }
    within_limits(process, &limits, module)?;
    let needed = process.window as usize + module.window();
    if process.registers.len() < needed {
        process.registers.resize(needed, Register::default());
    }
    Ok(())
}

fn within_limits(process: &Process, limits: &Limits, module: &Module) -> Result<(), InvalidState> {
    let window = module.window() as u64;
    // A window may be larger than the limit on registers: one is always there. The slack is what
    // setting registers from outside may add.
    let registers = limits.registers.max(window) + 256;
    let parts = [
        ("the heap", process.heap.bytes.len() as u64, limits.heap),
        ("the data stack", process.stack.len() as u64, limits.stack),
        ("the call depth", process.frames.len() as u64, limits.call_depth),
        ("the registers", u64::from(process.window) + window, registers),
        ("the registers", process.registers.len() as u64, registers + 256),
    ];
    match parts.iter().find(|(_, length, limit)| length > limit) {
        None => Ok(()),
        Some((part, ..)) => Err(InvalidState::Limit(part)),
    }
}

#[cfg(test)]
mod tests {
    use iridium_asm::Assembler;

    use super::*;
    use crate::effect::Completion;
    use crate::host::Hosts;
    use crate::program::Program;
    use crate::stop::Stop;

    const SOURCE: &str = "
            load $1 #5
            load $2 #-1
            callw @wait $1
    wait:   recv $0 $2
            hlt";

    fn program() -> Program {
        let module = Assembler::new("test.iasm").assemble(SOURCE).unwrap().module;
        Program::new(module, &Hosts::new()).unwrap()
    }

    /// A process that waits within a call, as it comes from outside.
    fn restored(program: &Program) -> Process {
        let mut process = Process::new(program, Limits::default());
        assert!(matches!(process.run(program, 100, &mut Vec::new()), Ok(Stop::Effect(_))));
        process.checked = false;
        process
    }

    #[test]
    fn instructions_registers_and_calls_go_with_the_module() {
        let program = program();
        assert_eq!(restored(&program).validate(program.module()), Ok(()));
        let invalid = |change: fn(&mut Process)| {
            let mut process = restored(&program);
            change(&mut process);
            assert!(process.validate(program.module()).is_err(), "{process:?}");
        };
        invalid(|process| process.pc = 5);
        invalid(|process| process.pc = u32::MAX);
        invalid(|process| process.window = u32::MAX);
        invalid(|process| process.window += 1);
        invalid(|process| process.frames[0].return_to = 1);
        invalid(|process| process.frames[0].return_to = u32::MAX);
        invalid(|process| process.frames[0].slide = 0);
        invalid(|process| process.frames.clear());
        invalid(|process| process.limits.stack = u64::MAX);
        invalid(|process| (process.limits.heap, process.heap.bytes) = (3, vec![0; 4]));
        invalid(|process| process.registers.clear());
        // A window far up, with calls that explain it: gigabytes of registers for a few bytes.
        invalid(|process| {
            process.limits.registers = 1 << 30;
            process.frames[0].slide = 1 << 30;
            process.window = 1 << 30;
        });
    }

    #[test]
    fn fuel_at_its_end_does_no_harm() {
        let program = program();
        let mut process = restored(&program);
        process.fuel_spent = u64::MAX;
        process.complete(Completion::Received(None)).unwrap();
        let stop = process.run(&program, 100, &mut Vec::new()).unwrap();
        // `hlt` is free.
        assert_eq!(stop, Stop::Halted(5));
    }
}
