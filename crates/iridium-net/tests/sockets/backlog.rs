//! What waits for members that do not take it, beside what waits for honest ones that are slow.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use iridium_net::{Endpoint, Event, Manager, Security};
use iridium_proto::{IridiumMessage, MAX_FRAME_LINK, MAX_MESSAGE, PIECE_LEN, Ping, Pong};
use socket2::SockRef;

use crate::flood::{answer_heartbeats, ask_for_room, join_by_hand_as, piece, send_messages};
use crate::harness::*;

/// What is taken of a slow line at a time, ten times a second.
const SLOWLY: usize = 20 * 1024;
/// How many messages are for the one behind it. Each is just long enough to be a long one.
const MESSAGES: usize = 120;

/// A line to a node that is slow from there, until it is told to be quick.
struct Line {
    end: Endpoint,
    quick: Arc<AtomicBool>,
}

impl Line {
    fn to(node: &Manager) -> Self {
        let (listener, to) = (TcpListener::bind(loopback()).unwrap(), node.local_addr());
        let (end, quick) =
            (listener.local_addr().unwrap().into(), Arc::new(AtomicBool::new(false)));
        let is_quick = Arc::clone(&quick);
        thread::spawn(move || {
            let (near, far) = (listener.accept().unwrap().0, TcpStream::connect(to).unwrap());
            // So that little is under way.
            SockRef::from(&far).set_recv_buffer_size(SLOWLY).unwrap();
            let (mut from, mut into) = (near.try_clone().unwrap(), far.try_clone().unwrap());
            thread::spawn(move || std::io::copy(&mut from, &mut into));
            carry(far, near, &is_quick);
        });
        Self { end, quick }
    }
}

fn carry(mut from: TcpStream, mut into: TcpStream, is_quick: &AtomicBool) {
    let mut buffer = vec![0; SLOWLY];
    while let Ok(count @ 1..) = from.read(&mut buffer)
        && into.write_all(&buffer[..count]).is_ok()
    {
        if !is_quick.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(100));
        }
    }
}

/// Says of each long message that there is no room for it yet, until the node closes the link.
fn have_wait(mut stream: TcpStream) {
    let mut frames = Frames::new(MAX_FRAME_LINK);
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = stream.read(&mut buffer) {
        frames.extend(&buffer[..count]);
        while let Some(message) = frames.next_message() {
            let answer = match message {
                IridiumMessage::Want(want) => IridiumMessage::Wait(want.transfer),
                IridiumMessage::Ping(Ping { token, digest }) => {
                    IridiumMessage::Pong(Pong { token, digest })
                }
                _ => continue,
            };
            send_messages(&mut stream, &[answer]);
        }
    }
}

#[test]
fn a_node_whose_application_takes_nothing_says_so_and_keeps_its_link() {
    let security = &Security::Insecure;
    let [node, slow] = ["node", "slow"].map(|name| start(name, security));
    slow.join(endpoint(&node)).unwrap();
    let full = join_by_hand_as(&node, "full", 72);
    wait_for("they are members", || alive(&node).len() == 2);
    let link = node.link(&alias("slow")).unwrap().link_id();
    // Its application has so much of the window that the longest message lacks credit.
    (0..10).for_each(|_| node.send(&alias("slow"), vec![1; PIECE_LEN]).unwrap());
    let full = thread::spawn(move || have_wait(full));
    for name in ["slow", "full"] {
        node.send(&alias(name), vec![5; MAX_MESSAGE]).unwrap();
    }
    let later = Instant::now() + Duration::from_millis(6500);
    while Instant::now() < later {
        // That others want the room is known by what is refused.
        assert!(node.send(&alias("full"), vec![5; PIECE_LEN + 1]).is_err());
        let linked = node.link(&alias("slow")).map(|link| link.link_id());
        assert_eq!(linked, Some(link), "it was closed");
        thread::sleep(Duration::from_millis(50));
    }
    let inbox = slow.messages();
    (0..10).for_each(|_| assert_eq!(inbox.recv_timeout(PATIENCE).unwrap().bytes.len(), PIECE_LEN));
    assert_eq!(inbox.recv_timeout(PATIENCE).unwrap().bytes.len(), MAX_MESSAGE);
    node.shutdown();
    full.join().unwrap();
}

/// Says again and again that it is alive, and reads nothing, until the node closes the link.
fn speak_and_hear_nothing(mut stream: TcpStream) {
    let mut ping = Vec::new();
    iridium_proto::encode_frame(&IridiumMessage::Ping(Ping { token: 1, digest: 0 }), &mut ping)
        .unwrap();
    while stream.write_all(&ping).is_ok() {
        thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn those_who_take_nothing_give_way_and_those_who_are_slow_get_all_of_theirs() {
    let security = &Security::Insecure;
    let [node, busy, slow] = ["node", "busy", "slow"].map(|name| start(name, security));
    let line = Line::to(&node);
    busy.join(endpoint(&node)).unwrap();
    slow.join(line.end.clone()).unwrap();
    wait_for_mesh(&[&node, &busy, &slow]);
    let events = events_from_now(&node);

    // The room of one is taken by another member, who answers, and sends as much as gives it time.
    let mut taker = join_by_hand_as(&busy, "taker", 70);
    (1..=2).for_each(|transfer| ask_for_room(&mut taker, transfer, MAX_MESSAGE / 2));
    send_messages(&mut taker, &vec![piece(1, PIECE_LEN); 40]);
    let takers = taker.try_clone().unwrap();
    let taking = thread::spawn(move || answer_heartbeats(takers));
    let deaf = join_by_hand_as(&node, "deaf", 71);
    let mean = join_by_hand_as(&node, "mean", 72);
    wait_for("they are members", || alive(&node).len() >= 4);
    let links = ["busy", "slow"].map(|name| node.link(&alias(name)).unwrap().link_id());

    for number in 0..MESSAGES {
        node.send(&alias("slow"), vec![number as u8; PIECE_LEN + 1]).unwrap();
    }
    node.send(&alias("busy"), vec![5; MAX_MESSAGE]).unwrap();
    for name in ["deaf", "mean"] {
        node.send(&alias(name), vec![7; MAX_MESSAGE / 2]).unwrap();
    }
    let deaf = thread::spawn(move || speak_and_hear_nothing(deaf));
    let mean = thread::spawn(move || answer_heartbeats(mean));
    let waits = || node.link(&alias("slow")).unwrap().queued_bytes() / PIECE_LEN;
    #[cfg(target_os = "linux")]
    assert!(waits() > MESSAGES / 2, "the system has taken more than it has sent");
    wait_for("they are closed", || deaf.is_finished() && mean.is_finished());
    assert!(waits() > MESSAGES / 4, "they are no longer slow");

    taker.shutdown(Shutdown::Both).unwrap();
    taking.join().unwrap();
    assert!(busy.messages().recv_timeout(PATIENCE).unwrap().bytes == vec![5; MAX_MESSAGE]);
    line.quick.store(true, Ordering::SeqCst);
    for number in 0..MESSAGES {
        let message = slow.messages().recv_timeout(PATIENCE).unwrap().bytes;
        assert!(message == vec![number as u8; PIECE_LEN + 1], "message {number}");
    }
    assert_eq!(links, ["busy", "slow"].map(|name| node.link(&alias(name)).unwrap().link_id()));
    let honest = ["busy", "slow"].map(alias);
    let harmed = |event: &Event| match event {
        Event::Suspect { id } | Event::Down { id, .. } => honest.contains(&id.alias),
        _ => false,
    };
    assert!(!events.try_iter().any(|event| harmed(&event)));
}
