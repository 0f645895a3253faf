//! Exercises of exercism.org, solved in Palladium; their tests are its canonical data.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::programs;

/// The solutions, each with its name.
fn solutions() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exercism");
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let name = |path: &Path| path.file_name().unwrap().to_string_lossy().into_owned();
    paths.map(|path| (name(&path), fs::read_to_string(&path).unwrap())).collect()
}

#[test]
fn the_solutions_are_right() {
    let solutions = solutions();
    let failures: Vec<String> =
        solutions.iter().flat_map(|(name, text)| programs::failures(name, text)).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

#[test]
fn the_solutions_are_in_the_one_style() {
    for (name, text) in solutions() {
        assert!(palladium::fmt::format(&text).unwrap() == text, "{name} is not formatted");
    }
}
