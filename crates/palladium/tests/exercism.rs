//! Exercises of exercism.org, solved in Palladium; their tests are its canonical data.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::programs;

#[test]
fn the_solutions_are_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exercism");
    let mut failures = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        failures.extend(programs::failures(&name, &fs::read_to_string(&path).unwrap()));
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}
