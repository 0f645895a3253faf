//! Programs on this command's own machine, without a node around them.
//!
//! * [`mod@load`]: files to modules;
//! * [`drive`]: a process to its end, with its wishes carried out;
//! * [`alone`]: what the world is to a process that has no other beside it;
//! * [`stream`]: where its output goes;
//! * [`state`]: processes in files;
//! * [`view`]: what a process holds, for people.

mod alone;
pub(crate) mod drive;
pub(crate) mod load;
pub(crate) mod state;
pub(crate) mod stream;
pub(crate) mod view;

pub(crate) use drive::{Driver, End};
pub(crate) use load::load;
pub(crate) use stream::Stream;

use iridium_vm::{Hosts, Module, Program};

use crate::failure::Failure;

/// Makes a module ready to run. The command lends no host functions, so a module
/// that imports any needs another embedder.
pub(crate) fn prepare(module: Module) -> Result<Program, Failure> {
    Program::new(module, &Hosts::new())
        .map_err(|missing| Failure::failed(format!("the program needs {missing}")))
}
