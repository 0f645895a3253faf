//! How soon a program of 10,000 lines is answered after a keystroke. It is measured with
//! `cargo test --release -p palladium-lsp --test speed -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "it is a measurement")]

mod editor;

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use serde_json::json;

use editor::Editor;

/// How soon each answer must come.
const SOON: Duration = Duration::from_millis(50);

/// A part of the program, with another number in the place of each `@`.
const PART: &str = "\
## A point.
record Point@ {
    x: Int
    y: Int
}

enum Shape@ {
    Dot@(at: Point@)
    Line@(from: Point@, to: Point@)
}

## The area of what has one.
fn area@(self: Shape@, scale: Int) -> Int {
    match self {
        Dot@(_) => 0
        Line@(a, b) => (b.x - a.x) * (b.y - a.y) * scale
    }
}

fn sum@(n: Int) -> Int {
    var shapes: List[Shape@] = []
    for k in 0..n {
        if k % 2 == 0 {
            shapes.push(Dot@(Point@(k, 1)))
        } else {
            shapes.push(Line@(Point@(0, 0), Point@(k, k)))
        }
    }
    let areas = shapes.map(fn(shape) => shape.area@(2))
    print(f\"{areas.sum()} of {shapes.len()}\")
    areas.filter(fn(area) => area > @).sum()
}

";

#[test]
#[ignore = "a measurement of a release build"]
fn ten_thousand_lines_are_answered_soon() {
    let parts = 10_000 / PART.lines().count() + 1;
    let mut text = String::new();
    for nth in 0..parts {
        text.push_str(&PART.replace('@', &nth.to_string()));
    }
    writeln!(text, "fn main() {{\n    let total = sum1(3)\n    print(total)\n}}").unwrap();
    let lines = text.lines().count();
    let mut editor = Editor::new();
    editor.initialize();
    editor.open("main.pd", &text);
    let place = |line: usize, column: usize| json!({ "line": line, "character": column });
    // In the last part, `areas.sum()` in the string, `shape.area` in the closure, a new statement.
    let (at_sum, in_call, at_word) =
        (place(lines - 8, 20), place(lines - 9, 52), place(lines - 9, 4));
    // Of the last part but one: between two declarations, in a body, in a declaration.
    let part = lines - 5 - 2 * PART.lines().count();
    let keys = [
        ("outside", place(part, 0), "\n"),
        ("in a body", place(part + 22, 16), "1"),
        ("in a record", place(part + 2, 5), "a"),
    ];
    let mut slowest = Duration::ZERO;
    for (asked, method, position) in [
        ("hover", "hover", &at_sum),
        ("definition", "definition", &at_sum),
        ("references", "references", &at_sum),
        ("prepareRename", "prepareRename", &at_sum),
        ("rename", "rename", &at_sum),
        ("completion of members", "completion", &at_sum),
        ("completion of names", "completion", &at_word),
        ("signatureHelp", "signatureHelp", &in_call),
        ("documentSymbol", "documentSymbol", &at_sum),
        ("formatting", "formatting", &at_sum),
        ("codeAction", "codeAction", &at_sum),
    ] {
        let mut medians = Vec::new();
        for (_, key, text) in &keys {
            let mut times = Vec::new();
            for round in 0..10 {
                // A key is hit, and taken back.
                let after = place(
                    key["line"].as_u64().unwrap() as usize + usize::from(*text == "\n"),
                    if *text == "\n" { 0 } else { key["character"].as_u64().unwrap() as usize + 1 },
                );
                let change = match round % 2 {
                    0 => json!([{ "range": { "start": key, "end": key }, "text": text }]),
                    _ => json!([{ "range": { "start": key, "end": after }, "text": "" }]),
                };
                let params = json!({
                    "textDocument": { "uri": editor.uri("main.pd") }, "position": position,
                    "range": { "start": position, "end": position }, "newName": "renamed",
                    "context": { "includeDeclaration": true, "diagnostics": [] },
                });
                let begun = Instant::now();
                editor.change("main.pd", &change);
                editor.ask_either(&format!("textDocument/{method}"), &params);
                times.push(editor.arrived - begun);
            }
            times.sort();
            medians.push(times[times.len() / 2]);
        }
        let told: Vec<String> =
            keys.iter().zip(&medians).map(|((at, ..), time)| format!("{at} {time:.1?}")).collect();
        println!("{asked:>22}: {}", told.join(", "));
        slowest = medians.into_iter().max().unwrap().max(slowest);
    }
    assert!(slowest <= SOON, "{slowest:?} for {lines} lines");
    editor.end();
}
