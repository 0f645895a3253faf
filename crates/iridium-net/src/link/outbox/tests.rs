use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use iridium_proto::{HEADER_LEN, PIECE_LEN};

use super::*;
use crate::error::Refused;
use crate::link::grace::LEAST as STALLED;
use crate::link::queue::MAX_CONTROL;
use crate::session::Session;

fn ping() -> IridiumMessage {
    IridiumMessage::Ping(iridium_proto::Ping { token: 1, digest: 2 })
}

/// An outbox whose half is a real connection, and the other end of that.
fn outbox(capacity: usize) -> (Outbox, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let Session { writer, stream, .. } = Session::new(stream, None);
    let half = SendHalf::new(writer, Arc::new(stream), false).unwrap();
    (Outbox::new(capacity, &Backlog::new(STALLED), half, None), listener.accept().unwrap().0)
}

/// What the writer is given, or `None` at the end.
fn taken(outbox: &Outbox) -> Option<Vec<IridiumMessage>> {
    let mut batch = Vec::new();
    match outbox.take(&mut batch) {
        WriterStep::Batch { half, .. } => outbox.put_back(half, None),
        WriterStep::Finish(_) | WriterStep::Aborted => return None,
    }
    Some(batch.into_iter().map(Outgoing::received).collect())
}

fn queue(outbox: &Outbox, kind: Kind, bytes: Vec<u8>) -> Result<(), SendError> {
    match outbox.push(0, kind, bytes.into()) {
        Ok(Dispatch::Queued) => Ok(()),
        Ok(Dispatch::Direct(..)) => panic!("what is queued goes first"),
        Err(refused) => Err(refused.why),
    }
}

#[test]
fn a_sender_writes_at_once_when_the_link_is_free_and_queues_otherwise() {
    let (outbox, _end) = outbox(1000);
    let Ok(Dispatch::Direct(half, message)) = outbox.push(0, Kind::Message, vec![1].into()) else {
        panic!("nothing is queued")
    };
    assert_eq!(message.received(), IridiumMessage::Deliver(vec![1]));
    queue(&outbox, Kind::Message, vec![2]).unwrap();
    outbox.put_back(half, Some(Instant::now()));
    queue(&outbox, Kind::Message, vec![3]).unwrap();
    let rest = [2, 3].map(|i| IridiumMessage::Deliver(vec![i]));
    assert_eq!(taken(&outbox), Some(rest.to_vec()));
    let before = Instant::now().checked_sub(QUIET).unwrap();
    let mut batch = Vec::new();
    outbox.push_control(ping());
    let WriterStep::Batch { half, .. } = outbox.take(&mut batch) else {
        panic!("a ping is queued")
    };
    outbox.put_back(half, Some(before));
    let sent = outbox.push(0, Kind::Signal, vec![4].into());
    let Ok(Dispatch::Direct(_, sent)) = sent else { panic!("after a pause") };
    assert_eq!(sent.received(), IridiumMessage::Signal(vec![4]));
}

#[test]
fn an_answer_is_written_at_once_however_soon_it_comes() {
    let (outbox, _end) = outbox(1000);
    let send = |i| outbox.push(0, Kind::Message, vec![i].into());
    let Ok(Dispatch::Direct(half, _)) = send(1) else { panic!("nothing is queued") };
    // Ahead of the clock, so that the link counts as just used however slow this test is.
    let soon = Instant::now() + Duration::from_secs(60);
    outbox.put_back(half, Some(soon));
    outbox.note_heard();
    let Ok(Dispatch::Direct(half, _)) = send(2) else { panic!("the other end was heard") };
    outbox.put_back(half, Some(soon));
    assert!(matches!(send(3), Ok(Dispatch::Queued)), "once for each time");
}

#[test]
fn permission_to_send_is_given_at_once_unless_somebody_else_sends() {
    let (outbox, _end) = outbox(1 << 20);
    let credit = || IridiumMessage::Credit(9);
    let Dispatch::Direct(half, _) = outbox.push_permission(credit()) else {
        panic!("nobody else sends")
    };
    queue(&outbox, Kind::Message, vec![2]).unwrap();
    outbox.put_back(half, None);
    let Dispatch::Direct(half, message) = outbox.push_permission(credit()) else {
        panic!("data waits for it")
    };
    assert_eq!(message.received(), credit());
    assert!(matches!(outbox.push_permission(credit()), Dispatch::Queued));
    outbox.put_back(half, None);
    assert!(matches!(outbox.push_permission(credit()), Dispatch::Queued), "after the other");
    let rest = [credit(), credit(), IridiumMessage::Deliver(vec![2])];
    assert_eq!(taken(&outbox), Some(rest.to_vec()));
}

