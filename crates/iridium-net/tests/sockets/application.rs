//! What an application on top of the mesh is promised: the order of calls, lanes,
//! signals, and the report that a link is writable again.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, unbounded};
use iridium_net::{
    Application, ClusterClient, ControlStream, Event, LinkId, Manager, Refused, Security,
    SendError, WindowPermit,
};
use iridium_proto::{NodeAlias, NodeId};

use crate::harness::*;

/// What it was called with.
#[derive(Debug)]
pub enum Call {
    Deliver { link: LinkId, bytes: Vec<u8>, _permit: WindowPermit },
    Writable(NodeAlias),
    Event(Event),
}

/// Writes down every call.
pub struct Recorder(Sender<Call>);

/// Writes down what comes on one link.
struct Recording(LinkId, Sender<Call>);

impl iridium_net::Recipient for Recording {
    fn deliver(&mut self, bytes: Vec<u8>, permit: WindowPermit) {
        let _ = self.1.send(Call::Deliver { link: self.0, bytes, _permit: permit });
    }
}

impl Application for Recorder {
    fn recipient(&self, _: &NodeId, link: &Arc<ClusterClient>) -> Box<dyn iridium_net::Recipient> {
        Box::new(Recording(link.link_id(), self.0.clone()))
    }

    fn writable(&self, to: &NodeAlias) {
        let _ = self.0.send(Call::Writable(to.clone()));
    }

    fn control(&self, _: Vec<u8>, _: &mut ControlStream) {}

    fn event(&self, event: &Event) {
        let _ = self.0.send(Call::Event(event.clone()));
    }
}

pub fn start_recorded(name: &str, security: &Security) -> (Manager, Receiver<Call>) {
    let (sender, calls) = unbounded();
    let node = Manager::start_with(config(name, security), Arc::new(Recorder(sender))).unwrap();
    (node, calls)
}

/// Nodes `a` and `b`, joined, and what they are called with from then on.
fn pair() -> [(Manager, Receiver<Call>); 2] {
    let security = secret();
    let pair = ["a", "b"].map(|name| start_recorded(name, &security));
    pair[1].0.join(endpoint(&pair[0].0)).unwrap();
    wait_for_mesh(&[&pair[0].0, &pair[1].0]);
    pair
}

/// The next message, other calls dropped.
fn next_message(calls: &Receiver<Call>) -> Vec<u8> {
    loop {
        if let Call::Deliver { bytes, .. } = calls.recv_timeout(PATIENCE).unwrap() {
            return bytes;
        }
    }
}

fn send_in(node: &Manager, to: &str, lane: u64, bytes: Vec<u8>) -> Result<(), Refused> {
    node.link(&alias(to)).unwrap().send_in(lane, bytes)
}

/// Sends until the queue refuses, which it goes on to do. Returns how many went.
fn fill(node: &Manager, to: &str, message: &[u8]) -> usize {
    let mut sent = 0;
    let mut refused = 0;
    while refused < 40 {
        match send_in(node, to, 0, message.to_vec()) {
            Ok(()) => (sent, refused) = (sent + 1, 0),
            Err(Refused { why: SendError::WouldBlock, bytes }) => {
                assert!(bytes == message, "given back whole");
                refused += 1;
                std::thread::sleep(Duration::from_millis(5));
            }
            Err(other) => panic!("{other}"),
        }
    }
    sent
}

#[test]
fn a_link_is_reported_before_its_messages() {
    let security = secret();
    for round in 0..10 {
        let (a, calls) = start_recorded("a", &security);
        // Sends from within the event, as soon as anything can be sent.
        let b = {
            struct Eager(Mutex<Option<Manager>>);
            impl Application for Eager {
                fn recipient(
                    &self,
                    _: &NodeId,
                    _: &Arc<ClusterClient>,
                ) -> Box<dyn iridium_net::Recipient> {
                    Box::new(NullRecipient)
                }
                fn writable(&self, _: &NodeAlias) {}
                fn control(&self, _: Vec<u8>, _: &mut ControlStream) {}
                fn event(&self, event: &Event) {
                    if let (Event::Up { id, .. }, Some(node)) = (event, &*self.0.lock().unwrap()) {
                        node.send(&id.alias, vec![1]).unwrap();
                    }
                }
            }
            let eager = Arc::new(Eager(Mutex::default()));
            let held: Arc<dyn Application> = Arc::clone(&eager) as _;
            let b = Manager::start_with(config("b", &security), held).unwrap();
            *eager.0.lock().unwrap() = Some(b.clone());
            b
        };
        if round % 2 == 0 {
            b.join(endpoint(&a)).unwrap();
        } else {
            a.join(endpoint(&b)).unwrap();
        }
        let mut announced = HashSet::new();
        loop {
            match calls.recv_timeout(PATIENCE).unwrap() {
                Call::Event(Event::Up { link, .. } | Event::Recovered { link, .. }) => {
                    announced.insert(link);
                }
                Call::Deliver { link, .. } => {
                    assert!(announced.contains(&link));
                    assert_eq!(a.link(&alias("b")).unwrap().link_id(), link);
                    break;
                }
                _ => {}
            }
        }
        // It holds its node, so it must be stopped by hand.
        b.shutdown();
    }
}

#[test]
fn a_later_incarnation_has_another_link() {
    let security = secret();
    let (a, calls) = start_recorded("a", &security);
    let mut links = HashSet::new();
    for _ in 0..3 {
        let b = start("b", &security);
        b.join(endpoint(&a)).unwrap();
        b.send(&alias("a"), vec![1]).unwrap();
        loop {
            if let Call::Deliver { link, .. } = calls.recv_timeout(PATIENCE).unwrap() {
                assert!(links.insert(link), "not used before");
                break;
            }
        }
        b.leave();
    }
}

