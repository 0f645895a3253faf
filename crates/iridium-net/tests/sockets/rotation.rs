//! The secret of a running cluster is replaced, as the README of the command tells: in three steps, in
//! each of which one node after another starts again.

use std::fs;
use std::path::Path;

use iridium_net::{Event, HandshakeError, JoinError, Manager, Secrets, Security};

use crate::harness::*;

const NAMES: [&str; 3] = ["a", "b", "c"];

/// The line with the key in a file of secrets.
fn key(path: &Path) -> String {
    fs::read_to_string(path).unwrap().lines().find(|line| line.len() == 64).unwrap().to_owned()
}

fn security(path: &Path) -> Security {
    Security::Secret(Secrets::load(path).unwrap())
}

#[test]
fn the_secret_of_a_running_cluster_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    for name in ["old", "new"] {
        Secrets::create(&path(name)).unwrap();
    }
    let (old, new) = (key(&path("old")), key(&path("new")));
    // Each node has a file of its own, as on a machine of its own.
    let secret_of = |node: &str| path(&format!("{node}.secret"));
    for name in NAMES {
        fs::copy(path("old"), secret_of(name)).unwrap();
    }
    let start = |name: &str| start_in(folder.path(), name, &security(&secret_of(name)));
    let mut nodes: Vec<Manager> = NAMES.map(start).into();
    for node in &nodes[1..] {
        node.join(endpoint(&nodes[0])).unwrap();
    }
    wait_for_mesh(&nodes.iter().collect::<Vec<_>>());

    for keys in
        [[old.as_str(), new.as_str()].join("\n"), [new.as_str(), old.as_str()].join("\n"), new]
    {
        for (at, name) in NAMES.iter().enumerate() {
            fs::write(secret_of(name), &keys).unwrap();
            nodes[at].shutdown();
            nodes[at] = start(name);
            // It remembers the others, whose files are those of this step or of the one before.
            wait_for_mesh(&nodes.iter().collect::<Vec<_>>());
        }
    }

    // Who has not got the new one is kept out, and what it offers is not understood.
    let late = manager_with_events("late", &security(&path("old")));
    let refused = late.0.join(endpoint(&nodes[0]));
    let wrong = |error: &JoinError| {
        matches!(error, JoinError::Handshake { why: HandshakeError::WrongSecret, .. })
    };
    assert!(refused.as_ref().is_err_and(wrong), "{refused:?}");
    assert!(nodes[0].join(endpoint(&late.0)).as_ref().is_err_and(wrong));
    assert!(!late.1.try_iter().any(|event| matches!(event, Event::Up { .. })));
    wait_for_mesh(&nodes.iter().collect::<Vec<_>>());
}

fn manager_with_events(
    name: &str,
    security: &Security,
) -> (Manager, crossbeam_channel::Receiver<Event>) {
    let node = start(name, security);
    let events = node.events();
    (node, events)
}
