//! A second engine for the Iridium machine: native code by Cranelift, exact in fuel, with processes
//! that stay plain data.
//!
//! ```
//! use iridium_asm::Assembler;
//! use iridium_jit::NativeEngine;
//! use iridium_vm::{Hosts, Limits, Process, Program, Stop};
//!
//! let source = "
//!     load $1 #1000000
//! l:  addi $0 #1 $0
//!     brlt $0 $1 @l
//!     hlt
//! ";
//! let module = Assembler::new("count.iasm").assemble(source)?.module;
//! let program = Program::new(module, &Hosts::new())?;
//! let engine = NativeEngine::new();
//! let mut process = Process::new(&program, Limits::default());
//! // Turn by turn, as a scheduler would. After some, the loop is compiled.
//! let mut turns = 0;
//! while process.run_on(&engine, &program, 10_000, &mut Vec::new())? == Stop::OutOfFuel {
//!     turns += 1;
//! }
//! assert_eq!((turns, process.register(0).int), (99, 1_000_000));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! A process stops where the interpreter would have stopped it, with the same registers, frames, heap
//! and fuel: no native frame outlives a run. All that is rare (traps, growing, effects, host calls) is
//! left to the interpreter, one instruction at a time, so it behaves the same by construction.
//!
//! From the inside out: `operation`, `region`, `loops` and `dataflow` say what is compiled at a time, and
//! which registers it loads and writes back where, and `dues` where it looks at fuel and pays; `lower` makes machine
//! code of it; `compile`, `code_memory` and `entries` make that callable; `compiled` is kept with a
//! program, `enter` calls its code; `queue` and `engine` decide what is compiled when; `listing` shows
//! code to people. Unsafe are `enter` and, for the caches of processors, `code_memory`.

mod code_memory;
mod compile;
mod compiled;
mod context;
mod dataflow;
mod dues;
mod engine;
mod enter;
mod entries;
mod lanes;
mod listing;
mod loops;
mod lower;
mod operation;
mod queue;
mod region;
mod stats;

pub use engine::{CODE_BUDGET, NativeEngine};
pub use listing::listing;
pub use region::Entries;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
mod readme {}
