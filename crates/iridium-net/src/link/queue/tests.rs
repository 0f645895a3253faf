use std::collections::HashMap;

use super::*;
use crate::link::credit::CREDIT_STEP;

fn ping() -> IridiumMessage {
    IridiumMessage::Ping(iridium_proto::Ping { token: 1, digest: 2 })
}

fn deliver(len: usize) -> IridiumMessage {
    IridiumMessage::Deliver(vec![7; len])
}

fn push(queue: &mut Queue, lane: u64, bytes: Vec<u8>) -> bool {
    match queue.push(lane, Kind::Message, bytes.into()) {
        QueuePush::Queued => true,
        QueuePush::Refused(refused) => {
            assert_eq!(refused.why, SendError::WouldBlock);
            false
        }
        QueuePush::Overflow(_) => panic!("no signal"),
    }
}

fn take(queue: &mut Queue) -> Vec<IridiumMessage> {
    let mut batch = Vec::new();
    queue.take(&mut batch, PIECE_LEN);
    batch.into_iter().map(Outgoing::received).collect()
}

/// The first byte and length of each message, when it is whole. The receiver has room for all.
fn arrivals(queue: &mut Queue) -> Vec<(u8, usize)> {
    let mut parts: HashMap<u32, Vec<u8>> = HashMap::new();
    let mut whole = Vec::new();
    loop {
        let batch = take(queue);
        if batch.is_empty() {
            return whole;
        }
        for message in batch {
            match message {
                IridiumMessage::Want(want) => {
                    queue.grant(want.transfer);
                }
                IridiumMessage::Deliver(bytes) | IridiumMessage::Signal(bytes) => {
                    whole.push((bytes[0], bytes.len()));
                }
                IridiumMessage::Piece(piece) => {
                    let part = parts.entry(piece.transfer).or_default();
                    part.extend(piece.bytes);
                    if piece.last {
                        let bytes = parts.remove(&piece.transfer).unwrap();
                        whole.push((bytes[0], bytes.len()));
                    }
                    assert!(parts.len() <= MAX_TRANSFERS);
                }
                other => panic!("{other:?}"),
            }
        }
    }
}

#[test]
fn control_overtakes_data() {
    let mut queue = Queue::new(1 << 20);
    assert!(push(&mut queue, 0, vec![7]));
    assert!(queue.push_control(ping()));
    assert_eq!(take(&mut queue), vec![ping(), deliver(1)]);
}

#[test]
fn control_goes_out_between_the_pieces_of_a_long_message() {
    let mut queue = Queue::new(1 << 20);
    assert!(push(&mut queue, 0, vec![7; 3 * PIECE_LEN + 1]));
    let want = Want { transfer: 1, len: 3 * PIECE_LEN as u32 + 1 };
    assert_eq!(take(&mut queue), [IridiumMessage::Want(want)]);
    queue.grant(1);
    for i in 0..4 {
        queue.push_control(IridiumMessage::Credit(9));
        let batch = take(&mut queue);
        let [IridiumMessage::Credit(9), IridiumMessage::Piece(piece)] = &batch[..] else {
            panic!("{batch:?}")
        };
        assert_eq!((piece.kind, piece.last), (12, i == 3));
    }
    assert!(take(&mut queue).is_empty());
}

#[test]
fn a_lane_keeps_its_order_and_others_pass_it() {
    let mut queue = Queue::new(8 << 20);
    let long = PIECE_LEN + 1;
    for (lane, bytes) in [
        (1, vec![1; 10]),
        (1, vec![2; 5 * PIECE_LEN]),
        (1, vec![3; 10]),
        (1, vec![4; long]),
        (1, vec![5; 10]),
        (2, vec![6; 10]),
        (3, vec![7; long]),
    ] {
        assert!(push(&mut queue, lane, bytes));
    }
    queue.push(1, Kind::Signal, vec![8].into());
    let order: Vec<u8> = arrivals(&mut queue).into_iter().map(|(byte, _)| byte).collect();
    let lane_1: Vec<u8> = order.iter().copied().filter(|b| ![6, 7].contains(b)).collect();
    assert_eq!(lane_1, [1, 2, 3, 4, 5, 8]);
    let place = |byte| order.iter().position(|b| *b == byte).unwrap();
    assert!(place(6) < place(2), "a short one passes");
    assert!(place(7) < place(2), "and so does a shorter long one");
}

