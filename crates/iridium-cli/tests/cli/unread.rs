//! What runs while nobody reads the output, and while programs compute without a pause.

use std::io::{BufRead, BufReader};
use std::process::{Child, ChildStdout, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::operate::processes;
use crate::support::{User, wait_until};

/// How soon an operator has an answer, with room for a machine that is busy.
const SOON: Duration = Duration::from_secs(1);

/// A node on one worker, of whose output only the first line is read.
struct Unread {
    child: Child,
    at: String,
    _stdout: BufReader<ChildStdout>,
}

impl Unread {
    fn start(user: &User, words: &[&str]) -> Self {
        let all = [&["node", "--node-alias", "u", "-P", "0", "-t", "1"], words].concat();
        let mut command = user.iridium(&all);
        let null = Stdio::null;
        let started = command.stdin(null()).stderr(null()).stdout(Stdio::piped()).spawn();
        let mut child = started.unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let at = line.trim().rsplit(' ').next().unwrap().to_owned();
        Self { child, at, _stdout: stdout }
    }

    /// Ends it with a signal. Returns how long that took.
    fn terminate(&mut self) -> Duration {
        let asked = Instant::now();
        kill(Pid::from_raw(self.child.id() as i32), Signal::SIGTERM).unwrap();
        self.child.wait().unwrap();
        asked.elapsed()
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn processes_whose_output_nobody_reads_wait_and_hold_up_nobody() {
    let user = User::new();
    let program = user.file(
        "p.iasm",
        "main: spawn @print $0 $1\nspawn @print $0 $1\nspawn @counts $0 $1\nhlt\n\
         print: load $0 #46\nprtc $0\ndjmp @print\n\
         counts: load $0 #1\nsleep $0\ndjmp @counts",
    );
    let mut node = Unread::start(&user, &["--run", &program]);
    let ps = || processes(&user, &node.at, "u");
    let waiting = |state: &str| {
        let rows = ps();
        rows.iter().filter(|row| row["state"] == state).map(|row| row["pid"].clone()).collect()
    };
    let two: Vec<serde_json::Value> = wait_until("both wait for room", || {
        let found: Vec<_> = waiting("output");
        if found.len() == 2 { Ok(found) } else { Err(found.len()) }
    });
    // The third goes on.
    let fuel = || ps().iter().find(|row| row["state"] != "output").unwrap()["fuel"].as_u64();
    let before = fuel();
    wait_until("it has run", || if fuel() > before { Ok(()) } else { Err(before) });
    let asked = Instant::now();
    let killed = user.run(&["kill", "--at", &node.at, two[0].as_str().unwrap()]);
    assert_eq!(killed.code, Some(0), "{}", killed.stderr);
    wait_until("one is gone", || if waiting("output").len() == 1 { Ok(()) } else { Err(()) });
    assert!(asked.elapsed() < 5 * SOON, "{:?}", asked.elapsed());
    let memory = std::fs::read_to_string(format!("/proc/{}/statm", node.child.id())).unwrap();
    let pages: u64 = memory.split(' ').nth(1).unwrap().parse().unwrap();
    assert!(pages * 4096 < 200 << 20, "{memory}");
    let took = node.terminate();
    assert!(took < 3 * SOON, "{took:?}");
}

/// Long straight lines, returns and bulk instructions: the culprit is shown, and can be killed.
#[test]
fn operators_are_answered_beside_a_program_that_never_waits() {
    let user = User::new();
    let line = "ld64 $6 #0 $5\n".repeat(3000);
    let busy = [
        format!(".data\nd: .i64 #7\n.code\nload $6 @d\nl: {line} djmp @l"),
        "load $1 #67108864\naloc $1\nload $2 #255\nload $3 #0\nmemset $3 $2 $1\n\
         l: prtm $3 $1\ndjmp @l"
            .to_owned(),
    ];
    for (index, source) in busy.iter().enumerate() {
        let program = user.file(&format!("busy{index}.iasm"), source);
        let mut node = Unread::start(&user, &["--run", &program]);
        wait_until("it runs", || {
            let rows = processes(&user, &node.at, "u");
            if rows.iter().any(|row| row["fuel"].as_u64() > Some(100_000)) {
                Ok(())
            } else {
                Err(rows)
            }
        });
        let answered = |words: &[&str]| {
            let asked = Instant::now();
            let answer = user.run(&[words, &["--at", &node.at]].concat());
            assert_eq!(answer.code, Some(0), "{}", answer.stderr);
            (asked.elapsed(), answer.stdout)
        };
        let (took, shown) = answered(&["ps"]);
        assert!(took < SOON, "{index}: {took:?}");
        let pid = shown.lines().nth(1).unwrap().split_whitespace().next().unwrap().to_owned();
        let (took, _) = answered(&["kill", &pid]);
        assert!(took < SOON, "{index}: {took:?}");
        wait_until("it is gone", || {
            let rows = processes(&user, &node.at, "u");
            if rows.is_empty() { Ok(()) } else { Err(rows) }
        });
        let took = node.terminate();
        assert!(took < 3 * SOON, "{index}: {took:?}");
    }
}
