//! Programs on this command's own machine, without a node around them.
//!
//! * [`mod@file`]: files as a whole;
//! * [`mod@load`]: files to modules;
//! * [`world`]: the scheduler that they run on;
//! * [`stream`]: where their output goes;
//! * [`end`]: how they end;
//! * [`state`]: saved programs in files;
//! * [`view`]: what a process holds, for people.

pub(crate) mod end;
pub(crate) mod file;
pub(crate) mod load;
pub(crate) mod state;
pub(crate) mod stream;
pub(crate) mod view;
pub(crate) mod world;

pub(crate) use end::End;
pub(crate) use load::load;
pub(crate) use stream::Stream;
pub(crate) use world::{News, Settings, World};

use std::sync::Arc;

use iridium_isa::Module;
use iridium_vm::{Hosts, Program};

use crate::failure::Failure;

/// The host functions that this command lends: none, so a module that imports
/// any needs another embedder.
pub(crate) fn hosts() -> Hosts {
    Hosts::new()
}

/// Makes a module ready to run.
pub(crate) fn prepare(module: Module) -> Result<Arc<Program>, Failure> {
    Program::new(module, &hosts())
        .map(Arc::new)
        .map_err(|missing| Failure::failed(format!("the program needs {missing}")))
}
