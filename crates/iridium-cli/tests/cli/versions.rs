//! Three nodes with two versions of a program, whose processes call each other while their
//! supervisors start them anew.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::operate::json;
use crate::support::{Node, User, wait_until};

/// How long the nodes talk; `VERSIONS_SECONDS=60` makes it longer.
const SECONDS: u64 = 3;

const ALIASES: [&str; 3] = ["a", "b", "c"];

/// Each node keeps a store, and a driver that writes to the stores of all nodes. The versions have
/// other fields for `ITEM`, and so other values for `MADE`.
const PROGRAM: &str = r#"
import std.process
record Item { ITEM }

record Row { name: String, cells: List[(Int, Float?)], by: Map[String, Int] }

enum Change { Put(row: Row), Clear }

actor Store {
    var total = 0
    var rows: List[Row] = []

    on add(by: Int) { total += by }
    on total() -> Int { total }
    on change(change: Change) -> Row? {
        let last = rows.get(0)
        rows = match change {
            Put(row) => [row]
            Clear => []
        }
        last
    }
    on echo(row: Row) -> Row { row }
    # The only message that the versions have in another form.
    on keep(item: Item) -> Item { item }
    on fail() -> Int { 1 / (total - total) }
}

actor Driver {
    var counts: Map[String, Int] = [:]
    var turn = 0

    on start() { self().tick() }
    on tick() {
        turn += 1
        for place in ["a", "b", "c"] { talk(place) }
        self().tick() after 1.ms
    }
    on report() -> Map[String, Int] { counts }

    fn count(what: String) { counts[what, default: 0] += 1 }

    fn talk(place: String) {
        let Some(store) = process.whereis[Store](f"Traffic.store@{place}") else {
            count(f"{place} is missing")
            return
        }
        store.add(turn)
        let row = Row(f"{place} {turn}", [(turn, None), (-turn, Some(0.5))], ["turn": turn])
        match store.echo(row) {
            Ok(back) => count(if back == row { f"{place} echo" } else { "misread" })
            Err(error) => count(f"{place} echo {error}")
        }
        match store.keep(Item(MADE)) {
            Ok(item) => {
                let same = item.id == turn and item.count == -2 * turn
                count(if same { f"{place} keep" } else { "misread" })
            }
            Err(error) => count(f"{place} keep {error}")
        }
        match store.change(if turn % 3 == 0 { Clear } else { Put(row) }) {
            Ok(_) => count(f"{place} change")
            Err(error) => count(f"{place} change {error}")
        }
        match store.total() {
            Ok(_) => count(f"{place} total")
            Err(error) => count(f"{place} total {error}")
        }
        if turn % 40 == 0 {
            match store.fail() {
                Ok(_) => count("misread")
                Err(error) => count(f"{place} fail {error}")
            }
        }
    }
}

app Traffic {
    restarts: 1000 within 1.s
    child store = Store()
    child driver = Driver()
}
"#;

/// What the driver of a node has seen, by its own words.
fn report(user: &User, node: &Node) -> BTreeMap<String, u64> {
    let words = ["call", "Traffic.driver", "report", "--json", "--at", &node.at];
    let report: Value = json(user, &words);
    let counts = report.as_object().unwrap().iter();
    counts.map(|(what, count)| (what.clone(), count.as_u64().unwrap())).collect()
}

#[test]
fn two_versions_of_a_program_understand_each_other_as_far_as_they_are_the_same() {
    let seconds = std::env::var("VERSIONS_SECONDS").map_or(SECONDS, |text| text.parse().unwrap());
    let user = User::new();
    let version = |name: &str, item: &str, made: &str| {
        user.file(name, PROGRAM.replace("ITEM", item).replace("MADE", made))
    };
    // What is an `id` to one is a `count` to the other: a value that is misread is seen.
    let first = version("first.pd", "id: Int, count: Int", "turn, -2 * turn");
    let second = version("second.pd", "count: Int, id: Int", "-2 * turn, turn");
    let a = user.node("a", &["--app", &first]);
    let b = user.node("b", &["--app", &first, "--join", &a.at]);
    let c = user.node("c", &["--app", &second, "--join", &a.at]);
    let nodes = [&a, &b, &c];
    for node in nodes {
        let state =
            |alias: &'static str| (alias, if alias == node.alias { "self" } else { "alive" });
        user.wait_for_members(&node.at, &ALIASES.map(state));
    }

    // Meanwhile they answer operators, too.
    let end = Instant::now() + Duration::from_secs(seconds);
    for node in nodes.iter().cycle() {
        report(&user, node);
        if Instant::now() >= end {
            break;
        }
    }
    let version = |alias: &str| alias == "c";
    for node in nodes {
        let complete = |counts: &BTreeMap<String, u64>| {
            ALIASES.iter().all(|alias| {
                let kept =
                    if version(alias) == version(&node.alias) { "" } else { " NotUnderstood" };
                let restarted = "fail Down(reason: Trap(kind: DivideByZero))";
                let parts = ["echo", "change", "total", restarted, &format!("keep{kept}")];
                parts.iter().all(|part| counts.get(&format!("{alias} {part}")) > Some(&1))
            })
        };
        let counts = wait_until(&format!("{} has talked to all", node.alias), || {
            let counts = report(&user, node);
            if complete(&counts) { Ok(counts) } else { Err(counts) }
        });
        println!("{}: {counts:#?}", node.alias);
        for (what, count) in counts {
            let (alias, part) = what.split_once(' ').unwrap_or((&what, ""));
            let other = version(alias) != version(&node.alias);
            match part {
                "echo" | "change" | "total" | "is missing" => {}
                // The store has been started anew.
                _ if part.contains(" Down(") => {}
                "keep" => assert!(!other, "{count} items of {alias} are read at {}", node.alias),
                "keep NotUnderstood" => assert!(other, "{count} times: {}", node.alias),
                _ => panic!("{what}: {count} times at {}", node.alias),
            }
        }
    }
    for node in [a, b, c] {
        let complaints = node.process.complained();
        for bad in ["panicked", "internal", "ERROR"] {
            assert!(!complaints.contains(bad), "{}: {complaints}", node.alias);
        }
        let at = node.at.clone();
        assert_eq!(user.run(&["leave", "--at", &at]).code, Some(0));
        assert_eq!(node.process.end().code, Some(0));
    }
}
