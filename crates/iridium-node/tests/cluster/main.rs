//! Nodes that run processes, joined over real sockets on the loopback.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod examples;
mod harness;

mod bounds;
mod code;
mod control;
mod messages;
mod metrics;
mod names;
mod solo;
mod ties;
