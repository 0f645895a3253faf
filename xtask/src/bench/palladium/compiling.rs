//! How fast programs are checked and compiled, and how soon the first one says hello.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::contender::folder;
use crate::bench::installed::timed;
use crate::bench::samples::{Samples, median};

/// What was measured besides the programs, in seconds.
#[derive(Debug, Default)]
pub(super) struct Compiling {
    /// To check 100,000 lines.
    pub(super) checking: Samples,
    /// From 10,000 lines to a module.
    pub(super) emitting: Samples,
    /// From the source of hello world to its output.
    pub(super) hello: Samples,
}

impl Compiling {
    /// The medians.
    pub(super) fn medians(&self) -> [f64; 3] {
        [median(&self.checking), median(&self.emitting), median(&self.hello)]
    }
}

/// Measures them. A quick run takes a tenth of the lines, and what it finds is for all of them.
pub(super) fn measure(iridium: &Path, quick: bool, rounds: usize) -> Result<Compiling> {
    let part = if quick { 10 } else { 1 };
    let checked = generated(100_000 / part)?;
    let emitted = generated(10_000 / part)?;
    let hello = folder()?.join("hello.pd");
    fs::write(&hello, "fn main() {\n    print(\"Hello, world\")\n}\n")
        .with_context(|| format!("cannot write {}", hello.display()))?;
    let mut found = Compiling::default();
    for _ in 0..rounds {
        let (_, seconds) = timed(Command::new(iridium).arg("check").arg(&checked))?;
        found.checking.push(seconds * part as f64);
        let module = emitted.with_extension("irb");
        let (_, seconds) =
            timed(Command::new(iridium).arg("asm").arg(&emitted).arg("-o").arg(module))?;
        found.emitting.push(seconds * part as f64);
        let (text, seconds) = timed(Command::new(iridium).arg("run").arg(&hello))?;
        if text != "Hello, world" {
            bail!("hello world printed {text:?}");
        }
        found.hello.push(seconds);
    }
    Ok(found)
}

/// Writes a program of about so many lines and says where it is.
fn generated(lines: usize) -> Result<PathBuf> {
    let path = folder()?.join(format!("lines-{lines}.pd"));
    fs::write(&path, source(lines)).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// A program of about so many lines: types and functions as people write them, again and again
/// under other names. All of them are reached from `main`.
fn source(lines: usize) -> String {
    let mut text = String::new();
    // A unit has 38 lines; every twenty are summed by a function of 24, which `main` calls.
    let groups = (lines / (20 * 38 + 25)).max(1);
    for group in 0..groups {
        for unit in group * 20..group * 20 + 20 {
            text.push_str(&UNIT.replace('@', &unit.to_string()));
        }
        let _ = writeln!(text, "fn group{group}(n: Int) -> Int {{\n    var total = 0");
        for unit in group * 20..group * 20 + 20 {
            let _ = writeln!(text, "    total += sum{unit}(n)");
        }
        text.push_str("    total\n}\n\n");
    }
    text.push_str("fn main() {\n    var total = 0\n");
    for group in 0..groups {
        let _ = writeln!(text, "    total += group{group}(3)");
    }
    text.push_str("    print(total)\n}\n");
    text
}

const UNIT: &str = r#"record Point@ {
    x: Int
    y: Int
}

enum Shape@ {
    Dot@(at: Point@)
    Line@(from: Point@, to: Point@)
}

# The area of what has one.
fn area@(shape: Shape@, scale: Int) -> Int {
    match shape {
        Dot@(_) => 0
        Line@(a, b) => {
            let width = b.x - a.x
            let height = b.y - a.y
            width * height * scale
        }
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
    var total = @
    for shape in shapes {
        total += area@(shape, 2)
    }
    total
}

"#;

#[cfg(test)]
mod tests {
    use super::source;

    #[test]
    fn a_generated_program_has_about_as_many_lines_as_asked_for() {
        for lines in [1000, 10_000, 100_000] {
            let got = source(lines).lines().count();
            assert!(got.abs_diff(lines) < lines / 4, "{got} lines instead of {lines}");
        }
    }
}
