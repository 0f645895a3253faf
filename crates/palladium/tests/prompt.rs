//! What is typed at a prompt, entry by entry, in one process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use iridium_isa::{Diagnostics, Module};
use iridium_vm::{Hosts, Limits, Process, Program, Stop};
use palladium::Session;
use palladium::names::{LoadError, Loaded, Loader};

/// Finds one file.
struct Files;

impl Loader for Files {
    fn load(&mut self, path: &str) -> Result<Loaded, LoadError> {
        match path {
            "shapes.pd" => Ok(Loaded {
                name: path.into(),
                text: "pub record Box { side: Int }\npub fn area(self: Box) -> Int { self.side * self.side }\n".into(),
            }),
            _ => Err(LoadError::NotFound),
        }
    }
}

struct Prompt {
    session: Session,
    process: Option<Process>,
}

impl Prompt {
    fn new() -> Self {
        Self { session: Session::default(), process: None }
    }

    /// What is seen of an entry.
    fn enter(&mut self, entry: &str) -> String {
        let entered = match self.session.enter(entry, &mut Files) {
            Ok(entered) => entered,
            Err(errors) => return summary(&errors),
        };
        let mut seen = summary(&entered.warnings);
        let mut process = self.process.clone();
        let mut block = 0;
        for module in entered.cleanup.iter().chain(&entered.module) {
            match run(module, &mut process, &mut seen) {
                Ok(code) => block = code,
                Err(trap) => return seen + &trap,
            }
        }
        entered.forgotten.iter().for_each(|name| seen += &format!("{name} is forgotten\n"));
        self.process = process;
        self.session = entered.ran(block);
        seen
    }