#[test]
fn whoever_was_refused_is_told_when_there_is_room() {
    let [(a, a_calls), (_b, b_calls)] = pair();
    let message = vec![3; 60_000];
    let sent = fill(&a, "b", &message);
    // What was reported while it filled up was received at once.
    a_calls.try_iter().for_each(drop);
    for _ in 0..sent {
        assert_eq!(next_message(&b_calls).len(), message.len());
    }
    loop {
        match a_calls.recv_timeout(PATIENCE).unwrap() {
            Call::Writable(to) => break assert_eq!(to, alias("b")),
            Call::Event(event) => assert!(!matches!(event, Event::Suspect { .. }), "{event:?}"),
            Call::Deliver { .. } => {}
        }
    }
    send_in(&a, "b", 0, vec![4]).unwrap();
    assert_eq!(next_message(&b_calls), [4]);
}

#[test]
fn whoever_was_refused_is_told_when_the_link_goes() {
    let [(a, a_calls), (b, _b_calls)] = pair();
    let link = a.link(&alias("b")).unwrap();
    fill(&a, "b", &[3; 60_000]);
    b.shutdown();
    wait_for("a call", || a_calls.try_iter().any(|call| matches!(call, Call::Writable(_))));
    assert_eq!(link.send_in(0, vec![]).unwrap_err().why, SendError::NotLinked);
}

#[test]
fn many_senders_that_wait_for_room_all_get_through() {
    let [(a, a_calls), (b, b_calls)] = pair();
    let (lanes, each) = (4u8, 1500u32);
    let link = a.link(&alias("b")).unwrap();
    std::thread::scope(|scope| {
        // Each call of room wakes every sender, and nothing else does.
        let bells: Vec<Sender<()>> = (0..lanes)
            .map(|lane| {
                let (bell, rung) = unbounded();
                let link = &link;
                scope.spawn(move || {
                    for i in 0..each {
                        let mut bytes = vec![lane; if i % 50 == 0 { 200_000 } else { 20_000 }];
                        bytes.extend(i.to_le_bytes());
                        while let Err(refused) = link.send_in(lane.into(), bytes) {
                            assert_eq!(refused.why, SendError::WouldBlock);
                            bytes = refused.bytes;
                            rung.recv_timeout(PATIENCE).expect("reported as writable");
                        }
                    }
                });
                bell
            })
            .collect();
        scope.spawn(move || {
            for call in a_calls.iter() {
                match call {
                    Call::Writable(_) => bells.iter().for_each(|bell| {
                        // One that is done does not listen.
                        let _ = bell.send(());
                    }),
                    Call::Event(Event::Left { .. }) => return,
                    _ => {}
                }
            }
        });
        let mut next = vec![0; lanes.into()];
        for _ in 0..u32::from(lanes) * each {
            let bytes = next_message(&b_calls);
            let (body, number) = bytes.split_last_chunk::<4>().unwrap();
            let lane = usize::from(body[0]);
            assert_eq!(u32::from_le_bytes(*number), next[lane], "in order");
            next[lane] += 1;
        }
        b.leave();
    });
}

#[test]
fn long_messages_of_one_lane_do_not_hold_up_short_ones_of_another() {
    let [(a, _), (_b, b_calls)] = pair();
    // As long as this is not dropped there is no room for another long one.
    send_in(&a, "b", 5, vec![5; 15 << 20]).unwrap();
    let held = loop {
        let call = b_calls.recv_timeout(PATIENCE).unwrap();
        if matches!(call, Call::Deliver { .. }) {
            break call;
        }
    };
    for lane in 1..=3 {
        send_in(&a, "b", lane, vec![lane as u8; 2 << 20]).unwrap();
    }
    send_in(&a, "b", 1, vec![10]).unwrap();
    send_in(&a, "b", 9, vec![9]).unwrap();
    let mut order = vec![next_message(&b_calls)[0]];
    drop(held);
    order.extend((0..4).map(|_| next_message(&b_calls)[0]));
    assert_eq!(order[0], 9, "{order:?}");
    let place = |byte| order.iter().position(|b| *b == byte).unwrap();
    assert!(place(10) > place(1), "{order:?}");
}

#[test]
fn signals_pass_a_full_queue_in_the_order_of_their_lane() {
    let [(a, a_calls), (_b, b_calls)] = pair();
    let message = vec![3; 60_000];
    let sent = fill(&a, "b", &message);
    let link = a.link(&alias("b")).unwrap();
    link.send_signal(0, vec![8]).unwrap();
    link.send_signal(0, vec![9; 100_000]).unwrap();
    let order: Vec<u8> = (0..sent + 2).map(|_| next_message(&b_calls)[0]).collect();
    assert!(order[..sent].iter().all(|byte| *byte == 3));
    assert_eq!(order[sent..], [8, 9]);
    assert!(!a_calls.try_iter().any(|c| matches!(c, Call::Event(Event::Suspect { .. }))));
}

#[test]
fn events_reach_the_application_before_the_listeners() {
    let security = secret();
    let (a, calls) = start_recorded("a", &security);
    let events = a.events();
    let b = start("b", &security);
    b.join(endpoint(&a)).unwrap();
    let received = next_event(&events, |event| matches!(event, Event::Up { .. }));
    let known =
        calls.try_iter().any(|call| matches!(call, Call::Event(event) if event == received));
    assert!(known);
    assert!(a.messages().recv().is_err(), "nothing is queued for nobody");
}
