//! The format of saved programs is pinned: files that an earlier build has saved go on as they would
//! have there.
//!
//! When a test here fails, saved programs of users cannot be resumed any more. Either undo what has
//! changed the format, or raise its version and keep reading this one.

use std::fs;
use std::path::Path;

use crate::support::User;

/// The bytes of a file as it was saved.
fn saved(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1");
    let text = fs::read_to_string(folder.join(name)).unwrap();
    let digits: String = text.split_whitespace().collect();
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

/// `run --save` stopped it before it has written 1 to 5; a second process is about to send it 42.
#[test]
fn a_saved_program_of_an_earlier_build_is_resumed() {
    let user = User::new();
    let file = user.file("run.state", saved("run.hex"));
    let outcome = user.run(&["resume", &file]);
    assert_eq!((outcome.stdout.as_str(), outcome.code), ("1234542\n", Some(42)), "{outcome:?}");
}

#[test]
fn a_saved_session_of_an_earlier_build_is_restored() {
    let user = User::new();
    let file = user.file("session.state", saved("session.hex"));
    let repl = user.repl(&[]);
    let outcome = repl.converse(&format!("!restore {file}\n!registers\nprti $0\n!quit\n"));
    for text in ["restored", "$0 = 43", "data stack 1"] {
        assert!(outcome.stdout.contains(text), "{text} is not in {outcome:?}");
    }
}

/// One from the future says so, with its version.
#[test]
fn a_file_of_a_later_version_is_refused_with_its_version() {
    let user = User::new();
    let text = String::from_utf8_lossy(&saved("run.hex")).into_owned();
    let at = text.find("\"version\":1").unwrap() + "\"version\":".len();
    let mut later = saved("run.hex");
    later[at] = b'7';
    let file = user.file("run.state", later);
    user.run(&["resume", &file]).fails(1, &["run.state", "version 7"]);
}
