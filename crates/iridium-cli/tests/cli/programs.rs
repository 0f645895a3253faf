//! `iridium run` and `iridium resume`.

use std::io::Write as _;
use std::process::Stdio;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::{Value, json};

use crate::support::{BROKEN_PIPE, HAS_NATIVE_CODE, User, example, wait_until};

/// A loop that calls, prints and ends, for whatever wants to be cut in two.
const LONG: &str = "
        load $0 #0
        loadf64 $0 #0.5
next:   callw @work $3
        prti $0
        addi $0 #1 $0
        brlt $0 #40 @next
        hlt
work:   push $0
        addi $0 #7 $0
        pop $1
        ret
";

fn ints(outcome: &Value) -> Vec<i64> {
    outcome["registers"].as_array().unwrap().iter().map(|n| n.as_i64().unwrap()).collect()
}

#[test]
fn the_programs_of_the_original_give_the_same_results() {
    let user = User::new();
    for (name, registers) in [
        ("call_return", &[500][..]),
        ("loop", &[0, 31]),
        ("simple", &[1, 11, 12]),
        ("hlt", &[0]),
        ("counting_loop", &[100, 1, 100]),
    ] {
        // In the short form too.
        for words in [&["run"][..], &[]] {
            let mut words = words.to_vec();
            let file = example(name);
            words.extend([file.as_str(), "--json"]);
            let outcome = user.run(&words);
            let report = outcome.json();
            assert_eq!(ints(&report)[..registers.len()], *registers, "{name}");
            assert_eq!(report["status"], "halted", "{name}");
            assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{name}");
        }
    }
}

#[test]
fn output_comes_before_the_line_of_json_which_is_as_documented() {
    let user = User::new();
    let file = user.file("a.iasm", "load $1 #65\nprtc $1\nloadf64 $0 #nan\nloadf64 $1 #1.5\nhlt");
    let outcome = user.run(&["run", &file, "--json"]);
    let zeros = ",0".repeat(30);
    let float_zeros = ",0.0".repeat(30);
    assert_eq!(
        outcome.stdout,
        format!(
            "A\n{{\"status\":\"halted\",\"code\":0,\"trap\":null,\"message\":null,\"at\":null,\
             \"registers\":[0,65{zeros}],\"floats\":[null,1.5{float_zeros}],\"flag\":false,\"fuel\":1,\"output_bytes\":1}}\n"
        )
    );
    // Without it, nothing but the output.
    let output = user.iridium(&["run", &file]).output().unwrap();
    assert_eq!((output.status.code(), output.stdout), (Some(0), b"A".to_vec()));
}

#[test]
fn arguments_set_integers_and_floats() {
    let user = User::new();
    let file = user.file("a.iasm", "hlt\nother: add $0 $2 $0\naddf64 $1 $1 $1\nhlt");
    let words = ["run", &file, "--entry", "other", "--arg", "40", "--arg", "-1.5", "--arg", "-0x2"];
    let report = user.run(&[&words[..], &["--json"]].concat()).json();
    assert_eq!(ints(&report)[..3], [38, 0, -2]);
    assert_eq!(report["floats"][1], json!(-3.0));
    let outcome = user.run(&[&words[..], &["--registers"]].concat());
    assert_eq!(outcome.stdout, "$0 = 38   $2 = -2\nflag clear, pc 3, fuel 0\n$1 = -3.0\n");
    user.run(&["run", &file, "--entry", "othr"]).fails(2, &["othr", "did you mean other?"]);
    let many = ["--arg", "1"].repeat(257);
    user.run(&[&["run", &file][..], &many].concat()).fails(2, &["256"]);
}

#[test]
fn the_exit_code_is_the_one_of_exit() {
    let user = User::new();
    let file = user.file("a.iasm", "exit $0\nhlt");
    for (code, exit) in [("0", 0), ("7", 7), ("256", 0), ("257", 1), ("-1", 255)] {
        let outcome = user.run(&["run", &file, "--arg", code, "--json"]);
        assert_eq!(outcome.code, Some(exit), "{code}");
        let report = outcome.json();
        assert_eq!(
            (&report["status"], &report["code"]),
            (&json!("exited"), &code.parse().unwrap())
        );
    }
}

