//! Palladium in the REPL, beside assembly.

use nix::sys::signal::Signal;

use crate::support::{Outcome, User};

/// What the REPL answers to these lines. It goes on after every error.
fn converse(user: &User, lines: &str) -> Outcome {
    let outcome = user.repl(&[]).converse(lines);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome
}

#[test]
fn both_languages_are_run_line_by_line() {
    let user = User::new();
    let outcome = converse(
        &user,
        "1 + 1
         let name = \"world\"
         load $0 #7
         print(f\"Hello, {name}\")
         fn twice(n: Int) -> Int {
             # a comment

             n * 2
         }
         prti $0
         twice(
             20 +
             1
         )
         var xs = [1]
         xs.push(2)
         xs
         next: inc $0
         !registers
         !pd
         nop
         !asm
         nop
         !both
         twice(xs[1])
         !clear_program
         xs",
    );
    assert_eq!(
        outcome.stdout,
        "= 2\nHello, world\n7\n= 42\n= [1, 2] : List[Int]\n$0 = 8\n\
         flag clear, pc 3, fuel 1\n= 4\n"
    );
    let errors: Vec<_> = outcome.stderr.lines().filter(|line| line.starts_with("error")).collect();
    let unknown =
        ["nop", "xs"].map(|name| format!("error: there is no value `{name}` [unknown-name]"));
    assert_eq!(errors, unknown, "{outcome:?}");
}

#[test]
fn an_entry_that_fails_changes_nothing_and_says_where() {
    let user = User::new();
    let outcome = converse(
        &user,
        "var xs = [1, 2]
         xs.push(\"three\")
         xs = [xs[2]]
         xs
         record Point { x: Int }
         let p = Point(1)
         record Point { x: Int, y: Int }
         xs
         let half = [",
    );
    assert_eq!(
        outcome.stdout,
        "= [1, 2] : List[Int]\np is gone: its type is another one now\n= [1, 2] : List[Int]\n"
    );
    for text in [
        "error: expected `Int`, found `String` [mismatched-types]\n  --> repl:1:9",
        "trap: index-out-of-bounds (index 2 of a list of 2)\n  at repl:1:7",
        "error: this `[` is not closed [missing-bracket]",
    ] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
}

#[test]
fn slips_are_told_what_was_meant() {
    let user = User::new();
    let outcome = converse(&user, "help\nlaod\nlet quit = 3\nquit\nquit now");
    assert_eq!(outcome.stdout, "= 3\n");
    for text in ["did you mean !help?", "did you mean `load`?"] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
}

#[test]
fn a_signal_ends_an_entry_and_variables_are_as_before() {
    let user = User::new();
    let mut repl = user.repl(&[]);
    repl.say("var n = 0");
    repl.say("loop {\nif n == 0 { print(\"begun\") }\nn += 1\n}");
    repl.process.wait_for("begun");
    repl.process.signal(Signal::SIGINT);
    repl.process.wait_for("interrupted");
    repl.ask("n", "= 0");
    assert_eq!(repl.close().code, Some(0));
}

#[test]
fn files_are_imported_loaded_and_spawned() {
    let user = User::new();
    let path = user.file("count.pd", "fn main() { for n in 1..=3 { print(n) } }\n");
    let lines = format!(
        "!load_file {path}\n!continue\n!spawn {path}\nimport std.math\nmath.hypot(3.0, 4.0)"
    );
    let outcome = converse(&user, &lines);
    for text in ["1\n2\n3\nthe program exited with 0\n", "= 5.0\n"] {
        assert!(outcome.stdout.contains(text), "{text}: {outcome:?}");
    }
    assert_eq!(outcome.stderr, "");
}
