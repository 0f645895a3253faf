//! Programs of several processes in Palladium: the files of `crates/palladium/tests/processes`, and
//! the blocks of its guides that begin with "```palladium processes". In comments (`# => text`) they
//! say what they print, in this order.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{Outcome, User};

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

/// The first line of each says what people complain about elsewhere. It does not happen here.
#[test]
fn what_people_complain_about_does_not_happen() {
    let user = User::new();
    let files = files("tests/processes/complaints", "pd");
    assert!(files.len() > 7);
    for file in files {
        check(&user, &file);
    }
}

const LOGS: &str = r#"
import std.log
import std.process

actor Counter {
    on add(by: Int) {}
    on get() -> Int { 7 }
}

actor Other {
    on take(text: String) {}
}

fn main() {
    log.warn("a worker has failed")
    log.info("the shop is open")
    log.debug("nobody needs this")
    let counter = spawn Counter()
    process.register("counter", counter)
    for _ in 0..3 { process.whereis[Other]("counter")!.take("this") }
    print(counter.get() ?? 0)
}
"#;

#[test]
fn the_log_has_what_programs_write_to_it_and_what_they_do_not_understand() {
    let user = User::new();
    let file = user.file("logs.pd", LOGS);
    let Outcome { code, stdout, stderr } = user.run(&["run", &file]);
    assert_eq!((code, stdout.as_str()), (Some(0), "7\n"), "{stderr}");
    let line = |text: &str| stderr.lines().find(|line| line.contains(text));
    assert!(line("a worker has failed").is_some_and(|line| line.contains("[WARN]")), "{stderr}");
    assert!(line("the shop is open").is_some_and(|line| line.contains("process ")), "{stderr}");
    assert!(line("nobody needs this").is_none(), "{stderr}");
    assert_eq!(stderr.matches("does not understand a message with tag").count(), 1, "{stderr}");
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
