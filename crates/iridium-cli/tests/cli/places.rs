//! Files with the same program: each process shows the places of its own.

use nix::sys::signal::Signal;

use crate::support::{User, wait_until};

const WAITS: &str = "load $0 #-1\nload $1 #-1\nrecv $0 $2\nhlt";

#[test]
fn a_node_shows_the_file_of_each_process() {
    let user = User::new();
    let files = ["a.iasm", "b.iasm", "c.iasm"].map(|name| user.file(name, WAITS));
    let [a, b, c] = &files;
    let app = user.file(
        "app.toml",
        "[[child]]\nname = 'one'\nmodule = 'c.iasm'\n[[child]]\nname = 'two'\nmodule = 'b.iasm'",
    );
    let node = user.node("n", &["--run", a, "--run", b, "--app", &app]);
    let spawned = user.run(&["spawn", c, "--at", &node.at]);
    assert_eq!(spawned.code, Some(0), "{spawned:?}");
    let places = wait_until("all wait", || {
        let answer: serde_json::Value =
            serde_json::from_str(&user.run(&["ps", "--json", "--at", &node.at]).stdout).unwrap();
        let rows = answer["nodes"][0]["processes"].as_array().unwrap().clone();
        let places: Vec<String> = rows
            .iter()
            .filter(|row| row["state"] == "receiving")
            .map(|row| row["place"].as_str().unwrap().split(':').next().unwrap().to_string())
            .collect();
        if places.len() == 5 { Ok(places) } else { Err(answer) }
    });
    let ends = |name: &str| places.iter().filter(|place| place.ends_with(name)).count();
    assert_eq!([ends("a.iasm"), ends("b.iasm"), ends("c.iasm")], [1, 2, 2], "{places:?}");
}

#[test]
fn traps_name_the_file_of_each_child() {
    let user = User::new();
    for name in ["a.iasm", "b.iasm"] {
        user.file(name, "div $0 $9 $0\nhlt");
    }
    let app = user.file(
        "app.toml",
        "[[child]]\nname = 'one'\nmodule = 'a.iasm'\nrestart = 'temporary'\n\
         [[child]]\nname = 'two'\nmodule = 'b.iasm'\nrestart = 'temporary'",
    );
    let outcome = user.run(&["run", "--app", &app]);
    for name in ["a.iasm:1:1", "b.iasm:1:1"] {
        assert_eq!(outcome.stderr.matches(name).count(), 1, "{outcome:?}");
    }
}

#[test]
fn a_repl_shows_the_file_of_each_process_also_when_it_is_restored() {
    let user = User::new();
    let (a, b) = (user.file("a.iasm", WAITS), user.file("b.iasm", WAITS));
    let state = user.path("state");
    let state = state.to_str().unwrap();
    let mut repl = user.repl(&[]);
    for line in [&format!("!spawn {a}"), &format!("!spawn {b}")] {
        repl.ask(line, "process ");
    }
    let listed = |repl: &mut crate::support::Repl| {
        repl.say("!ps");
        [repl.process.wait_for("a.iasm"), repl.process.wait_for("b.iasm")]
    };
    listed(&mut repl);
    repl.ask(&format!("!save {state}"), "and 2 processes");
    repl.ask(&format!("!restore {state}"), "and 2 processes");
    listed(&mut repl);
    // What ends with a trap tells its own place.
    let bad = ["c.iasm", "d.iasm"].map(|name| user.file(name, "div $0 $9 $0\nhlt"));
    for file in &bad {
        repl.say(&format!("!spawn {file}"));
    }
    wait_until("both are told", || {
        let said = repl.process.complained();
        let told = bad.iter().all(|file| said.contains(&format!("{file}:1:1")));
        if told { Ok(()) } else { Err(said) }
    });
    repl.process.signal(Signal::SIGTERM);
    repl.process.end();
}