#[test]
fn every_trap_is_reported_by_name() {
    let user = User::new();
    for (name, source) in [
        ("divide-by-zero", "div $0 $1 $2\nhlt"),
        ("integer-overflow", "load $0 #0x8000000000000000\nload $1 #-1\ndiv $0 $1 $2\nhlt"),
        ("heap-out-of-bounds", "ld8 $0 $1\nhlt"),
        ("heap-limit", "load $0 #4097\naloc $0\nhlt"),
        ("read-only-write", ".data\nx: .i64 #1\n.code\nload $0 @x\nst8 $0 $1\nhlt"),
        ("data-stack-underflow", "pop $0\nhlt"),
        ("data-stack-limit", "l: push $0\ndjmp @l"),
        ("call-depth-limit", "l: call @l\nhlt"),
        ("register-limit", "l: callw @l $60\nhlt"),
        ("bad-jump-target", "load $0 #99\njmp $0"),
        ("illegal-instruction", "igl"),
        ("bad-message", "msgi $0\nhlt"),
        ("bad-string", "load $0 #0xD800\nprtc $0\nhlt"),
        ("user(7)", "trap #7"),
    ] {
        let file = user.file("trap.iasm", source);
        let outcome = user.run(&["run", &file, "--heap-limit", "4096", "--json"]);
        let report = outcome.json();
        assert_eq!((&report["status"], &report["trap"]), (&json!("trapped"), &json!(name)));
        assert_eq!((outcome.code, &report["code"]), (Some(1), &json!(1)), "{name}");
        let mut lines = outcome.stderr.lines();
        assert_eq!(lines.next(), Some(format!("trap: {name}").as_str()));
        assert!(lines.next().unwrap().starts_with(&format!("  at {file}:")), "{outcome:?}");
    }
    // Nothing of it stays.
    assert_eq!(user.run(&["run", &example("hlt")]).code, Some(0));
}

#[test]
fn a_trap_is_reported_with_its_place_and_backtrace() {
    let user = User::new();
    let file = user.file("a.iasm", "load $5 #72\nprtc $5\ncall @f\nhlt\nf: nop\ndiv $0 $1 $2\nret");
    let outcome = user.run(&["run", &file]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(1), "H\n"));
    assert_eq!(
        outcome.stderr,
        format!(
            "trap: divide-by-zero\n  at {file}:6:1 (f+1): div $0 $1 $2\n  \
             called from {file}:3:1: call @f\n"
        )
    );
}

#[test]
fn a_program_that_is_saved_and_resumed_has_the_same_output() {
    let user = User::new();
    let file = user.file("long.iasm", LONG);
    let state = user.file("state", "");
    let whole = user.run(&["run", &file, "--json"]);
    let (mut expected, output) = (whole.json(), whole.stdout.lines().next().unwrap().to_string());
    for fuel in [0, 1, 2, 3, 17, 64, 100, 117] {
        let fuel = fuel.to_string();
        let first = user.run(&["run", &file, "--fuel", &fuel, "--save", &state, "--json"]);
        assert_eq!((first.json()["status"].as_str(), first.code), (Some("out-of-fuel"), Some(0)));
        // And once more in between, onto the same file.
        let second = user.run(&["resume", &state, "--fuel", "1", "--save", &state, "--json"]);
        let third = user.run(&["resume", &state, "--json"]);
        assert_eq!((third.code, third.stderr.as_str()), (Some(0), ""));
        let parts = [&first, &second, &third];
        let written: u64 = parts.map(|p| p.json()["output_bytes"].as_u64().unwrap()).iter().sum();
        assert_eq!(written, output.len() as u64);
        let text = parts.map(|p| p.stdout.lines().next().filter(|l| !l.starts_with('{')));
        assert_eq!(text.into_iter().flatten().collect::<String>(), output, "{fuel}");
        let mut report = third.json();
        report["output_bytes"].take();
        expected["output_bytes"].take();
        assert_eq!(report, expected, "{fuel}");
    }
    let outcome = user.run(&["run", &file, "--fuel", "3"]);
    outcome.fails(1, &["out of fuel after 3", "--save"]);
    // One that has ended replaces the state it came from, and does not go on.
    user.run(&["resume", &state, "--save", &state]);
    user.run(&["resume", &state]).fails(1, &["has ended"]);
}

