//! Streams between control clients and the application of a node.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, unbounded};
use iridium_net::{
    Application, ClientError, ClusterClient, ControlClient, ControlStream, Event, Manager,
    Security, StreamError,
};
use iridium_proto::{
    ControlReply, ControlRequest, IridiumMessage, MAX_CONTROL_REQUEST, NodeAlias, NodeId,
    encode_frame,
};

use crate::harness::*;

/// Does what the request says.
struct Echo {
    ended: Sender<StreamError>,
}

impl Application for Echo {
    fn recipient(&self, _: &NodeId, _: &Arc<ClusterClient>) -> Box<dyn iridium_net::Recipient> {
        Box::new(NullRecipient)
    }

    fn writable(&self, _: &NodeAlias) {}
    fn event(&self, _: &Event) {}

    fn control(&self, request: Vec<u8>, stream: &mut ControlStream) {
        let ended = match request.as_slice() {
            b"echo" => echo(stream),
            b"both ways" => both_ways(stream),
            b"pour" => loop {
                if let Err(error) = stream.send(&[7; 100_000]) {
                    break Err(error);
                }
            },
            b"fail" => stream.fail("for a reason"),
            b"nothing" => Ok(()),
            _ => stream.send(&request),
        };
        if let Err(error) = ended {
            let _ = self.ended.send(error);
        }
    }
}

fn later() -> Instant {
    Instant::now() + PATIENCE
}

fn echo(stream: &mut ControlStream) -> Result<(), StreamError> {
    while let Some(bytes) = stream.receive(later())? {
        stream.send(&bytes)?;
    }
    Ok(())
}

fn both_ways(stream: &mut ControlStream) -> Result<(), StreamError> {
    let (sender, receiver) = stream.split();
    std::thread::scope(|scope| {
        let sending = scope.spawn(move || {
            (0..200u32).try_for_each(|i| sender.send(&[i as u8; 20_000]))?;
            sender.end()
        });
        while receiver.receive(later())?.is_some() {}
        sending.join().unwrap()
    })
}

fn node(security: &Security) -> (Manager, Receiver<StreamError>) {
    let (ended, endings) = unbounded();
    let node = Manager::start_with(config("a", security), Arc::new(Echo { ended })).unwrap();
    (node, endings)
}

fn client(node: &Manager, security: &Security) -> ControlClient {
    ControlClient::connect(&endpoint(node), security, PATIENCE).unwrap()
}

#[test]
fn one_connection_serves_one_question_after_another() {
    let security = secret();
    let (node, _) = node(&security);
    let mut client = client(&node, &security);
    for i in 0..3u8 {
        assert_eq!(client.ask(vec![i; 1000]).unwrap(), vec![i; 1000]);
        let reply = client.request(ControlRequest::Members).unwrap();
        assert!(matches!(reply, ControlReply::Members(members) if members.len() == 1));
        let refused = client.ask(b"fail".to_vec()).unwrap_err();
        assert!(matches!(&refused, ClientError::Refused { why, .. } if why == "for a reason"));
    }
    let long = vec![1; MAX_CONTROL_REQUEST];
    assert!(client.ask(long.clone()).unwrap() == long);
    let error = client.ask([&long[..], &[1]].concat()).unwrap_err();
    assert!(error.to_string().contains("limit"), "{error}");
    let error = client.ask(b"nothing".to_vec()).unwrap_err();
    assert!(matches!(error, ClientError::NoAnswer { .. }), "{error}");
}

