//! What is measured, and the answers on which all must agree.

/// A program of processes.
pub(super) struct Workload {
    pub(super) name: &'static str,
    /// The argument and the answer.
    pub(super) full: (i64, i64),
    /// The same for `--quick`.
    pub(super) quick: (i64, i64),
}

const MILLION: i64 = 1_000_000;
const LESS: i64 = 100_000;

pub(super) const WORKLOADS: [Workload; 7] = [
    Workload { name: "spawn", full: (MILLION, MILLION), quick: (LESS, LESS) },
    Workload { name: "pingpong", full: (MILLION, MILLION), quick: (LESS, LESS) },
    // The process where the token ends: the first one has it after no hop, and there are 503.
    Workload { name: "ring", full: (MILLION, MILLION % 503 + 1), quick: (LESS, LESS % 503 + 1) },
    Workload {
        name: "oneway",
        full: (MILLION, sum_below(MILLION)),
        quick: (LESS, sum_below(LESS)),
    },
    Workload {
        name: "skynet",
        full: (MILLION, sum_below(MILLION)),
        quick: (LESS, sum_below(LESS)),
    },
    // Calls of an actor that counts; nothing in assembly has such calls.
    Workload { name: "call", full: (MILLION, MILLION), quick: (LESS, LESS) },
    Workload { name: "idle", full: (MILLION, MILLION), quick: (LESS, LESS) },
];

const fn sum_below(n: i64) -> i64 {
    n * (n - 1) / 2
}
