//! The back end: programs of the middle get counts, become modules, and run.

mod build;
mod nodes;
mod programs;
mod random;
mod run;
