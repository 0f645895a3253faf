//! Nodes that run processes, joined over real sockets on the loopback.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod examples;
mod harness;

mod bounds;
mod builds;
mod code;
mod control;
mod links;
mod local_scheduler;
mod messages;
mod metrics;
mod names;
