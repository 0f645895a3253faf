//! Whatever text is read, there are trees and problems, and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::{Path, PathBuf};

use iridium_isa::{FileId, Sources};
use palladium::diag::diagnostics;
use palladium::syntax::ast::{ExprKind, ItemKind};
use palladium::syntax::token::{Kind, Token};
use palladium::syntax::{Parsed, is_complete, parse, parse_entry};

/// All programs under `tests` and `benches`, with their names.
fn corpus() -> Vec<(PathBuf, String)> {
    let mut programs = Vec::new();
    for folder in ["tests/programs", "tests/syntax", "benches/programs"] {
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

/// Blanks and comments, those of other languages as well, which are told of.
fn is_trivia(gap: &str) -> bool {
    let mut left = gap.trim_start();
    while !left.is_empty() {
        let end = if left.starts_with("/*") {
            left.find("*/").map(|end| end + 2)
        } else if ["#", "//", "--"].iter().any(|sign| left.starts_with(sign)) {
            left.find('\n')
        } else {
            return false;
        };
        left = end.map_or("", |end| left[end..].trim_start());
    }
    true
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
            while text.len() < 50_000 {
                text.push_str(piece);
            }
            let parsed = check_tree(&text);
            let deep = parsed.problems.iter().filter(|problem| problem.name == "too-deep").count();
            assert!(deep <= 1, "{piece:?}: {deep}");
        }
    }
}

/// The programs of `mistakes.txt`, with what is said of each. `UPDATE=1` writes it anew.
#[test]
fn mistakes_are_told() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mistakes.txt");
    let golden = fs::read_to_string(&path).unwrap();
    let mut found = String::new();
    for case in golden.split("=== program\n").skip(1) {
        let (program, _) = case.split_once("=== says\n").unwrap();
        let mut sources = Sources::new();
        let file = sources.add("m.pd", program);
        let said = diagnostics(&parse(file, program).problems, &sources).render(false);
        found.push_str(&format!("=== program\n{program}=== says\n{said}\n"));
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &found).unwrap();
    }
    assert!(found == golden, "run it with UPDATE=1 and look at the difference:\n{found}");
}

/// What a problem says to put in the place of what is wrong leaves a program without that problem.
#[test]
fn fixes_mend() {
    let golden = include_str!("mistakes.txt");
    let mut fixes = 0;
    for case in golden.split("=== program\n").skip(1) {
        let (program, _) = case.split_once("=== says\n").unwrap();
        let problems = read(program).problems;
        for problem in &problems {
            let Some((place, text)) = &problem.fix else { continue };
            let (start, end) = (place.span.start as usize, place.span.end as usize);
            let mended = format!("{}{text}{}", &program[..start], &program[end..]);
            let left = read(&mended).problems;
            let again = left.iter().any(|other| {
                other.name == problem.name
                    && other.primary.0.span.start == problem.primary.0.span.start
            });
            assert!(!again, "{}: {mended}\n{left:?}", problem.name);
            fixes += 1;
        }
    }
    assert!(fixes > 40, "{fixes}");
}

#[test]
fn an_entry_is_complete_when_nothing_can_follow() {
    for text in [
        "",
        "1",
        "f(x)",
        "let x = 1",
        "fn f() { 1 }",
        "x)",
        "\"a",
        "f(\"a",
        "return",
        "# (",
        "x?",
        "x!",
    ] {
        assert!(is_complete(text), "{text:?}");
    }
    for text in
        ["f(", "fn f() {", "1 +", "let x =", "x,", "x.", "[1,", "f\"\"\"a", "\"\"\"a\n", "if x"]
    {
        let expected = text == "if x";
        assert_eq!(is_complete(text), expected, "{text:?}");
    }
}

#[test]
fn an_entry_has_items_and_statements() {
    let entry = parse_entry(FileId(0), "import std.fs\nfn f() { 1 }\nlet x = f()\nx + 1\n");
    assert_eq!(entry.problems, []);
    assert_eq!((entry.file.imports.len(), entry.file.items.len(), entry.stmts.len()), (1, 1, 2));
}

/// Texts of random tokens, with brackets that mostly balance.
#[test]
fn random_tokens_are_read() {
    let mut words: Vec<String> = Vec::new();
    for (_, text) in corpus() {
        let pieces = tokens(&text);
        let pieces = pieces.iter().map(|token| &text[token.start as usize..token.end as usize]);
        words.extend(pieces.filter(|word| !word.is_empty()).map(str::to_owned));
    }
    words.extend(
        ["f\"", "\"", "\"\"\"", "'", "$", "ä", "&&", ";", "//", "elif", "def"].map(str::to_owned),
    );
    let mut seed = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |bound: usize| {
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        seed as usize % bound
    };
    for _ in 0..2000 {
        let mut text = String::new();
        for _ in 0..random(60) {
            // Pieces of programs go further than words do.
            let start = random(words.len());
            let length = 1 + random(8);
            for word in words.iter().skip(start).take(length) {
                text.push_str(word);
                text.push_str([" ", " ", "", "\n", "\n    "][random(5)]);
            }
        }
        check_tree(&text);
    }
}

#[test]
fn characters_are_what_stands_between_their_quotes() {
    for (literal, expected) in [(r"'a'", 'a'), (r"'\\'", '\\'), (r"'\''", '\''), (r"'\n'", '\n')] {
        let parsed = read(&format!("const c: Char = {literal}\n"));
        assert!(parsed.problems.is_empty(), "{literal}");
        let ItemKind::Const(constant) = &parsed.file.items[0].kind else { panic!("{literal}") };
        assert!(matches!(constant.value.kind, ExprKind::Char(c) if c == expected), "{literal}");
    }
}
