//! `iridium asm`, `disasm` and `check`, and files that are damaged or something else.

use crate::support::{HAS_NATIVE_CODE, User, example, write};

fn text(path: &std::path::Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_module_goes_to_source_and_back_unchanged() {
    let user = User::new();
    for name in ["hello", "fib", "calculator", "mandelbrot", "call_return"] {
        let (first, second) = (user.path("first.irb"), user.path("second.irb"));
        let strip = user.run(&["asm", &example(name), "-o", text(&first), "--strip"]);
        assert_eq!((strip.code, strip.stderr.as_str()), (Some(0), ""), "{name}");
        let source = user.run(&["disasm", text(&first)]).stdout;
        let source = user.file("again.iasm", source);
        user.run(&["asm", &source, "--strip", "--output", text(&second)]);
        let identity = |path| std::fs::read(path).unwrap()[8..40].to_vec();
        assert_eq!(identity(&first), identity(&second), "{name}");
        let outputs = [&first, &second].map(|path| user.run(&["run", text(path), "--json"]).stdout);
        assert_eq!(outputs[0], outputs[1], "{name}");
        assert_eq!(outputs[0], user.run(&["run", &example(name), "--json"]).stdout, "{name}");
    }
}

#[test]
fn the_module_is_written_beside_its_source_and_never_over_it() {
    let user = User::new();
    let source = user.file("prog.iasm", "load $0 #5\nhlt");
    let outcome = user.run(&["asm", &source]);
    let module = user.path("prog.irb");
    let line = format!("wrote {}: 2 instructions, 0 bytes of data\n", module.display());
    assert_eq!((outcome.code, outcome.stdout), (Some(0), line));
    // With its lines, unless stripped.
    let trap = user.file("trap.iasm", "\n  igl");
    user.run(&["asm", &trap]);
    let outcome = user.run(&["run", text(&user.path("trap.irb"))]);
    assert!(outcome.stderr.contains("trap.iasm:2:3: igl"), "{outcome:?}");
    user.run(&["asm", &trap, "--strip"]);
    let outcome = user.run(&["run", text(&user.path("trap.irb"))]);
    assert!(outcome.stderr.contains("at instruction 0: igl"), "{outcome:?}");

    user.run(&["asm", &source, "-o", &source]).fails(2, &["overwrite"]);
    user.run(&["asm", text(&module)]).fails(2, &["already"]);
    user.run(&["asm", "-"]).fails(2, &["-o"]);
    let nowhere = user.path("no/such/place.irb");
    user.run(&["asm", &source, "-o", text(&nowhere)]).fails(1, &[text(&nowhere)]);
    assert_eq!(std::fs::read_to_string(&source).unwrap(), "load $0 #5\nhlt");
    let left: Vec<_> = std::fs::read_dir(user.path("")).unwrap().collect();
    assert_eq!(left.len(), 4, "no drafts: {left:?}");
}

#[test]
fn all_errors_of_a_source_are_reported_with_their_places() {
    let user = User::new();
    let file = user.file("bad.iasm", "laod $0 #1\nadd $0 $1\ndjmp @nowhere\nhlt");
    for command in ["run", "asm", "check", "disasm"] {
        let outcome = user.run(&[command, &file]);
        outcome.fails(1, &[&file, "3 errors"]);
        for place in ["1:1", "2:1", "3:6", "did you mean `load`?"] {
            assert!(outcome.stderr.contains(place), "{outcome:?}");
        }
        assert_eq!(outcome.stdout, "");
    }
    assert!(!user.path("bad.irb").exists());
}

#[test]
fn check_looks_at_every_file() {
    let user = User::new();
    let good = user.file("good.iasm", "load $0 #1\nhlt");
    let odd = user.file("odd.iasm", "unused: load $0 #1");
    let bad = user.file("bad.iasm", "laod $0 #1");
    let outcome = user.run(&["check", &good, &odd]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert!(outcome.stderr.contains("warning: ") && outcome.stderr.contains("unused"));
    let outcome = user.run(&["check", &bad, "nothing.iasm", &good]);
    outcome.fails(1, &["2 of 3 files"]);
    assert!(outcome.stdout.contains("good.iasm: 2 instructions"), "{outcome:?}");
    assert!(outcome.stderr.contains("nothing.iasm: there is no such file"), "{outcome:?}");
}

#[test]
fn a_file_that_is_no_program_is_reported_in_one_line() {
    let user = User::new();
    let binary = user.file("binary", [0x7f, b'E', b'L', b'F', 0xff, 0, 1]);
    let latin = user.file("latin.iasm", b"; caf\xe9\nhlt\n");
    let zeros = user.file("zeros.iasm", [0; 64]);
    let named = user.file("named.irb", "hlt\n");
    let empty = user.file("empty.irb", "");
    let folder = user.path("").into_os_string().into_string().unwrap();
    let closed = user.path("closed.iasm");
    write(&closed, "hlt", 0o000);
    // To root no file is closed.
    let is_open = std::fs::read(&closed).is_ok();
    for (file, words) in [
        ("missing.iasm", &["no such file"][..]),
        (&folder, &["directory"]),
        (&binary, &["neither", "module"]),
        (&latin, &["UTF-8"]),
        (&zeros, &["neither"]),
        (&named, &["not an Iridium module"]),
        (&empty, &["not an Iridium module"]),
        (text(&closed), &["permission denied"]),
    ] {
        if file == text(&closed) && is_open {
            continue;
        }
        for command in ["run", "asm", "disasm", "check"] {
            let outcome = user.run(&[command, file]);
            outcome.fails(1, words);
            assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
            assert_eq!(outcome.stdout, "");
        }
        let outcome = user.run(&["resume", file]);
        assert_eq!((outcome.code, outcome.stderr.lines().count()), (Some(1), 1), "{outcome:?}");
    }
}

#[test]
fn a_source_of_100_mb_is_refused_at_once() {
    let user = User::new();
    let file = user.file("large.iasm", "nop\n".repeat(25 << 20));
    let outcome = user.run(&["run", &file]);
    outcome.fails(1, &["too large", "64 MiB"]);
    assert_eq!(outcome.stderr.lines().count(), 1);
}

#[test]
fn a_file_cut_off_anywhere_is_refused() {
    let user = User::new();
    let module = user.path("whole.irb");
    user.run(&["asm", &example("call_return"), "-o", text(&module)]);
    let state = user.path("state");
    let save = ["--fuel", "0", "--save", text(&state)];
    user.run(&[&["run", &example("call_return")], &save[..]].concat());
    for (path, command) in [(&module, "run"), (&state, "resume")] {
        let whole = std::fs::read(path).unwrap();
        // Every length would take minutes; the machine's own tests do that.
        for length in (0..whole.len()).step_by(13).chain([1, 3, 4, 5, whole.len() - 1]) {
            let cut = user.file("cut.irb", &whole[..length]);
            let outcome = user.run(&[command, &cut]);
            outcome.fails(1, &["cut.irb"]);
            assert_eq!(outcome.stderr.lines().count(), 1, "{length}: {outcome:?}");
        }
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        let damaged = user.file("damaged.irb", damaged);
        user.run(&[command, &damaged]).fails(1, &["damaged"]);
    }
    user.run(&["run", text(&state)]).fails(1, &["iridium resume"]);
    user.run(&["resume", text(&module)]).fails(1, &["iridium run"]);
}

#[test]
fn native_code_is_printed_for_each_function() {
    let user = User::new();
    let file = user.file("a.iasm", "load $0 #3\ncall @more\nhlt\nmore: addi $0 #1 $0\nret");
    let outcome = user.run(&["disasm", "--native", &file]);
    if HAS_NATIVE_CODE {
        assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
        assert!(outcome.stdout.contains("; more, from instruction 3 on: 2 instructions"));
    } else {
        assert_eq!(outcome.code, Some(1));
        assert!(outcome.stderr.contains("no native code for this machine"), "{}", outcome.stderr);
    }
}
