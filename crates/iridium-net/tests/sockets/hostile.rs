//! Those who do not belong: each is refused with one line in the log, and the
//! mesh does not notice.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use iridium_net::{ClientError, ControlClient, HandshakeError, JoinError, Manager, Security};
use iridium_proto::{ControlRequest, ViewState};

use crate::harness::*;

/// A connection to a node, and where the log was when it was made: an address
/// may have been used before.
struct Attempt {
    addr: SocketAddr,
    mark: usize,
}

fn connect(node: &Manager) -> (TcpStream, Attempt) {
    let mark = log_length();
    let stream = TcpStream::connect(node.local_addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let addr = stream.local_addr().unwrap();
    (stream, Attempt { addr, mark })
}

/// Sends bytes to a node and waits until it closes the connection.
fn send_raw(node: &Manager, bytes: &[u8]) -> Attempt {
    let (mut stream, attempt) = connect(node);
    // The node may hang up before everything is written.
    let _ = stream.write_all(bytes);
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    attempt
}

fn assert_refused_with(attempt: Attempt, why: &str) {
    let lines = || logged_since(attempt.mark, attempt.addr);
    wait_for("a log line", || !lines().is_empty());
    assert_eq!(lines().len(), 1, "{:?}", lines());
    assert!(lines()[0].contains(why), "{:?}", lines());
}

#[test]
fn strangers_are_refused_and_the_mesh_does_not_notice() {
    let nodes = mesh(&["a", "b"], &secret());
    let events = events_from_now(&nodes[0]);
    let links = (nodes[0].link(&alias("b")), nodes[1].link(&alias("a")));
    let http = send_raw(&nodes[0], b"GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_refused_with(http, "does not speak the Iridium protocol (it began with \"GET \")");
    let garbage = send_raw(&nodes[0], &[0xFF; 100_000]);
    assert_refused_with(garbage, "does not speak the Iridium protocol");
    let future = send_raw(&nodes[0], b"IRDM\x00\x09\x00\x0a\x01");
    assert_refused_with(future, "versions 9 to 10");
    let upside_down = send_raw(&nodes[0], b"IRDM\x00\x02\x00\x01\x01");
    assert_refused_with(upside_down, "versions 2 to 1");
    let clear = send_raw(&nodes[0], b"IRDM\x00\x03\x00\x03\x00");
    assert_refused_with(clear, "without the cluster secret");
    let unknown = send_raw(&nodes[0], b"IRDM\x00\x03\x00\x03\x07");
    assert_refused_with(unknown, "protection 7");
    let long = send_raw(&nodes[0], b"IRDM\x00\x03\x00\x03\x01\xff\xff");
    assert_refused_with(long, "65535 bytes");
    let noise = [&b"IRDM\x00\x03\x00\x03\x01\x00\x30"[..], &[5; 48]].concat();
    assert_refused_with(send_raw(&nodes[0], &noise), "another cluster secret");
    assert!(events.try_iter().next().is_none());
    for (before, (node, peer)) in
        [links.0, links.1].iter().zip([(&nodes[0], "b"), (&nodes[1], "a")])
    {
        let now = node.link(&alias(peer)).map(|link| link.local_port());
        assert_eq!(now, before.as_ref().map(|link| link.local_port()));
    }
}

#[test]
fn an_absurd_length_reserves_nothing() {
    let node = start("a", &Security::Insecure);
    let preamble = b"IRDM\x00\x03\x00\x03\x00";
    let addr = send_raw(&node, &[&preamble[..], &u32::MAX.to_le_bytes()].concat());
    assert_refused_with(addr, "a frame of 4294967295 bytes is over the limit of 65536");
    let addr = send_raw(&node, &[&preamble[..], &[5, 0, 0, 0, 1, 0, 0, 0, 0]].concat());
    assert_refused_with(addr, "malformed");
}

#[test]
fn who_says_nothing_or_too_slowly_is_closed_in_time() {
    let node = start("a", &secret());
    let silent = connect(&node);
    let mut slow = connect(&node);
    let begun = Instant::now();
    // A byte now and then gains no time.
    for byte in b"IRDM\x00\x03\x00" {
        let _ = slow.0.write_all(&[*byte]);
        std::thread::sleep(Duration::from_millis(500));
    }
    for (mut stream, attempt) in [silent, slow] {
        assert_eq!(stream.read(&mut [0]).unwrap_or(0), 0, "closed");
        assert_refused_with(attempt, "in time");
    }
    let took = begun.elapsed();
    assert!(took > Duration::from_millis(4900) && took < Duration::from_secs(8), "{took:?}");
}

#[test]
fn another_secret_is_named_as_the_reason_at_both_ends() {
    let node = start("a", &secret());
    let stranger = start("b", &secret());
    let error = stranger.join(endpoint(&node)).unwrap_err();
    let other = HandshakeError::WrongSecret;
    assert!(matches!(&error, JoinError::Handshake { why, .. } if *why == other), "{error:?}");
    assert!(error.to_string().contains("another cluster secret"), "{error}");
    let error = ControlClient::connect(&endpoint(&node), &secret(), PATIENCE).err();
    assert!(
        matches!(&error, Some(ClientError::Handshake { why, .. }) if *why == other),
        "{error:?}"
    );
    let open = start("c", &Security::Insecure);
    let error = open.join(endpoint(&node)).unwrap_err().to_string();
    assert!(error.contains("it wants the cluster secret, which this end does without"), "{error}");
    let error = node.join(endpoint(&open)).unwrap_err().to_string();
    assert!(error.contains("it runs without the cluster secret"), "{error}");
    assert_eq!(node.members().len(), 1);
}

/// What a newcomer sends that joins and leaves, as somebody in between records it.
fn recorded(node: &Manager, security: &Security) -> Vec<u8> {
    let relay = std::net::TcpListener::bind(loopback()).unwrap();
    let place = relay.local_addr().unwrap();
    let target = node.local_addr();
    let recorder = std::thread::spawn(move || {
        let (mut newcomer, _) = relay.accept().unwrap();
        let mut upstream = TcpStream::connect(target).unwrap();
        let (mut back_from, mut back_to) =
            (upstream.try_clone().unwrap(), newcomer.try_clone().unwrap());
        let back = std::thread::spawn(move || std::io::copy(&mut back_from, &mut back_to));
        let mut recorded = Vec::new();
        let mut buffer = [0; 4096];
        while let Ok(n) = newcomer.read(&mut buffer) {
            if n == 0 || upstream.write_all(&buffer[..n]).is_err() {
                break;
            }
            recorded.extend_from_slice(&buffer[..n]);
        }
        let _ = upstream.shutdown(std::net::Shutdown::Both);
        let _ = back.join();
        recorded
    });
    let newcomer = start("b", security);
    newcomer.join(place.into()).unwrap();
    newcomer.leave();
    wait_for("it has left", || state_of(node, "b") == Some(ViewState::Left));
    recorder.join().unwrap()
}

#[test]
fn a_replayed_handshake_changes_nothing() {
    let security = secret();
    let node = start("a", &security);
    let recorded = recorded(&node, &security);
    let before = node.members();
    let addr = send_raw(&node, &recorded);
    assert_refused_with(addr, "does not decrypt");
    assert_eq!(node.members(), before);
}

#[test]
fn replayed_handshakes_lock_nobody_out() {
    let security = secret();
    let node = start("a", &security);
    let recorded = recorded(&node, &security);
    // The handshake, and a byte of the first frame.
    let (preamble, message) = (9, 2 + 48);
    let begun = &recorded[..preamble + message + 1];
    let answered = |mut stream: TcpStream| {
        stream.write_all(begun).unwrap();
        stream.read_exact(&mut vec![0; preamble + 1 + message]).unwrap();
        stream
    };
    let _held: Vec<_> = (0..300).map(|_| answered(connect(&node).0)).collect();
    let newcomer = start("c", &security);
    newcomer.join(endpoint(&node)).unwrap();
    wait_for("the newcomer is in", || state_of(&node, "c") == Some(ViewState::Alive));
}

#[test]
fn a_flood_of_idle_connections_leaves_the_mesh_alone() {
    let security = secret();
    let nodes = mesh(&["a", "b"], &security);
    let events = events_from_now(&nodes[0]);
    let idle: Vec<TcpStream> =
        (0..400).map(|_| TcpStream::connect(nodes[0].local_addr()).unwrap()).collect();
    // Only 256 have a place.
    let turned_away = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        matches!(stream.peek(&mut [0]), Ok(0) | Err(_))
            && !matches!(stream.peek(&mut [0]), Err(e) if e.kind() == std::io::ErrorKind::WouldBlock)
    };
    wait_for("those that have no place are turned away", || {
        idle.iter().filter(|stream| turned_away(stream)).count() >= 400 - 256
    });
    nodes[1].send(&alias("a"), vec![1]).unwrap();
    assert_eq!(nodes[0].messages().recv_timeout(PATIENCE).unwrap().bytes, [1]);
    let newcomer = start("c", &security);
    newcomer.join(endpoint(&nodes[0])).unwrap();
    wait_for_mesh(&[&nodes[0], &nodes[1], &newcomer]);
    let disturbed = events.try_iter().any(|e| matches!(e, iridium_net::Event::Suspect { .. }));
    assert!(!disturbed);
}

#[test]
fn strangers_who_come_all_the_time_lock_nobody_out() {
    let security = secret();
    let node = start("a", &security);
    let at = node.local_addr();
    let (done, stopped) = crossbeam_channel::bounded::<()>(0);
    // Each begins as a node does, and then says no more; about a thousand a second.
    let strangers = std::thread::spawn(move || {
        let mut held = std::collections::VecDeque::new();
        while stopped.recv_timeout(Duration::from_millis(1)).is_err_and(|error| error.is_timeout())
        {
            if let Ok(mut stream) = TcpStream::connect(at) {
                let _ = stream.write_all(b"IRDM\x00\x03\x00\x03\x01");
                held.push_back(stream);
            }
            if held.len() > 300 {
                held.pop_front();
            }
        }
    });
    for name in ["b", "c", "d"] {
        let begun = Instant::now();
        let mut client = ControlClient::connect(&endpoint(&node), &security, PATIENCE).unwrap();
        client.request(ControlRequest::Members).unwrap();
        let newcomer = start(name, &security);
        newcomer.join(endpoint(&node)).unwrap();
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    }
    drop(done);
    strangers.join().unwrap();
}

#[test]
fn control_clients_are_answered_and_need_the_secret() {
    let security = secret();
    let nodes = mesh(&["a", "b"], &security);
    let mut client = ControlClient::connect(&endpoint(&nodes[1]), &security, PATIENCE).unwrap();
    for _ in 0..3 {
        let reply = client.request(ControlRequest::Members).unwrap();
        let iridium_proto::ControlReply::Members(members) = reply else { panic!("{reply:?}") };
        assert_eq!(members.len(), 2);
        assert_eq!(members[0].info.alias, alias("b"));
    }
    let events = events_from_now(&nodes[1]);
    assert_eq!(
        client.request(ControlRequest::Leave).unwrap(),
        iridium_proto::ControlReply::Leaving
    );
    let asked = |e: &iridium_net::Event| *e == iridium_net::Event::LeaveRequested;
    next_event(&events, asked);
}
