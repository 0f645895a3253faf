//! The Palladium language: from source texts to modules of the machine.
//!
//! ```text
//! text -> syntax (tokens, lossless tree, ast) -> names, types (core: typed, without sugar)
//!      -> lower (mir: monomorphic, over virtual registers) -> rc (counts) -> emit (module)
//! ```
//!
//! [`compile`] does all of it. Nothing here does I/O: a [`Loader`](names::Loader) finds the files.

pub mod analysis;
mod compile;
pub mod core;
pub mod diag;
pub mod doc;
pub mod emit;
pub mod fmt;
pub mod lower;
pub mod mir;
pub mod names;
pub mod rc;
pub mod session;
pub mod syntax;
pub mod types;

pub use compile::{Compiled, compile, look_at};
pub use lower::Target;
pub use session::Session;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
