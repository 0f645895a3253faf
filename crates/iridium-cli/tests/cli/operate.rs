//! What operators ask a running node, and tell it to do: `ps`, `top`, `spawn`, `send`,
//! `kill`, `apps`, `events`.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Node, User, wait_until};

/// Prints its arguments, then each number or text that it is sent.
pub(crate) const PRINTER: &str = "
.data
space: .asciiz ' '
.code
main:   prti $0
        prts @space
        prtf64 $1
        load $9 #10
        prtc $9
next:   load $2 #-1
        load $3 #-1
        recv $2 $4
        msgi $0
        prti $0
        prtc $9
        djmp @next
other:  load $0 #77
        djmp @main
";

/// Two nodes that see each other.
pub(crate) fn pair(user: &User, of_a: &[&str]) -> [Node; 2] {
    let a = user.node("a", of_a);
    let b = user.node("b", &["--join", &a.at]);
    user.wait_for_members(&a.at, &[("a", "self"), ("b", "alive")]);
    user.wait_for_members(&b.at, &[("a", "alive"), ("b", "self")]);
    [a, b]
}

/// Runs a command whose answer is a line of JSON.
pub(crate) fn json(user: &User, words: &[&str]) -> Value {
    let outcome = user.run(words);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""), "{words:?}");
    outcome.json()
}

/// The processes of a node of those that `ps --all` lists.
pub(crate) fn processes(user: &User, at: &str, alias: &str) -> Vec<Value> {
    let answer = json(user, &["ps", "--all", "--json", "--at", at]);
    let nodes = answer["nodes"].as_array().unwrap();
    let node = nodes.iter().find(|node| node["alias"] == alias).unwrap();
    node["processes"].as_array().unwrap().clone()
}

#[test]
fn a_process_is_spawned_listed_sent_to_and_killed_on_any_node() {
    let user = User::new();
    let [a, b] = pair(&user, &[]);
    let file = user.file("printer.iasm", PRINTER);
    for (on, name, node) in [(None, "p", &a), (Some("b"), "p@b", &b)] {
        let mut words = vec!["spawn", &file, "--at", &a.at, "--name", "p", "--arg", "5"];
        words.extend(["--arg", "2.5"]);
        words.extend(on.iter().flat_map(|on| ["--on", on]));
        let outcome = user.run(&words);
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
        let pid = outcome.stdout.trim_end().to_string();
        assert!(pid.parse::<i64>().is_ok(), "{outcome:?}");
        node.process.wait_for("5 2.5");
        assert_eq!(user.run(&["send", name, "1", "#42", "--at", &a.at]).code, Some(0));
        node.process.wait_for("42");
        assert_eq!(user.run(&["send", &pid, "1", "#-43", "--at", &a.at]).code, Some(0));
        node.process.wait_for("-43");
        // Eight bytes of text are the number that they stand for.
        assert_eq!(user.run(&["send", name, "1", "--at", &a.at, "a", "b", "1234"]).code, Some(0));
        node.process.wait_for(&i64::from_le_bytes(*b"a b 1234").to_string());
        let seen = processes(&user, &a.at, &node.alias);
        assert_eq!(seen.len(), 1);
        assert_eq!((&seen[0]["pid"], &seen[0]["names"][0]), (&pid.clone().into(), &"p".into()));
        assert_eq!(seen[0]["state"], "receiving");
        assert!(seen[0]["place"].as_str().unwrap().contains("recv"), "{seen:?}");
        assert_eq!(user.run(&["kill", name, "--at", &a.at]).code, Some(0));
        wait_until("it is gone", || match processes(&user, &a.at, &node.alias) {
            seen if seen.is_empty() => Ok(()),
            seen => Err(seen),
        });
    }
    // At a label; a plain table has a line for each.
    let words = ["spawn", &file, "--entry", "other", "--at", &a.at, "--on", "b"];
    assert_eq!(user.run(&words).code, Some(0));
    b.process.wait_for("77 0");
    let table = user.run(&["ps", "--all", "--at", &a.at]).stdout;
    let head = table.lines().next().unwrap();
    assert!(head.starts_with("node") && table.lines().count() == 2, "{table}");
    assert!(table.lines().nth(1).unwrap().starts_with("b "), "{table}");
    assert_eq!(user.run(&["ps", "--at", &a.at]).stdout.lines().count(), 1, "a has none");
}

