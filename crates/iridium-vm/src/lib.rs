//! The Iridium machine: an assembler, verified modules and a metered interpreter for a
//! register-based assembly language.
//!
//! ```
//! use iridium_vm::{Hosts, Limits, Process, Program, Stop, asm::Assembler};
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

pub mod asm;
mod codec;
pub mod host;
mod interp;
pub mod isa;
pub mod module;
pub mod process;
pub mod program;
pub mod sched;
pub mod supervisor;
pub mod verify;

pub use host::Hosts;
pub use interp::{Dispatch, Sink};
pub use module::{Module, ModuleId};
pub use process::{Completion, Effect, Limits, Process, Status, Stop, Trap, TrapKind};
pub use program::Program;

/// The address at which programs see their read-only data.
pub const DATA_BASE: i64 = 1 << 32;
