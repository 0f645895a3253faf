//! Runs the targets of the machine and of Palladium; see `engine` for the arguments.

use std::process::ExitCode;

fn main() -> ExitCode {
    iridium_vm_fuzz::engine::main(&iridium_vm_fuzz::TARGETS)
}
