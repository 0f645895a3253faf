//! The back end: programs of the middle get counts, become modules, and run.

#![allow(clippy::unwrap_used, clippy::panic)]

mod build;
mod nodes;
mod programs;
mod random;
mod run;
