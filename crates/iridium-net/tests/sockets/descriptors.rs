//! However a connection ends, its descriptors and its threads come back.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use iridium_net::{ClusterClient, Config, ControlClient, Manager, Security};
use iridium_proto::{ControlRequest, IridiumMessage, Ping};
use socket2::SockRef;

use crate::flood::{join_by_hand, send_messages};
use crate::harness::*;

/// How often each way is gone.
const ROUNDS: usize = 5;

/// Set in the process that counts: other tests in it would be counted too.
const ALONE: &str = "IRIDIUM_TEST_ALONE";

/// Open descriptors and threads of this process.
fn resources() -> (usize, usize) {
    let count = |folder: &str| std::fs::read_dir(folder).unwrap().count();
    (count("/proc/self/fd"), count("/proc/self/task"))
}

fn assert_returns(what: &str, before: (usize, usize)) {
    let back = || {
        let now = resources();
        now.0 <= before.0 && now.1 <= before.1
    };
    let deadline = std::time::Instant::now() + PATIENCE;
    while !back() {
        let now = resources();
        assert!(
            std::time::Instant::now() < deadline,
            "{what}: (descriptors, threads) were {before:?} and are {now:?}"
        );
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A node that is quick to give up what is silent.
fn impatient(name: &str) -> Config {
    let mut config = config(name, &Security::Insecure);
    config.timing.heartbeat = Duration::from_millis(50);
    config.timing.suspect_after = Duration::from_millis(300);
    config.timing.down_after = Duration::from_millis(600);
    config.timing.incumbent_probe = Duration::from_millis(200);
    config.timing.greet_timeout = Duration::from_millis(500);
    config.timing.dial_timeout = Duration::from_millis(500);
    config
}

fn reset(stream: TcpStream) {
    SockRef::from(&stream).set_linger(Some(Duration::ZERO)).unwrap();
    drop(stream);
}

/// Sends until the node, which does not read, takes no more.
fn fill(node: &Manager) {
    let to = alias("join_by_handr");
    while node.send(&to, vec![0; 1 << 20]).is_ok() {}
}

fn peer_restarts(node: &Manager) -> Vec<Arc<ClusterClient>> {
    let mut kept = Vec::new();
    for _ in 0..ROUNDS {
        let peer = Manager::start(impatient("b")).unwrap();
        peer.join(endpoint(node)).unwrap();
        wait_for_mesh(&[node, &peer]);
        kept.extend(node.link(&alias("b")));
        peer.shutdown();
    }
    kept
}

/// Each way in which a connection ends, by its name.
type Way = (&'static str, fn(&Manager));

const WAYS: &[Way] = &[
    ("the other end closes", |node| drop(join_by_hand(node))),
    ("the other end resets", |node| reset(join_by_hand(node))),
    ("the other end resets without having read", |node| {
        let stream = join_by_hand(node);
        fill(node);
        reset(stream);
    }),
    ("the other end sends no more", |node| {
        let stream = join_by_hand(node);
        stream.shutdown(Shutdown::Write).unwrap();
        wait_for("the link is gone", || node.link(&alias("join_by_handr")).is_none());
    }),
    ("the other end receives no more", |node| {
        let stream = join_by_hand(node);
        stream.shutdown(Shutdown::Read).unwrap();
        wait_for("the link is gone", || node.link(&alias("join_by_handr")).is_none());
    }),
    ("the other end falls silent", |node| {
        let _silent = join_by_hand(node);
        wait_for("the link is gone", || node.link(&alias("join_by_handr")).is_none());
    }),
    ("the other end does not read", |node| {
        let _stuck = join_by_hand(node);
        fill(node);
        wait_for("the link is gone", || node.link(&alias("join_by_handr")).is_none());
    }),
    ("the other end breaks the protocol", |node| {
        let mut stream = join_by_hand(node);
        stream.write_all(&[0xFF; 64]).unwrap();
        wait_for("the link is gone", || node.link(&alias("join_by_handr")).is_none());
    }),
    ("a control message where none belongs", |node| {
        let mut stream = join_by_hand(node);
        send_messages(&mut stream, &[IridiumMessage::ControlEnd]);
        wait_for("the link is gone", || node.link(&alias("join_by_handr")).is_none());
    }),
    ("another takes its place", |node| {
        let first = join_by_hand(node);
        let second = join_by_hand(node);
        drop((first, second));
    }),
    ("no introduction", |node| {
        let mut stream = TcpStream::connect(node.local_addr()).unwrap();
        stream.write_all(b"IRDM\x00\x03\x00\x03\x00").unwrap();
        send_messages(&mut stream, &[IridiumMessage::Ping(Ping { token: 1, digest: 0 })]);
        stream.read_to_end(&mut Vec::new()).unwrap();
    }),
    ("garbage", |node| {
        let mut stream = TcpStream::connect(node.local_addr()).unwrap();
        stream.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
        let _ = stream.read_to_end(&mut Vec::new());
    }),
    ("nothing is said", |node| drop(TcpStream::connect(node.local_addr()).unwrap())),
    ("the alias is taken", |node| {
        let namesake = Manager::start(impatient("a")).unwrap();
        assert!(namesake.join(endpoint(node)).is_err());
    }),
    ("the node dials itself", |node| assert!(node.join(endpoint(node)).is_err())),
    ("nobody listens", |node| {
        let closed = TcpListener::bind(loopback()).unwrap().local_addr().unwrap();
        assert!(node.join(closed.into()).is_err());
    }),
    ("who is dialled says nothing", |node| {
        let silent = TcpListener::bind(loopback()).unwrap();
        assert!(node.join(silent.local_addr().unwrap().into()).is_err());
    }),
    ("who is dialled does not answer the greeting", |node| {
        let listener = TcpListener::bind(loopback()).unwrap();
        let addr = listener.local_addr().unwrap();
        let mute = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.write_all(b"IRDM\x00\x03\x00\x03\x00").unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        });
        assert!(node.join(addr.into()).is_err());
        mute.join().unwrap();
    }),
    ("a control client is done", |node| {
        let patience = Duration::from_secs(5);
        let mut client =
            ControlClient::connect(&endpoint(node), &Security::Insecure, patience).unwrap();
        client.request(ControlRequest::Members).unwrap();
    }),
];

/// Runs a test in a process of its own, unless this is that. Answers whether it has.
fn ran_alone() -> bool {
    if std::env::var_os(ALONE).is_some() {
        return false;
    }
    let name = std::thread::current().name().unwrap().to_string();
    let mut alone = Command::new(std::env::current_exe().unwrap());
    let outcome = alone.args([&name, "--exact", "--nocapture"]).env(ALONE, "1").output();
    let outcome = outcome.unwrap();
    let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
    assert!(outcome.status.success(), "{said}");
    true
}

/// Bytes that this process has in memory.
fn memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse::<u64>().unwrap() * 1024
}