#[test]
fn a_request_that_fails_is_reported_in_one_line() {
    let user = User::new();
    let [a, _b] = pair(&user, &[]);
    let file = user.file("printer.iasm", PRINTER);
    let nine = ["--arg", "1"].repeat(9);
    let spawn = ["spawn", file.as_str()];
    for (words, code, report) in [
        (&["spawn", "/no/where"][..], 1, &["/no/where", "no such file"][..]),
        (&[&spawn[..], &["--entry", "othr"]].concat(), 2, &["othr", "did you mean other?"]),
        (&[&spawn[..], &["--on", "c"]].concat(), 1, &["there is no node c"]),
        (&[&spawn[..], &["--link-app"]].concat(), 1, &["no app"]),
        (&[&spawn[..], &nine].concat(), 2, &["8 registers"]),
        (&["send", "nobody", "1", "x"], 1, &["there is no process nobody"]),
        (&["send", "nobody@b", "1", "x"], 1, &["there is no process nobody@b"]),
        (&["send", "nobody@c", "1", "x"], 1, &["there is no node c"]),
        (&["send", "p", "1", "#x"], 2, &["#x is no number"]),
        (&["kill", "1099511627777"], 1, &["there is no process 1099511627777"]),
        (&["kill", "nobody", "--reason", "5"], 1, &["nobody"]),
    ] {
        user.run(&[words, &["--at", &a.at]].concat()).fails(code, report);
    }
    for words in [&["send", "p", "-1", "x"][..], &["kill", "5"], &["send", "p", "1"], &["kill"]] {
        assert_eq!(user.run(words).code, Some(2), "{words:?}");
    }
    // Taken names, and nobody there.
    let named = [&spawn[..], &["--name", "p", "--at", &a.at]].concat();
    assert_eq!(user.run(&named).code, Some(0));
    user.run(&named).fails(1, &["p"]);
    let nobody = "127.0.0.1:1";
    for words in [
        &["ps"][..],
        &["top"],
        &["top", "--json"],
        &["spawn", &file],
        &["send", "p", "1", "x"],
        &["kill", "p"],
        &["apps"],
        &["events"],
        &["attach"],
    ] {
        user.run(&[words, &["--at", nobody]].concat()).fails(1, &[nobody, "--at"]);
    }
    let stranger = User::new();
    std::fs::create_dir_all(stranger.path(".config/iridium")).unwrap();
    stranger.run(&["secret", "new"]);
    for words in [&["ps"][..], &["top"], &["kill", "p"], &["events"], &["attach"]] {
        stranger.run(&[words, &["--at", &a.at]].concat()).fails(3, &[&a.at, "secret"]);
    }
}

#[test]
fn an_app_is_shown_as_a_tree_and_linked_processes_end_with_it() {
    let user = User::new();
    let file = user.file("printer.iasm", PRINTER);
    let app = user.file(
        "shop.toml",
        "[[child]]\nname = 'tills'\n[[child.child]]\nname = 'one'\nmodule = 'printer.iasm'\n\
         [[child]]\nname = 'two'\nmodule = 'printer.iasm'\n",
    );
    let a = user.node("a", &["--app", &app]);
    a.process.wait_for("0 0");
    a.process.wait_for("0 0");
    let tree = json(&user, &["apps", "--json", "--at", &a.at]);
    let shop = &tree["apps"][0];
    assert_eq!((&shop["name"], &shop["running"]), (&"shop".into(), &true.into()));
    let (tills, two) = (&shop["children"][0], &shop["children"][1]);
    assert_eq!((&tills["name"], &tills["supervisor"]), (&"tills".into(), &true.into()));
    assert_eq!(tills["children"][0]["name"], "one");
    assert_eq!((&two["name"], &two["supervisor"]), (&"two".into(), &false.into()));
    let table = user.run(&["apps", "--at", &a.at]).stdout;
    let names: Vec<_> =
        table.lines().map(|line| line.split("  ").find(|w| !w.is_empty())).collect();
    assert_eq!(
        names,
        [Some("app"), Some("shop"), Some("tills"), Some("one"), Some("two")],
        "{table}"
    );
    assert!(table.contains("\n    one "), "{table}");

    let words = ["spawn", &file, "--link-app", "--arg", "9", "--at", &a.at];
    assert_eq!(user.run(&words).code, Some(0));
    a.process.wait_for("9 0");
    user.run(&["kill", "shop", "--at", &a.at]);
    wait_until("all have ended with it", || match processes(&user, &a.at, "a") {
        seen if seen.is_empty() => Ok(()),
        seen => Err(seen),
    });
    assert_eq!(json(&user, &["apps", "--json", "--at", &a.at])["apps"][0]["running"], false);
}