#[test]
fn a_long_message_does_not_overtake_short_ones_of_its_lane_that_lack_credit() {
    let mut queue = Queue::new(64 << 20);
    while queue.credit > 10 * PIECE_LEN {
        assert!(push(&mut queue, 0, vec![1; PIECE_LEN]));
        assert_eq!(take(&mut queue).len(), 1);
    }
    for _ in 0..20 {
        assert!(push(&mut queue, 0, vec![2; PIECE_LEN]));
    }
    assert!(push(&mut queue, 0, vec![3; PIECE_LEN + 1]));
    assert!(arrivals(&mut queue).iter().all(|(byte, _)| *byte == 2));
    queue.add_credit(8 << 20);
    assert_eq!(arrivals(&mut queue).last(), Some(&(3, PIECE_LEN + 1)));
}

#[test]
fn a_full_queue_refuses_and_reports_once_when_it_is_writable() {
    let mut queue = Queue::new(1000);
    assert!(push(&mut queue, 0, vec![7; 800]));
    assert!(!queue.take_writable());
    assert!(!push(&mut queue, 1, vec![7; 200]));
    assert!(push(&mut queue, 0, vec![7; 72]));
    assert!(push(&mut queue, 2, vec![7; PIECE_LEN + 1]), "long ones are counted apart");
    assert!(!push(&mut queue, 2, vec![7; 9]), "and with them what they block");
    assert!(!queue.take_writable());
    assert_eq!(take(&mut queue), [deliver(800), deliver(72)]);
    assert!(queue.take_writable());
    let want = Want { transfer: 1, len: PIECE_LEN as u32 + 1 };
    assert_eq!(take(&mut queue), [IridiumMessage::Want(want)]);
    queue.grant(1);
    while !take(&mut queue).is_empty() {}
    assert!(queue.take_writable(), "for the sender in the lane of the long one");
    assert!(!queue.take_writable());
    assert!(push(&mut queue, 0, vec![7; 2000]), "an empty queue takes any message");
    let longer = queue.push(0, Kind::Message, vec![0; MAX_MESSAGE + 1].into());
    let QueuePush::Refused(refused) = longer else { panic!("{longer:?}") };
    assert_eq!(refused.why, SendError::TooLong { len: MAX_MESSAGE + 1, cap: MAX_MESSAGE });
    assert_eq!(refused.bytes.len(), MAX_MESSAGE + 1);
}

#[test]
fn data_waits_for_credit_and_control_does_not() {
    let mut queue = Queue::new(64 << 20);
    for lane in 0..2 {
        assert!(push(&mut queue, lane, vec![7; MAX_MESSAGE]));
    }
    assert_eq!(arrivals(&mut queue), [(7, MAX_MESSAGE)], "nothing of the second");
    queue.push_control(ping());
    assert!(push(&mut queue, 2, vec![7]));
    assert_eq!(take(&mut queue), vec![ping(), deliver(1)], "there is credit for short ones");
    queue.add_credit(cost(MAX_MESSAGE) as u64);
    assert_eq!(arrivals(&mut queue), [(7, MAX_MESSAGE)]);
}

#[test]
fn neither_long_nor_short_messages_starve_the_others() {
    let mut queue = Queue::new(64 << 20);
    for lane in 0..2 {
        assert!(push(&mut queue, lane, vec![9; MAX_MESSAGE]));
    }
    let mut long = 0;
    // A receiver that is slower than the senders of short messages.
    for _ in 0..200 {
        while push(&mut queue, 7, vec![1; 1000]) {}
        let arrived = arrivals(&mut queue);
        long += arrived.iter().filter(|(byte, _)| *byte == 9).count();
        assert!(arrived.iter().any(|(byte, _)| *byte == 1), "short ones get their share");
        queue.add_credit(CREDIT_STEP as u64);
    }
    assert_eq!(long, 2);
}

