//! Nodes and clients that a cluster refuses, and nodes that cannot start.

use crate::support::{User, write};

#[test]
fn another_secret_is_refused_with_exit_code_3() {
    let (user, stranger) = (User::new(), User::new());
    let a = user.node("a", &[]);
    let outcome = stranger.run(&["node", "--node-alias", "b", "-P", "0", "--join", &a.at]);
    let advised = [&a.at, "another cluster secret", "--secret-file", "iridium secret show-path"];
    outcome.fails(3, &advised);
    stranger.run(&["members", "--at", &a.at]).fails(3, &advised);
    stranger.run(&["leave", "--at", &a.at]).fails(3, &advised);
    // The one who asks is no node.
    let outcome = stranger.run(&["members", "--insecure", "--at", &a.at]);
    outcome.fails(3, &[&a.at, "it wants the cluster secret", "leave out --insecure"]);
    user.wait_for_members(&a.at, &[("a", "self")]);
}

#[test]
fn an_unusable_secret_file_is_refused_with_exit_code_3() {
    let user = User::new();
    let path = user.path("cluster.secret");
    let shown = path.to_str().unwrap();
    let node = || user.run(&["node", "-P", "0", "--secret-file", shown]);

    node().fails(3, &[shown, "iridium secret new"]);
    // A client would make one that no node knows, and a node makes none that was named.
    let client = user.run(&["members", "--secret-file", shown]);
    client.fails(3, &[&format!("{shown}; name that of the node with --secret-file")]);
    write(&path, "", 0o600);
    node().fails(3, &[shown, "no key"]);
    write(&path, &format!("{}\n", "ab".repeat(32)), 0o644);
    node().fails(3, &[shown, "chmod 600"]);
    user.run(&["members", "--secret-file", shown]).fails(3, &[shown, "chmod 600"]);

    // The REPL says the same, and goes on.
    let mut repl = user.repl(&["-P", "0", "--secret-file", shown]);
    repl.say("!start_cluster");
    let outcome = repl.close();
    assert!(outcome.stderr.contains("chmod 600"), "{outcome:?}");
    assert_eq!(outcome.code, Some(0));
}

#[test]
fn a_client_does_not_make_a_secret() {
    let user = User::new();
    let advised = ["cluster.secret", "with: iridium node", "--secret-file"];
    user.run(&["members"]).fails(3, &advised);
    assert!(!user.path(".config").exists());
}

#[test]
fn an_alias_that_a_live_node_has_is_refused_with_exit_code_3() {
    let user = User::new();
    let a = user.node("a", &[]);
    let b = user.node("b", &["--join", &a.at]);
    user.wait_for_members(&a.at, &[("a", "self"), ("b", "alive")]);

    // From another folder, so that only the cluster can know.
    let elsewhere = user.path("elsewhere");
    let outcome = user.run(&[
        "node",
        "--node-alias",
        "b",
        "-P",
        "0",
        "--data-root-dir",
        elsewhere.to_str().unwrap(),
        "--join",
        &a.at,
    ]);
    outcome.fails(3, &["alias b is taken", &b.at, "--node-alias"]);
    user.wait_for_members(&a.at, &[("a", "self"), ("b", "alive")]);

    // From the same folder the lock says so.
    user.run(&["node", "--node-alias", "b", "-P", "0"]).fails(3, &["node b is running already"]);
}

#[test]
fn a_port_in_use_is_reported_with_the_flag_for_another_one() {
    let user = User::new();
    let a = user.node("a", &[]);
    let port = a.at.rsplit(':').next().unwrap();
    user.run(&["node", "--node-alias", "b", "-P", port]).fails(1, &[&a.at, "-P"]);
    // The flag says which of the two addresses it is.
    let second = ["node", "--node-alias", "b", "-P", "0", "-r", "-p", port];
    user.run(&second).fails(1, &[&a.at, "control clients", "-p"]);
}

#[test]
fn a_second_insecure_address_must_be_forced_as_the_first() {
    let user = User::new();
    let open = ["node", "-P", "0", "--insecure", "-r", "-p", "0", "--bind-host", "0.0.0.0"];
    user.run(&open).fails(2, &["0.0.0.0", "--insecure=force"]);
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let user = User::new();
    let file = user.path("file");
    write(&file, "", 0o600);
    let shown = file.to_str().unwrap();
    let outcome = user.run(&["node", "-P", "0", "--data-root-dir", shown]);
    outcome.fails(1, &[shown, "it is a file", "--data-root-dir DIR"]);
    let outcome = user.run(&["node", "-P", "0", "--log-file", "/nowhere/log"]);
    outcome.fails(1, &["/nowhere/log: there is no such file"]);
}

/// The error numbers of the system mean nothing to users.
#[test]
fn errors_of_the_system_are_reported_without_their_numbers() {
    let user = User::new();
    // An address for documentation, which no machine has.
    let outcome = user.run(&["node", "-P", "0", "-H", "192.0.2.1"]);
    outcome.fails(1, &["192.0.2.1:0: this machine has no such address", "-H"]);
    assert!(!outcome.stderr.contains("os error"), "{outcome:?}");
    let around = user.path("around");
    std::os::unix::fs::symlink("around", &around).unwrap();
    let outcome = user.run(&["run", around.to_str().unwrap()]);
    outcome.fails(1, &["too many levels of symbolic links"]);
    assert!(!outcome.stderr.contains("os error"), "{outcome:?}");
}

#[test]
fn a_node_that_does_not_answer_is_reported_with_exit_code_1() {
    let user = User::new();
    assert_eq!(user.run(&["secret", "new"]).code, Some(0));
    // Nobody listens at a port that was free a moment ago.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let at = free.to_string();
    user.run(&["members", "--at", &at]).fails(1, &[&at, "--at"]);
    user.run(&["leave", "--at", &at]).fails(1, &[&at]);
    user.run(&["members", "--at", "no-such-host.invalid"]).fails(1, &["no-such-host.invalid"]);
    let outcome = user.run(&["node", "-P", "0", "-H", "no-such-host.invalid"]);
    outcome.fails(1, &["no-such-host.invalid"]);

    let mut repl = user.repl(&["-P", "0"]);
    repl.say("!join_cluster no-such-host.invalid 2254");
    repl.say(&format!("!join_cluster {at}"));
    let outcome = repl.close();
    assert!(!outcome.stderr.contains("failed to lookup"), "{outcome:?}");
    assert!(outcome.stderr.contains("no-such-host.invalid"), "{outcome:?}");
    assert!(outcome.stderr.contains(&at), "{outcome:?}");
    assert_eq!(outcome.code, Some(0));
}
