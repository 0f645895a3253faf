//! Exercises of exercism.org, solved in Palladium.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

use iridium_isa::FileId;
use palladium::syntax::parse;

#[test]
fn the_solutions_are_read_without_a_problem() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/exercism");
    let mut wrong = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        for problem in parse(FileId(0), &text).problems {
            let before = &text[..problem.primary.0.span.start as usize];
            let line = before.matches('\n').count() + 1;
            wrong += &format!("{}:{line}: {}\n", path.display(), problem.message);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
