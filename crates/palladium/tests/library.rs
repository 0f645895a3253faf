//! The standard library is what it says it is.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::path::Path;

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
