//! A member that keeps to the protocol until it is one, and then no longer.

use std::io::{Read, Write};
use std::net::TcpStream;

use iridium_net::{Event, Manager, Security};
use iridium_proto::{
    Features, FrameDecoder, Hello, Introduction, IridiumMessage, MAX_FRAME_ADMITTED,
    MAX_FRAME_LINK, NodeId, NodeInfo, NodeIp, NodeNumber, NodePort, Piece, Ping, encode_frame,
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
    stream.write_all(b"IRDM\x00\x01\x00\x01\x00").unwrap();
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
    let mut decoder = FrameDecoder::new(MAX_FRAME_ADMITTED);
    let mut buffer = [0; 4096];
    while decoder.next_message().unwrap().is_none() {
        let n = stream.read(&mut buffer).unwrap();
        assert_ne!(n, 0, "it was not taken in");
        decoder.extend(&buffer[..n]);
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

fn piece(transfer: u32, len: usize) -> IridiumMessage {
    IridiumMessage::Piece(Piece { transfer, kind: 12, last: false, bytes: vec![0; len] })
}

#[test]
fn ten_thousand_messages_that_are_begun_and_never_finished() {
    let flood: Vec<IridiumMessage> = (0..10_000).map(|transfer| piece(transfer, 10)).collect();
    assert_expelled(&flood);
}

#[test]
fn more_in_pieces_than_the_window_holds() {
    let flood: Vec<IridiumMessage> = (0..300).map(|i| piece(i % 2, 64 * 1024)).collect();
    assert_expelled(&flood);
}

#[test]
fn pieces_of_nothing_are_a_breach() {
    assert_expelled(&vec![piece(1, 0); 2]);
}

#[test]
fn data_before_the_introduction_is_settled_goes_nowhere() {
    let (node, calls) = start_recorded("a", &Security::Insecure);
    let mut stream = TcpStream::connect(node.local_addr()).unwrap();
    stream.write_all(b"IRDM\x00\x01\x00\x01\x00").unwrap();
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
