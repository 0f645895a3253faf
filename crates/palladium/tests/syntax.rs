//! Whatever text is read, there are trees and problems, and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use iridium_isa::FileId;
use palladium::syntax::token::{Kind, Token};
use palladium::syntax::{Parsed, is_complete, parse, parse_entry};

/// All programs under `tests`, with their names.
fn corpus() -> Vec<(PathBuf, String)> {
    let mut programs = Vec::new();
    for folder in ["tests/programs", "tests/syntax"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = fs::read_to_string(&path).unwrap();
            programs.push((path, text));
        }
    }
    programs.sort();
    programs
}

fn read(text: &str) -> Parsed {
    parse(FileId(0), text)
}

/// What holds for every text that has been read.
fn check_tree(text: &str) -> Parsed {
    let parsed = read(text);
    let mut end = 0;
    for token in &parsed.tree.tokens {
        assert!(token.start >= end && token.end >= token.start, "{token:?} in {text:?}");
        assert!(
            is_trivia(&text[end as usize..token.start as usize]),
            "before {token:?} of {text:?}"
        );
        end = token.end;
    }
    assert_eq!(end as usize, text.len());
    assert_eq!(parsed.tree.tokens.last().unwrap().kind, Kind::End);
    let root = parsed.tree.nodes.last().unwrap();
    assert_eq!(root.size as usize, parsed.tree.nodes.len());
    let _ = parse_entry(FileId(0), text);
    let _ = is_complete(text);
    parsed
}

fn is_trivia(gap: &str) -> bool {
    gap.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line.starts_with("//")
    })
}

#[test]
fn the_programs_are_read_without_a_problem() {
    for (path, text) in corpus() {
        let parsed = check_tree(&text);
        assert_eq!(parsed.problems, [], "{}", path.display());
        assert!(is_complete(&text), "{}", path.display());
    }
}

#[test]
fn every_truncation_is_read() {
    for (_, text) in corpus() {
        for (end, _) in text.char_indices() {
            check_tree(&text[..end]);
        }
    }
}

#[test]
fn every_program_without_a_token_is_read() {
    for (_, text) in corpus() {
        for token in tokens(&text) {
            let (start, end) = (token.start as usize, token.end as usize);
            check_tree(&format!("{}{}", &text[..start], &text[end..]));
        }
    }
}

#[test]
fn every_program_with_a_token_twice_is_read() {
    for (_, text) in corpus() {
        for token in tokens(&text) {
            let (start, end) = (token.start as usize, token.end as usize);
            check_tree(&format!("{} {}", &text[..end], &text[start..]));
        }
    }
}

fn tokens(text: &str) -> Vec<Token> {
    read(text).tree.tokens
}

#[test]
fn what_is_nested_too_deep_is_told_once() {
    let pieces = [
        "(",
        "{",
        "[",
        "f\"{",
        "f\"\"\"{",
        "-",
        "not ",
        "if ",
        "if x {",
        "fn(",
        "fn() => ",
        "fn() {",
        "spawn ",
        "return ",
        "x ?? ",
        "x.",
        "x + ",
        "x?",
        "f(",
        "[1, ",
        "match x {",
        "x is ",
        "x is (",
        "loop {",
        "if x {} else ",
        "fn f() {",
        "fn f(x: fn(",
        "fn f(x: T[",
        "let x: fn() -> ",
        "}",
        ")",
        "]",
        "\"",
        "f\"{\"",
        "actor A {",
        "'",
        "a, ",
        "a\n",
        "$ ",
        "let x = ",
        "become ",
        "for x in ",
        "pub ",
        "import a.",
        "..",
        "|",
        "!",
        "assert ",
        "x = ",
        "x: ",
        "if x:\n",
        "def f():\n",
        "while x:\n ",
        "x as ",
        "T<",
        "fn f<T>",
        "elif x ",
        "x else ",
    ];
    for piece in pieces {
        for before in ["", "fn main() {\n", "fn main() { x("] {
            let mut text = before.to_owned();
            while text.len() < 200_000 {
                text.push_str(piece);
            }
            let parsed = check_tree(&text);
            let deep = parsed.problems.iter().filter(|problem| problem.name == "too-deep").count();
            assert!(deep <= 1, "{piece:?}: {deep}");
        }
    }
}
