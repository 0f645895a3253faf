//! The programs, and the answers on which all must agree.

/// A program.
pub(super) struct Program {
    pub(super) name: &'static str,
    /// The argument and the answer.
    pub(super) full: (u64, &'static str),
    /// The same for `--quick`.
    pub(super) quick: (u64, &'static str),
}

/// Those that exist in assembly, too.
pub(super) const KERNELS: [&str; 6] = ["fib", "intloop", "sieve", "matmul", "mandel", "collatz"];

/// Those that write and read JSON.
pub(super) const JSON: [&str; 2] = ["json_encode", "json_decode"];

/// The micro programs of *Are We Fast Yet*.
pub(super) const MICRO: [&str; 9] = [
    "permute",
    "queens",
    "towers",
    "bounce",
    "list",
    "storage",
    "sieve_awfy",
    "mandelbrot",
    "nbody",
];

const fn program(
    name: &'static str,
    full: (u64, &'static str),
    quick: (u64, &'static str),
) -> Program {
    Program { name, full, quick }
}

pub(super) const PROGRAMS: [Program; 23] = [
    program("fib", (37, "24157817"), (27, "196418")),
    program("intloop", (100_000_000, "1527971980962611890"), (1_000_000, "1234993289207926257")),
    program("sieve", (20_000_000, "1270607"), (1_000_000, "78498")),
    program("matmul", (400, "959976046"), (120, "25916402")),
    program("mandel", (1000, "24406664"), (200, "976575")),
    program("collatz", (2_000_000, "556"), (100_000, "350")),
    program("permute", (1000, "8660000"), (20, "173200")),
    program("queens", (10_000, "10000 0,6,4,7,1,3,5,2"), (20, "20 0,6,4,7,1,3,5,2")),
    program("towers", (300, "2457300"), (5, "40955")),
    program("bounce", (1000, "1331000"), (20, "26620")),
    program("list", (1000, "10000"), (20, "200")),
    program("storage", (150, "819150"), (10, "54610")),
    program("sieve_awfy", (2000, "1338000"), (20, "13380")),
    program("mandelbrot", (750, "50"), (150, "240")),
    program("nbody", (200_000, "-0.169083713"), (10_000, "-0.169016441")),
    program("binary_trees", (14, "3222190"), (10, "135854")),
    program("fannkuch", (9, "8629 30"), (7, "228 16")),
    program("spectral_norm", (500, "1.274224116"), (50, "1.274193837")),
    program(
        "k_nucleotide",
        (
            300_000,
            "A:90785 T:90560 G:59369 C:59286 AA:27453 AT:27414 TA:27406 TT:27314 GGT:3558/64 \
             GGTA:1089/256 GGTATT:112/4096 GGTATTTTAATT:2/138127 GGTATTTTAATTTATAGT:2/139882",
        ),
        (
            20_000,
            "T:6137 A:5956 G:4057 C:3850 TT:1855 AT:1849 TA:1835 AA:1757 GGT:261/64 GGTA:89/256 \
             GGTATT:6/3931 GGTATTTTAATT:0/19910 GGTATTTTAATTTATAGT:0/19977",
        ),
    ),
    program("reverse_complement", (1_000_000, "1000000 38148"), (20_000, "20000 528749")),
    program(
        "word_count",
        (50_000, "5512530 1846 gdgnqtu 163984"),
        (500, "55130 1846 gdgnqtu 1621"),
    ),
    program("json_encode", (30, "10846620"), (1, "361554")),
    program("json_decode", (15, "380533335"), (1, "25368889")),
];

/// What all of them are called.
pub(super) const NAMES: [&str; PROGRAMS.len()] = {
    let mut names = [""; PROGRAMS.len()];
    let mut index = 0;
    while index < names.len() {
        names[index] = PROGRAMS[index].name;
        index += 1;
    }
    names
};
