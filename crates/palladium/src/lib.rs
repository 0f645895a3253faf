//! The Palladium language.
//!
//! ```text
//! text -> syntax (tokens, lossless tree, ast) -> types (core: typed, without sugar)
//!      -> lower (mir: monomorphic, over virtual registers) -> rc (counts) -> emit (module)
//! ```
#![allow(missing_docs)]

pub mod core;
pub mod diag;
pub mod emit;
pub mod fmt;
pub mod lower;
pub mod mir;
pub mod rc;
pub mod syntax;
pub mod types;
