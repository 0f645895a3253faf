//! The reference and the grammar for editors agree with what the compiler reads.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use iridium_isa::FileId;
use palladium::syntax::ast::{Expr, ExprKind, StmtKind};
use palladium::syntax::parse_entry;
use palladium::syntax::token::Kind;

/// Read to say what to write instead.
const OF_OTHER_LANGUAGES: [&str; 3] = [";", "&&", "||"];

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap()
}

/// What stands between two texts.
fn between<'t>(text: &'t str, from: &str, to: &str) -> &'t str {
    let (_, rest) = text.split_once(from).unwrap_or_else(|| panic!("there is no {from:?}"));
    rest.split_once(to).unwrap_or_else(|| panic!("there is no {to:?} after {from:?}")).0
}

/// What stands in single backticks.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn words() -> impl Iterator<Item = &'static str> {
    Kind::RESERVED.iter().chain(Kind::PLACED).copied()
}

#[test]
fn the_grammar_has_all_words_and_signs_and_no_others() {
    let reference = read("docs/reference.md");
    let grammar = between(&reference, "```ebnf", "```");
    let written: BTreeSet<&str> = grammar.split('"').skip(1).step_by(2).collect();
    // `??` is two signs, so that `x??` may take twice; `where` is kept.
    let signs = Kind::SIGNS.iter().copied().filter(|sign| !OF_OTHER_LANGUAGES.contains(sign));
    let read: BTreeSet<&str> =
        words().filter(|word| *word != "where").chain(signs).chain(["??"]).collect();
    assert_eq!(written, read);
}

#[test]
fn each_rule_of_the_grammar_is_used_and_each_that_is_used_is_there() {
    let reference = read("docs/reference.md");
    let grammar = between(&reference, "```ebnf", "```");
    let (mut made, mut used) = (BTreeSet::new(), BTreeSet::from(["file"]));
    for line in grammar.lines() {
        let mut right = line;
        if let Some((name, rest)) = line.split_once(" = ")
            && !line.starts_with(' ')
        {
            made.insert(name.trim());
            right = rest;
        }
        for outside in right.split('"').step_by(2) {
            let names = outside.split(|c: char| !c.is_ascii_alphabetic());
            used.extend(names.filter(|name| name.starts_with(|c: char| c.is_ascii_lowercase())));
        }
    }
    used.remove("name");
    assert_eq!(used, made);
}

#[test]
fn the_lists_of_words_are_those_of_the_compiler() {
    let reference = read("docs/reference.md");
    let reserved = quoted(between(&reference, "Words that can be no names:\n", ".\n"));
    assert_eq!(reserved, Kind::RESERVED);
    let placed = quoted(between(&reference, "so that a field may be called `on`:\n", ".\n"));
    assert_eq!(placed, Kind::PLACED);
}

/// The infix operators of the table, the strongest row first.
fn rows(reference: &str) -> Vec<Vec<String>> {
    let table = between(reference, "| operators | what |\n| --- | --- |\n", "\n\n");
    let rows = table.lines().map(|row| row.replace("\\|", "\u{1}"));
    let cells = rows.map(|row| row.split('|').nth(1).unwrap().replace('\u{1}', "|"));
    let infix = |operator: &&str| !operator.contains('x');
    cells
        .map(|cell| quoted(&cell).into_iter().filter(infix).map(str::to_owned).collect())
        .filter(|row: &Vec<String>| !row.is_empty())
        .collect()
}

/// Whether `a first b second c` is read as `(a first b) second c`.
fn groups_left(first: &str, second: &str) -> bool {
    let text = format!("a {first} b {second} c");
    let entry = parse_entry(FileId(0), &text);
    assert_eq!(entry.problems, [], "{text}");
    let StmtKind::Expr(expr) = &entry.stmts[0].kind else { panic!("{text}") };
    left(expr).span.end > 1
}

fn left(expr: &Expr) -> &Expr {
    match &expr.kind {
        ExprKind::Binary { left, .. } => left,
        ExprKind::Range { start, .. } => start,
        ExprKind::Within { call, .. } | ExprKind::Timer { call, .. } => call,
        ExprKind::Is { value, .. } => value,
        kind => panic!("{kind:?}"),
    }
}

#[test]
fn operators_bind_as_the_table_says() {
    let rows = rows(&read("docs/reference.md"));
    assert_eq!(rows.len(), 12);
    let all = rows.iter().enumerate().flat_map(|(row, ops)| ops.iter().map(move |op| (row, op)));
    let mut pairs = 0;
    for (one, first) in all.clone().filter(|(_, op)| *op != "is") {
        for (other, second) in all.clone() {
            let comparisons = rows[one].contains(&"==".to_owned());
            if one == other && comparisons {
                continue;
            }
            let left = if one == other { first != "??" } else { one < other };
            assert_eq!(groups_left(first, second), left, "a {first} b {second} c");
            pairs += 1;
        }
    }
    assert!(pairs > 600, "{pairs}");
}

#[test]
fn editors_know_the_same_words() {
    let grammar = read("editors/vscode/palladium.tmLanguage.json").replace(r"\\b", " ");
    let notes = read("editors/README.md");
    for word in words().filter(|word| *word != "where") {
        let apart = |text: &str, word: &str| {
            text.split(|c: char| !c.is_ascii_alphabetic()).any(|found| found == word)
        };
        assert!(apart(&grammar, word), "the grammar has no `{word}`");
        if !matches!(word, "intrinsic" | "self") {
            assert!(apart(&notes, word), "the notes have no `{word}`");
        }
    }
    let keyword = |line: &&str| line.starts_with("syntax keyword pd");
    for line in notes.lines().filter(keyword) {
        for word in line.split(' ').skip(3) {
            assert!(words().any(|known| known == word), "`{word}` is no word");
        }
    }
}
