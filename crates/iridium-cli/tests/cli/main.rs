//! The command `iridium` as its users meet it: real processes on ephemeral
//! ports of this machine, each test in a folder of its own.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod apps;
mod machine;
mod mesh;
mod modules;
mod processes;
mod programs;
mod refusal;
mod repl;
mod session;
mod support;
mod usage;
