//! Messages between nodes: order, length, and what happens when nobody reads.

use std::time::Duration;

use iridium_net::{Event, SendError};
use iridium_proto::MAX_MESSAGE;

use crate::harness::*;

#[test]
fn messages_arrive_once_in_order_and_whole() {
    let nodes = mesh(&["a", "b"], &secret());
    let inbox = nodes[1].messages();
    let sizes = [0, 1, 63, 64 * 1024 - 1, 64 * 1024, 64 * 1024 + 1, 300_000, 5];
    let message = |i: usize| {
        let mut bytes = vec![i as u8; sizes[i % sizes.len()]];
        bytes.extend_from_slice(&(i as u32).to_le_bytes());
        bytes
    };
    let count = 2000;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for i in 0..count {
                while nodes[0].send(&alias("b"), message(i)) == Err(SendError::WouldBlock) {
                    std::thread::sleep(Duration::from_millis(1));
                }
            }
        });
        for i in 0..count {
            let got = inbox.recv_timeout(PATIENCE).unwrap();
            assert_eq!(got.from, nodes[0].me().0);
            assert!(got.bytes == message(i), "message {i}");
        }
    });
    assert!(inbox.is_empty());
}

#[test]
fn the_longest_message_passes_and_a_longer_one_is_refused() {
    let nodes = mesh(&["a", "b"], &secret());
    let inbox = nodes[1].messages();
    let whole: Vec<u8> = (0..MAX_MESSAGE).map(|i| (i % 251) as u8).collect();
    nodes[0].send(&alias("b"), whole.clone()).unwrap();
    assert!(inbox.recv_timeout(PATIENCE).unwrap().bytes == whole);
    let longer = vec![0; MAX_MESSAGE + 1];
    assert!(matches!(nodes[0].send(&alias("b"), longer), Err(SendError::TooLong { .. })));
    assert_eq!(nodes[0].send(&alias("nobody"), vec![]), Err(SendError::NotLinked));
}

#[test]
fn a_receiver_that_takes_nothing_makes_senders_wait_and_nothing_else() {
    let nodes = mesh(&["a", "b", "c"], &secret());
    let events = events_from_now(&nodes[0]);
    let message = vec![7; 100_000];
    let mut sent = 0;
    // Until the receiver's window and the sender's queue are both full.
    loop {
        match nodes[0].send(&alias("b"), message.clone()) {
            Ok(()) => sent += 1,
            Err(SendError::WouldBlock) => {
                std::thread::sleep(Duration::from_millis(50));
                if nodes[0].send(&alias("b"), message.clone()) == Err(SendError::WouldBlock) {
                    break;
                }
                sent += 1;
            }
            Err(error) => panic!("{error}"),
        }
    }
    let bytes = sent * message.len();
    assert!(bytes < (17 + 8 + 2) * 1024 * 1024, "{bytes} bytes were taken");
    // Heartbeats get through all the while, and so does data to others.
    nodes[0].send(&alias("c"), vec![1]).unwrap();
    assert_eq!(nodes[2].messages().recv_timeout(PATIENCE).unwrap().bytes, [1]);
    let doubted = events.recv_timeout(Duration::from_millis(3000));
    assert!(doubted.is_err(), "{doubted:?}");
    // When it reads at last, it gets everything.
    let inbox = nodes[1].messages();
    for _ in 0..sent {
        assert_eq!(inbox.recv_timeout(PATIENCE).unwrap().bytes.len(), message.len());
    }
    nodes[0].send(&alias("b"), vec![2]).unwrap();
    assert_eq!(inbox.recv_timeout(PATIENCE).unwrap().bytes, [2]);
    assert!(!events.try_iter().any(|e| matches!(e, Event::Suspect { .. })));
}

#[test]
fn what_was_sent_before_leaving_still_arrives() {
    let nodes = mesh(&["a", "b"], &secret());
    for i in 0..100 {
        nodes[0].send(&alias("b"), vec![i]).unwrap();
    }
    nodes[0].send(&alias("b"), vec![7; 1 << 20]).unwrap();
    nodes[0].leave();
    let inbox = nodes[1].messages();
    for i in 0..100 {
        assert_eq!(inbox.recv_timeout(PATIENCE).unwrap().bytes, [i]);
    }
    assert_eq!(inbox.recv_timeout(PATIENCE).unwrap().bytes.len(), 1 << 20);
    assert_eq!(nodes[0].send(&alias("b"), vec![]), Err(SendError::NotLinked));
}
