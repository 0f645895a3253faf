//! From syntax trees to the typed tree.

mod actor;
mod app;
mod body;
mod bounds;
mod build;
pub(crate) mod checker;
pub(crate) mod entry;
mod escape;
pub mod exhaustive;
mod finish;
mod infer;
pub(crate) mod kind;
pub(crate) mod look;
mod matches;
mod messages;
pub(crate) mod program;
mod replies;
pub(crate) mod text;
mod unify;
