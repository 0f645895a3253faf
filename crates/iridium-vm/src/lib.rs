//! The Iridium machine: an assembler, verified modules and a metered interpreter for a
//! register-based assembly language.
//!
//! ```
//! use iridium_vm::{Hosts, Limits, Process, Program, Stop};
//! use iridium_asm::Assembler;
//!
//! let source = "
//!     load $0 #6
//!     muli $0 #7 $0
//!     prti $0
//!     hlt
//! ";
//! let module = Assembler::new("answer.iasm").assemble(source)?.module;
//! let program = Program::new(module, &Hosts::new())?;
//! let mut process = Process::new(&program, Limits::default());
//! let mut output = Vec::new();
//! assert_eq!(process.run(&program, 1_000, &mut output)?, Stop::Halted(42));
//! assert_eq!(output, b"42");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! | module | what |
//! | --- | --- |
//! | [`isa`] | the instruction table and what is generated from it |
//! | [`asm`] | source text to modules |
//! | [`module`] | modules and their files |
//! | [`verify`] | what is checked once so that it need not be checked at every step |
//! | [`program`] | a module made ready to run |
//! | [`process`] | a running program as plain data: effects, traps, limits, snapshots |
//! | [`sched`] | many processes on few threads |
//! | [`supervisor`] | trees of processes that start their children again |
//! | [`host`] | functions that an embedder lends to programs |

pub mod codec;
mod host;
mod interp;
mod process;
mod program;

pub use host::{HostCall, HostError, Hosts};
pub use interp::{Dispatch, Environment, Sink};
pub use process::*;
pub use program::{MissingImports, Program};