#[test]
fn a_thousand_joins_kills_and_refused_greetings_leave_nothing_behind() {
    if ran_alone() {
        return;
    }
    let node = Manager::start(impatient("a")).unwrap();
    let round = || {
        reset(join_by_hand(&node));
        drop(join_by_hand(&node));
        for refused in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"IRDM\x00\x09\x00\x0a\x01"] {
            let mut stream = TcpStream::connect(node.local_addr()).unwrap();
            stream.write_all(refused).unwrap();
            let _ = stream.read_to_end(&mut Vec::new());
        }
    };
    // What is kept for those who come again, and by the allocator, is there then.
    (0..25).for_each(|_| round());
    let down = || state_of(&node, "join_by_handr") == Some(iridium_proto::ViewState::Down);
    wait_for("the last is down", down);
    let (before, memory_before) = (resources(), memory());
    (0..250).for_each(|_| round());
    assert_returns("after a thousand", before);
    let grown = memory().saturating_sub(memory_before);
    assert!(grown < 4 << 20, "{grown} bytes more than before");
}

#[test]
fn every_way_in_which_a_connection_ends_gives_back_what_it_took() {
    if ran_alone() {
        return;
    }
    let node = Manager::start(impatient("a")).unwrap();
    // What is opened once, by the first of its kind, stays.
    drop(join_by_hand(&node));
    let forgotten = || state_of(&node, "join_by_handr") == Some(iridium_proto::ViewState::Down);
    wait_for("the first is down", forgotten);
    let before = resources();
    for (what, end) in WAYS {
        for _ in 0..ROUNDS {
            end(&node);
        }
        assert_returns(what, before);
    }
    let kept = peer_restarts(&node);
    assert_eq!(kept.len(), ROUNDS);
    assert_returns("the other node ends while the application keeps its link", before);
}