#[test]
fn what_is_being_written_counts_until_the_system_has_taken_it() {
    let (outbox, _end) = outbox(1 << 20);
    outbox.push_control(ping());
    queue(&outbox, Kind::Message, vec![7; 1000]).unwrap();
    let mut batch = Vec::new();
    let WriterStep::Batch { mut half, .. } = outbox.take(&mut batch) else {
        panic!("a message is queued")
    };
    batch.drain(..).for_each(|message| half.push(message));
    let late = Instant::now() + STALLED;
    assert!(outbox.stalled(late).is_some_and(|stalled| stalled.bytes >= 1000));
    assert!(half.flush().unwrap());
    outbox.put_back(half, None);
    assert_eq!(outbox.stalled(late + STALLED), None);
}

#[test]
fn what_the_system_did_not_take_is_finished_by_the_writer() {
    let (outbox, mut end) = outbox(1 << 20);
    let mut sent = 0;
    // Until the buffers of the system are full.
    while let Ok(Dispatch::Direct(mut half, message)) =
        outbox.push(0, Kind::Message, vec![7; PIECE_LEN].into())
    {
        half.push(message);
        half.send_some().unwrap();
        sent += 1;
        outbox.put_back(half, Some(Instant::now()));
    }
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        io::Read::read_to_end(&mut end, &mut bytes).unwrap();
        bytes.len()
    });
    outbox.close();
    loop {
        let mut batch = Vec::new();
        match outbox.take(&mut batch) {
            WriterStep::Batch { mut half, .. } => {
                batch.into_iter().for_each(|message| half.push(message));
                while !half.flush().unwrap() {}
                outbox.put_back(half, None);
            }
            WriterStep::Finish(half) => break half.finish(),
            WriterStep::Aborted => panic!("nobody aborted it"),
        }
    }
    // The one that was queued instead is the last.
    assert_eq!(reader.join().unwrap(), (sent + 1) * (PIECE_LEN + HEADER_LEN + 1));
}

#[test]
fn closing_sends_what_is_queued_then_leave_and_refuses_the_rest() {
    let (outbox, _end) = outbox(1000);
    outbox.push_control(IridiumMessage::Leave);
    outbox.push_control(ping());
    queue(&outbox, Kind::Message, vec![1]).unwrap();
    outbox.close();
    outbox.push_control(ping());
    let refused = Refused::from(outbox.push(0, Kind::Message, vec![2].into()).unwrap_err());
    assert_eq!(refused, Refused { why: SendError::NotLinked, bytes: vec![2] });
    assert_eq!(taken(&outbox), Some(vec![ping(), IridiumMessage::Deliver(vec![1])]));
    assert_eq!(taken(&outbox), Some(vec![IridiumMessage::Leave]), "Leave comes last");
    assert_eq!(taken(&outbox), None);
}

#[test]
fn a_peer_that_reads_nothing_costs_a_bounded_number_of_control_messages() {
    let (outbox, _end) = outbox(1000);
    for _ in 0..=MAX_CONTROL {
        outbox.push_control(ping());
    }
    assert!(outbox.is_over());
    assert_eq!(taken(&outbox), None);
}

#[test]
fn a_link_is_not_stalled_that_has_a_long_message_wait_or_takes_it_piece_by_piece() {
    let (outbox, _end) = outbox(1 << 20);
    queue(&outbox, Kind::Message, vec![0; 4 * PIECE_LEN]).unwrap();
    let asked = taken(&outbox).unwrap();
    assert!(matches!(asked[..], [IridiumMessage::Want(_)]), "{asked:?}");
    let late = Instant::now() + STALLED;
    outbox.tell_to_wait(2);
    assert!(outbox.stalled(late).is_some(), "that is another one");
    outbox.tell_to_wait(1);
    assert_eq!(outbox.stalled(late), None);
    outbox.grant(1);
    assert_eq!(outbox.stalled(late), None, "it has just been granted");
    assert!(outbox.stalled(late + STALLED).is_some(), "it waits no more");
    let piece = taken(&outbox).unwrap();
    assert!(matches!(piece[..], [IridiumMessage::Piece(_)]), "{piece:?}");
    assert_eq!(outbox.stalled(late), None);
}

#[test]
fn signals_are_not_refused_and_too_many_end_the_link() {
    let (outbox, _end) = outbox(1000);
    outbox.push_control(ping());
    queue(&outbox, Kind::Message, vec![0; 1000]).unwrap();
    assert_eq!(queue(&outbox, Kind::Message, vec![1; 8]), Err(SendError::WouldBlock));
    let mut count = 0;
    while queue(&outbox, Kind::Signal, vec![0; 1 << 16]).is_ok() {
        count += 1;
    }
    assert!((100..130).contains(&count), "{count} signals of 64 KiB");
    assert!(outbox.is_over());
    assert!(outbox.clear(), "the sender that was refused is told");
    assert_eq!(queue(&outbox, Kind::Signal, vec![]), Err(SendError::NotLinked));
}