#[test]
fn events_are_printed_as_they_come() {
    let user = User::new();
    let a = user.node("a", &[]);
    let events = user.start(&["events", "--follow", "--json", "--at", &a.at]);
    let people = user.start(&["events", "-f", "--at", &a.at]);
    // It may not listen yet, so there is more than one thing to hear of.
    let bad = user.file("bad.iasm", "div $0 $9 $0\nhlt");
    wait_until("both listen", || {
        user.run(&["spawn", &bad, "--at", &a.at]);
        let report = (events.printed(), people.printed());
        if report.0.is_empty() || report.1.is_empty() { Err(report) } else { Ok(()) }
    });
    let first = events.printed();
    let event: Value = serde_json::from_str(first.lines().next().unwrap()).unwrap();
    assert_eq!((&event["event"], &event["reason"]), (&"ended".into(), &(-101).into()));
    assert!(event["trap"].as_str().unwrap().contains("divide-by-zero"), "{event}");
    let text = people.printed();
    assert!(text.contains("Z  process ") && text.contains("trap: divide-by-zero at "), "{text}");
    let b = user.node("b", &["--join", &a.at]);
    events.wait_for(r#""event":"up""#);
    people.wait_for("b is up at 127.0.0.1:");
    b.process.signal(Signal::SIGKILL);
    events.wait_for(r#""event":"down""#);
    people.wait_for("b is down");
    people.signal(Signal::SIGINT);
    assert_eq!(people.end().code, Some(0));
    a.process.signal(Signal::SIGKILL);
    events.end().fails(1, &[&a.at]);
    // Without --follow it ends by itself.
    let c = user.node("c", &[]);
    let outcome = user.run(&["events", "--at", &c.at]);
    assert_eq!((outcome.code, outcome.stdout.as_str()), (Some(0), ""));
}

#[test]
fn top_shows_all_nodes_once_in_a_pipe() {
    let user = User::new();
    let spin = user.file("spin.iasm", "l: djmp @l");
    let [a, _b] = pair(&user, &["--run", &spin]);
    let table = user.run(&["top", "--at", &a.at]);
    assert_eq!(table.code, Some(0));
    let lines: Vec<_> = table.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{table:?}");
    assert!(!table.stdout.contains('\x1b'), "{table:?}");
    let words: Vec<Vec<_>> = lines.iter().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(words[0][..5], ["node", "state", "rtt", "procs", "fuel/s"]);
    assert_eq!(words[1][..5], ["a", "this", "node", "-", "1"]);
    assert!(words[1][5].ends_with(['k', 'M', 'G']), "it spins: {table:?}");
    assert_eq!((words[2][..2].to_vec(), words[2][5]), (vec!["b", "alive"], "0"));
    let answer = json(&user, &["top", "--json", "--at", &a.at]);
    let nodes = answer["nodes"].as_array().unwrap();
    assert_eq!(nodes.len(), 2);
    assert_eq!((&nodes[0]["alias"], &nodes[0]["state"]), (&"a".into(), &"self".into()));
    assert_eq!(nodes[0]["load"]["processes"], 1);
    assert!(nodes[1]["rtt_us"].is_u64() && nodes[1]["load"]["number"].is_u64(), "{answer}");
}
