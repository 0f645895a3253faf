//! The Iridium machine: a metered interpreter whose processes are plain data.
//!
//! ```
//! use iridium_asm::Assembler;
//! use iridium_vm::{Hosts, Limits, Process, Program, Stop};
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
//! * A [`Program`] is a verified module made ready to run, with its [host functions](Hosts).
//! * A [`Process`] is everything a running program has. It can be [saved](Process::save) wherever it
//!   stops, and [restored](Process::restore) elsewhere.
//! * An [`Engine`] runs a process for some fuel: the [`Interpreter`], or one that others add, which
//!   can take over from the interpreter at single instructions by an [`EntryHook`].
//! * What a process asks of its surroundings comes out as an [`Effect`] and is answered by a
//!   [`Completion`], unless the [`Environment`] of the run does it at once.
//!
//! This crate starts no thread, opens no socket and reads no clock.

mod backtrace;
pub mod blocks;
pub mod codec;
mod effect;
mod engine;
mod envelope;
mod environment;
mod heap;
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
mod siphash;
mod snapshot;
mod start;
mod stop;
mod trap;
mod validate;

pub use effect::{Completion, Effect, SpawnKind, Start, UnexpectedCompletion};
pub use engine::{CompileStats, Engine, Interpreter};
pub use envelope::{Envelope, EnvelopeError, Sealed};
pub use environment::{Environment, Sink};
pub use host::{Answer, Caller, HostError, HostResult, Hosts, Reply, ReplySink};
pub use interp::{Dispatch, EntryHook, EntryState, Layout, Resume, Stepped, is_done_beside};
pub use limits::Limits;
pub use message::{Message, Payload};
pub use pid::{MAX_NODE, MAX_SERIAL, Pid};
pub use place::Place;
pub use process::{ALLOCATION, Process, Status};
pub use program::{MissingImports, Program};
pub use register::{Frame, Register};
pub use snapshot::{SNAPSHOT_VERSION, Snapshot, SnapshotError};
pub use stop::{RunError, Stop};
pub use trap::{Trap, TrapKind};
pub use validate::InvalidState;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}

// For `codec::numbered!`, which other crates expand.
#[doc(hidden)]
pub use serde as __serde;
