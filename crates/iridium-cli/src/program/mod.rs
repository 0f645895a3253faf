//! Programs that run in this command, without a node.
//!
//! * [`mod@file`]: reading and writing files;
//! * [`mod@load`]: from files to modules;
//! * [`engine`]: what executes them;
//! * [`environment`]: the scheduler that they run on;
//! * [`mod@hosts`]: what they may call;
//! * [`needs`]: what they need, and are not allowed;
//! * [`stream`]: where their output goes;
//! * [`end`]: how they end;
//! * [`culprits`]: whose end made supervisors give up;
//! * [`merged_notices`]: what is printed of what happens very often;
//! * [`open`]: opening what may be a pipe or a device;
//! * [`mod@palladium_files`]: which files in folders are Palladium;
//! * [`palladium_source`]: programs in Palladium;
//! * [`saved_state`]: saved programs in files;
//! * [`view`]: what a process holds, for people.

pub(crate) mod culprits;
pub(crate) mod end;
pub(crate) mod engine;
pub(crate) mod environment;
pub(crate) mod file;
pub(crate) mod hosts;
pub(crate) mod load;
pub(crate) mod merged_notices;
pub(crate) mod needs;
mod open;
pub(crate) mod palladium_files;
pub(crate) mod palladium_source;
pub(crate) mod saved_state;
pub(crate) mod stream;
pub(crate) mod view;

pub(crate) use end::End;
pub(crate) use engine::EngineChoice;
pub(crate) use environment::{Environment, Notice, Settings, drain};
pub(crate) use hosts::hosts;
pub(crate) use load::load_module;
pub(crate) use stream::Stream;

use std::sync::Arc;

use iridium_isa::Module;
use iridium_vm::{Hosts, Program};

use crate::failure::Failure;

/// Makes a module ready to run, with these host functions.
pub(crate) fn prepare(module: Module, hosts: &Hosts) -> Result<Arc<Program>, Failure> {
    let module = Arc::new(module);
    Program::new(Arc::clone(&module), hosts)
        .map(Arc::new)
        .map_err(|missing| Failure::failed(needs::refusal(&module, &missing)))
}
