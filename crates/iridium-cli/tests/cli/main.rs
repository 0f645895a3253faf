//! The command `iridium` as its users meet it: real processes on ephemeral
//! ports of this machine, each test in a folder of its own.

#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod apps;
mod attach;
mod loss;
mod machine;
mod mesh;
mod modules;
mod node;
mod operate;
mod processes;
mod programs;
mod refusal;
mod repl;
mod session;
mod shared;
mod support;
mod terminal;
mod usage;
