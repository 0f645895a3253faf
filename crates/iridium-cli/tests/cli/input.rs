//! What programs read from the standard input.

use std::fs::File;
use std::io::{PipeWriter, Write as _, pipe};
use std::process::Stdio;

use nix::sys::signal::Signal;

use crate::support::{Outcome, Process, User, wait_until};

const GREET: &str = "import std.io

fn main() -> Result[(), io.Error] {
    print(\"name?\")
    print(f\"hello, {io.read_line()? ?? \"nobody\"}\")
    for line in io.lines() {
        print(match line {
            Ok(text) => f\"{text.len()} {text[0..min(3, text.len())]}\"
            Err(e) => f\"{e}\"
        })
    }
    Ok(())
}
";
const READ_ALL: &str = "import std.io

fn main() -> Result[(), io.Error] {
    let text = io.read_text()?
    print(f\"{text.len()} {text.lines().len()}\")
    Ok(())
}
";
/// One process waits for a line, while the first goes on and ends.
const BESIDE: &str = "
    .import stdin.read_line
    main: spawn @wait $0 $1
          load $0 #5
          sleep $0
          load $0 #46
          prtc $0
          hlt
    wait: load $1 #0
          host @stdin.read_line $0
          hlt
";

/// Runs a program with all of its input.
fn fed(user: &User, words: &[&str], input: &[u8]) -> Outcome {
    let input = File::open(user.file("input", input)).unwrap();
    start_with(user, words, input).end()
}

fn run(user: &User, source: &str, input: &[u8]) -> Outcome {
    fed(user, &["run", &user.file("p.pd", source)], input)
}

/// Starts a program whose input stays open.
fn start(user: &User, words: &[&str]) -> (Process, PipeWriter) {
    let (reader, writer) = pipe().unwrap();
    (start_with(user, words, reader), writer)
}

fn start_with(user: &User, words: &[&str], input: impl Into<Stdio>) -> Process {
    let mut command = user.iridium(words);
    Process::start(command.stdin(input).stdout(Stdio::piped()).stderr(Stdio::piped()))
}

#[track_caller]
fn wait_for_prompt(process: &Process) {
    wait_until("it asks", || match process.printed() {
        printed if printed == "name?\n" => Ok(()),
        printed => Err(printed),
    });
}

#[test]
fn lines_are_read_without_their_ends_and_in_a_loop_one_by_one() {
    let user = User::new();
    let long = "x".repeat(100_000);
    let outcome = run(&user, GREET, format!("Ada\r\nab\n\n{long}\nlast").as_bytes());
    assert_eq!(outcome.stdout, "name?\nhello, Ada\n2 ab\n0 \n100000 xxx\n4 las\n");
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    assert_eq!(run(&user, GREET, b"").stdout, "name?\nhello, nobody\n");
}

#[test]
fn bytes_that_are_no_text_are_an_error_that_says_where() {
    let user = User::new();
    let outcome = run(&user, GREET, b"ok\na\xff\xfe\nnext\n");
    assert_eq!(outcome.stdout, "name?\nhello, ok\nNotUtf8(at: 1)\n4 nex\n");
    let outcome = run(&user, READ_ALL, b"ok\n\xff");
    assert_eq!(outcome.code, Some(1));
    assert!(outcome.stderr.contains("NotUtf8(at: 3)"), "{outcome:?}");
}

#[test]
fn all_that_is_left_is_read_at_once() {
    let user = User::new();
    let text = "one line\n".repeat(50_000);
    assert_eq!(run(&user, READ_ALL, text.as_bytes()).stdout, "450000 50000\n");
}

#[test]
fn a_line_that_fits_in_no_heap_is_an_error() {
    let user = User::new();
    let program = user.file("p.pd", GREET);
    let input = [&b"Ada\n"[..], &[b'x'; 300_000], b"\nab\n"].concat();
    let outcome = fed(&user, &["run", &program, "--heap-limit", "100000"], &input);
    assert!(outcome.stdout.starts_with("name?\nhello, Ada\nTooLong\n"), "{outcome:?}");
    assert!(outcome.stdout.ends_with("\n2 ab\n"), "{outcome:?}");
}

#[test]
fn who_waits_for_a_line_is_answered_when_it_comes() {
    let user = User::new();
    let program = user.file("p.pd", GREET);
    let (process, mut input) = start(&user, &["run", &program, "-t", "1"]);
    wait_for_prompt(&process);
    input.write_all(b"Ada\n").unwrap();
    process.wait_for("hello, Ada");
    input.write_all(b"ab\n").unwrap();
    process.wait_for("2 ab");
    drop(input);
    assert_eq!(process.end().code, Some(0));
}

#[test]
fn who_waits_holds_up_neither_others_nor_the_end() {
    let user = User::new();
    let program = user.file("p.iasm", BESIDE);
    let (process, _input) = start(&user, &["run", &program, "-t", "1"]);
    let outcome = process.end();
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ".\n"), "{outcome:?}");
}

#[test]
fn a_program_that_waits_for_a_line_is_interrupted_saved_and_resumed() {
    let user = User::new();
    let (program, state) = (user.file("p.pd", GREET), user.path("state"));
    let state = state.to_str().unwrap();
    let (process, _input) = start(&user, &["run", &program, "--save", state]);
    wait_for_prompt(&process);
    process.signal(Signal::SIGINT);
    let outcome = process.end();
    assert_eq!(outcome.code, Some(130), "{outcome:?}");
    let outcome = fed(&user, &["resume", state], b"Ada\n");
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "hello, Ada\n"), "{outcome:?}");
}

#[test]
fn where_there_is_no_input_for_programs_they_are_told() {
    let user = User::new();
    let tests = "import std.io\n\ntest \"input\" { assert io.read_line() == Err(Unavailable) }\n";
    let outcome = fed(&user, &["test", &user.file("t.pd", tests)], b"a line\n");
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn lines_of_a_file_are_whole_wherever_it_is_cut() {
    let user = User::new();
    let source = "import std.env\nimport std.fs\n\nfn main() {\n    \
                  for line in fs.lines(env.args()[0]) {\n        match line {\n            \
                  Ok(text) => print(text)\n            Err(e) => print(e)\n        }\n    }\n}\n";
    let program = user.file("lines.pd", source);
    // It is read in parts of 64 KiB: the first one ends at each byte of these lines.
    for shift in 0..10 {
        let text = format!("{}{}", "x".repeat(shift), "é€𝄞\n".repeat(6_600));
        let good = user.file("good.txt", &text);
        let grant = format!("fs.read={}", user.path("").display());
        let run = |file: &str| user.run(&["run", &program, "--allow", &grant, "--", file]).stdout;
        assert!(run(&good) == text, "{shift}");
        for bad in ["\u{20ac}".as_bytes().get(..2).unwrap(), b"\xff and more\nnever\n"] {
            let file = user.file("bad.txt", [text.as_bytes(), b"begun ", bad].concat());
            let error = format!("NotUtf8(path: \"{file}\", at: {})\n", text.len() + 6);
            assert!(run(&file) == format!("{text}{error}"), "{shift}");
        }
    }
}
