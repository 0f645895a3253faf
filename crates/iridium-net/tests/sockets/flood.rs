//! A member that keeps to the protocol until it is one, and then no longer.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use iridium_net::{Event, Manager, Security, Timing};
use iridium_proto::{
    Features, Hello, Introduction, IridiumMessage, MAX_FRAME_ADMITTED, MAX_FRAME_LINK, MAX_MESSAGE,
    NodeId, NodeInfo, NodeIp, NodeNumber, NodePort, PIECE_LEN, Piece, Ping, Pong, Want,
    encode_frame,
};

use crate::application::{Call, start_recorded};
use crate::harness::*;

/// Makes itself a member of the node's mesh by hand.
pub fn join_by_hand(node: &Manager) -> TcpStream {
    join_by_hand_as(node, "join_by_handr", 77)
}

/// As that, with an alias and a number of its own.
pub fn join_by_hand_as(node: &Manager, name: &str, number: u32) -> TcpStream {
    let mut stream = TcpStream::connect(node.local_addr()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"IRDM\x00\x03\x00\x03\x00").unwrap();
    stream.read_exact(&mut [0; 9]).unwrap();
    let name = alias(name);
    let ip = NodeIp("127.0.0.1".parse().unwrap());
    let info = NodeInfo { alias: name.clone(), ip, port: NodePort::new(1).unwrap() };
    let id = NodeId { alias: name, incarnation: 1, number: NodeNumber::new(number).unwrap() };
    let intro = Introduction { info, id, refutation: 0 };
    send_messages(
        &mut stream,
        &[IridiumMessage::Hello(Hello { intro, version: 1, features: Features::NONE })],
    );
    let mut frames = Frames::new(MAX_FRAME_ADMITTED);
    let mut buffer = [0; 4096];
    while frames.next_message().is_none() {
        let n = stream.read(&mut buffer).unwrap();
        assert_ne!(n, 0, "it was not taken in");
        frames.extend(&buffer[..n]);
    }
    send_messages(&mut stream, &[IridiumMessage::Ping(Ping { token: 1, digest: 0 })]);
    stream
}

pub fn send_messages(stream: &mut TcpStream, messages: &[IridiumMessage]) {
    let mut wire = Vec::new();
    for message in messages {
        encode_frame(message, &mut wire).unwrap();
    }
    // It may hang up before it has read everything.
    let _ = stream.write_all(&wire);
}

/// Asks for room for a message and waits until it is granted.
pub fn ask_for_room(stream: &mut TcpStream, transfer: u32, len: usize) {
    let len = u32::try_from(len).unwrap();
    send_messages(stream, &[IridiumMessage::Want(Want { transfer, len })]);
    let mut frames = Frames::new(MAX_FRAME_ADMITTED);
    let mut byte = [0];
    // Byte by byte, to leave what follows.
    while frames.next_message() != Some(IridiumMessage::Grant(transfer)) {
        stream.read_exact(&mut byte).unwrap();
        frames.extend(&byte);
    }
}

fn wait_for_close(stream: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while !matches!(stream.read(&mut buffer), Ok(0) | Err(_)) {}
}

fn assert_expelled(flood: &[IridiumMessage]) {
    let (node, calls) = start_recorded("a", &Security::Insecure);
    let friend = start("b", &Security::Insecure);
    friend.join(endpoint(&node)).unwrap();
    let mut stream = join_by_hand(&node);
    send_messages(&mut stream, flood);
    wait_for_close(&mut stream);
    // Nobody else noticed, and nothing of it came through.
    friend.send(&alias("a"), vec![5]).unwrap();
    loop {
        match calls.recv_timeout(PATIENCE).unwrap() {
            Call::Deliver { bytes, .. } => break assert_eq!(bytes, [5]),
            Call::Event(Event::Suspect { id }) => assert_eq!(id.alias, alias("join_by_handr")),
            _ => {}
        }
    }
}

pub fn piece(transfer: u32, len: usize) -> IridiumMessage {
    IridiumMessage::Piece(Piece { transfer, kind: 12, last: false, bytes: vec![0; len] })
}

#[test]
fn ten_thousand_messages_that_are_asked_for_and_never_sent() {
    let want = |transfer| IridiumMessage::Want(Want { transfer, len: 100_000 });
    assert_expelled(&(0..10_000).map(want).collect::<Vec<_>>());
}

#[test]
fn a_piece_that_was_not_granted() {
    assert_expelled(&[piece(1, 10)]);
}

