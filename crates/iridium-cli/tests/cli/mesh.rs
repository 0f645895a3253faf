//! Nodes that run alone, and what can be asked of them.

use std::time::{Duration, Instant};

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::support::{Node, User, wait_until};

/// Starts nodes that join through the first, and waits until each sees all.
pub(crate) fn mesh<const N: usize>(user: &User, aliases: [&str; N]) -> [Node; N] {
    let mut seed: Option<String> = None;
    let nodes = aliases.map(|alias| {
        let node = match &seed {
            None => user.node(alias, &[]),
            Some(seed) => user.node(alias, &["--join", seed]),
        };
        seed.get_or_insert_with(|| node.at.clone());
        node
    });
    for node in &nodes {
        user.wait_for_members(&node.at, &seen_by(node, &aliases, &[]));
    }
    nodes
}

/// What a node is to see: itself, these alive, and these in a state.
fn seen_by<'a>(
    node: &Node,
    alive: &[&'a str],
    others: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let state = |alias: &str| if alias == node.alias { "self" } else { "alive" };
    let mut all: Vec<_> = alive.iter().map(|&alias| (alias, state(alias))).collect();
    all.extend(others);
    all.sort_unstable();
    all
}

fn identities(answer: &Value) -> Vec<Value> {
    let members = answer["members"].as_array().unwrap();
    let identity =
        |m: &Value| serde_json::json!([m["alias"], m["ip"], m["port"], m["incarnation"]]);
    members.iter().map(identity).collect()
}

fn incarnation(answer: &Value, alias: &str) -> u64 {
    let members = answer["members"].as_array().unwrap();
    members.iter().find(|m| m["alias"] == alias).unwrap()["incarnation"].as_u64().unwrap()
}

#[test]
fn all_nodes_say_the_same_and_a_fourth_may_join_through_any() {
    let user = User::new();
    let [a, b, c] = mesh(&user, ["a", "b", "c"]);
    let d = user.node("d", &["--join", &c.at]);
    let all = ["a", "b", "c", "d"];
    let answers: Vec<_> = [&a, &b, &c, &d]
        .map(|node| user.wait_for_members(&node.at, &seen_by(node, &all, &[])))
        .into();
    for (answer, node) in answers.iter().zip([&a, &b, &c, &d]) {
        assert_eq!(identities(answer), identities(&answers[0]));
        assert_eq!(answer["node"]["alias"], node.alias.as_str());
        let port: u16 = node.at.rsplit(':').next().unwrap().parse().unwrap();
        assert_eq!(answer["node"]["port"], port);
    }
    let table = user.run(&["members", "--at", &d.at]).stdout;
    assert_eq!(table.lines().count(), 5, "{table}");
    assert!(table.lines().next().unwrap().starts_with("alias  listens on"), "{table}");
}

#[test]
fn a_killed_node_is_down_at_once_and_rejoins_when_started_again() {
    let user = User::new();
    let [a, b, c] = mesh(&user, ["a", "b", "c"]);
    let before = incarnation(&user.members(&a.at), "c");

    c.process.signal(Signal::SIGKILL);
    let killed = Instant::now();
    for node in [&a, &b] {
        user.wait_for_members(&node.at, &seen_by(node, &["a", "b"], &[("c", "down")]));
    }
    // It takes far less than the second it may take; the rest is for a machine
    // that is busy with other tests.
    assert!(killed.elapsed() < Duration::from_secs(3), "{:?}", killed.elapsed());
    drop(c);

    // It knows whom to look for.
    let c = user.node("c", &[]);
    for node in [&a, &b, &c] {
        let answer = user.wait_for_members(&node.at, &seen_by(node, &["a", "b", "c"], &[]));
        assert!(incarnation(&answer, "c") > before);
    }
}

#[test]
fn a_dead_member_is_forgotten_at_all_nodes() {
    let user = User::new();
    let [a, b, c] = mesh(&user, ["a", "b", "c"]);
    user.run(&["forget", "c", "--at", &a.at]).fails(1, &[&a.at, "c is not down"]);
    user.run(&["forget", "a", "--at", &a.at]).fails(1, &["a is this node itself"]);
    user.run(&["forget", "nobody", "--at", &a.at]).fails(1, &["no member nobody is known"]);

    c.process.signal(Signal::SIGKILL);
    for node in [&a, &b] {
        user.wait_for_members(&node.at, &seen_by(node, &["a", "b"], &[("c", "down")]));
    }
    assert_eq!(user.run(&["forget", "c", "--at", &b.at]).stdout, "forgot c\n");
    for node in [&a, &b] {
        user.wait_for_members(&node.at, &seen_by(node, &["a", "b"], &[]));
    }
    user.run(&["forget", "c", "--at", &a.at]).fails(1, &["no member c is known"]);
    drop(c);

    let c = user.node("c", &["--join", &a.at]);
    for node in [&a, &b, &c] {
        user.wait_for_members(&node.at, &seen_by(node, &["a", "b", "c"], &[]));
    }
}

