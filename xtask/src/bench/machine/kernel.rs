//! The six kernels, and the answers on which all must agree.

/// A kernel.
pub(super) struct Kernel {
    pub(super) name: &'static str,
    /// The argument and the answer.
    pub(super) full: (u64, i64),
    /// The same for `--quick`.
    pub(super) quick: (u64, i64),
}

pub(super) const KERNELS: [Kernel; 6] = [
    Kernel { name: "fib", full: (35, 9_227_465), quick: (27, 196_418) },
    Kernel {
        name: "intloop",
        full: (100_000_000, 1_527_971_980_962_611_890),
        quick: (5_000_000, -824_497_074_583_328_655),
    },
    Kernel { name: "sieve", full: (5_000_000, 348_513), quick: (1_000_000, 78_498) },
    Kernel { name: "matmul", full: (300, 404_987_363), quick: (120, 25_916_402) },
    Kernel { name: "mandel", full: (600, 8_786_742), quick: (200, 976_575) },
    Kernel { name: "collatz", full: (1_000_000, 524), quick: (100_000, 350) },
];
