//! `std.json` and the files of JSONTestSuite (github.com/nst/JSONTestSuite), where they are at hand:
//! `y_` files must be read, `n_` files refused with their place, and of `i_` files, about which the
//! RFC says nothing, `json_undefined.txt` says what we do.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use common::End;
use common::one_file::OneFile;
use palladium::{Target, compile};

/// The files of a folder of the suite, by name; `None` where it is not at hand.
fn suite(folder: &str) -> Option<Vec<(String, Vec<u8>)>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/suites/json");
    let entries = fs::read_dir(root.join(folder)).ok()?;
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let file = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read(path).unwrap())
    };
    Some(paths.iter().map(file).collect())
}

/// What the library says of each text.
fn answers(files: &[(String, Vec<u8>)]) -> Vec<String> {
    let mut source = String::from(
        "import std.json

fn answer(bytes: Bytes) -> String {
    match String.from_bytes(bytes) {
        Err(_) => \"no UTF-8\"
        Ok(text) => match json.parse(text) {
            Ok(value) => f\"read as {json.encode(value)}\"
            Err(e) => f\"refused at {e.line}:{e.column}\"
        }
    }
}

fn main() {
",
    );
    for (_, bytes) in files {
        let text: String = bytes.iter().fold(String::new(), |mut text, byte| {
            let _ = write!(text, "\\x{byte:02x}");
            text
        });
        let _ = writeln!(source, "    print(answer(b\"{text}\"))");
    }
    source.push_str("}\n");
    let compiled = match compile("suite.pd", &mut OneFile("suite.pd", &source), Target::Main) {
        Ok(compiled) => compiled,
        Err(errors) => panic!("{}", errors.render(false)),
    };
    let ran = common::run_on(&compiled.module, iridium_vm::Interpreter::THREADED, None);
    assert_eq!((ran.end, ran.live_blocks), (End::Normal, 0));
    ran.output.lines().map(str::to_owned).collect()
}

/// An answer as it is kept in a file: a long one is cut.
fn kept(answer: &str) -> String {
    answer.chars().take(60).collect()
}

#[test]
fn every_file_of_the_suite_is_judged_as_it_says() {
    let Some(files) = suite("test_parsing") else {
        println!("skipped: the suite is not at hand");
        return;
    };
    let answers = answers(&files);
    assert_eq!(answers.len(), files.len());
    let mut wrong = Vec::new();
    let mut undefined = String::new();
    for ((name, _), answer) in files.iter().zip(&answers) {
        let fits = match name.split_once('_') {
            Some(("y", _)) => answer.starts_with("read as "),
            Some(("n", _)) => answer.starts_with("refused at ") || answer == "no UTF-8",
            _ => {
                let _ = writeln!(undefined, "{name}: {}", kept(answer));
                true
            }
        };
        if !fits {
            wrong.push(format!("{name}: {answer}"));
        }
    }
    assert!(wrong.is_empty(), "{} are judged wrongly:\n{}", wrong.len(), wrong.join("\n"));
    pinned("json_undefined.txt", &undefined);
}

#[test]
fn what_becomes_of_the_transforms_is_known() {
    let Some(files) = suite("test_transform") else {
        println!("skipped: the suite is not at hand");
        return;
    };
    let answers = answers(&files);
    let mut found = String::new();
    for ((name, _), answer) in files.iter().zip(&answers) {
        let _ = writeln!(found, "{name}: {}", kept(answer));
    }
    pinned("json_transforms.txt", &found);
}

/// Compares with a file of the tests, or writes it with `UPDATE=1`.
fn pinned(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(name);
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(found, expected, "UPDATE=1 writes {name} anew");
}
