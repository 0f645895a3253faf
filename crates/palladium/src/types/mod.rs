//! From syntax trees to the typed tree.

mod body;
mod bounds;
mod build;
pub(crate) mod checker;
mod escape;
pub mod exhaustive;
mod finish;
mod infer;
pub(crate) mod kind;
mod matches;
pub(crate) mod program;
mod text;
mod unify;
