//! `processes.md`, sentence by sentence: each has a test here that is named after it. The tests see
//! processes as an embedder does, through the scheduler, and as programs do, through small sources.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod attacks;
mod blocking;
mod calls;
mod determinism;
mod distribution;
mod fairness;
mod limits;
mod links;
mod memory;
mod messages;
mod monitors;
mod names;
mod pids;
mod places;
mod programs;
mod reasons;
mod replies;
mod snapshots;
mod stage;
mod supervision;
mod system_processes;
mod taking;
mod timers;
