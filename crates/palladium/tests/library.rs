//! The standard library is what it says it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod common;

use std::fs;
use std::path::Path;

use common::programs;

use iridium_isa::FileId;
use palladium::syntax::parse;

/// The modules of the library, with their texts.
fn modules() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/std");
    let mut modules = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        modules.push((name, fs::read_to_string(&path).unwrap()));
    }
    modules.sort();
    modules
}

/// The line and column of an offset, as a person counts them.
fn place(text: &str, offset: u32) -> String {
    let before = &text[..offset as usize];
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("{line}:{column}")
}

#[test]
fn its_files_are_read_without_a_problem() {
    let mut wrong = String::new();
    for (name, text) in modules() {
        for problem in parse(FileId(0), &text).problems {
            let at = place(&text, problem.primary.0.span.start);
            wrong += &format!("{name}.pd:{at}: {}: {}\n", problem.message, problem.primary.1);
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_public_item_has_a_doc_with_an_example() {
    let mut missing = String::new();
    for (name, text) in modules() {
        for item in parse(FileId(0), &text).file.items.iter().filter(|item| item.public) {
            let doc = item.doc.as_deref().unwrap_or_default();
            if doc.matches("```").count() < 2 {
                missing += &format!("{name}.pd:{}\n", place(&text, item.span.start));
            }
        }
    }
    assert!(missing.is_empty(), "without an example:\n{missing}");
}

#[test]
fn the_examples_are_right() {
    let mut failures = Vec::new();
    for (name, text) in modules() {
        if OF_PROCESSES.contains(&&*name) {
            // They declare what they need: each is a program, and runs no test.
            for (n, code) in snippets(&text) {
                let program = format!("import std.{name}\n\n{code}");
                failures.extend(programs::failures(&format!("{name}.pd:{n}"), &program));
            }
        } else {
            failures.extend(programs::failures("examples.pd", &examples(&name, &text)));
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// The modules whose examples need more than one process.
const OF_PROCESSES: [&str; 7] = ["cluster", "group", "log", "net", "process", "supervisor", "ws"];

/// The examples of a module as a program of tests. One with items of its own is taken as it is.
fn examples(module: &str, text: &str) -> String {
    let mut program = format!("import std.{module}\n\n");
    for (n, code) in snippets(text) {
        match code.contains("test \"") {
            true => program += &code,
            false => program += &format!("test \"{module}.pd:{n}\" {{\n{code}}}\n"),
        }
    }
    program
}

/// The examples of a module, with the lines after which they end.
fn snippets(text: &str) -> Vec<(usize, String)> {
    let docs = text.lines().map(|line| {
        let doc = line.strip_prefix("##")?;
        Some(doc.strip_prefix(' ').unwrap_or(doc))
    });
    let mut found = Vec::new();
    let mut example: Option<String> = None;
    for (n, line) in docs.enumerate() {
        match (line, &mut example) {
            (Some("```"), None) => example = Some(String::new()),
            (Some("```"), Some(code)) => {
                found.push((n, std::mem::take(code)));
                example = None;
            }
            (Some(line), Some(code)) => *code += &format!("{line}\n"),
            _ => {}
        }
    }
    found
}
