//! Files and names that come from somebody else: none hangs the command, none costs more than its
//! size, and none says anything to a terminal.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::support::{PATIENCE, User, wait_until};

/// What a terminal would obey: a title, a colour, a new line, text from right to left.
const HOSTILE: &str = "e\u{1b}]0;owned\u{7}\u{1b}[31m\nforged\u{202e}";

/// Fails if a text has anything but lines of visible characters.
#[track_caller]
fn assert_plain(text: &str) {
    let bad = |c: char| c.is_control() && c != '\n' || ('\u{202a}'..='\u{202e}').contains(&c);
    assert!(!text.contains(bad), "{text:?}");
}

/// Makes a named pipe; its path.
fn fifo(user: &User, name: &str) -> String {
    let path = user.path(name).into_os_string().into_string().unwrap();
    assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
    path
}

#[test]
fn names_of_files_processes_and_labels_are_escaped_wherever_they_are_shown() {
    let user = User::new();
    let log = user.path("log").into_os_string().into_string().unwrap();
    let node = user.node("a", &["--log-file", &log]);
    let events = user.start(&["events", "--follow", "--at", &node.at]);
    let trap = user.file(&format!("{HOSTILE}.iasm"), "trap #9");
    let named = user.file(
        "named.iasm",
        ".data\nn: .asciiz 'n\\x1b[31m\\nforged\\u{202e}'\n.code\nself $1\nregister @n $1\n\
         load $0 #-1\nload $1 #-1\nrecv $0 $2",
    );
    assert_eq!(user.run(&["spawn", "--at", &node.at, &named]).code, Some(0));
    wait_until("the trap is told", || {
        assert_eq!(user.run(&["spawn", "--at", &node.at, &trap]).code, Some(0));
        let told = events.printed();
        if told.contains(r"e\x1b]0;owned\x07\x1b[31m\nforged\u{202e}.iasm:1:1") {
            return Ok(());
        }
        Err(told)
    });
    let listed = wait_until("the name is listed", || {
        let listed = user.run(&["ps", "--at", &node.at]);
        if listed.stdout.contains(r"n\x1b[31m\nforged\u{202e}") { Ok(listed) } else { Err(listed) }
    });
    let json = user.run(&["ps", "--json", "--at", &node.at]);
    assert_eq!(json.json()["nodes"][0]["processes"][0]["names"][0], "n\u{1b}[31m\nforged\u{202e}");
    for text in [listed.stdout, json.stdout, events.printed(), node.process.complained()] {
        assert_plain(&text);
    }
    assert_plain(&std::fs::read_to_string(log).unwrap());

    let wrong = user.file(&format!("wrong{HOSTILE}.iasm"), "laod \u{1b}[2J $0\nhlt \u{202e}x");
    for words in [["run", &trap], ["check", &wrong], ["resume", &wrong], ["run", "no\u{1b}[2J/"]] {
        let outcome = user.run(&words);
        assert_plain(&outcome.stderr);
        assert!(outcome.stderr.contains(r"\x1b["), "{outcome:?}");
    }
    let outcome = user.repl(&[]).converse(&format!(
        "!load_file {}\n!continue\n!save no\u{1b}[2J/x\n!break l\u{1b}[2J\n!quit",
        trap.split('\n').next().unwrap()
    ));
    assert_plain(&outcome.stdout);
    assert_plain(&outcome.stderr);
}

#[test]
fn a_pipe_that_nobody_writes_to_hangs_nothing() {
    let user = User::new();
    let pipe = fifo(&user, "pipe");
    for words in [
        &["run", &pipe][..],
        &["check", &pipe],
        &["disasm", &pipe],
        &["resume", &pipe],
        &["run", "--app", &pipe],
        &["node", "-P", "0", "--app", &pipe],
        &["node", "-P", "0", "--run", &pipe],
    ] {
        let waiting = user.start(words);
        // It may still be starting; then it ends as well.
        waiting.signal(Signal::SIGTERM);
        assert_eq!(waiting.end().code, None, "{words:?} is ended by the signal");
    }
    let mut repl = user.repl(&[]);
    repl.ask("!help quit", "!quit:");
    repl.say(&format!("!load_file {pipe}"));
    repl.process.signal(Signal::SIGTERM);
    assert!(repl.process.end().code.is_some());
    let node = ["node", "-P", "0", "--secret-file", &pipe];
    user.run(&node).fails(3, &["it is not a file"]);
}

#[test]
fn what_is_no_program_is_refused_quickly() {
    let user = User::new();
    user.run(&["check", "/dev/zero"]).fails(1, &["/dev/zero is too large: at most 64 MiB"]);
    user.run(&["run", "/"]).fails(1, &["it is a directory"]);
    let sparse = user.file("sparse", "nop\n");
    std::fs::File::options().write(true).open(&sparse).unwrap().set_len(1 << 40).unwrap();
    user.run(&["run", &sparse]).fails(1, &["too large"]);
}

