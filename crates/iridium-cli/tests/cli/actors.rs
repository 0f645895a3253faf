//! Programs of several processes in Palladium: each file of `crates/palladium/tests/processes` says
//! in its last comments (`# => text`) what it prints.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::User;

fn programs() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../palladium/tests/processes");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "pd")).collect();
    files.sort();
    files
}

#[test]
fn programs_of_processes_print_what_they_say() {
    let user = User::new();
    let files = programs();
    assert!(files.len() > 3);
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let expected: String = text
            .lines()
            .filter_map(|line| line.strip_prefix("# => "))
            .map(|l| l.to_owned() + "\n")
            .collect();
        for threads in ["1", "2"] {
            let outcome = user.run(&["run", "-t", threads, file.to_str().unwrap()]);
            assert_eq!(outcome.stdout, expected, "{} {outcome:?}", file.display());
            assert_eq!(outcome.code, Some(0), "{} {outcome:?}", file.display());
        }
    }
}
