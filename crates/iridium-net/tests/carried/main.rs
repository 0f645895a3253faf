//! Real nodes over real sockets, whose links have no threads of their own: what is promised of links
//! is the same for them.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs, unreachable_pub)]

#[path = "../sockets/application.rs"]
mod application;
#[path = "../sockets/backlog.rs"]
mod backlog;
#[path = "../sockets/data.rs"]
mod data;
#[cfg(target_os = "linux")]
#[path = "../sockets/descriptors.rs"]
mod descriptors;
#[path = "../sockets/flood.rs"]
mod flood;
#[path = "../sockets/harness.rs"]
mod harness;
#[path = "../sockets/hostile.rs"]
mod hostile;
#[path = "../sockets/joining.rs"]
mod joining;
mod many;

/// How many links of a node have threads of their own.
const OWN_THREADS: usize = 0;