#[test]
fn a_single_process_has_clocks_random_numbers_and_an_empty_mailbox() {
    let user = User::new();
    let file = user.file(
        "a.iasm",
        "self $0\nnode $1\nnodes $2\nnodeat $9 $3\nyield\nrand $4\nnow $5\nload $10 #20\nmono $6\n\
         sleep $10\nmono $7\nload $12 #-1\nload $13 #10\neq $0 $0\nrecv $12 $20\nfuel $8\nhlt",
    );
    let report = user.run(&["run", &file, "--json"]).json();
    let found = ints(&report);
    assert_eq!(found[..4], [(1 << 40) + 1, 1, 1, 1]);
    assert_ne!(found[4], 0);
    assert!(found[5] > 1_700_000_000_000_000_000, "nanoseconds since 1970");
    assert!(found[7] - found[6] >= 20_000_000, "it slept");
    assert_eq!((&report["flag"], &report["status"]), (&json!(false), &json!("halted")));
    assert!(found[8] > 0);
}

#[test]
fn a_missing_host_function_is_reported() {
    let user = User::new();
    let file = user.file("a.iasm", ".import lend\nhost @lend $0\nhlt");
    user.run(&["run", &file]).fails(1, &["lend"]);
}

#[test]
fn a_signal_stops_a_program_that_loops_or_sleeps() {
    let user = User::new();
    for source in ["l: prti $0\ndjmp @l", "prti $0\nload $1 #10000000\nsleep $1\nhlt"] {
        let file = user.file("a.iasm", source);
        let state = user.path("state");
        let words = ["run", &file, "--json", "--save", state.to_str().unwrap()];
        let mut command = user.iridium(&words);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // Its output streams, so it runs once there is some.
        let mut child = child;
        let mut first = [0];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
        let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
        nix::sys::signal::kill(pid, Signal::SIGINT).unwrap();
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(130), "{output:?}");
        let report = String::from_utf8(output.stdout).unwrap();
        assert!(report.lines().last().unwrap().starts_with("{\"status\":\"interrupted\""));
        assert!(state.exists());
    }
}

#[test]
fn a_broken_pipe_ends_the_program() {
    let user = User::new();
    let file = user.file("a.iasm", "l: prti $0\ndjmp @l");
    let mut child = user.iridium(&["run", &file]).stdout(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let began = Instant::now();
    let status = wait_until("it ends", || child.try_wait().unwrap().ok_or("it runs"));
    assert_eq!(status.code(), Some(BROKEN_PIPE));
    assert!(began.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_program_may_come_from_stdin() {
    let user = User::new();
    let mut command = user.iridium(&["-", "--registers"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"load $0 #5\nhlt\n").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "$0 = 5\nflag clear, pc 1, fuel 0\n");
}

#[test]
fn stats_tell_at_the_end_what_became_native_code() {
    let user = User::new();
    let file = user.file("a.iasm", "load $0 #3\nprti $0\nhlt");
    for (engine, why) in [
        ("interpreter", "the interpreter ran everything"),
        ("native", "nothing ran for long enough"),
    ] {
        if engine == "native" && !HAS_NATIVE_CODE {
            continue;
        }
        let outcome = user.run(&["run", &file, "--engine", engine, "--stats"]);
        let told = format!("native code: none; {why}\n");
        assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "3\n"), "{engine}");
        assert_eq!(outcome.stderr, told, "{engine}");
    }
}
