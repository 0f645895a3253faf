//! `iridium node` with programs and apps, and what keeps it from starting.

use std::io::Read as _;
use std::net::TcpListener;
use std::process::Stdio;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::support::{Node, User, ask_http, wait_until};

/// Says `41`, then `b` when it is asked to end.
const POLITE: &str = "trapexit #1\nprti $0\nload $1 #10\nprtc $1\nload $2 #-2\nload $3 #-1\n\
                      recv $2 $2\nload $5 #98\nprtc $5\nprtc $1\nhlt";

#[test]
fn programs_and_apps_run_and_are_told_to_end() {
    let user = User::new();
    user.file("polite.iasm", POLITE);
    let app = user.file(
        "shop.toml",
        "name = 'shop'\n[[child]]\nname = 'till'\nmodule = 'polite.iasm'\narguments = [41]\n",
    );
    let one = user.file("one.iasm", "load $0 #1001\nprti $0\nload $1 #10\nprtc $1\nhlt");
    let bad = user.file("bad.iasm", "div $0 $9 $0\nhlt");
    let words =
        ["--app", &app, "--run", &one, "--run", &bad, "-t", "2", "--memory-limit", "9999999"];
    for signal in [Some(Signal::SIGINT), Some(Signal::SIGTERM), None] {
        let node = user.node("a", &words);
        wait_until("a trap is reported, and the node goes on", || {
            let report = node.process.complained();
            let all = ["trap: divide-by-zero", &format!("at {bad}:1:1"), "bad.iasm, process"];
            if all.iter().all(|text| report.contains(text)) { Ok(()) } else { Err(report) }
        });
        wait_until("both have printed", || {
            let outcome = user.run(&["ps", "--at", &node.at]);
            let said = node.process.printed();
            let both = said.contains("41\n") && said.contains("1001\n");
            if both && outcome.stdout.contains("receiving") { Ok(()) } else { Err((said, outcome)) }
        });
        match signal {
            Some(signal) => node.process.signal(signal),
            None => assert_eq!(user.run(&["leave", "--at", &node.at]).code, Some(0)),
        }
        let outcome = node.process.end();
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        assert!(outcome.stdout.ends_with("b\n"), "it could say goodbye: {outcome:?}");
    }
}

