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
    // In the last part, `areas.sum()` in the string, and `shape.area` in the closure.
    let (at_sum, in_call) = (place(lines - 8, 20), place(lines - 9, 52));
    let end = place(lines - 1, 0);
    let mut slowest = Duration::ZERO;
    for method in [
        "hover",
        "definition",
        "references",
        "prepareRename",
        "rename",
        "completion",
        "signatureHelp",
        "documentSymbol",
        "formatting",
        "codeAction",
    ] {
        let mut times = Vec::new();
        for round in 0..9 {
            let position = if method == "signatureHelp" { &in_call } else { &at_sum };
            let params = json!({
                "textDocument": { "uri": editor.uri("main.pd") }, "position": position,
                "range": { "start": position, "end": position }, "newName": "renamed",
                "context": { "includeDeclaration": true, "diagnostics": [] },
            });
            let key = if round % 2 == 0 { " " } else { "\n" };
            let begun = Instant::now();
            editor.change(
                "main.pd",
                &json!([{ "range": { "start": end, "end": end }, "text": key }]),
            );
            editor.ask_either(&format!("textDocument/{method}"), &params);
            times.push(begun.elapsed());
        }
        times.sort();
        println!("{method:>16}: median {:?}, slowest {:?}", times[times.len() / 2], times[8]);
        slowest = slowest.max(times[times.len() / 2]);
    }
    assert!(slowest <= SOON, "{slowest:?} for {lines} lines");
    editor.end();
}
