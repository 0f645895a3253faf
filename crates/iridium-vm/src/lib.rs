//! The Iridium machine: an assembler, verified modules and a metered interpreter for a
//! register-based assembly language.
//!
//! ```
//! use crate::{Hosts, Limits, Process, Program, Stop};
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

mod backtrace;
pub mod codec;
mod effect;
mod engine;
mod envelope;
mod environment;
mod host;
mod host_call;
mod interp;
mod limits;
mod message;
mod pid;
mod place;
mod process;
mod program;
mod register;
mod run;
mod snapshot;
mod start;
mod stop;
mod trap;
mod validate;

pub use effect::{Completion, Effect, SpawnKind, Start, UnexpectedCompletion};
pub use engine::{Engine, Interpreter};
pub use envelope::{Envelope, EnvelopeError};
pub use environment::{Environment, Sink};
pub use host::{Answer, Caller, HostError, HostResult, Hosts, Reply, ReplySink};
pub use interp::{Dispatch, EntryHook, EntryState, Layout, Resume};
pub use limits::Limits;
pub use message::{Message, Payload};
pub use pid::{MAX_NODE, MAX_SERIAL, Pid};
pub use place::Place;
pub use process::{Process, Status};
pub use program::{MissingImports, Program};
pub use register::{Frame, Register};
pub use snapshot::{SNAPSHOT_VERSION, SnapshotError};
pub use stop::{RunError, Stop};
pub use trap::{Trap, TrapKind};
pub use validate::InvalidState;

// For `codec::numbered!`, which other crates expand.
#[doc(hidden)]
pub use serde as __serde;
