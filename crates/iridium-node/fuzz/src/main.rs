//! Runs the targets of the mesh and of the node; see the engine of `iridium-vm-fuzz` for the arguments.

use std::process::ExitCode;

fn main() -> ExitCode {
    iridium_vm_fuzz::engine::main(&iridium_node_fuzz::TARGETS)
}
