//! Nodes of different builds in one mesh: what only one of them knows is skipped
//! or answered, and what both know works.

use std::io::{Read, Write};
use std::net::TcpStream;

use iridium_net::{Event, Manager, Security};
use iridium_proto::{
    ControlReply, ControlRequest, Features, IridiumMessage, MAX_FRAME_ADMITTED, PIECE_LEN, Piece,
    Ping, encode_frame,
};

use crate::application::{Call, start_recorded};
use crate::flood::{ask_for_room, join_by_hand, send_messages};
use crate::harness::*;

/// A frame of a kind or with a body that this build could not make.
fn raw_frame(kind: u8, body: &[u8]) -> Vec<u8> {
    let len = u32::try_from(1 + body.len()).unwrap().to_le_bytes();
    [&len[..], &[kind], body].concat()
}

fn next_message(stream: &mut TcpStream, frames: &mut Frames) -> IridiumMessage {
    let mut buffer = [0; 4096];
    loop {
        if let Some(message) = frames.next_message() {
            return message;
        }
        let n = stream.read(&mut buffer).unwrap();
        assert_ne!(n, 0, "the node has closed the connection");
        frames.extend(&buffer[..n]);
    }
}

#[test]
fn messages_of_a_later_build_are_skipped_and_the_link_goes_on() {
    let (node, calls) = start_recorded("a", &Security::Insecure);
    let mark = log_length();
    let mut later = join_by_hand(&node);
    for _ in 0..2 {
        later.write_all(&raw_frame(250, b"a message of a later build")).unwrap();
    }
    let len = 2 * PIECE_LEN;
    for transfer in [1, 2] {
        ask_for_room(&mut later, transfer, len);
    }
    let long = |transfer, kind, last| {
        IridiumMessage::Piece(Piece { transfer, kind, last, bytes: vec![kind; PIECE_LEN] })
    };
    send_messages(&mut later, &[long(1, 251, false), long(2, 12, false), long(1, 251, true)]);
    send_messages(&mut later, &[long(2, 12, true), IridiumMessage::Deliver(vec![7])]);
    let mut delivered = Vec::new();
    while delivered.len() < 2 {
        match calls.recv_timeout(PATIENCE).unwrap() {
            Call::Deliver { bytes, .. } => delivered.push(bytes),
            Call::Event(Event::Suspect { id }) => panic!("{id} was given up"),
            _ => {}
        }
    }
    assert_eq!(delivered, [vec![12; len], vec![7]]);
    send_messages(&mut later, &[IridiumMessage::Ping(Ping { token: 99, digest: 0 })]);
    let mut frames = Frames::new(MAX_FRAME_ADMITTED);
    let answered = |message| matches!(message, IridiumMessage::Pong(pong) if pong.token == 99);
    while !answered(next_message(&mut later, &mut frames)) {}
    let lines = logged(mark).into_iter().filter(|line| line.contains("unknown kind 250")).count();
    assert_eq!(lines, 1, "{:?}", logged(mark));
}

#[test]
fn a_request_of_a_later_build_is_answered_and_the_next_is_served() {
    let node = start("a", &Security::Insecure);
    let mut client = TcpStream::connect(node.local_addr()).unwrap();
    client.set_read_timeout(Some(PATIENCE)).unwrap();
    client.write_all(b"IRDM\x00\x03\x00\x03\x00").unwrap();
    client.read_exact(&mut [0; 9]).unwrap();
    let body = [&77u32.to_le_bytes()[..], b"details"].concat();
    client.write_all(&raw_frame(15, &body)).unwrap();
    let mut frames = Frames::new(MAX_FRAME_ADMITTED);
    let mut answer = |client: &mut TcpStream| next_message(client, &mut frames);
    let not_understood = IridiumMessage::ControlReply(ControlReply::NotUnderstood(77));
    assert_eq!(answer(&mut client), not_understood);
    let mut wire = Vec::new();
    encode_frame(&IridiumMessage::ControlRequest(ControlRequest::Members), &mut wire).unwrap();
    client.write_all(&wire).unwrap();
    let reply = answer(&mut client);
    let members = |reply: &IridiumMessage| matches!(reply, IridiumMessage::ControlReply(ControlReply::Members(m)) if m.len() == 1);
    assert!(members(&reply), "{reply:?}");
}

#[test]
fn a_link_has_the_features_that_both_ends_know() {
    let security = secret();
    let start = |name: &str, features| {
        let mut config = config(name, &security);
        config.features = Features(features);
        Manager::start(config).unwrap()
    };
    let nodes = [start("a", 0b0111), start("b", 0b1110), start("c", 0b0011), start("d", 0)];
    for node in &nodes[1..] {
        node.join(endpoint(&nodes[0])).unwrap();
    }
    wait_for_mesh(&nodes.iter().collect::<Vec<_>>());
    for (one, other, both) in [(0, 1, 0b0110), (0, 2, 0b0011), (1, 2, 0b0010), (0, 3, 0), (1, 3, 0)]
    {
        for (from, to) in [(one, other), (other, one)] {
            let (from, to) = (&nodes[from], nodes[to].me().0.alias);
            let features = || from.link(&to).map(|link| link.features());
            wait_for("both ends know", || features() == Some(Features(both)));
        }
    }
}
