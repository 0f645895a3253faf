//! Programs of several processes in Palladium: the files of `crates/palladium/tests/processes`, and
//! the blocks of its guides that begin with "```palladium processes". In comments (`# => text`) they
//! say what they print, in this order.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::User;

const MARK: &str = "# => ";

#[test]
fn programs_of_processes_print_what_they_say() {
    let user = User::new();
    let files = files("tests/processes", "pd");
    assert!(files.len() > 3);
    for file in files {
        check(&user, &file);
    }
}

#[test]
fn programs_of_the_guides_with_processes_print_what_they_say() {
    let user = User::new();
    let mut programs = 0;
    for guide in files("docs", "md") {
        let text = fs::read_to_string(&guide).unwrap();
        let stem = guide.file_stem().unwrap().to_str().unwrap().replace('-', "_");
        let blocks = text.split("\n```palladium processes\n").skip(1);
        for (nth, block) in blocks.enumerate() {
            let code = block.split("\n```").next().unwrap();
            let file = user.file(&format!("{stem}_{}.pd", nth + 1), code);
            check(&user, Path::new(&file));
            programs += 1;
        }
    }
    assert!(programs > 6, "{programs}");
}

/// The files of a folder of the language with this ending.
fn files(folder: &str, ending: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../palladium").join(folder);
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|end| end == ending)).collect();
    files.sort();
    files
}

/// Runs a program with one thread and with two.
fn check(user: &User, file: &Path) {
    let text = fs::read_to_string(file).unwrap();
    let said = text.lines().filter_map(|line| line.split_once(MARK));
    let expected: String = said.map(|(_, line)| line.to_owned() + "\n").collect();
    for threads in ["1", "2"] {
        let outcome = user.run(&["run", "-t", threads, file.to_str().unwrap()]);
        assert_eq!(outcome.stdout, expected, "{} {outcome:?}", file.display());
        assert_eq!(outcome.code, Some(0), "{} {outcome:?}", file.display());
    }
}
