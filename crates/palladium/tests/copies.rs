//! Changes are in place where nobody else has the value, which the fuel of them shows; and where
//! somebody has, `copies` tells of it.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::End;
use common::one_file::OneFile;
use iridium_vm::Interpreter;
use palladium::names::{Checked, check};
use palladium::rc::Mode;
use palladium::{Target, diag};

/// What changes in loops do to `n` parts of something.
const CHANGES: [(&str, &str); 10] = [
    ("xs[i] = v", "var xs = List.filled(n, 0)\nfor i in 0..n { xs[i] = i }\nprint(xs.len())"),
    ("xs.push(v)", "var xs = List.filled(n, 0)\nfor i in 0..n { xs.push(i) }\nprint(xs.len())"),
    (
        "grid[y][x] = v",
        "var grid = [List.filled(n, 0)]\nfor i in 0..n { grid[0][i] = i }\nprint(grid.len())",
    ),
    (
        "m[k].push(v)",
        "var m = [\"a\": List.filled(n, 0)]\nfor i in 0..n { m[\"a\"].push(i) }\nprint(m.len())",
    ),
    (
        "m[k, default: d] += v",
        "var m: Map[Int, Int] = [:]\nfor i in 0..n { m[i, default: 0] += i }\nprint(m.len())",
    ),
    (
        "r.field.push(v)",
        "var r = Row(1, List.filled(n, 0))\nfor i in 0..n { r.cells.push(i) }\nprint(r.cells.len())",
    ),
    (
        "rows[i].cells.push(v)",
        "var rows = [Row(1, List.filled(n, 0))]\nfor i in 0..n { rows[0].cells.push(i) }\n\
         print(rows.len())",
    ),
    ("text.push(v)", "var s = \"\"\nfor _ in 0..n { s.push(\"ab\") }\nprint(s.len())"),
    (
        "xs = with(xs, v)",
        "var xs = List.filled(n, 0)\nfor i in 0..n { xs = with(xs, i) }\nprint(xs.len())",
    ),
    (
        "stack = stack.pushed(v)",
        "var s = Stack([])\nfor i in 0..n { s = s.pushed(i) }\nprint(s.items.len())",
    ),
];

const DECLARATIONS: &str = "record Row { id: Int, cells: List[Int] }
record Stack { items: List[Int] }

fn pushed(self: Stack, x: Int) -> Stack {
    var items = self.items
    items.push(x)
    Stack(items)
}

fn with(list: List[Int], x: Int) -> List[Int] {
    var longer = list
    longer.push(x)
    longer
}

fn insert(self: Tree, x: Int) -> Tree {
    match self {
        Leaf => Node(Leaf, x, Leaf)
        Node(l, v, r) if x < v => Node(l.insert(x), v, r)
        Node(l, v, r) if x > v => Node(l, v, r.insert(x))
        Node(..) => self
    }
}

enum Tree {
    Leaf
    Node(left: Tree, value: Int, right: Tree)
}
";

fn checked(source: &str) -> Checked {
    let checked = check("program.pd", &mut OneFile("program.pd", source)).unwrap();
    assert!(!checked.has_errors(), "{}", checked.diagnostics());
    checked
}

fn fuel(source: &str) -> u64 {
    let module = checked(source).module(Target::Main, Mode::Optimised).unwrap();
    let ran = common::run_on(&module, Interpreter::default(), None);
    assert_eq!((ran.end, ran.live_blocks), (End::Normal, 0));
    ran.fuel
}

fn program(body: &str, n: u32) -> String {
    format!("{DECLARATIONS}\nfn main() {{\nlet n = {n}\n{body}\n}}\n")
}

#[test]
fn changes_in_loops_are_in_place() {
    let mut wrong = Vec::new();
    for (what, body) in CHANGES {
        // Ten times as much costs ten times as much, where copies would cost a hundred times.
        let (few, many) = (fuel(&program(body, 2_000)), fuel(&program(body, 20_000)));
        if many > few * 13 {
            wrong.push(format!("{what}: fuel {few}, and {many} for ten times as much"));
        }
        let found = checked(&program(body, 10)).copies();
        if !found.is_empty() {
            wrong.push(format!("{what}: it is said to copy: {}", found[0].message));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_tree_takes_one_more_without_new_nodes_for_the_others() {
    let body = |more: &str| {
        program(
            &format!("var t = Leaf\nfor i in 0..n {{ t = t.insert(i * 7919 % n) {more} }}"),
            500,
        )
    };
    let shared = body("\nlet old = t\nt = t.insert(-1 - i)\nif old is Leaf { print(1) }");
    assert!(checked(&body("")).copies().is_empty());
    assert!(fuel(&body("")) * 2 < fuel(&shared), "with the old tree it has to copy the way");
}

/// Where `copies` says that a program copies: the lines of the changes.
fn lines(source: &str) -> Vec<u32> {
    let checked = checked(source);
    let sources = checked.sources();
    let found = checked.copies();
    let report = diag::diagnostics(&found, &sources);
    report.iter().map(|one| one.location().unwrap().line).collect()
}

#[test]
fn changes_of_what_is_used_later_are_told() {
    let source = "fn add(var xs: List[Int]) { xs.push(1) }

fn with(list: List[Int], x: Int) -> List[Int] {
    var longer = list
    longer.push(x)
    longer
}

fn main() {
    let before = List.filled(3, 0)
    var after = before
    after.push(4)                       # copies
    print(before.len() + after.len())
    var grid = List.filled(3, List.filled(3, 0))
    var row = grid[0]
    row.push(1)                         # copies
    grid[0] = row
    var text = f\"{grid.len()}\"
    let old = text
    text.push(\"x\")                      # copies
    print(old == text)
    var m = [\"a\": List.filled(2, 1)]
    let kept = m
    m[\"b\"] = []                         # copies
    print(kept.len() + m.len())
    var ys = List.filled(2, 1)
    let zs = ys
    add(&ys)                            # copies
    print(zs == ys)
    let ws = with(ys, 1)                # copies
    print(ws == ys)
    var last = ws
    last.push(1)
    print(last.len())
}
";
    let marked = (1..).zip(source.lines()).filter(|(_, line)| line.ends_with("# copies"));
    let expected: Vec<u32> = marked.map(|(line, _)| line).collect();
    assert_eq!(lines(source), expected);
}
