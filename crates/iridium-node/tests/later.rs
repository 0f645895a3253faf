//! Host functions that answer later. The only test of its program, since it counts threads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../examples/later.rs"]
#[allow(dead_code, reason = "its main only prints what the test looks at")]
mod later;

use later::{DELAY, PROCESSES};

#[test]
fn ten_thousand_processes_wait_for_an_answer_on_no_more_threads_than_before() {
    let seen = later::run().unwrap();
    assert_eq!(seen.sum, PROCESSES * (PROCESSES + 1));
    assert_eq!(seen.threads.0, seen.threads.1, "a thread was started");
    assert!(seen.time >= DELAY && seen.time < 30 * DELAY, "{:?}", seen.time);
}