#[test]
fn long_blocks_come_in_turn_and_one_that_stops_in_its_own_gives_way() {
    let security = Security::Insecure;
    let (node, _) = node(&security);
    let mut stopped = TcpStream::connect(node.local_addr()).unwrap();
    stopped.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut bytes = b"IRDM\x00\x03\x00\x03\x00".to_vec();
    let request = ControlRequest::Application(b"echo".to_vec());
    encode_frame(&IridiumMessage::ControlRequest(request), &mut bytes).unwrap();
    let mut block = Vec::new();
    encode_frame(&IridiumMessage::ControlData(vec![7; 1 << 20]), &mut block).unwrap();
    bytes.extend_from_slice(&block[..1 << 19]);
    stopped.write_all(&bytes).unwrap();
    let ended = std::thread::spawn(move || stopped.read_to_end(&mut Vec::new()));
    let mut other = client(&node, &security).open(b"echo".to_vec()).unwrap();
    let mut quick = client(&node, &security).open(b"echo".to_vec()).unwrap();
    let mut slowest = [Duration::ZERO; 2];
    while !ended.is_finished() {
        for (at, (stream, len)) in
            [(&mut other, 1 << 20), (&mut quick, 200_000)].into_iter().enumerate()
        {
            let began = Instant::now();
            stream.send(&vec![9; len]).unwrap();
            assert!(stream.receive(later()).unwrap().unwrap() == vec![9; len]);
            slowest[at] = slowest[at].max(began.elapsed());
        }
    }
    assert!(slowest[0] > Duration::from_secs(4), "it has waited for its turn: {slowest:?}");
    assert!(slowest[1] < Duration::from_secs(4), "short ones wait for nobody: {slowest:?}");
    let ended = ended.join().unwrap();
    assert!(ended.is_ok() || ended.is_err_and(|e| e.kind() == ErrorKind::ConnectionReset));
}

#[test]
fn a_node_without_an_application_refuses_requests() {
    let security = secret();
    let node = start("a", &security);
    let error = client(&node, &security).ask(vec![1]).unwrap_err();
    assert!(error.to_string().contains("no application"), "{error}");
}

#[test]
fn blocks_come_whole_in_order_and_a_deadline_loses_none() {
    let security = secret();
    let (node, _) = node(&security);
    let mut stream = client(&node, &security).open(b"echo".to_vec()).unwrap();
    let soon = Instant::now() + Duration::from_millis(20);
    assert_eq!(stream.receive(soon), Err(StreamError::TimedOut));
    for len in [0, 1, 65_535, 65_536, 3_000_000] {
        stream.send(&vec![9; len]).unwrap();
        assert!(stream.receive(later()).unwrap().unwrap() == vec![9; len], "{len}");
    }
    let long = vec![0; 16 << 20];
    assert!(matches!(stream.send(&long), Err(StreamError::TooLong { .. })));
    stream.end().unwrap();
    assert_eq!(stream.receive(later()), Ok(None));
    assert_eq!(stream.receive(later()), Ok(None), "as often as one asks");
    assert_eq!(stream.send(&[1]), Err(StreamError::Closed), "it has ended its side");
}

#[test]
fn both_directions_go_on_at_the_same_time() {
    let security = secret();
    let (node, _) = node(&security);
    let stream = client(&node, &security).open(b"both ways".to_vec()).unwrap();
    let (mut sender, mut receiver) = stream.into_split();
    let sending = std::thread::spawn(move || {
        (0..200).try_for_each(|_| sender.send(&[1; 20_000]))?;
        sender.end()
    });
    for i in 0..200u32 {
        assert_eq!(receiver.receive(later()), Ok(Some(vec![i as u8; 20_000])));
    }
    assert_eq!(receiver.receive(later()), Ok(None));
    sending.join().unwrap().unwrap();
}

#[test]
fn a_client_that_never_reads_is_cut_off_in_time() {
    let security = secret();
    let (node, endings) = node(&security);
    let begun = Instant::now();
    let _stream = client(&node, &security).open(b"pour".to_vec()).unwrap();
    assert_eq!(endings.recv_timeout(PATIENCE), Ok(StreamError::NotRead));
    let took = begun.elapsed();
    assert!(took > Duration::from_secs(9) && took < Duration::from_secs(14), "{took:?}");
}

#[test]
fn a_client_that_goes_ends_its_conversation() {
    let security = secret();
    let (node, endings) = node(&security);
    drop(client(&node, &security).open(b"echo".to_vec()).unwrap());
    assert_eq!(endings.recv_timeout(PATIENCE), Ok(StreamError::Closed));
    drop(client(&node, &security).open(b"pour".to_vec()).unwrap());
    assert_eq!(endings.recv_timeout(PATIENCE), Ok(StreamError::Closed));
}

