//! The REPL over a pipe.

use std::fs::{self, File};
use std::path::Path;

use nix::sys::signal::Signal;

use crate::support::{User, wait_until};

/// The dialogue that people first meet the project with.
#[test]
fn three_repls_become_one_mesh() {
    let user = User::new();
    let mut a = user.repl(&["--node-alias", "a", "-P", "0"]);
    let mut b = user.repl(&["--node-alias", "b", "-P", "0"]);
    let mut c = user.repl(&["--node-alias", "c", "-P", "0"]);

    let listens = a.ask("!start_cluster", "a listens on 127.0.0.1:");
    let port = |line: &str| line.rsplit(':').next().unwrap().to_string();
    let port_a = port(&listens);
    let port_b = port(&b.ask(&format!("!join_cluster 127.0.0.1 {port_a}"), "b listens on "));
    b.process.wait_for("joined the cluster through a: 2 members");
    // As one word too, and through a member that is not the first.
    let port_c = port(&c.ask(&format!("!join_cluster 127.0.0.1:{port_b}"), "c listens on "));
    c.process.wait_for("joined the cluster through b: 3 members");

    let expected = |own: &str| {
        [("a", &port_a), ("b", &port_b), ("c", &port_c)].map(|(alias, port)| {
            let state = if alias == own { "this node" } else { "alive" };
            (alias, format!("127.0.0.1:{port}"), state)
        })
    };
    for (repl, own) in [(&mut a, "a"), (&mut b, "b"), (&mut c, "c")] {
        wait_until("all three are listed with their listening ports", || {
            repl.ask("!cluster_members", "alias");
            for (alias, place, state) in expected(own) {
                let line = repl.process.wait_for(alias);
                if !(line.contains(&place) && line.contains(state)) {
                    // The rest of a table that is not complete yet.
                    repl.ask("!help quit", "!quit:");
                    return Err(line);
                }
            }
            Ok(())
        });
    }

    // The end of the input is a farewell.
    let outcome = c.close();
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    assert_eq!(outcome.stderr, "");
    let at = format!("127.0.0.1:{port_a}");
    user.wait_for_members(&at, &[("a", "self"), ("b", "alive"), ("c", "left")]);
    b.say("!quit");
    assert_eq!(b.process.end().code, Some(0));
    user.wait_for_members(&at, &[("a", "self"), ("b", "left"), ("c", "left")]);
}

#[test]
fn only_answers_are_written_to_a_pipe() {
    let user = User::new();
    let mut repl = user.repl(&[]);
    repl.say("!help join_cluster");
    repl.say("");
    repl.say("!history");
    let outcome = repl.close();
    assert_eq!(
        outcome.stdout,
        "!join_cluster HOST PORT | HOST:PORT: join a cluster; starts this node if needed\n    \
         1  !help join_cluster\n    2  !history\n"
    );
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
}

#[test]
fn after_mistakes_the_repl_goes_on() {
    let user = User::new();
    let mut repl = user.repl(&["-P", "0"]);
    for line in [
        "!cluster_members",
        "!leave_cluster",
        "!forget",
        "!forget b",
        "!quti",
        "!xyzzy",
        "quit",
        "!join_cluster",
        "!join_cluster here there",
        "!quit now",
        "!break",
        "!restore /dev/null",
        "!save /nowhere/state",
    ] {
        repl.say(line);
    }
    let outcome = repl.close();
    assert_eq!(
        outcome.stderr.lines().collect::<Vec<_>>(),
        [
            "error: this node is in no cluster; !start_cluster or !join_cluster first",
            "error: this node is in no cluster; !start_cluster or !join_cluster first",
            "error: usage: !forget ALIAS",
            "error: this node is in no cluster; !start_cluster or !join_cluster first",
            "error: there is no command !quti; did you mean !quit?",
            "error: there is no command !xyzzy; !help lists the commands",
            "error: commands begin with !; did you mean !quit?",
            "error: usage: !join_cluster HOST PORT | HOST:PORT",
            "error: \"here:there\" is no address: after the colon comes a port, a number up to 65535",
            "error: usage: !quit",
            "error: /dev/null is no saved session; !save writes one",
            "error: cannot write /nowhere/state: there is no folder /nowhere",
        ]
    );
    let report = "no breakpoints; !break LABEL sets one\n";
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), report));
}

#[test]
fn a_node_can_leave_and_start_again() {
    let user = User::new();
    let mut repl = user.repl(&["--node-alias", "a", "-P", "0"]);
    let first = repl.ask("!start_cluster", "a listens on ");
    assert_eq!(repl.ask("!start_cluster", "a listens on "), first);
    repl.ask("!leave_cluster", "left the cluster");
    repl.ask("!start_cluster", "a listens on ");
    repl.ask("!cluster_members", "this node");
    assert_eq!(repl.close().stderr, "");
}

#[test]
fn a_port_in_use_is_reported_with_the_flag_for_another_one() {
    let user = User::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut repl = user.repl(&["-P", &port]);
    repl.say("!start_cluster");
    let outcome = repl.close();
    assert!(outcome.stderr.contains(&port) && outcome.stderr.contains("-P"), "{outcome:?}");
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn a_client_can_make_it_leave_and_the_repl_goes_on() {
    let user = User::new();
    let mut repl = user.repl(&["--node-alias", "a", "-P", "0"]);
    let line = repl.ask("!start_cluster", "a listens on ");
    let at = line.rsplit(' ').next().unwrap();
    assert_eq!(user.run(&["leave", "--at", at]).code, Some(0));
    wait_until("the node is gone", || match user.run(&["members", "--at", at]).code {
        Some(1) => Ok(()),
        other => Err(other),
    });
    repl.say("!cluster_members");
    let outcome = repl.close();
    assert!(outcome.stderr.contains("this node is in no cluster"), "{outcome:?}");
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn after_a_signal_the_repl_leaves_the_cluster() {
    let user = User::new();
    let mut repl = user.repl(&["--node-alias", "a", "-P", "0"]);
    repl.ask("!start_cluster", "a listens on ");
    repl.process.signal(Signal::SIGTERM);
    let outcome = repl.process.end();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
}

/// What the README shows of a REPL in the folder of the project is what somebody sees there.
#[test]
fn the_dialogue_of_the_readme_is_had() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let readme = fs::read_to_string(root.join("README.md")).unwrap();
    let (_, shown) = readme.split_once("\n$ iridium\n").unwrap();
    // Behind the line that a terminal is greeted with.
    let (_, shown) = shown.split_once('\n').unwrap();
    let (shown, _) = shown.split_once("```").unwrap();
    let (mut typed, mut printed, mut complained) = (String::new(), String::new(), String::new());
    let mut is_error = false;
    for line in shown.split_inclusive('\n') {
        if let Some(line) = line.strip_prefix(">>> ").or_else(|| line.strip_prefix("... ")) {
            is_error = false;
            typed.push_str(line);
            continue;
        }
        is_error |= line.starts_with("error: ");
        if is_error { &mut complained } else { &mut printed }.push_str(line);
    }
    let user = User::new();
    let input = File::open(user.file("typed", typed)).unwrap();
    let outcome = user.iridium(&[]).current_dir(root).stdin(input).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    assert_eq!(
        (text(outcome.stdout), text(outcome.stderr).trim_end()),
        (printed, complained.trim_end())
    );
}
