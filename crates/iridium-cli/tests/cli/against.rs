//! `check FILE --against OLD`: two versions of a program.

use crate::support::User;

const OLD: &str = "
record Point { x: Int }

actor Counter {
    on add(by: Int) {}
    on get() -> Int { 1 }
    on move(to: Point) {}
    on find(at: List[Point]) -> Bool { true }
    on reset() {}
    old on reset(hard: Bool) {}
    old on add() {}
}

actor Gone { on work(n: Int) {} }
";

const NEW: &str = "
import before

record Point { x: Int, y: Int }

actor Counter {
    on get() -> Int { 1 }
    on add(by: Int, note: String) {}
    on move(to: Point) {}
    on find(at: List[Point]) -> Bool { false }
    on describe() -> String { \"\" }
    old on add(by: Int) => add(by, \"\")
    old on find(at: List[before.Point]) -> Bool { at.is_empty() }
    old on add() {}
}
";

const LINES: &str = "\
changed  Counter.add(by: Int), now add(by: Int, note: String); understood as it was, too
same     Counter.get() -> Int
changed  Counter.move(to: Point), record Point { x: Int } is now record Point { x: Int, y: Int }
changed  Counter.find(at: List[Point]) -> Bool, record Point { x: Int } is now \
    record Point { x: Int, y: Int }; understood as it was, too
gone     Counter.reset()
new      Counter.describe() -> String
dropped  Counter.reset(hard: Bool), an older form
gone     Gone.work(n: Int)
nodes with OLD do not understand all that nodes with NEW send: Counter.add, Counter.move, \
    Counter.find, Counter.describe
";

#[test]
fn two_versions_are_compared_message_by_message() {
    let user = User::new();
    user.file("before.pd", "pub record Point { x: Int }\n");
    let (old, new) = (user.file("old.pd", OLD), user.file("new.pd", NEW));
    let module = user.path("old.irb").into_os_string().into_string().unwrap();
    assert_eq!(user.run(&["asm", &old, "-o", &module]).code, Some(0));
    for old in [&old, &module] {
        let outcome = user.run(&["check", &new, "--against", old]);
        let lines = LINES.replace("OLD", old).replace("NEW", &new);
        assert_eq!(outcome.stdout, lines, "{outcome:?}");
        let lost = "send: Counter.move, Counter.reset, Gone.work";
        outcome.fails(1, &[&new, "do not understand all that", old, lost]);
        for line in ["  Counter: old on move(to: Point) { … }", "  Counter: old on reset() { … }"]
        {
            assert!(outcome.stderr.lines().any(|printed| printed == line), "{outcome:?}");
        }
        assert!(!outcome.stderr.contains("Gone: old on"), "there is no such actor: {outcome:?}");
    }
}

#[test]
fn a_version_that_understands_all_of_the_older_one_is_good() {
    let user = User::new();
    let old = user.file("old.pd", "actor Counter { on add(by: Int) {} }\n");
    let new = "actor Counter {
        on add(by: Int, note: String) {}
        on get() -> Int { 1 }
        old on add(by: Int) => add(by, \"\")
    }";
    let new = user.file("new.pd", new);
    let outcome = user.run(&["check", &new, "--against", &old]);
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    let all = format!("nodes with {new} understand all that nodes with {old} send\n");
    assert!(outcome.stdout.contains(&all), "{outcome:?}");

    // Nothing has changed since it was saved.
    let outcome = user.run(&["check", &old, "--against", &old]);
    let same = format!("same     Counter.add(by: Int)\n{}", all.replace(&new, &old));
    assert_eq!(outcome.stdout, same);

    let outcome = user.run(&["check", &new, "--against", &old, "--json"]);
    let report = outcome.json();
    assert_eq!((report["understands"].as_bool(), outcome.code), (Some(true), Some(0)));
    let expected = serde_json::json!([
        {
            "actor": "Counter", "name": "add", "change": "changed", "was": "add(by: Int)",
            "now": "add(by: Int, note: String)", "new_understands": true,
            "old_understands": false, "types": [],
        },
        {
            "actor": "Counter", "name": "get", "change": "new", "was": null,
            "now": "get() -> Int", "new_understands": null, "old_understands": false, "types": [],
        },
    ]);
    assert_eq!(report["messages"], expected);
    let outcome = user.run(&["check", &old, "--against", &new, "--json"]);
    assert_eq!(outcome.json()["understands"], false);
    outcome.fails(1, &["Counter.add, Counter.get"]);
}

#[test]
fn what_cannot_be_compared_is_told() {
    let user = User::new();
    let new = user.file("new.pd", "actor Counter { on add(by: Int) {} }\n");
    let assembly = user.file("old.iasm", "hlt");
    let against = |old: &str| user.run(&["check", &new, "--against", old]);
    against(&assembly).fails(1, &["old.iasm does not say what its processes understand"]);
    against("missing.irb").fails(1, &["cannot read missing.irb"]);
    let broken = user.file("broken.pd", "actor Counter { on add(by: Text) {} }\n");
    against(&broken).fails(1, &["broken.pd does not compile"]);
    user.run(&["check", &new, &new, "--against", &new]).fails(2, &["one program"]);
    let outcome = user.run(&["check", &new, "--json"]);
    assert!(outcome.code == Some(2) && outcome.stderr.contains("--against"), "{outcome:?}");
}