#[test]
#[cfg(target_os = "linux")]
fn output_that_cannot_be_written_is_reported_in_the_log() {
    let user = User::new();
    let file = user.file("a.iasm", "l: prti $0\nload $1 #10\nsleep $1\ndjmp @l");
    let log = user.path("log");
    let words = ["node", "--node-alias", "a", "-P", "0", "--run", &file, "--log-file"];
    let full = std::fs::File::options().write(true).open("/dev/full").unwrap();
    let mut node = user.iridium(&[&words[..], &[log.to_str().unwrap()]].concat());
    let mut node = node.stdout(full).stderr(Stdio::null()).spawn().unwrap();
    let report = wait_until("it is in the log", || {
        let report = std::fs::read_to_string(&log).unwrap_or_default();
        if report.contains("the output of processes is lost") { Ok(report) } else { Err(report) }
    });
    // What nobody could read there, and why.
    assert!(report.contains("a listens on 127.0.0.1:"), "{report}");
    assert!(report.contains("there is no space left") && !report.contains("os error"), "{report}");
    // The node goes on until it is asked to end.
    assert!(node.try_wait().unwrap().is_none());
    kill(Pid::from_raw(node.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    let status = wait_until("it ends", || node.try_wait().unwrap().ok_or("it runs"));
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_node_that_cannot_start_says_why_in_one_line() {
    let user = User::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap();
    let (port, metrics) = (taken.port().to_string(), taken.to_string());
    let file = user.file("file", "no folder");
    let app = user.file("a.toml", "[[child]]\nname = 'x'\nmodule = 'none.iasm'");
    let host = user.file("h.iasm", ".import 'math.pow'\nhlt");
    for (words, code, report) in [
        (&["-P", &port][..], 1, &[metrics.as_str(), "-P"][..]),
        (&["--metrics", &metrics], 1, &[&metrics, "metrics", "--metrics"]),
        (&["--data-root-dir", &file], 1, &[&file, "--data-root-dir"]),
        (&["-H", "no.such.host.invalid"], 1, &["no.such.host.invalid", "no address"]),
        (&["--metrics", "no.such.host.invalid:0"], 1, &["no.such.host.invalid", "no address"]),
        (&["--run", "/no/where.iasm"], 1, &["/no/where.iasm", "no such file"]),
        (&["--app", "/no/where.toml"], 2, &["/no/where.toml", "no such file"]),
        (&["--app", &app], 2, &["a.toml, line 3", "none.iasm", "no such file"]),
        (&["--run", &file], 1, &[&file, "does not assemble"]),
    ] {
        let mut all = [&["node", "--node-alias", "a"], words].concat();
        if words[0] != "-P" {
            all.extend(["-P", "0"]);
        }
        let outcome = user.run(&all);
        outcome.fails(code, report);
        assert_eq!(outcome.stdout, "", "nobody hears of the node: {outcome:?}");
    }
    // Whether the module imports or does not even assemble, it is report.
    user.run(&["node", "-P", "0", "--run", &host]).fails(1, &[]);
    assert_eq!(user.run(&["node", "--metrics", "9100"]).code, Some(2));
    user.run(&["--heap-limit", "9"]).fails(2, &["limits"]);
}

#[test]
fn an_app_that_gives_up_is_reported_and_the_node_goes_on() {
    let user = User::new();
    user.file("bad.iasm", "div $0 $9 $0\nhlt");
    let app = user.file("shop.toml", "[[child]]\nname = 'till'\nmodule = 'bad.iasm'");
    let node = user.node("a", &["--app", &app]);
    wait_until("it is reported", || {
        let report = node.process.complained();
        if report.contains("its children ended too often; till ended too often, at last: trap") {
            Ok(())
        } else {
            Err(report)
        }
    });
    let apps = user.run(&["apps", "--at", &node.at]).stdout;
    assert!(apps.contains("shop") && apps.contains("ended"), "{apps}");
    node.process.signal(Signal::SIGTERM);
    assert_eq!(node.process.end().code, Some(0));
}

#[test]
fn the_log_of_a_storm_is_short_and_its_last_line_names_the_culprit() {
    let user = User::new();
    user.file("end.iasm", "hlt");
    let app = user.file(
        "shop.toml",
        "restarts = 20\nseconds = 60\n[[child]]\nname = 'tills'\nrestarts = 300\nseconds = 60\n\
         [[child.child]]\nname = 'till'\nmodule = 'end.iasm'",
    );
    let node = user.node("a", &["--app", &app]);
    let report = wait_until("it is reported", || {
        let report = node.process.complained();
        if report.contains("app shop has ended") { Ok(report) } else { Err(report) }
    });
    let last = report.lines().find(|line| line.contains("app shop has ended")).unwrap();
    assert!(
        last.contains("tills ended too often, because its till did, at last: normal"),
        "{last}"
    );
    assert!(report.lines().count() < 200, "{report}");
}

/// Also when its output has nowhere to go, which makes programs wait.
#[test]
fn a_node_whose_output_nobody_reads_ends_when_it_is_told() {
    let user = User::new();
    user.file("loud.iasm", "l: prti $0\ndjmp @l");
    let app = user.file("a.toml", "[[child]]\nname = 'x'\nmodule = 'loud.iasm'\nshutdown_ms = 100");
    let words = ["node", "--node-alias", "a", "-P", "0", "--app", &app];
    let mut command = user.iridium(&words);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // More than the line that says where it listens.
    child.stdout.as_mut().unwrap().read_exact(&mut [0; 100]).unwrap();
    kill(Pid::from_raw(child.id().try_into().unwrap()), Signal::SIGTERM).unwrap();
    let status = wait_until("it ends", || child.try_wait().unwrap().ok_or("it runs"));
    assert_eq!(status.code(), Some(0));
}

#[test]
fn a_scraper_finds_the_metrics() {
    let user = User::new();
    let waits = user.file("w.iasm", "load $0 #-1\nload $1 #-1\nrecv $0 $2\nhlt");
    let node = user.node("a", &["--metrics", "127.0.0.1:0", "--run", &waits]);
    let line = node.process.wait_for("a shows metrics at http://");
    let place = line.rsplit("http://").next().unwrap().strip_suffix("/metrics").unwrap();
    wait_until("the process is counted", || {
        let page = ask_http(place, "GET /metrics", "").unwrap();
        let found = page.lines().any(|line| line == "iridium_processes 1");
        if found && page.starts_with("HTTP/1.1 200 OK") { Ok(()) } else { Err(page) }
    });
}

#[test]
fn probes_are_told_whether_a_node_lives_and_is_ready() {
    let user = User::new();
    let nowhere = TcpListener::bind("127.0.0.1:0").unwrap();
    let nowhere = nowhere.local_addr().unwrap().to_string();
    let asks = |place: &str, path: &str| {
        let page = ask_http(place, &format!("GET {path}"), "").unwrap();
        page.get(9..12).unwrap_or_default().to_owned()
    };
    let place = |node: &Node| {
        let line = node.process.wait_for("shows metrics at http://");
        line.rsplit("http://").next().unwrap().strip_suffix("/metrics").unwrap().to_owned()
    };
    let alone = user.node("a", &["--metrics", "127.0.0.1:0", "--join", &nowhere]);
    let a = place(&alone);
    assert_eq!((asks(&a, "/live"), asks(&a, "/ready")), ("200".into(), "503".into()));
    assert_eq!(asks(&a, "/lives"), "404");
    let first = user.node("b", &["--metrics", "127.0.0.1:0"]);
    assert_eq!(asks(&place(&first), "/ready"), "200");
    let joins = ["--metrics", "127.0.0.1:0", "--join", &first.at];
    let second = user.node("c", &joins);
    let c = place(&second);
    wait_until("it has joined", || {
        let status = asks(&c, "/ready");
        if status == "200" { Ok(()) } else { Err(status) }
    });
}