#[test]
fn conversations_end_with_the_node() {
    let security = secret();
    let (node, endings) = node(&security);
    let mut waiting = client(&node, &security).open(b"echo".to_vec()).unwrap();
    waiting.send(&[1]).unwrap();
    assert_eq!(waiting.receive(later()), Ok(Some(vec![1])));
    let mut full = client(&node, &security).open(b"pour".to_vec()).unwrap();
    assert!(full.receive(later()).is_ok());
    let begun = Instant::now();
    node.shutdown();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let both = [endings.recv_timeout(PATIENCE), endings.recv_timeout(PATIENCE)];
    assert_eq!(both, [Ok(StreamError::Closed), Ok(StreamError::Closed)]);
    assert_eq!(waiting.receive(later()), Err(StreamError::Closed), "cut, not ended");
}

#[test]
fn a_client_too_many_is_told_so_and_a_place_is_free_again_when_one_goes() {
    let security = secret();
    let (node, _) = node(&security);
    let conversation = |_| {
        let mut stream = client(&node, &security).open(b"echo".to_vec()).unwrap();
        stream.send(&[1]).unwrap();
        assert_eq!(stream.receive(later()), Ok(Some(vec![1])));
        stream
    };
    let mut conversations: Vec<_> = (0..64).map(conversation).collect();
    let error = client(&node, &security).ask(vec![1]).unwrap_err();
    assert!(error.to_string().contains("64 control clients"), "{error}");
    let reply = client(&node, &security).request(ControlRequest::Members).unwrap();
    assert!(matches!(reply, ControlReply::Failed(_)));
    conversations.pop();
    wait_for("a place", || client(&node, &security).ask(vec![1]).is_ok());
}

#[test]
fn clients_that_ask_nothing_give_their_places_to_those_who_do() {
    let security = secret();
    let (node, _) = node(&security);
    let mut idle: Vec<ControlClient> = (0..64).map(|_| client(&node, &security)).collect();
    for client in &mut idle {
        client.request(ControlRequest::Members).unwrap();
    }
    // The node notes that it waits for the next request only after the answer.
    wait_for("one gives its place back", || {
        let reply = client(&node, &security).request(ControlRequest::Members);
        matches!(reply, Ok(ControlReply::Members(_)))
    });
    assert!(idle[0].request(ControlRequest::Members).is_err(), "it was idle for the longest time");
    assert!(idle[63].request(ControlRequest::Members).is_ok());
}

#[test]
fn garbage_in_a_stream_ends_it_and_nothing_else() {
    use std::io::{Read, Write};
    let (node, endings) = node(&Security::Insecure);
    let open = IridiumMessage::ControlRequest(ControlRequest::Application(b"echo".to_vec()));
    for (garbage, why) in [
        (&[0xFF; 64][..], "over the limit"),
        (&[4, 0, 0, 0, 15, 9, 9, 9], "malformed"),
        (&[2, 0, 0, 0, 19, 0], "malformed"),
        (&[1, 0, 0, 0, 10], "Leave"),
    ] {
        let mut stream = TcpStream::connect(node.local_addr()).unwrap();
        let mut wire = b"IRDM\x00\x03\x00\x03\x00".to_vec();
        encode_frame(&open, &mut wire).unwrap();
        wire.extend(garbage);
        stream.write_all(&wire).unwrap();
        let Ok(StreamError::Broken(error)) = endings.recv_timeout(PATIENCE) else { panic!() };
        assert!(error.contains(why), "{error}");
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
    }
    assert_eq!(client(&node, &Security::Insecure).ask(vec![4]).unwrap(), [4]);
}

#[test]
fn who_only_looks_sees_what_has_come_and_who_has_gone() {
    let security = secret();
    let (node, _) = node(&security);
    let mut stream = client(&node, &security).open(b"echo".to_vec()).unwrap();
    assert_eq!(stream.receive(Instant::now()), Err(StreamError::TimedOut), "nothing has come");
    stream.send(&[5]).unwrap();
    let mut look = |wanted: Result<Option<Vec<u8>>, StreamError>| {
        wait_for("news", || stream.receive(Instant::now()) == wanted);
    };
    look(Ok(Some(vec![5])));
    node.shutdown();
    look(Err(StreamError::Closed));
}