#[test]
fn half_messages_keep_nobody_from_sending_the_longest_for_long() {
    let (node, calls) = start_recorded("a", &Security::Insecure);
    let friend = start("b", &Security::Insecure);
    friend.join(endpoint(&node)).unwrap();
    // So much room that there is none for a longest message of another.
    let mut liar = join_by_hand(&node);
    (1..=2).for_each(|transfer| ask_for_room(&mut liar, transfer, MAX_MESSAGE / 2));
    send_messages(&mut liar, &[piece(1, 10)]);
    let liar = std::thread::spawn(move || answer_heartbeats(liar));
    friend.send(&alias("a"), vec![5; MAX_MESSAGE]).unwrap();
    loop {
        match calls.recv_timeout(PATIENCE).unwrap() {
            Call::Deliver { bytes, .. } => break assert_eq!(bytes.len(), MAX_MESSAGE),
            Call::Event(Event::Suspect { id }) => assert_eq!(id.alias, alias("join_by_handr")),
            _ => {}
        }
    }
    assert!(liar.join().unwrap() >= 2, "it was there all the while, and then closed");
}

#[test]
fn who_is_granted_room_may_be_silent_for_as_long_as_it_is_not_taken_for_dead() {
    let mut patient = config("a", &Security::Insecure);
    patient.timing = Timing { heartbeat: Duration::from_millis(100), ..Timing::wan() };
    let node = Manager::start(patient).unwrap();
    let [mut slow, mut other] =
        [("slow", 77), ("other", 78)].map(|(name, number)| join_by_hand_as(&node, name, number));
    wait_for("they are members", || alive(&node).len() == 2);
    let want = |transfer| IridiumMessage::Want(Want { transfer, len: MAX_MESSAGE as u32 / 2 });
    send_messages(&mut other, &[want(1), want(2)]);
    ask_for_room(&mut slow, 1, PIECE_LEN + 1);
    // More than there is.
    send_messages(&mut slow, &[want(2)]);
    let others = std::thread::spawn(move || answer_heartbeats(other));
    std::thread::sleep(Duration::from_millis(5500));
    let (begun, rest) =
        (piece(1, PIECE_LEN), Piece { transfer: 1, kind: 12, last: true, bytes: vec![0] });
    send_messages(&mut slow, &[begun, IridiumMessage::Piece(rest)]);
    assert_eq!(node.messages().recv_timeout(PATIENCE).unwrap().bytes.len(), PIECE_LEN + 1);
    node.shutdown();
    others.join().unwrap();
}

/// Answers heartbeats until the node closes the link; gives how many.
pub fn answer_heartbeats(mut stream: TcpStream) -> usize {
    let mut frames = Frames::new(MAX_FRAME_ADMITTED);
    let (mut buffer, mut answered) = ([0; 4096], 0);
    while let Ok(n @ 1..) = stream.read(&mut buffer) {
        frames.extend(&buffer[..n]);
        while let Some(message) = frames.next_message() {
            if let IridiumMessage::Ping(Ping { token, digest }) = message {
                send_messages(&mut stream, &[IridiumMessage::Pong(Pong { token, digest })]);
                answered += 1;
            }
        }
    }
    answered
}

#[test]
fn data_before_the_introduction_is_settled_goes_nowhere() {
    let (node, calls) = start_recorded("a", &Security::Insecure);
    let mut stream = TcpStream::connect(node.local_addr()).unwrap();
    stream.write_all(b"IRDM\x00\x03\x00\x03\x00").unwrap();
    send_messages(
        &mut stream,
        &[IridiumMessage::Deliver(vec![1]), IridiumMessage::Deliver(vec![2])],
    );
    wait_for_close(&mut stream);
    assert!(!calls.try_iter().any(|call| matches!(call, Call::Deliver { .. })));
}

#[test]
fn a_frame_longer_than_any_of_a_link_is_not_waited_for() {
    let node = start("a", &Security::Insecure);
    let mut member = join_by_hand(&node);
    wait_for("it is a member", || !alive(&node).is_empty());
    let longest = u32::try_from(MAX_FRAME_LINK).unwrap();
    // A heartbeat within the frame would be heard if it were not one.
    let begun = [&(longest + 1).to_le_bytes()[..], &[12, 0, 0, 0]].concat();
    member.write_all(&begun).unwrap();
    let mut rest = Vec::new();
    // The node may reset the connection.
    let _ = member.read_to_end(&mut rest);
    wait_for("it is gone", || alive(&node).is_empty());
}
