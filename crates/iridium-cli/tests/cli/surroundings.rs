//! What the system hands to the command: ignored signals, variables, the log file, streams that
//! cannot be written.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use nix::sys::signal::Signal;

use crate::support::{BROKEN_PIPE, Process, User, wait_until};

/// `iridium` with these words, where a shell has arranged something before.
fn after(user: &User, script: &str, words: &[&str]) -> Command {
    let iridium = user.iridium(words);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("{script}; exec \"$@\"")]).arg("sh");
    shell.arg(iridium.get_program()).args(iridium.get_args());
    for (name, value) in iridium.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    shell.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    shell
}

fn signals() -> [Signal; 3] {
    [Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM]
}

#[test]
fn signals_that_were_ignored_at_the_start_stay_ignored() {
    let user = User::new();
    let file = user.file(
        "w.iasm",
        "prts @up\nload $0 #-1\nload $1 #60000\nrecv $0 $1\nhlt\n.data\nup: .asciiz 'up\\n'",
    );
    let node = ["node", "-P", "0", "--node-alias", "a"];
    for (words, ready) in [(&node[..], "listens on"), (&["run", &file], "up")] {
        for ignored in signals() {
            let name = ignored.as_str().strip_prefix("SIG").unwrap();
            let trap = format!("trap '' {name}");
            let process = Process::start(&mut after(&user, &trap, words));
            process.wait_for(ready);
            process.signal(ignored);
            // One that is obeyed comes second, and is the one that is told by the exit code.
            let other = if ignored == Signal::SIGTERM { Signal::SIGINT } else { Signal::SIGTERM };
            process.signal(other);
            let code = if words[0] == "node" { 0 } else { 128 + other as i32 };
            assert_eq!(process.end().code, Some(code), "{words:?} {ignored}");
        }
    }
}

/// A REPL that a pipe drives, with SIGHUP and SIGINT ignored, goes on to its last line.
#[test]
fn a_repl_under_nohup_goes_on() {
    let user = User::new();
    let mut command = after(&user, "trap '' HUP INT", &[]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"load $0 #77\n").unwrap();
    let pid = nix::unistd::Pid::from_raw(child.id().try_into().unwrap());
    // It has handled signals before it read a line, and it has read this one when it says so.
    input.write_all(b"!registers\n").unwrap();
    let mut first = [0; 7];
    child.stdout.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(&first, b"$0 = 77");
    nix::sys::signal::kill(pid, Signal::SIGHUP).unwrap();
    nix::sys::signal::kill(pid, Signal::SIGINT).unwrap();
    input.write_all(b"load $1 #5\n!registers\n").unwrap();
    drop(input);
    let output = child.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("$1 = 5"), "{output:?}");
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_node_opens_its_log_file_again_at_sighup_and_ends_without_one() {
    let user = User::new();
    let log = user.path("node.log");
    let node = user.node("a", &["--log-file", log.to_str().unwrap()]);
    let moved = user.path("node.log.1");
    fs::rename(&log, &moved).unwrap();
    node.process.signal(Signal::SIGHUP);
    let text = wait_until("the file is made anew", || fs::read_to_string(&log));
    wait_until("it is written to", || {
        let text = fs::read_to_string(&log).unwrap();
        if text.contains("opened again") { Ok(()) } else { Err(text) }
    });
    assert!(!fs::read_to_string(&moved).unwrap().contains("opened again"), "{text}");
    // One that cannot be opened leaves the node as it is.
    fs::remove_file(&log).unwrap();
    fs::create_dir(&log).unwrap();
    node.process.signal(Signal::SIGHUP);
    wait_until("it is reported", || {
        let said = node.process.complained();
        if said.contains("cannot write the log file") { Ok(()) } else { Err(said) }
    });
    node.process.signal(Signal::SIGTERM);
    assert_eq!(node.process.end().code, Some(0));

    let node = user.node("b", &[]);
    node.process.signal(Signal::SIGHUP);
    assert_eq!(node.process.end().code, Some(0));
}

#[test]
fn all_times_in_a_log_are_equally_long() {
    let user = User::new();
    let node = user.node("a", &["-vv"]);
    wait_until("there are many lines", || {
        user.run(&["members", "--at", &node.at]);
        let log = node.process.complained();
        let mut times: Vec<_> =
            log.lines().map(|line| line.split(' ').next().unwrap().len()).collect();
        if times.len() < 100 {
            return Err(times.len());
        }
        times.dedup();
        assert_eq!(times, ["2026-11-25T10:08:14.123456Z".len()], "{log}");
        Ok(())
    });
}

