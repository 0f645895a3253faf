//! The programs of the crate.

use std::fs;
use std::path::Path;

use palladium::Target;
use palladium::core::FnId;
use palladium::names::{Checked, check};
use palladium::rc::Mode;

use crate::agree::difference;
use crate::common::one_file::OneFile;
use crate::oracle::{Bounds, evaluate};
use crate::{common, with_stack};

/// How a type is written as JSON or bytes, and read, is made in the lowering, which the evaluator does not
/// see; and it has neither files nor sockets.
const NOT_EVALUATED: [&str; 5] = ["json.pd", "codec.pd", "files.pd", "words.pd", "web.pd"];

const BOUNDS: Bounds = Bounds { steps: 1_000_000, depth: 20_000 };

/// What differs when a file's `main` and tests are evaluated and run.
fn differences(name: &str, text: &str) -> Vec<String> {
    let checked = check(name, &mut OneFile(name, text)).unwrap();
    // One process is evaluated alone.
    if checked.has_errors() || !checked.program.starts.is_empty() {
        return Vec::new();
    }
    let main = checked.program.main.map(|main| (Target::Main, main));
    let tests = checked.program.tests.iter().enumerate();
    let tests = tests.map(|(n, test)| (Target::Test(n), test.function));
    let targets = main.into_iter().chain(tests);
    targets.filter_map(|(target, first)| differs(name, &checked, target, first)).collect()
}

fn differs(name: &str, checked: &Checked, target: Target, first: FnId) -> Option<String> {
    let evaluated = evaluate(&checked.program, first, BOUNDS);
    let module = checked.module(target, Mode::Optimised).unwrap();
    let ran = common::run_on(&module, iridium_vm::Interpreter::default(), None);
    let function = &checked.program.functions[first.0 as usize].name;
    difference(&ran, &evaluated).map(|why| format!("{name}, {function}: {why}"))
}

/// What differs in the programs of a folder.
fn differences_in(folder: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    // `ONLY=values` looks at the programs with that in their name.
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".pd") && !NOT_EVALUATED.contains(&&*name) && name.contains(&only) {
            found.extend(differences(&name, &fs::read_to_string(&path).unwrap()));
        }
    }
    found
}

#[test]
fn programs_do_what_is_evaluated() {
    let found = with_stack(|| ["tests/lang", "tests/programs"].map(differences_in).concat());
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}

#[test]
fn solutions_of_exercises_do_what_is_evaluated() {
    let found = with_stack(|| differences_in("tests/exercism"));
    assert!(found.is_empty(), "{}", found.join("\n\n"));
}
