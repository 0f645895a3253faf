//! What programs do on the machine is what an evaluator over their typed tree does.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../agree/mod.rs"]
mod agree;
#[path = "../common/mod.rs"]
mod common;
#[path = "../generate/mod.rs"]
mod generate;
#[path = "../oracle/mod.rs"]
mod oracle;

mod minimise;
mod programs;
mod random;

/// Of a thread that evaluates: each call within calls takes some kilobytes.
const STACK: usize = 1 << 30;

/// Runs something with room for deep recursion.
fn with_stack<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    std::thread::Builder::new().stack_size(STACK).spawn(f).unwrap().join().unwrap()
}
