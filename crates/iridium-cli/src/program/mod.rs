//! Programs that run in this command, without a node.
//!
//! * [`mod@file`]: reading and writing files;
//! * [`mod@load`]: from files to modules;
//! * [`environment`]: the scheduler that they run on;
//! * [`stream`]: where their output goes;
//! * [`end`]: how they end;
//! * [`culprits`]: whose end made supervisors give up;
//! * [`merged_notices`]: what is printed of what happens very often;
//! * [`open`]: opening what may be a pipe or a device;
//! * [`saved_state`]: saved programs in files;
//! * [`view`]: what a process holds, for people.

pub(crate) mod culprits;
pub(crate) mod end;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod load;
pub(crate) mod merged_notices;
mod open;
pub(crate) mod saved_state;
pub(crate) mod stream;
pub(crate) mod view;

pub(crate) use end::End;
pub(crate) use environment::{Environment, Notice, Settings};
pub(crate) use load::load;
pub(crate) use stream::Stream;

use std::sync::Arc;

use iridium_isa::Module;
use iridium_vm::{Hosts, Program};

use crate::failure::Failure;

/// The host functions that this command offers to programs: none. A module that imports any
/// needs another embedder.
pub(crate) fn hosts() -> Hosts {
    Hosts::new()
}

/// Makes a module ready to run.
pub(crate) fn prepare(module: Module) -> Result<Arc<Program>, Failure> {
    Program::new(module, &hosts())
        .map(Arc::new)
        .map_err(|missing| Failure::failed(format!("the program needs {missing}")))
}
