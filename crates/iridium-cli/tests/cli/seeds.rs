//! How nodes that are started by scripts find each other: `--join`, and `--at`.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener};
use std::thread;

use nix::sys::signal::Signal;

use crate::support::{Node, User, wait_until};

/// An address at which nobody listens.
fn free() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// A server of another protocol, for as long as the tests run.
fn http() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let _ = stream.unwrap().write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        }
    });
    at
}

fn wait_for_complaint(node: &Node, words: &[&str]) {
    wait_until("it is in the log", || {
        let log = node.process.complained();
        let line = log.lines().find(|line| words.iter().all(|word| line.contains(word)));
        line.map(|_| ()).ok_or(log.clone())
    });
}

fn ends_well(node: Node) {
    node.process.signal(Signal::SIGTERM);
    assert_eq!(node.process.end().code, Some(0));
}

#[test]
fn one_good_seed_is_enough_and_the_bad_ones_are_warnings() {
    let (user, stranger) = (User::new(), User::new());
    let good = user.node("good", &[]);
    let other = stranger.node("other", &[]);
    let (web, dead) = (http(), free().to_string());
    let bad = [("--join", &other.at), ("--join", &web), ("--join", &dead)];
    for place in [0, 1, 3] {
        let mut words: Vec<&str> = bad.iter().flat_map(|(flag, at)| [*flag, at.as_str()]).collect();
        words.splice(2 * place..2 * place, ["--join", &good.at]);
        let node = user.node("n", &words);
        user.wait_for_members(&node.at, &[("good", "alive"), ("n", "self")]);
        wait_for_complaint(&node, &["WARN", &other.at, "another cluster secret", "--secret-file"]);
        wait_for_complaint(&node, &["WARN", &web, "does not speak the Iridium protocol"]);
        wait_for_complaint(&node, &["WARN", &dead, "nobody listens there; trying again"]);
        ends_well(node);
    }
    // Without memory of a good one.
    let words = ["node", "--node-alias", "m", "-P", "0", "--join", &other.at, "--join", &web];
    let outcome = user.run(&words);
    outcome.fails(3, &["cannot join"]);
    assert!([&other.at, &web].iter().all(|at| outcome.stderr.contains(*at)), "{outcome:?}");
    user.run(&["members", "--at", &web]).fails(3, &[&web, "is that the port"]);
}

#[test]
fn every_node_of_a_set_gets_the_same_list() {
    let user = User::new();
    let addrs = [free(), free(), free()].map(|addr| addr.to_string());
    let aliases = ["a", "b", "c"];
    for order in [[0, 1, 2], [2, 1, 0]] {
        let list: Vec<&str> = order.iter().flat_map(|&i: &usize| ["--join", &addrs[i]]).collect();
        let nodes = order.map(|i| {
            let (_, port) = addrs[i].rsplit_once(':').unwrap();
            user.node_on(port, aliases[i], &list)
        });
        for node in &nodes {
            let state = |alias| if alias == node.alias { "self" } else { "alive" };
            user.wait_for_members(&node.at, &aliases.map(|alias| (alias, state(alias))));
        }
        for node in nodes {
            // So that it does not remember the others.
            assert_eq!(user.run(&["leave", "--at", &node.at]).code, Some(0));
            assert_eq!(node.process.end().code, Some(0));
        }
    }
}

#[test]
fn the_first_of_a_set_stays_and_says_that_it_is_alone() {
    let user = User::new();
    let own = free();
    let port = own.port().to_string();
    for (seeds, said) in [
        (vec!["no-such-host.invalid"], "the name cannot be looked up"),
        (vec!["127.0.0.1:1"], "nobody listens there; trying again"),
        (vec!["127.0.0.1:1", "no-such-host.invalid"], "nobody listens there; trying again"),
        (vec![&*own.to_string()], "is this node itself"),
    ] {
        let words: Vec<&str> = seeds.iter().flat_map(|seed| ["--join", seed]).collect();
        let first = user.node_on(&port, "first", &words);
        wait_for_complaint(&first, &["WARN", "found no other node yet"]);
        wait_for_complaint(&first, &[said]);
        let second = user.node("second", &["--join", &first.at]);
        user.wait_for_members(&first.at, &[("first", "self"), ("second", "alive")]);
        for node in [second, first] {
            assert_eq!(user.run(&["leave", "--at", &node.at]).code, Some(0));
            assert_eq!(node.process.end().code, Some(0));
        }
    }
}

#[test]
fn nodes_and_clients_use_ipv6() {
    if TcpListener::bind("[::1]:0").is_err() {
        return; // This machine has none.
    }
    let user = User::new();
    let a = user.node("a", &["-H", "::1", "--metrics", "[::1]:0"]);
    assert!(a.at.starts_with("[::1]:"), "{}", a.at);
    let port = a.at.rsplit(':').next().unwrap();
    // With a zone, which says nothing new of this address.
    let zoned = format!("[::1%lo]:{port}");
    let b = user.node("b", &["-H", "[::1]", "--join", &zoned, "--advertise", "::1"]);
    user.wait_for_members(&a.at, &[("a", "self"), ("b", "alive")]);
    user.wait_for_members(&zoned, &[("a", "self"), ("b", "alive")]);
    ends_well(b);
}

#[test]
fn an_address_that_is_none_is_refused_with_the_reason() {
    let user = User::new();
    for (address, why) in [
        ("[::1", "a [ without its ]"),
        ("[::1]2254", "after ] comes nothing, or a colon and a port"),
        ("fe80::1%", "after % comes a zone"),
        ("10.0.0.1%eth0:1", "only an IPv6 address has a zone"),
        ("http://a:80", "neither HOST:PORT nor an IPv6 address"),
        ("a:99999", "a number up to 65535"),
    ] {
        for words in [["node", "--join"], ["members", "--at"], ["node", "--advertise"]] {
            let outcome = user.run(&[&words[..], &[address]].concat());
            assert_eq!(outcome.code, Some(2), "{words:?} {address}: {outcome:?}");
            assert!(outcome.stderr.contains(why), "{words:?} {address}: {outcome:?}");
        }
    }
    let outcome = user.run(&["members", "--at", "fe80::1", "--insecure"]);
    outcome.fails(1, &["[fe80::1]:2254", "a link-local address needs the zone"]);
    let outcome = user.run(&["members", "--at", "fe80::1%nowhere", "--insecure"]);
    outcome.fails(1, &["[fe80::1%nowhere]:2254", "no network interface nowhere"]);
}