#[test]
fn pipes_that_somebody_is_at_are_files_as_any_other() {
    let user = User::new();
    let iridium = env!("CARGO_BIN_EXE_iridium");
    let source = "load $0 #65\\nprtc $0\\nhlt\\n";
    let script = format!(
        "printf '{source}' | {iridium} run - && printf '{source}' | {iridium} run /dev/stdin && \
         {iridium} run <(printf '{source}') && {iridium} run <(sleep 0.2; printf '{source}') && \
         {iridium} asm <(printf '{source}') -o >(cat > {out}) && sleep 0.2 && {iridium} run {out}",
        out = user.path("out.irb").display()
    );
    let output = Command::new("bash").args(["-c", &script]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.matches('A').count(), 5, "{output:?}");
}

#[test]
fn tools_take_time_in_proportion_to_their_input() {
    let user = User::new();
    let jumps = |count| (0..count).map(|n| format!("l{n}: djmp @l{n}\n")).collect::<String>();
    let file = user.file("jumps.iasm", jumps(60_000));
    let start = Instant::now();
    let repl = user.repl(&[]);
    let outcome = repl.converse(&format!("!load_file {file}\n!program\n!symbols\n!quit"));
    assert!(outcome.stdout.contains("60000 instructions"), "{}", outcome.stderr);
    assert!(outcome.stdout.contains("59999  djmp @l59999"));
    let wrong: String = (0..60_000).map(|n| format!("l{n}:\ndjmp @m{n}\nxq{n}\n")).collect();
    let wrong = user.file("wrong.iasm", wrong);
    user.run(&["check", &wrong]).fails(1, &["120000 errors"]);
    assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
}

#[test]
fn data_is_in_memory_once_and_once_more_while_it_is_saved() {
    let user = User::new();
    // 128 MiB of data.
    let file = user.file("zero.iasm", ".data\n.zero #134217728\n.code\nl: djmp @l");
    let state = user.path("st").into_os_string().into_string().unwrap();
    let with = |kilobytes: usize, words: &str| {
        let iridium = env!("CARGO_BIN_EXE_iridium");
        let script = format!("ulimit -v {kilobytes}; exec {iridium} {words}");
        Command::new("bash").args(["-c", &script]).stdin(Stdio::null()).output().unwrap()
    };
    let checked = with(200_000, &format!("check {file}"));
    assert!(checked.status.success(), "{checked:?}");
    let saved = with(600_000, &format!("run -t 1 --fuel 9 --save {state} {file}"));
    assert!(saved.status.success(), "{saved:?}");
    assert_eq!(std::fs::metadata(&state).unwrap().len() >> 20, 256, "in each of both parts");
}

#[test]
fn the_limits_in_a_state_are_those_that_flags_allow() {
    let user = User::new();
    let file = user.file("a.iasm", "l: load $0 #-1\nload $1 #-1\ndjmp @l");
    let state = user.path("st").into_os_string().into_string().unwrap();
    let words = ["run", &file, "--fuel", "1000", "--save", &state, "--process-limit", "7"];
    assert_eq!(user.run(&words).code, Some(0));
    let bytes = std::fs::read(&state).unwrap();
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    let (head, rest) = bytes.split_at(end);
    let head = String::from_utf8(head.to_vec()).unwrap();
    for limit in ["0", "16777217", "9223372036854775807"] {
        let changed = head.replace("\"process_limit\":7", &format!("\"process_limit\":{limit}"));
        assert_ne!(changed, head);
        let absurd = user.file("absurd", [changed.as_bytes(), rest].concat());
        user.run(&["resume", &absurd, "--fuel", "9"]).fails(1, &["wants room for", limit]);
    }
    let changed = head.replacen("\"first\":", "\"first\":7", 1);
    assert_ne!(changed, head);
    let other = user.file("other", [changed.as_bytes(), rest].concat());
    user.run(&["resume", &other, "--fuel", "9"]).fails(1, &["its first process is missing"]);
    assert!(user.run(&["resume", &state, "--fuel", "9"]).stderr.contains("out of fuel"));
}

#[test]
fn deep_processes_of_a_program_with_many_labels_are_listed_in_time() {
    let user = User::new();
    let labels: String = (0..20_000).map(|n| format!("l{n}: hlt\n")).collect();
    let source = format!(
        "load $1 #2000\nmore: spawn @child $10 $11\ndec $1\nbrgt $1 #0 @more\nload $0 #100000\n\
         sleep $0\nchild: load $1 #31\ndown: breq $1 #0 @wait\ndec $1\ncall @down\nhlt\n\
         wait: load $0 #-1\nload $1 #-1\nrecv $0 $2\nhlt\n{labels}"
    );
    let node = user.node("a", &["--run", &user.file("deep.iasm", source)]);
    let start = Instant::now();
    wait_until("all are listed, deep down", || {
        let listed = user.run(&["ps", "--json", "--at", &node.at]);
        let places = listed.stdout.matches("(wait+2): recv $0 $2").count();
        if places == 2000 { Ok(()) } else { Err(places) }
    });
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
}
