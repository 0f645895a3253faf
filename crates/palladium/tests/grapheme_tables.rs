//! The table of `std/grapheme_tables.pd` is what the library unicode-segmentation makes of single
//! scalars beside others. `UPDATE=1` writes it. And texts are taken apart as by that library.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fmt::Write as _;
use std::path::Path;

use common::one_file::OneFile;
use palladium::{Target, compile};
use unicode_segmentation::UnicodeSegmentation as _;

const EXTEND: u32 = 4;
const CONSONANT: u32 = 16;
const LINKER: u32 = 32;
const BETWEEN: u32 = 48;

#[test]
fn the_table_is_that_of_the_library() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/std/grapheme_tables.pd");
    let expected = table();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).expect("the table can be written");
    }
    let text = std::fs::read_to_string(&path).expect("the table is there");
    assert!(text == expected, "{} is stale: run this test with UPDATE=1", path.display());
}

fn table() -> String {
    let digit = |bits: u32| char::from_u32(48 + (bits & 63)).unwrap_or('0');
    let number = |n: u32| [n >> 18, n >> 12, n >> 6, n].map(digit);
    let rows: String = rows().into_iter().flatten().flat_map(number).collect();
    format!(
        "## Where classes of scalars from 127 on begin, and which. Made by the test `grapheme_tables`;\n\
         ## `unicode` says how it is read.\n\nconst classes: String = r\"{rows}\"\n"
    )
}

/// Where a class begins, and the class.
fn rows() -> Vec<[u32; 2]> {
    let mut rows: Vec<[u32; 2]> = Vec::new();
    for c in '\u{7f}'..=char::MAX {
        let class = class(c);
        if rows.last().is_none_or(|[_, last]| *last != class) {
            rows.push([u32::from(c), class]);
        }
    }
    rows
}

/// As the constants of `std/unicode.pd` number it.
fn class(c: char) -> u32 {
    kind(c) | conjunct(c)
}

fn kind(c: char) -> u32 {
    // Nothing else than ideographs, private use and what is not assigned.
    if matches!(c, '\u{20000}'..'\u{e0000}' | '\u{e2000}'..) {
        return 0;
    }
    let before = |with: &str| joined(&format!("{c}{with}"));
    let after = |with: &str| joined(&format!("{with}{c}"));
    match c {
        '\u{200d}' => 5,
        _ if !before("\u{301}") => 3,
        _ if after("a") && joined(&format!("\u{1f600}{c}\u{200d}\u{1f600}")) => EXTEND,
        _ if after("a") => 6,
        _ if before("a") => 7,
        _ if before("\u{1f1e6}") => 8,
        _ if before("\u{1100}") => 9,
        _ if after("\u{1100}") && after("\u{1161}") => 10,
        _ if after("\u{1161}") => 11,
        _ if after("\u{1100}") && before("\u{1161}") => 12,
        _ if after("\u{1100}") => 13,
        _ if before("\u{200d}\u{1f600}") => 14,
        _ => 0,
    }
}

fn conjunct(c: char) -> u32 {
    if matches!(c, '\u{20000}'..'\u{e0000}' | '\u{e2000}'..) {
        return 0;
    }
    if joined(&format!("{c}\u{94d}\u{915}")) {
        return CONSONANT;
    }
    if joined(&format!("\u{915}{c}\u{915}")) {
        return LINKER;
    }
    if joined(&format!("\u{915}{c}\u{94d}\u{915}")) { BETWEEN } else { 0 }
}

/// Whether a text is one cluster.
fn joined(text: &str) -> bool {
    text.graphemes(true).nth(1).is_none()
}

/// One scalar at least of each class, and what rules are about.
const SCALARS: &[char] = &[
    'a',
    '\r',
    '\n',
    '\u{1}',
    '\u{200d}',
    '\u{200c}',
    '\u{301}',
    '\u{903}',
    '\u{600}',
    '\u{1f1e9}',
    '\u{1f1ea}',
    '\u{1100}',
    '\u{1161}',
    '\u{11a8}',
    '\u{ac00}',
    '\u{ac01}',
    '\u{1f468}',
    '\u{1f3fd}',
    '\u{a9}',
    '\u{915}',
    '\u{937}',
    '\u{94d}',
    '\u{93c}',
    '\u{308}',
    '\u{e0067}',
    '\u{4e00}',
    'ß',
    '\u{e34}',
    '\u{fe0f}',
];

#[test]
fn texts_are_taken_apart_as_by_the_library() {
    let mut state = 7_u64;
    let mut texts = Vec::new();
    for n in 0..4000 {
        let mut text = String::new();
        for _ in 0..n % 9 {
            // Knuth's MMIX generator.
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            text.push(SCALARS[(state >> 33) as usize % SCALARS.len()]);
        }
        texts.push(text);
    }
    let mut source = String::from("import std.unicode\n\nfn main() {\n");
    for text in &texts {
        let text: String = text.chars().map(|c| format!("\\u{{{:x}}}", u32::from(c))).collect();
        let _ = writeln!(source, "    print(unicode.graphemes(\"{text}\").map(fn(g) => g.len()))");
    }
    source.push_str("}\n");
    let compiled = match compile("texts.pd", &mut OneFile("texts.pd", &source), Target::Main) {
        Ok(compiled) => compiled,
        Err(errors) => panic!("{}", errors.render(false)),
    };
    let ran = common::run_on(&compiled.module, iridium_vm::Interpreter::THREADED, None);
    assert_eq!((ran.end, ran.live_blocks), (common::End::Normal, 0));
    let mut differ = Vec::new();
    for (text, line) in texts.iter().zip(ran.output.lines()) {
        let lengths: Vec<usize> = text.graphemes(true).map(str::len).collect();
        if line != format!("{lengths:?}") {
            differ.push(format!("{text:?}: {line}, not {lengths:?}"));
        }
    }
    assert_eq!(ran.output.lines().count(), texts.len());
    assert!(
        differ.is_empty(),
        "{} differ: {}",
        differ.len(),
        differ[..differ.len().min(9)].join("\n")
    );
}
