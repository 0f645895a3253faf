//! The notes of the examples: a service on three nodes, and one door to them.

use std::net::TcpStream;

use nix::sys::signal::Signal;

use crate::examples;
use crate::support::{Node, User, ask_http, wait_until};

/// A node that serves the notes.
struct Server {
    node: Node,
    /// Where it answers requests.
    address: String,
}

impl Server {
    fn start(user: &User, alias: &str, join: &[&str]) -> Self {
        let (node, port) = examples::served("notes", user, alias, join);
        Self { node, address: format!("127.0.0.1:{port}") }
    }

    /// The texts of its notes, sorted.
    fn notes(&self) -> Vec<String> {
        let answer = ask_http(&self.address, "GET /notes", "").unwrap_or_default();
        let texts = answer.split("\"text\":\"").skip(1);
        let mut texts: Vec<_> =
            texts.map(|rest| rest.split('"').next().unwrap().to_owned()).collect();
        texts.sort();
        texts
    }
}

#[test]
fn notes_are_on_all_nodes_and_one_door_leads_to_those_that_live() {
    let user = User::new();
    let one = Server::start(&user, "one", &[]);
    let two = Server::start(&user, "two", &["--join", &one.node.at]);
    let three = Server::start(&user, "three", &["--join", &one.node.at]);
    let addresses = [&one, &two, &three].map(|server| server.address.as_str());

    let program = examples::program("door");
    let mut words =
        vec!["run", program.to_str().unwrap(), "--allow", "net.listen", "--allow", "net.connect"];
    words.extend(["--", "127.0.0.1:0"]);
    words.extend(addresses);
    let door = user.start(&words);
    let at_door = door.wait_for("listens at ").trim_start_matches("listens at ").to_owned();
    let add =
        |text: &str| ask_http(at_door.trim(), "POST /notes", &format!("{{\"text\":\"{text}\"}}"));

    // They are members of one group as soon as they know each other.
    wait_until("a note is on all nodes", || {
        let _ = add("tea");
        let counts = [&one, &two, &three].map(|server| server.notes().len());
        if counts.iter().all(|count| *count > 0) { Ok(()) } else { Err(counts) }
    });
    assert!(add("milk").unwrap().starts_with("HTTP/1.1 201 "));
    for server in [&one, &two, &three] {
        wait_until("the last note", || match server.notes() {
            notes if notes.first().is_some_and(|first| first == "milk") => Ok(()),
            notes => Err(notes),
        });
    }

    two.node.process.signal(Signal::SIGKILL);
    // The system takes some time over that, and lets others connect meanwhile.
    wait_until("two is gone", || match TcpStream::connect(&two.address) {
        Ok(_) => Err("connected"),
        Err(_) => Ok(()),
    });
    for _ in 0..3 {
        assert!(add("bread").unwrap().starts_with("HTTP/1.1 201 "), "whoever's turn it is");
    }

    // A node that comes later has all that there was.
    let breads = |notes: &[String]| notes.iter().filter(|text| *text == "bread").count();
    let notes = wait_until("all bread is on one", || match one.notes() {
        notes if breads(&notes) == 3 => Ok(notes),
        notes => Err(notes),
    });
    let four = Server::start(&user, "four", &["--join", &one.node.at]);
    wait_until("all notes are on four", || match four.notes() {
        found if found == notes => Ok(()),
        found => Err(found),
    });
}

#[test]
fn the_readme_begins_with_the_program_of_the_notes() {
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");
    let readme = std::fs::read_to_string(readme).unwrap();
    let shown = readme.split("\n```text\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(shown, std::fs::read_to_string(examples::program("notes")).unwrap());
}
