//! Programs of several processes under `iridium run` and `resume`.

use std::io::Read as _;
use std::process::Stdio;

use nix::sys::signal::Signal;
use serde_json::json;

use crate::support::{BROKEN_PIPE, User, example, wait_until};

/// Two processes hand a number to and fro, print it, and end; the first one
/// answers for the whole.
const PINGPONG: &str = "
        mov $9 $9
        self $10
        spawnlink @pong $10 $1
        load $2 #0
next:   sendi $1 $2 $2
        load $20 #-1
        load $21 #-1
        recv $20 $20
        msgi $2
        prti $2
        load $3 #32
        prtc $3
        brlt $2 #40 @next
        hlt
pong:   load $20 #-1
        load $21 #-1
        recv $20 $20
        msgi $2
        addi $2 #1 $2
        sendi $0 $2 $2
        brlt $2 #40 @pong
        hlt
";

const WORKER: &str = "
worker: load $1 #30
        sleep $1
        load $2 #7
        prti $2
        hlt
";

#[test]
fn a_run_lasts_as_long_as_the_first_process_and_all_that_is_linked_to_it() {
    let user = User::new();
    let linked = user.file("linked.iasm", format!("spawnlink @worker $9 $1\nhlt{WORKER}"));
    let outcome = user.run(&["run", &linked]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "7\n"), "{outcome:?}");
    // Linked to one that is linked.
    let far = "spawnlink @middle $9 $1\nhlt\nmiddle: spawnlink @worker $9 $1\nhlt";
    let far = user.file("far.iasm", format!("{far}{WORKER}"));
    assert_eq!(user.run(&["run", &far]).stdout, "7\n");
    // Not linked: it goes on as long as the first one does, or with --wait-all.
    let loose = user.file("loose.iasm", format!("spawn @worker $9 $1\nhlt{WORKER}"));
    assert_eq!(user.run(&["run", &loose]).stdout, "");
    let outcome = user.run(&["run", &loose, "--wait-all", "-t", "1"]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), "7\n"));
    // All of it speaks of the first process.
    let mixed = user.file("mixed.iasm", format!("spawnlink @worker $9 $1\nexit $9\nhlt{WORKER}"));
    let report = user.run(&["run", &mixed, "--json"]).json();
    assert_eq!((&report["status"], &report["code"]), (&json!("exited"), &json!(0)));
}

#[test]
fn a_process_that_is_ended_by_another_has_exited_with_the_reason() {
    let user = User::new();
    let source = "self $0\nspawn @killer $0 $1\nload $3 #-1\nload $4 #-1\nrecv $3 $3\nhlt\n\
                  killer: load $1 #300\nkill $0 $1\nhlt";
    let file = user.file("a.iasm", source);
    let outcome = user.run(&["run", &file, "--json"]);
    let report = outcome.json();
    assert_eq!((&report["status"], &report["code"]), (&json!("exited"), &json!(300)));
    outcome.fails(300 % 256, &["was ended", "exit code 300"]);
}

#[test]
fn traps_of_other_processes_are_reported_and_change_nothing_else() {
    let user = User::new();
    let source = "spawnmon @bad $9 $1\nload $3 #-3\nload $4 #-1\nrecv $3 $3\nhlt\n\
                  bad: div $0 $9 $0\nhlt";
    let file = user.file("a.iasm", source);
    let outcome = user.run(&["run", &file]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""));
    assert_eq!(
        outcome.stderr,
        format!(
            "process {}: trap: divide-by-zero at {file}:6:6 (bad): div $0 $9 $0\n",
            (1i64 << 40) + 2
        )
    );
}

#[test]
fn a_run_that_is_saved_and_resumed_at_any_point_has_the_same_output() {
    let user = User::new();
    let file = user.file("a.iasm", PINGPONG);
    let state = user.path("state");
    let state = state.to_str().unwrap();
    let whole = user.run(&["run", &file, "--registers", "--json"]);
    assert_eq!(whole.code, Some(0), "{whole:?}");
    let numbers: String = (1..=40).map(|n| format!("{n} ")).collect();
    assert_eq!(whole.stdout.lines().next(), Some(numbers.as_str()));
    for fuel in [0, 1, 2, 3, 5, 17, 40, 99, 150] {
        let fuel = fuel.to_string();
        let first = user.run(&["run", &file, "--fuel", &fuel, "--save", state]);
        assert_eq!(first.code, Some(0), "{first:?}");
        assert!(first.stderr.starts_with("out of fuel after"), "{first:?}");
        let second = user.run(&["resume", state, "--fuel", "7", "--save", state, "-t", "1"]);
        assert!(second.stderr.contains("iridium resume"), "{second:?}");
        let third = user.run(&["resume", state, "--json"]);
        assert_eq!((third.code, third.stderr.as_str()), (Some(0), ""), "{fuel}");
        let output = format!("{}{}{}", first.stdout, second.stdout, third.stdout);
        let output = output.split('{').next().unwrap().replace('\n', "");
        assert_eq!(output, numbers, "{fuel}");
        let (report, expected) = (third.json(), whole.json());
        for key in ["status", "code", "registers", "floats", "flag", "fuel"] {
            assert_eq!(report[key], expected[key], "{fuel} {key}");
        }
    }
    // A program that has ended does not go on.
    user.run(&["resume", state, "--save", state]);
    user.run(&["resume", state]).fails(1, &["has ended"]);
}