    /// Enters lines, and compares what is seen with what stands behind `# =>` in them.
    fn talk(&mut self, lines: &str) {
        let mut wrong = String::new();
        for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (entry, expected) = line.split_once("# =>").unwrap_or((line, ""));
            let seen = self.enter(entry.trim());
            let seen: Vec<&str> = seen.lines().map(str::trim).collect();
            let seen = seen.join("; ");
            if seen != expected.trim() {
                wrong += &format!("{entry}\n   => {seen}\n  not {expected}\n");
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }

    fn live_blocks(&self) -> u64 {
        self.process.as_ref().map_or(0, Process::live_blocks)
    }
}

fn run(module: &Module, process: &mut Option<Process>, seen: &mut String) -> Result<i64, String> {
    let program = Program::new(module.clone(), &Hosts::new()).unwrap();
    let process = process.get_or_insert_with(|| Process::new(&program, Limits::default()));
    process.continue_with(&program, 0);
    let mut output = Vec::new();
    let stop = process.run(&program, 1 << 32, &mut output).unwrap();
    seen.push_str(std::str::from_utf8(&output).unwrap());
    match stop {
        Stop::Exited(code) => Ok(code),
        Stop::Trapped(trap) => {
            let place = trap.backtrace.first().map(ToString::to_string).unwrap_or_default();
            let place = place.split(' ').next().unwrap_or_default().to_owned();
            Err(format!("trap {} at {place}\n", trap.kind.name()))
        }
        other => panic!("{other:?}"),
    }
}

fn summary(diagnostics: &Diagnostics) -> String {
    let line = |diagnostic: &iridium_isa::Diagnostic| {
        let at = diagnostic.location().map(|at| format!(" at {}:{}", at.line, at.column));
        let name = diagnostic.message().rsplit_once(" [");
        let name = name.map_or(diagnostic.message(), |(_, name)| name.trim_end_matches(']'));
        format!("{name}{}\n", at.unwrap_or_default())
    };
    diagnostics.iter().map(line).collect()
}

#[test]
fn values_are_shown_and_names_stay() {
    Prompt::new().talk(
        r#"
        1 + 1                           # => = 2
        "a" + ""                        # => wrong-operand at 1:1
        "text"                          # => = "text"
        print("text")                   # => text
        let x = 20                      # =>
        var xs = [x, 22]                # =>
        xs                              # => = [20, 22] : List[Int]
        xs.push(1)                      # =>
        xs[0] = 7                       # =>
        xs.len()                        # => = 3
        xs                              # => = [7, 22, 1] : List[Int]
        let (a, b) = (xs.first(), "b")  # =>
        a                               # => = Some(7) : Int?
        b                               # => = "b"
        if x > 3 { "more" } else { "" } # => = "more"
        for n in xs { print(n) }        # => 7; 22; 1
        x = 1                           # => needs-var at 1:1
        let x = x + 1                   # =>
        x                               # => = 21
        fn twice(n: Int) -> Int { n * 2 }
        twice(x)                        # => = 42
        xs.map(fn(n) => n * x)          # => = [147, 462, 21] : List[Int]
        xs.each(fn(n) { xs[0] = n })    # =>
        let y = 1.5 * 2                 # =>
        (x, y, 'c', ())                 # => = (21, 3.0, 'c', ()) : (Int, Float, Char, ())
        "#,
    );
}

#[test]
fn of_a_long_value_the_begin_is_shown_and_how_much_is_left_out() {
    let mut prompt = Prompt::new();
    // The quote before it makes the limit fall into a character.
    let seen = prompt.enter("\"é\".repeat(3000)");
    let shown = "é".repeat(1999);
    assert_eq!(seen, format!("= \"{shown}… (2003 more bytes are left out)\n"));
    let seen = prompt.enter("(1..=2000).to_list()");
    assert!(seen.len() < 4100, "{seen}");
    assert!(seen.ends_with(" more bytes are left out) : List[Int]\n"), "{seen}");
}

#[test]
fn wrong_entries_change_nothing() {
    let mut prompt = Prompt::new();
    prompt.talk(
        r#"
        var xs = [1, 2]
        var n = 0
        xs.push(3) n = 1        # => unexpected at 1:12
        let m = nothing         # => unknown-name at 1:9
        m                       # => unknown-name at 1:1
        n = xs[7]               # => trap index-out-of-bounds at repl:1:5
        xs                      # => = [1, 2] : List[Int]
        return                  # => return-at-prompt at 1:1
        return 5                # => return-at-prompt at 1:1
        break                   # => outside-loop at 1:1
        let e = None            # => unknown-type-of at 1:5
        Int.parse("x")?         # => mismatched-types at 1:1
        let Some(v) = xs.pop() else { return }  # => return-at-prompt at 1:31
        let Some(v) = xs.pop() else { panic("none") }
        v                       # => = 2
        test "a" { }            # => test-at-prompt at 1:6
        fn f() -> Int { n }     # => nested-capture at 1:17
        "#,
    );
    // All of it, though the place of the trap is behind the change.
    let trapped = prompt.enter("xs.push(9)\nxs[0] = 8\npanic(\"no\")");
    assert_eq!(trapped, "trap panic at repl:3:1\n");
    prompt.talk("xs # => = [1] : List[Int]");
}

#[test]
fn what_is_declared_anew_is_seen_by_all() {
    Prompt::new().talk(
        r#"
        fn one() -> Int { 1 }
        fn two() -> Int { one() + one() }
        two()                                   # => = 2
        fn one() -> Int { 10 }
        two()                                   # => = 20
        fn one() -> String { "1" }              # => wrong-operand at 1:19; this does not go together with what was declared before: declare both anew in one entry
        two()                                   # => = 20
        record P { x: Int }
        enum E { A, B(p: P) }
        let p = P(1)
        let es = [A, B(p)]
        let n = 5
        record P { x: Int }
        es                                      # => = [A, B(p: P(x: 1))] : List[E]
        record P { x: Int, y: Int = 0 }         # => p is forgotten; es is forgotten
        p                                       # => unknown-name at 1:1
        n                                       # => = 5
        let p = P(1)
        p                                       # => = P(x: 1, y: 0)
        fn show(self: P) -> String { f"<{self.x}>" }
        fn show(self: E) -> String { "e" }
        p.show()                                # => = "<1>"
        fn show(self: P) -> String { "p" }
        p.show()                                # => = "p"
        A.show()                                # => = "e"
        fn n() -> Int { 6 }
        n()                                     # => = 6
        const limit = 3
        limit                                   # => = 3
        const limit = "three"
        limit                                   # => = "three"
        "#,
    );
}

#[test]
fn modules_are_imported() {
    Prompt::new().talk(
        r#"
        math.sqrt(2.0)                  # => unknown-name at 1:1
        import std.math
        math.hypot(3.0, 4.0)            # => = 5.0
        import shapes
        let b = shapes.Box(3)
        b.area()                        # => = 9
        import nowhere                  # => unknown-module at 1:1
        import std.base64 as math
        math.encode(b"a")               # => = "YQ=="
        b                               # => = Box(side: 3)
        "#,
    );
}

/// Literals lie in read-only data, which every entry has anew.
#[test]
fn texts_outlive_their_entries() {
    let mut prompt = Prompt::new();
    prompt.talk(r#"var all = ["first"]"#);
    for n in 0..20 {
        assert_eq!(prompt.enter(&format!("all.push(\"text {n}\")")), "");
        assert_eq!(prompt.enter(&format!("\"other {}\".len() > 3", n * 7)), "= true\n");
    }
    let all: Vec<String> = (0..20).map(|n| format!("\"text {n}\"")).collect();
    let expected = format!("= [\"first\", {}] : List[String]\n", all.join(", "));
    assert_eq!(prompt.enter("all"), expected);
}

#[test]
fn values_end_with_their_variables() {
    let mut prompt = Prompt::new();
    prompt.talk(
        r#"
        record P { xs: List[String] }
        var p = P([f"{1}"])
        let (a, b) = ([1], f"{2}")
        p.xs.push(f"{3}")
        let t = (a, p, Some(b), 2.5, ["a": [1]])
        let a = [a, a]
        record P { xs: List[String], y: Int }   # => p is forgotten; t is forgotten
        a                                       # => = [[1], [1]] : List[List[Int]]
        "#,
    );
    assert!(prompt.live_blocks() > 0);
    prompt.talk("let (a, b) = ((), ())");
    assert_eq!(prompt.live_blocks(), 0);
    // In place: nobody else has it.
    prompt.talk("var long = List.filled(1000, 0)");
    let before = prompt.live_blocks();
    for _ in 0..10 {
        prompt.talk("long.push(1)");
    }
    assert_eq!(prompt.live_blocks(), before);
    prompt.talk("fn long() -> Int { 1 }");
    assert_eq!(prompt.live_blocks(), 0);
}

#[test]
fn names_are_completed() {
    let mut prompt = Prompt::new();
    prompt.talk(
        r#"
        record Point { x: Int, yard: Int }
        fn grown(self: Point, by: Int) -> Point { Point(self.x + by, self.yard) }
        fn points() -> List[Point] { [Point(1, 2)] }
        let pivot = points()[0]
        import std.math
        import shapes
        "#,
    );
    let complete = |entry: &str| prompt.session.complete(entry, &mut Files);
    for (entry, start, words) in [
        ("pi", 0, &["pivot"][..]),
        ("print(poi", 6, &["points"]),
        ("wh", 0, &["while"]),
        ("Poi", 0, &["Point"]),
        ("pivot.", 6, &["grown", "x", "yard"]),
        ("1 + pivot.y", 10, &["yard"]),
        ("points().fl", 9, &["flat_map", "flatten"]),
        ("if \"a\".starts_", 7, &["starts_with"]),
        ("math.hy", 5, &["hypot"]),
        ("shapes.", 7, &["Box"]),
        ("shapes.Box(1).", 14, &["area", "side"]),
        ("nothing.", 8, &[]),
        ("import st", 7, &["std"]),
        ("import std.js", 11, &["json"]),
        ("let a = [\n  piv", 12, &["pivot"]),
        ("1..", 3, &[]),
        ("", 0, &[]),
    ] {
        let (at, found) = complete(entry);
        assert_eq!(
            (at, &found[..]),
            (start, &words.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()[..]),
            "{entry}"
        );
    }
    assert!(!complete("import std.").1.contains(&"table".to_owned()));
}
