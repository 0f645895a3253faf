//! The kernels and the programs of the original give the answers that every other implementation of
//! them gives. That all examples end as the text next to them says is tested where they run as
//! processes, in `iridium-sched`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::Path;

use common::{run, run_with};
use iridium_vm::{Limits, Stop};

fn source(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

#[test]
fn the_programs_of_the_original_end_as_they_did() {
    let simple = run(&source("examples/simple.iasm"));
    assert_eq!((simple.int(0), simple.int(1), simple.int(2)), (1, 11, 12));
    assert_eq!(run(&source("examples/call_return.iasm")).int(0), 500);
    assert_eq!(run(&source("examples/loop.iasm")).int(1), 31);
    assert_eq!(run(&source("examples/counting_loop.iasm")).int(2), 100);
    assert!(matches!(run(&source("examples/hlt.iasm")).stop, Stop::Halted(0)));
}

/// Answers computed by the same algorithms in C.
#[test]
fn kernels_give_the_right_answers() {
    let answers: [(&str, &[(i64, i64)]); 6] = [
        ("fib", &[(0, 0), (1, 1), (2, 1), (20, 6765)]),
        (
            "intloop",
            &[
                (0, 1),
                (1, 6_364_490_771_810_163_590),
                (2, -4_921_058_475_143_013_531),
                (1001, -1_840_496_880_103_330_413),
            ],
        ),
        ("sieve", &[(0, 0), (1, 0), (2, 1), (3, 2), (100, 25), (1000, 168)]),
        ("matmul", &[(0, 0), (1, 0), (2, 22), (20, 118_838)]),
        ("mandel", &[(0, 0), (1, 2), (10, 2553)]),
        ("collatz", &[(1, 0), (2, 0), (3, 1), (10, 19), (1000, 178)]),
    ];
    for (name, cases) in answers {
        let source = source(&format!("benches/kernels/{name}.iasm"));
        for (argument, answer) in cases {
            let ran = run_with(&source, &[*argument], Limits::default());
            assert_eq!(ran.stop, Stop::Halted(*answer), "{name} {argument}");
        }
    }
}