/// Stopped in the middle and resumed by another process of the system, each example writes what it
/// writes undisturbed.
#[test]
fn examples_of_processes_resume_where_they_were_saved() {
    let user = User::new();
    let state = user.path("state");
    let state = state.to_str().unwrap();
    for name in ["ping_pong", "thread_ring", "counter_server", "prime_count"] {
        let file = example(name);
        let whole = user.run(&["run", &file]);
        for fuel in ["500", "3000", "10000", "200000"] {
            let first = user.run(&["run", &file, "--fuel", fuel, "--save", state]);
            assert_eq!(first.code, Some(0), "{name} {first:?}");
            if first.stderr.starts_with("out of fuel") {
                let second = user.run(&["resume", state]);
                let output = format!("{}{}", first.stdout, second.stdout);
                assert_eq!(output, whole.stdout, "{name} {fuel}");
            }
        }
    }
}

#[test]
fn processes_that_outlive_the_first_one_are_resumed_too() {
    let user = User::new();
    let source = "self $9\nspawnlink @late $9 $1\nload $2 #-1\nload $3 #-1\nrecv $2 $4\n\
                  load $0 #5\nexit $0\nhlt\n\
                  late: trapexit #1\nsendi $0 $5 $5\nload $5 #0\nl: addi $5 #1 $5\nbrlt $5 #1000 @l\n\
                  prti $5\nhlt";
    let file = user.file("a.iasm", source);
    let state = user.path("state");
    let state = state.to_str().unwrap();
    let first = user.run(&["run", &file, "--fuel", "500", "--save", state, "--json"]);
    assert_eq!(first.json()["status"], "out-of-fuel");
    let outcome = user.run(&["resume", state, "--json"]);
    assert_eq!(outcome.stdout.lines().next(), Some("1000"), "{outcome:?}");
    let report = outcome.json();
    assert_eq!((&report["status"], &report["code"]), (&json!("exited"), &json!(5)));
    assert_eq!(outcome.code, Some(5));
}

#[test]
fn states_that_cannot_be_resumed_are_refused_in_one_line() {
    let user = User::new();
    let state = user.path("state");
    let state = state.to_str().unwrap();
    let file = user.file("a.iasm", PINGPONG);
    user.run(&["run", &file, "--fuel", "9", "--save", state]);
    let good = std::fs::read(state).unwrap();
    for (bytes, words) in [
        (b"IRPS\x01\x00rest".to_vec(), &["earlier version"][..]),
        (b"EPIE".to_vec(), &["is a module", "iridium run"]),
        (b"hello".to_vec(), &["is no saved program"]),
        (good[..good.len() - 1].to_vec(), &["damaged"]),
        (good[..40].to_vec(), &["damaged"]),
        ([&good[..good.len() - 9], &[1; 9]].concat(), &["damaged"]),
    ] {
        let bad = user.file("bad", bytes);
        user.run(&["resume", &bad]).fails(1, &[words, &[bad.as_str()]].concat());
    }
    user.run(&["run", state]).fails(1, &["is a saved program", "iridium resume"]);
}

#[test]
fn each_limit_has_a_trap_with_a_name() {
    let user = User::new();
    let flood = "self $0\nl: sendi $0 $1 $1\ndjmp @l";
    let spawner = "l: spawn @wait $9 $1\ndjmp @l\nwait: load $0 #-1\nload $1 #-1\nrecv $0 $2\nhlt";
    for (trap, flag, value, source) in [
        ("heap-limit", "--heap-limit", "4096", "load $0 #4097\naloc $0\nhlt"),
        ("data-stack-limit", "--stack-limit", "8", "l: push $0\ndjmp @l"),
        ("call-depth-limit", "--call-depth-limit", "8", "l: call @l\nhlt"),
        ("mailbox-limit", "--message-limit", "8", flood),
        ("mailbox-limit", "--message-bytes-limit", "4096", flood),
        ("fuel-limit", "--fuel-limit", "1000", "l: djmp @l"),
        ("process-limit", "--process-limit", "8", spawner),
        ("memory-limit", "--memory-limit", "100000", "load $0 #200000\naloc $0\nl: djmp @l"),
    ] {
        let file = user.file("a.iasm", source);
        let outcome = user.run(&["run", &file, flag, value, "--json"]);
        let report = outcome.json();
        assert_eq!(
            (&report["status"], &report["trap"]),
            (&json!("trapped"), &json!(trap)),
            "{flag}"
        );
        assert_eq!(outcome.code, Some(1));
    }
    // Whoever is spawned has the limits of its parent.
    let source = "spawnlink @c $9 $1\nload $0 #-1\nload $1 #-1\nrecv $0 $2\nhlt\nc: djmp @c";
    let file = user.file("a.iasm", source);
    let outcome = user.run(&["run", &file, "--fuel-limit", "1000"]);
    assert!(outcome.stderr.contains("trap: fuel-limit"), "{outcome:?}");
    let help = user.run(&["run", "--help"]).stdout;
    assert!(help.contains("Limits of each process:") && help.contains("Limits of all processes"));
}

