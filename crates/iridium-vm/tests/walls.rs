//! Rules of the code itself: where `unsafe` may stand, and what this crate does not touch.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

fn sources(folder: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            found.push((path, text));
        }
    }
}

fn all() -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
    assert!(found.len() > 30);
    found
}

/// The code of a file without comments.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn unsafe_stands_only_in_the_files_named_for_it() {
    let allowed =
        ["interp/machine.rs", "interp/memory.rs", "dispatch/mod.rs", "dispatch/threaded.rs"];
    for (path, text) in all() {
        let named = allowed.iter().any(|end| path.ends_with(end));
        assert!(named || !code(&text).contains("unsafe "), "{}", path.display());
    }
}

#[test]
fn nothing_here_opens_sockets_starts_threads_or_reads_clocks() {
    let forbidden = [
        "std::net",
        "thread::spawn",
        "Instant::now",
        "SystemTime",
        "std::fs",
        "std::process",
        "println!",
    ];
    for (path, text) in all() {
        for word in forbidden {
            assert!(!code(&text).contains(word), "{} in {}", word, path.display());
        }
    }
}

/// The one file that calls the codec library.
#[test]
fn the_codec_library_is_called_in_one_file() {
    for (path, text) in all() {
        let one = path.ends_with("src/codec.rs");
        assert!(one || !code(&text).contains("bincode"), "{}", path.display());
    }
}
