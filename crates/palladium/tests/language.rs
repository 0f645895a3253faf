//! The programs in `tests/lang`, and those of the guides, do what they say of themselves.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::End;
use common::expected::{Expected, expected};
use common::one_file::OneFile;
use iridium_isa::{Diagnostics, Module, Severity};
use palladium::rc::Mode;
use palladium::{Target, look_at};

/// `error NAME at LINE:COLUMN` of each.
fn summaries(diagnostics: &Diagnostics) -> Vec<String> {
    let summary = |diagnostic: &iridium_isa::Diagnostic| {
        let severity = match diagnostic.severity() {
            Severity::Error => "error",
            Severity::Warning => "warning",
        };
        let message = diagnostic.message();
        let name = message.rsplit_once(" [").map_or("", |(_, name)| name.trim_end_matches(']'));
        let at = diagnostic.location().map(|at| format!("{}:{}", at.line, at.column));
        format!("{severity} {name} at {}", at.unwrap_or_default())
    };
    diagnostics.iter().map(summary).collect()
}

/// Compiles and runs a program in every way, and compares that with what it says of itself.
fn check(name: &str, source: &str) -> Result<(), String> {
    let expected = expected(source);
    let checked = look_at(name, &mut OneFile(name, source)).map_err(|error| error.to_string())?;
    let report = checked.diagnostics();
    if summaries(&report) != expected.problems {
        return Err(format!("{:?}, not\n{}", expected.problems, report.render(false)));
    }
    if checked.has_errors() {
        return Ok(());
    }
    let module = |mode| checked.module(Target::Main, mode).map_err(|error| error.to_string());
    runs(&module(Mode::Optimised)?, name, &expected)?;
    runs(&module(Mode::Plain)?, &format!("{name} (plain)"), &expected)
}

fn runs(module: &Module, name: &str, expected: &Expected) -> Result<(), String> {
    let outcome = common::run(name, module);
    if outcome.output != expected.output {
        let output = &outcome.output;
        let end = &outcome.end;
        return Err(format!("prints\n{output}--- and not\n{}--- ({end:?})", expected.output));
    }
    ends(&outcome.end, expected)
}

fn ends(end: &End, expected: &Expected) -> Result<(), String> {
    let fits = match (end, &expected.trap) {
        (End::Normal, None) => true,
        (End::Trapped { kind, message, .. }, Some((trap, text))) => {
            let text = text.as_deref().unwrap_or_default();
            kind == trap && message.as_deref().unwrap_or_default().contains(text)
        }
        _ => false,
    };
    if fits { Ok(()) } else { Err(format!("ends with {end:?}, not {:?}", expected.trap)) }
}

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    files.sort();
    files
}

/// Checks many programs, and tells of all that fail.
fn check_all(programs: impl IntoIterator<Item = (String, String)>) {
    // `ONLY=values` looks at the programs with that in their name.
    let only = std::env::var("ONLY").unwrap_or_default();
    let mut failures = Vec::new();
    let mut count = 0;
    for (name, source) in programs.into_iter().filter(|(name, _)| name.contains(&only)) {
        count += 1;
        let outcome = std::panic::catch_unwind(|| check(&name, &source));
        let outcome = outcome.unwrap_or_else(|panic| {
            let text = panic.downcast_ref::<String>().cloned().unwrap_or_default();
            Err(format!("panics: {text}"))
        });
        if let Err(why) = outcome {
            failures.push(format!("{name}: {why}"));
        }
    }
    assert!(count > 0 || !only.is_empty());
    assert!(failures.is_empty(), "{} of {count} fail:\n{}", failures.len(), failures.join("\n\n"));
}

#[test]
fn programs_do_what_they_say() {
    check_all(files(&folder("tests/lang"), "pd").into_iter().map(|path| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(&path).unwrap())
    }));
}

/// A function that calls itself and meanwhile keeps 160 integers, 160 texts and 320 floats.
fn many_values() -> String {
    let each = |line: &dyn Fn(usize) -> String| (0..160).map(line).collect::<String>();
    let made = each(&|n| {
        let int = format!("    let a{n} = by * {n} + depth\n    let s{n} = f\"{{a{n}}}\"\n");
        let floats = format!("    let x{n} = a{n}.to_float()\n    let y{n} = x{n} * 0.5\n");
        int + &floats
    });
    let used = each(&|n| {
        format!("        sum += a{n} + s{n}.len() * round\n        total += x{n} - y{n}\n")
    });
    let (mut sum, mut total) = (0, 0);
    for (depth, by) in [(0, 3), (1, 2), (2, 1)] {
        for value in (0..160).map(|n| by * n + depth) {
            sum += 2 * value + value.to_string().len() as i64;
            total += value;
        }
    }
    format!(
        "fn many(depth: Int, by: Int) -> (Int, Float) {{\n{made}    \
         let (before, until) = if depth > 0 {{ many(depth - 1, by + 1) }} else {{ (0, 0.0) }}\n    \
         var sum = before\n    var total = until\n    \
         for round in 0..2 {{\n{used}    }}\n    (sum, total)\n}}\n\
         fn main() {{\n    print(many(2, 1))  # => ({sum}, {total:?})\n}}\n",
        total = total as f64
    )
}

#[test]
fn a_function_keeps_more_values_than_there_are_registers() {
    check_all([("many_values.pd".to_owned(), many_values())]);
}

/// The programs of a guide. What declares no `main` is the body of one.
fn programs_of(guide: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(guide).unwrap();
    let stem = guide.file_stem().unwrap().to_string_lossy();
    let mut programs = Vec::new();
    for (nth, part) in text.split("\n```palladium\n").skip(1).enumerate() {
        let code = part.split("\n```").next().unwrap();
        let whole = code.contains("fn main()");
        let source = if whole { code.to_owned() } else { format!("fn main() {{\n{code}\n}}\n") };
        programs.push((format!("{stem}_{}.pd", nth + 1), source));
    }
    programs
}

#[test]
fn programs_of_the_guides_do_what_they_say() {
    check_all(files(&folder("docs"), "md").iter().flat_map(|guide| programs_of(guide)));
}

/// A call costs fuel, as a block and a jump do.
#[test]
fn recursive_functions_are_not_called_where_they_end() {
    const SOURCE: &str = "
enum Tree {
    Leaf
    Node(left: Tree, right: Tree)
}

fn build(depth: Int) -> Tree {
    if depth == 0 { Node(Leaf, Leaf) } else { Node(build(depth - 1), build(depth - 1)) }
}

fn nodes(self: Tree) -> Int {
    match self {
        Leaf => 0
        Node(left, right) => 1 + left.nodes() + right.nodes()
    }
}

fn main() {
    print(build(13).nodes())
}
";
    let checked = look_at("tree.pd", &mut OneFile("tree.pd", SOURCE)).unwrap();
    let outcome = common::run("tree", &checked.module(Target::Main, Mode::Optimised).unwrap());
    assert_eq!(outcome.output, "16383\n");
    assert!(outcome.fuel * 2 < 16_383 * 19, "{} fuel", outcome.fuel);
}