#[test]
fn a_deadlock_is_reported_with_its_places_and_can_be_saved() {
    let user = User::new();
    let source = "spawnlink @f $9 $9\nf: load $0 #-1\nload $1 #-1\nrecv $0 $2\nhlt";
    let file = user.file("a.iasm", source);
    let state = user.path("state");
    let state = state.to_str().unwrap();
    let outcome = user.run(&["run", &file, "--save", state, "--json"]);
    outcome.fails(1, &["deadlock: 2 processes", &format!("{file}:4:1 (f+2): recv $0 $2")]);
    assert_eq!(outcome.json()["status"], "deadlock");
    user.run(&["resume", state]).fails(1, &["deadlock: 2 processes"]);
    // One that sleeps is not in a deadlock, nor is one with a time-out.
    let file = user.file("a.iasm", "load $0 #-1\nload $1 #30\nrecv $0 $2\nsleep $1\nhlt");
    assert_eq!(user.run(&["run", &file]).code, Some(0));
}

#[test]
fn a_save_file_that_cannot_be_written_is_reported_before_the_program_runs() {
    let user = User::new();
    let file = user.file("a.iasm", "prti $0\nhlt");
    let (nowhere, folder) = (user.path("nowhere/state"), user.path("."));
    for (path, report) in [(&nowhere, "there is no folder"), (&folder, "it is a directory")] {
        let path = path.to_str().unwrap();
        let outcome = user.run(&["run", &file, "--save", path]);
        outcome.fails(1, &["cannot write", path, report]);
        assert_eq!(outcome.stdout, "");
    }
}

/// The command does not poll: it must be notified that nothing runs any more, also when a sleep
/// or a time-out is over at that moment.
#[test]
fn the_end_of_all_work_is_never_missed() {
    let user = User::new();
    let late = "spawn @c $9 $1\nspawn @c $9 $1\nhlt\nc: load $0 #2\nsleep $0\nhlt";
    let stuck = "spawn @c $9 $1\nc: load $0 #-1\nload $1 #2\nrecv $0 $2\nload $1 #-1\nrecv $0 $2";
    let hungry = "spawn @c $9 $1\nl: djmp @l\nc: load $0 #1\nsleep $0\ndjmp @c";
    let (late, stuck, hungry) =
        (user.file("a.iasm", late), user.file("b.iasm", stuck), user.file("c.iasm", hungry));
    for (words, code, report) in [
        (&[&late, "--wait-all"][..], 0, ""),
        (&[&stuck], 1, "error: deadlock: 2 processes"),
        (&[&hungry, "--fuel", "20000"], 1, "error: out of fuel after 20000"),
    ] {
        for round in 0..40 {
            let words = [&["run", "-t", ["1", "2"][round % 2]], words].concat();
            let outcome = user.run(&words);
            assert_eq!(outcome.code, Some(code), "{words:?} {outcome:?}");
            assert!(outcome.stderr.starts_with(report), "{words:?} {outcome:?}");
        }
    }
}

/// Also when the output has nowhere to go, which makes processes wait.
#[test]
fn a_signal_stops_programs_that_nobody_reads() {
    let user = User::new();
    let source = "spawn @l $0 $1\nl: prti $0\ndjmp @l";
    let file = user.file("a.iasm", source);
    let state = user.path("state");
    let words = ["run", &file, "--save", state.to_str().unwrap()];
    let mut child =
        user.iridium(&words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 100]).unwrap();
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    nix::sys::signal::kill(pid, Signal::SIGINT).unwrap();
    // Nobody reads on, so the pipe stays full.
    let status = wait_until("it ends", || child.try_wait().unwrap().ok_or("it runs"));
    assert_eq!(status.code(), Some(130));
    assert!(state.exists());
}

#[test]
fn a_broken_pipe_ends_all_processes_quietly() {
    let user = User::new();
    let file = user.file("a.iasm", "spawnlink @l $0 $1\nl: prti $0\ndjmp @l");
    let mut command = user.iridium(&["run", &file]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdout.take().unwrap().read_exact(&mut [0; 100]).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), output.stderr), (Some(BROKEN_PIPE), Vec::new()));
}
