//! Real nodes over real sockets on loopback.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

mod addresses;
mod application;
mod backlog;
mod builds;
mod control;
mod data;
#[cfg(target_os = "linux")]
mod descriptors;
mod files;
mod flood;
mod harness;
mod hostile;
mod joining;
mod listeners;
mod rotation;
mod seeds;

/// How many links of a node have threads of their own: all, in these tests.
const OWN_THREADS: usize = 64;