#[test]
fn variables_that_are_empty_are_as_good_as_unset() {
    let user = User::new();
    let file = user.file("p.iasm", "load $0 #7\nprti $0");
    let path = user.run(&["secret", "show-path"]).stdout;
    for variable in
        ["IRIDIUM_SECRET_FILE", "XDG_CONFIG_HOME", "XDG_DATA_HOME", "NO_COLOR", "TERM", "COLUMNS"]
    {
        for words in [&["run", &file][..], &["secret", "show-path"], &["--help"]] {
            let output = user.iridium(words).env(variable, "").output().unwrap();
            assert!(output.status.success(), "{variable} {output:?}");
            if words[0] == "secret" {
                assert_eq!(String::from_utf8(output.stdout).unwrap(), path, "{variable}");
            }
        }
    }
    // An empty HOME is none, for which the system knows another place.
    let home = |value: Option<&str>| {
        let mut command = user.iridium(&["secret", "show-path"]);
        match value {
            Some(value) => command.env("HOME", value),
            None => command.env_remove("HOME"),
        };
        command.output().unwrap().stdout
    };
    assert_eq!(home(Some("")), home(None));
    assert!(home(None).starts_with(b"/"), "{:?}", home(None));
}

#[test]
fn a_variable_names_the_secret_file_also_by_bytes_that_are_no_utf8() {
    use std::os::unix::ffi::OsStrExt as _;
    let user = User::new();
    let name = std::ffi::OsStr::from_bytes(b"secret-\xff");
    let path = user.path("").join(name);
    let outcome = user.iridium(&["secret", "new"]).arg(&path).output().unwrap();
    assert!(outcome.status.success(), "{outcome:?}");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let output =
        user.iridium(&["secret", "show-path"]).env("IRIDIUM_SECRET_FILE", &path).output().unwrap();
    assert_eq!(output.stdout, [path.as_os_str().as_bytes(), b"\n"].concat());
    // A named file that is not there is not made.
    let node = ["node", "-P", "0"];
    let missing = user.path("none");
    let output = user.iridium(&node).env("IRIDIUM_SECRET_FILE", &missing).output().unwrap();
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    assert!(!missing.exists());
}

#[test]
fn output_that_cannot_be_written_is_told_by_the_exit_code() {
    let user = User::new();
    let file = user.file("p.iasm", "load $0 #7\nprti $0\nhlt");
    let node = user.node("a", &["--run", &file]);
    let at = ["--at", node.at.as_str()];
    let asked = |words: &[&'static str]| [words, &at].concat();
    let commands = [
        asked(&["members"]),
        asked(&["members", "--json"]),
        asked(&["ps", "--json"]),
        asked(&["top", "--json"]),
        asked(&["apps", "--json"]),
        vec!["run", &file],
        vec!["run", &file, "--json"],
        vec!["disasm", &file],
        vec!["check", &file],
        vec!["asm", &file, "-o", "-"],
        vec!["completions", "bash"],
        vec!["man"],
        vec!["secret", "show-path"],
        vec!["--help"],
        vec!["run", "--help"],
        vec!["--version"],
    ];
    for words in commands {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = user.iridium(&words).stdout(full).output().unwrap();
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(1), "{words:?} {error}");
        assert!(error.contains("cannot write the output: there is no space left"), "{error}");
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = user.iridium(&words).stdout(writer).output().unwrap();
        assert_eq!(output.status.code(), Some(BROKEN_PIPE), "{words:?}");
        assert!(output.stderr.is_empty(), "{words:?} {output:?}");
    }
}

#[test]
fn a_repl_whose_output_cannot_be_written_ends_with_a_failure() {
    let user = User::new();
    // What a command prints, what a program prints, and what a process prints in the end.
    let loud = user.file("loud.iasm", "load $0 #7\nprti $0\nhlt");
    for lines in
        ["load $0 #7\n!registers\nload $0 #8\n", "prti $0\n", &format!("!spawn {loud}\nsleep $1\n")]
    {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let (reader, closed) = std::io::pipe().unwrap();
        drop(reader);
        for (stdout, code) in [(Stdio::from(full), 1), (Stdio::from(closed), BROKEN_PIPE)] {
            let mut command = user.iridium(&[]);
            command.stdin(Stdio::piped()).stdout(stdout).stderr(Stdio::null());
            let mut child = command.spawn().unwrap();
            // It may have ended before it has read all.
            let _ = child.stdin.take().unwrap().write_all(lines.as_bytes());
            assert_eq!(child.wait().unwrap().code(), Some(code), "{lines:?}");
        }
    }
}
