//! `!trace`: each instruction as it runs, with what it changed.

use std::io;

use iridium_isa::Module;
use iridium_vm::{Process, Register};

use crate::output;

/// The state of the process before an instruction.
pub(super) struct BeforeStep {
    index: u32,
    instruction: String,
    registers: Vec<Register>,
    window: u32,
    flag: bool,
}

impl BeforeStep {
    pub(super) fn of(process: &Process, module: &Module) -> Self {
        Self {
            index: process.pc(),
            instruction: module.instruction_text(process.pc()),
            registers: registers(process),
            window: process.window(),
            flag: process.flag(),
        }
    }

    /// Prints the instruction and what it has changed, after it has run.
    pub(super) fn print(&self, process: &Process) -> io::Result<()> {
        let changes = self.changes(process).join(", ");
        let line = format!("{:6}  {:32}; {changes}", self.index, self.instruction);
        output::print_line(line.trim_end_matches("; ").trim_end())
    }

    fn changes(&self, process: &Process) -> Vec<String> {
        let mut changes = Vec::new();
        if self.window == process.window() {
            let now = registers(process);
            for (number, (before, after)) in self.registers.iter().zip(now).enumerate() {
                if before.int != after.int {
                    changes.push(format!("${number} = {}", after.int));
                }
                // Bits, because a NaN is unequal to itself.
                if before.float.to_bits() != after.float.to_bits() {
                    changes.push(format!("${number} = {:?} (float)", after.float));
                }
            }
        } else {
            changes.push(format!("window slid up by {}", process.window()));
        }
        if self.flag != process.flag() {
            changes.push(if process.flag() { "flag set" } else { "flag clear" }.into());
        }
        changes
    }
}

fn registers(process: &Process) -> Vec<Register> {
    (0..=u8::MAX).map(|number| process.register(number)).collect()
}