#[test]
fn short_messages_that_fill_a_batch_do_not_starve_the_pieces_of_a_long_one() {
    let mut queue = Queue::new(1 << 20);
    assert!(push(&mut queue, 0, vec![7; 3 * PIECE_LEN]));
    assert!(matches!(take(&mut queue)[..], [IridiumMessage::Want(_)]));
    queue.grant(1);
    for i in 0..3 {
        assert!(push(&mut queue, 1, vec![1; PIECE_LEN]));
        let batch = take(&mut queue);
        let [IridiumMessage::Deliver(_), IridiumMessage::Piece(piece)] = &batch[..] else {
            panic!("{} messages", batch.len())
        };
        assert_eq!(piece.last, i == 2);
    }
}

#[test]
fn a_long_message_waits_for_room_and_its_lane_with_it_and_others_do_not() {
    let mut queue = Queue::new(64 << 20);
    for (lane, bytes) in [(1, vec![1; 80_000]), (1, vec![2]), (3, vec![4; 70_000]), (2, vec![3])] {
        assert!(push(&mut queue, lane, bytes));
    }
    let wants = [(1, 80_000), (2, 70_000)];
    let wants = wants.map(|(transfer, len)| IridiumMessage::Want(Want { transfer, len }));
    assert_eq!(take(&mut queue), [&wants[..], &[IridiumMessage::Deliver(vec![3])]].concat());
    assert!(!queue.asked.is_empty() && take(&mut queue).is_empty());
    queue.grant(77);
    assert!(take(&mut queue).is_empty(), "nobody has asked for that");
    queue.grant(2);
    assert_eq!(arrivals(&mut queue), [(4, 70_000)]);
    queue.grant(1);
    queue.grant(1);
    assert_eq!(arrivals(&mut queue), [(1, 80_000), (2, 1)]);
    assert!(queue.asked.is_empty() && !queue.has_pending());
}

#[test]
fn the_next_long_message_of_a_lane_is_asked_for_while_one_is_on_its_way_and_comes_after_it() {
    let mut queue = Queue::new(64 << 20);
    let want = |transfer, len| IridiumMessage::Want(Want { transfer, len });
    let numbers = |batch: &[IridiumMessage]| match batch {
        [IridiumMessage::Piece(piece)] => (piece.transfer, piece.last),
        other => panic!("{other:?}"),
    };
    for len in [2 * PIECE_LEN, PIECE_LEN + 1, PIECE_LEN + 2] {
        assert!(push(&mut queue, 1, vec![7; len]));
    }
    let first_two = [want(1, 2 * PIECE_LEN as u32), want(2, PIECE_LEN as u32 + 1)];
    assert_eq!(take(&mut queue), first_two, "and not the third");
    queue.grant(2);
    assert!(take(&mut queue).is_empty(), "it waits for the first");
    queue.grant(1);
    assert_eq!(numbers(&take(&mut queue)), (1, false));
    assert_eq!(numbers(&take(&mut queue)), (1, true));
    assert!(push(&mut queue, 1, vec![8]));
    let batch = take(&mut queue);
    assert_eq!(batch[0], want(3, PIECE_LEN as u32 + 2));
    assert_eq!(numbers(&batch[1..]), (2, false));
    queue.grant(3);
    assert_eq!(arrivals(&mut queue)[1..], [(7, PIECE_LEN + 2), (8, 1)]);
}

#[test]
fn no_more_transfers_are_started_than_the_receiver_allows() {
    let mut queue = Queue::new(64 << 20);
    for lane in 0..40 {
        assert!(push(&mut queue, lane, vec![lane as u8; 2 * PIECE_LEN]));
    }
    assert_eq!(arrivals(&mut queue).len(), 40);
    assert!(queue.lanes.is_empty() && queue.transfers.is_empty() && queue.open == 0);
    assert_eq!((queue.long_budget.bytes, queue.short_budget.bytes, queue.signals), (0, 0, 0));
}

#[test]
fn credit_from_a_peer_never_exceeds_the_window() {
    let mut queue = Queue::new(1 << 20);
    queue.add_credit(u64::MAX);
    assert_eq!(queue.credit, WINDOW);
}
