//! Groups of Palladium over real nodes.

use nix::sys::signal::Signal;

use crate::mesh::mesh;
use crate::support::{Node, User, wait_until};

const GUEST: &str = r#"
import std.group

actor Guest {
    on start() { group.join("lobby", self()) }
    on count() -> Int { group.members[Guest]("lobby").len() }
    on say(text: String) {
        for guest in group.members[Guest]("lobby") { guest.said(text) }
    }
    on said(text: String) { print(text) }
    on enter(other: Node) -> Bool {
        if (spawn Silent() on other) is Ok(silent) {
            group.join("lobby", silent)
            group.members[Silent]("lobby") == [silent]
        } else {
            false
        }
    }
    on silent() -> Int { group.members[Silent]("lobby").len() }
    on others() -> List[Int] { nodes().filter(fn(n) => n != node()).map(fn(n) => n.number()) }
}

actor Silent {}
"#;

/// What a guest answers to a call.
fn called(user: &User, at: &Node, words: &[&str]) -> String {
    let name = format!("guest@{}", at.alias);
    let outcome = user.run(&[&["call", name.as_str()], words, &["--at", &at.at]].concat());
    outcome.stdout.trim_end().to_owned()
}

fn wait_for(user: &User, nodes: &[&Node], message: &str, count: usize) {
    for node in nodes {
        wait_until(&format!("{message} is {count} at {}", node.alias), || {
            match called(user, node, &[message]) {
                seen if seen == count.to_string() => Ok(()),
                seen => Err(seen),
            }
        });
    }
}

fn enter(user: &User, file: &str, node: &Node) {
    let outcome = user.run(&["spawn", file, "Guest", "--name", "guest", "--at", &node.at]);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
}

#[test]
fn all_nodes_see_the_members_of_all_that_are_there() {
    let user = User::new();
    let file = user.file("guest.pd", GUEST);
    let [a, b, c] = mesh(&user, ["a", "b", "c"]);
    for node in [&a, &b, &c] {
        enter(&user, &file, node);
    }
    wait_for(&user, &[&a, &b, &c], "count", 3);
    let sent = user.run(&["send", "guest@b", "say", "good evening", "--at", &b.at]);
    assert_eq!(sent.code, Some(0), "{sent:?}");
    for node in [&a, &b, &c] {
        node.process.wait_for("good evening");
    }

    // A process that is started elsewhere joins there.
    let others = called(&user, &a, &["others"]);
    let other = others.trim_matches(['[', ']']).split(',').next().unwrap().trim().to_owned();
    wait_until("it has joined", || match called(&user, &a, &["silent"]).as_str() {
        "0" => Err(called(&user, &a, &["enter", &other])),
        _ => Ok(()),
    });
    wait_for(&user, &[&a, &b, &c], "silent", 1);

    // One that nobody hears for a while is lost, and is there again afterwards.
    c.process.signal(Signal::SIGSTOP);
    wait_for(&user, &[&a, &b], "count", 2);
    c.process.signal(Signal::SIGCONT);
    wait_for(&user, &[&a, &b, &c], "count", 3);

    // One that is killed is gone, and what is started in its place learns what there is.
    c.process.signal(Signal::SIGKILL);
    wait_for(&user, &[&a, &b], "count", 2);
    drop(c);
    let c = user.node("c", &["--join", &a.at]);
    user.wait_for_members(&c.at, &[("a", "alive"), ("b", "alive"), ("c", "self")]);
    enter(&user, &file, &c);
    wait_for(&user, &[&a, &b, &c], "count", 3);

    // Those who end are no members.
    assert_eq!(user.run(&["kill", "guest@b", "--at", &a.at]).code, Some(0));
    wait_for(&user, &[&a, &c], "count", 2);
}