#[test]
fn a_node_that_is_told_to_end_leaves_the_cluster() {
    let user = User::new();
    let [a, b, c] = mesh(&user, ["a", "b", "c"]);

    let outcome = user.run(&["leave", "--at", &c.at]);
    assert_eq!(outcome.stdout, format!("the node at {} is leaving the cluster\n", c.at));
    assert_eq!(c.process.end().code, Some(0));
    user.wait_for_members(&a.at, &[("a", "self"), ("b", "alive"), ("c", "left")]);

    b.process.signal(Signal::SIGTERM);
    assert_eq!(b.process.end().code, Some(0));
    user.wait_for_members(&a.at, &[("a", "self"), ("b", "left"), ("c", "left")]);

    a.process.signal(Signal::SIGINT);
    assert_eq!(a.process.end().code, Some(0));
}

#[test]
fn a_seed_may_be_started_later() {
    let user = User::new();
    let first = user.node("a", &[]);
    let at = first.at.clone();
    assert_eq!(user.run(&["leave", "--at", &at]).code, Some(0));
    assert_eq!(first.process.end().code, Some(0));

    let b = user.node("b", &["--join", &at]);
    user.wait_for_members(&b.at, &[("b", "self")]);
    let port = at.rsplit(':').next().unwrap();
    let a = user.node_on(port, "a", &[]);
    user.wait_for_members(&a.at, &[("a", "self"), ("b", "alive")]);
    user.wait_for_members(&b.at, &[("a", "alive"), ("b", "self")]);
}

#[test]
fn daemon_mode_is_the_same_as_node() {
    let user = User::new();
    let a = user.node("a", &[]);
    let daemon = user.repl(&["--daemon-mode", "--node-alias", "b", "-P", "0", "--join", &a.at]);
    daemon.process.wait_for("b listens on ");
    user.wait_for_members(&a.at, &[("a", "self"), ("b", "alive")]);
    // It does not read its input.
    daemon.process.signal(Signal::SIGTERM);
    assert_eq!(daemon.process.end().code, Some(0));
}

#[test]
fn a_second_address_is_for_control_clients_only() {
    let user = User::new();
    let a = user.node("a", &["-r", "-p", "0"]);
    let line = a.process.wait_for("a lets control clients in on 127.0.0.1:");
    let control = line.rsplit(' ').next().unwrap().to_string();
    user.wait_for_members(&control, &[("a", "self")]);
    let port = a.at.rsplit(':').next().unwrap();
    let outcome = user.run(&["node", "--node-alias", "b", "-P", "0", "--join", &control]);
    outcome.fails(3, &[&control, "control clients", port]);
    user.wait_for_members(&control, &[("a", "self")]);

    // The REPL's node has the same flags.
    let mut repl = user.repl(&["--node-alias", "c", "-P", "0", "-r", "-p", "0"]);
    let line = repl.ask("!start_cluster", "c lets control clients in on ");
    let control = line.rsplit(' ').next().unwrap().to_string();
    user.wait_for_members(&control, &[("c", "self")]);
    assert_eq!(repl.close().code, Some(0));
}

#[test]
fn nodes_without_a_secret_form_a_mesh_of_their_own() {
    let user = User::new();
    let a = user.node("a", &["--insecure"]);
    let b = user.node("b", &["--insecure", "--join", &a.at]);
    let members = || user.run(&["members", "--insecure", "--at", &b.at]);
    wait_until("they have met", || {
        let outcome = members();
        if outcome.stdout.contains("alive") { Ok(()) } else { Err(outcome) }
    });
    assert!(!user.path(".config").exists(), "no secret was needed, so none was made");
    assert_eq!(user.run(&["leave", "--insecure", "--at", &a.at]).code, Some(0));
}

#[test]
fn an_alias_is_made_once_and_kept() {
    let user = User::new();
    let alias = || {
        let mut repl = user.repl(&["-P", "0"]);
        let line = repl.ask("!start_cluster", " listens on ");
        assert_eq!(repl.close().code, Some(0));
        line.split(' ').next().unwrap().to_string()
    };
    let first = alias();
    assert_eq!(first.len(), 36, "a UUID: {first}");
    assert_eq!(alias(), first);
}

#[test]
fn the_log_reports_members_and_is_also_written_to_a_file() {
    let user = User::new();
    let path = user.path("node.log");
    let a = user.node("a", &["--log-file", path.to_str().unwrap()]);
    let _b = user.node("b", &["--join", &a.at]);
    let line = wait_until("the log tells that b is up", || {
        let log = std::fs::read_to_string(&path).unwrap();
        let line = log.lines().find(|line| line.contains("b is up at 127.0.0.1:"));
        line.map(String::from).ok_or(log)
    });
    wait_until("stderr has it too", || {
        let stderr = a.process.complained();
        if stderr.contains("b is up at 127.0.0.1:") { Ok(()) } else { Err(stderr) }
    });
    // 2026-11-22T18:28:03.123456Z [INFO] (main) b is up at 127.0.0.1:34567
    assert_eq!(&line[10..11], "T", "{line}");
    assert!(line.contains("Z [INFO] (main) "), "{line}");
}
