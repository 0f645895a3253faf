//! The service of the README over three nodes, one of which is killed.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use crate::operate::{json, processes};
use crate::support::{Node, User, wait_until};

/// The program in the README that begins with the actor `Worker`.
fn squares() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let program = readme.split("\n```text\n").find(|block| block.starts_with("actor Worker"));
    program.unwrap().split("\n```").next().unwrap().to_owned()
}

/// The three nodes, and the number of workers of the pool.
fn service(user: &User) -> [Node; 3] {
    let program = user.file("squares.pd", squares());
    let one = user.node("one", &["--app", &program]);
    let two = user.node("two", &["--join", &one.at]);
    let three = user.node("three", &["--join", &one.at]);
    wait_for_workers(user, &one, 3);
    [one, two, three]
}

#[track_caller]
fn wait_for_workers(user: &User, node: &Node, wanted: i64) {
    wait_until(&format!("the pool has {wanted} workers"), || {
        let outcome = user.run(&["call", "Squares.pool", "size", "--at", &node.at]);
        if outcome.stdout == format!("{wanted}\n") { Ok(()) } else { Err(outcome) }
    });
}

/// Each worker is asked at least once, over this node.
#[track_caller]
fn ask_all(user: &User, node: &Node) {
    for n in 1..=6 {
        let words = ["call", "Squares.pool@one", "square", &format!("n={n}"), "--at", &node.at];
        assert_eq!(json(user, &words), n * n);
    }
}

#[test]
fn a_service_goes_on_when_a_node_is_killed_and_takes_it_back() {
    let user = User::new();
    let [one, two, three] = service(&user);
    ask_all(&user, &one);
    ask_all(&user, &two);

    three.process.signal(Signal::SIGKILL);
    wait_for_workers(&user, &one, 2);
    ask_all(&user, &one);
    drop(three);

    // The pool ends; its supervisor starts another one, which finds the workers anew.
    let pool = || {
        let mut all = processes(&user, &one.at, "one").into_iter();
        all.find(|process| process["names"][0] == "Squares.pool")
    };
    let before = pool().unwrap();
    assert_eq!(user.run(&["kill", "Squares.pool", "--at", &one.at]).code, Some(0));
    wait_until("another pool is there", || match pool() {
        Some(now) if now["pid"] != before["pid"] => Ok(()),
        now => Err(now),
    });
    wait_for_workers(&user, &one, 2);
    ask_all(&user, &one);

    let _three = user.node("three", &["--join", &one.at]);
    wait_for_workers(&user, &one, 3);
    ask_all(&user, &one);
}

/// Calls actors that never answer, in each way in which there can be no answer.
const CALLER: &str = r#"
import std.process
actor Silent {
    var waiting: List[Reply[Int]] = []

    on ask(answer: Reply[Int]) { waiting.push(answer) }
    on asked() -> Int { waiting.len() }
}

actor Caller {
    var kept: Pid[Silent]? = None

    on find(place: String) -> Bool {
        kept = process.whereis[Silent](f"silent@{place}")
        kept is Some(_)
    }
    on call(answer: Reply[String]) {
        let pid = kept!
        task(fn() => answer.send(f"{pid.ask() within 1.h}"))
    }
    on call_briefly() -> String { f"{kept!.ask() within 100.ms}" }
}
"#;

#[test]
fn calls_of_a_node_that_is_lost_end_at_once() {
    let user = User::new();
    let program = user.file("caller.pd", CALLER);
    let a = user.node("a", &[]);
    let b = user.node("b", &["--join", &a.at]);
    user.wait_for_members(&a.at, &[("a", "self"), ("b", "alive")]);
    let spawn = |name: &str, at: &str, actor: &str| {
        let outcome = user.run(&["spawn", &program, actor, "--name", name, "--at", at]);
        assert_eq!(outcome.code, Some(0), "{outcome:?}");
    };
    spawn("silent", &b.at, "Silent");
    spawn("caller", &a.at, "Caller");
    let call = |words: &[&str]| {
        let mut all = vec!["call", "caller"];
        all.extend(words);
        all.extend(["--json", "--at", &a.at]);
        json(&user, &all)
    };
    assert_eq!(call(&["find", "place=b"]), true);
    assert_eq!(call(&["call_briefly"]), "Err(Timeout)");

    let at = a.at.clone();
    let waiting = user.start(&["call", "caller", "call", "--timeout", "60s", "--at", &at]);
    wait_until("it has been asked a second time", || {
        let asked = json(&user, &["call", "silent", "asked", "--json", "--at", &b.at]);
        if asked == 2 { Ok(()) } else { Err(asked) }
    });
    let killed = Instant::now();
    b.process.signal(Signal::SIGKILL);
    assert_eq!(waiting.end().stdout, "Err(Down(reason: NodeLost))\n");
    assert!(killed.elapsed() < Duration::from_secs(10), "{:?}", killed.elapsed());
    // The next one ends without waiting.
    let begun = Instant::now();
    assert_eq!(call(&["call"]), "Err(Down(reason: NodeLost))");
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
