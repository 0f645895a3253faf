//! More links than have threads of their own.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use iridium_net::{
    Application, ClusterClient, Config, ControlStream, Delivery, Event, Manager, Recipient,
    Security, SendError, WindowPermit,
};
use iridium_proto::{
    IridiumMessage, MAX_FRAME_LINK, NodeAlias, NodeId, Ping, PingAck, encode_frame,
};

use crate::flood::{join_by_hand_as, send_messages};
use crate::harness::*;

/// A node for members made by hand, which answer no heartbeats.
fn patient(name: &str) -> Config {
    let mut config = config(name, &Security::Insecure);
    config.timing.heartbeat = Duration::from_secs(600);
    config.timing.suspect_after = Duration::from_secs(1200);
    config.timing.down_after = Duration::from_secs(2400);
    config
}

/// A member made by hand, with whom there is nobody to mistake it.
fn member(node: &Manager, number: usize) -> TcpStream {
    let stream = join_by_hand_as(node, &format!("m{number}"), 100 + number as u32);
    wait_for("its link", || node.link(&alias(&format!("m{number}"))).is_some());
    stream
}

fn encoded(message: &IridiumMessage) -> Vec<u8> {
    let mut wire = Vec::new();
    encode_frame(message, &mut wire).unwrap();
    wire
}

/// The next message of that many bytes from the node, others dropped.
fn receive(stream: &mut TcpStream, frames: &mut Frames, len: usize) {
    let is_it = |message: &IridiumMessage| matches!(message, IridiumMessage::Deliver(bytes) if bytes.len() == len);
    wait_for_message(stream, frames, is_it);
}

fn wait_for_message(
    stream: &mut TcpStream,
    frames: &mut Frames,
    is_it: impl Fn(&IridiumMessage) -> bool,
) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        while let Some(message) = frames.next_message() {
            if is_it(&message) {
                return;
            }
        }
        let count = stream.read(&mut buffer).unwrap();
        assert_ne!(count, 0, "the node has closed the link");
        frames.extend(&buffer[..count]);
    }
}

/// A message there and its answer back.
fn round_trip(node: &Manager, inbox: &Receiver<Delivery>, name: &str, stream: &mut TcpStream) {
    send_messages(stream, &[IridiumMessage::Deliver(vec![1; 9])]);
    loop {
        let got = inbox.recv_timeout(PATIENCE).unwrap();
        if got.from.alias == alias(name) {
            break assert_eq!(got.bytes, [1; 9]);
        }
    }
    node.send(&alias(name), vec![2; 10]).unwrap();
    receive(stream, &mut Frames::new(MAX_FRAME_LINK), 10);
}

#[test]
fn all_links_work_whichever_have_threads_of_their_own() {
    let security = secret();
    let names: Vec<String> = (0..7).map(|i| format!("n{i}")).collect();
    let nodes: Vec<Manager> = names
        .iter()
        .enumerate()
        .map(|(i, name)| {
            let mut config = config(name, &security);
            config.own_threads = i % 4;
            Manager::start(config).unwrap()
        })
        .collect();
    for node in &nodes[1..] {
        node.join(endpoint(&nodes[0])).unwrap();
    }
    wait_for_mesh(&nodes.iter().collect::<Vec<_>>());
    for (from, node) in nodes.iter().enumerate() {
        for to in names.iter().filter(|name| **name != names[from]) {
            for len in [1, 70_000, 5] {
                while node.send(&alias(to), vec![from as u8; len]) == Err(SendError::WouldBlock) {
                    std::thread::yield_now();
                }
            }
        }
    }
    for node in &nodes {
        let mut lens = vec![Vec::new(); nodes.len()];
        for _ in 0..3 * (nodes.len() - 1) {
            let got = node.messages().recv_timeout(PATIENCE).unwrap();
            let from = names.iter().position(|name| got.from.alias == alias(name)).unwrap();
            assert!(got.bytes.iter().all(|byte| usize::from(*byte) == from));
            lens[from].push(got.bytes.len());
        }
        let complete = lens.iter().filter(|lens| **lens == [1, 70_000, 5]).count();
        assert_eq!(complete, nodes.len() - 1, "{lens:?}");
    }
}

#[test]
fn a_flood_on_one_link_does_not_hold_up_the_others() {
    let node = Manager::start(patient("a")).unwrap();
    let (mut flood, mut quiet) = (member(&node, 1), member(&node, 2));
    let flooded = AtomicUsize::new(0);
    let (inbox, stop) = (node.messages(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // Of a kind that needs no credit, as fast as the connection takes it.
            let credit = encoded(&IridiumMessage::Credit(1)).repeat(10_000);
            while !stop.load(Ordering::Relaxed) && flood.write_all(&credit).is_ok() {
                flooded.fetch_add(1, Ordering::Relaxed);
            }
        });
        wait_for("the flood", || flooded.load(Ordering::Relaxed) > 100);
        let (before, begun) = (flooded.load(Ordering::Relaxed), Instant::now());
        let mut longest = Duration::ZERO;
        for _ in 0..300 {
            let asked = Instant::now();
            round_trip(&node, &inbox, "m2", &mut quiet);
            longest = longest.max(asked.elapsed());
        }
        let took = begun.elapsed();
        stop.store(true, Ordering::Relaxed);
        assert!(flooded.load(Ordering::Relaxed) > before, "it went on all the while");
        assert!(longest < Duration::from_secs(2), "one of 300 took {longest:?}, all {took:?}");
    });
}

/// An application that holds up the owner of the mesh when a member of that name comes.
struct HoldsUp {
    name: &'static str,
    held: Sender<()>,
    until: Receiver<()>,
    came: Sender<(NodeAlias, Vec<u8>)>,
}

struct Inbox(NodeAlias, Sender<(NodeAlias, Vec<u8>)>);

impl Recipient for Inbox {
    fn deliver(&mut self, bytes: Vec<u8>, _: WindowPermit) {
        self.1.send((self.0.clone(), bytes)).unwrap();
    }
}

impl Application for HoldsUp {
    fn recipient(&self, from: &NodeId, _: &Arc<ClusterClient>) -> Box<dyn Recipient> {
        Box::new(Inbox(from.alias.clone(), self.came.clone()))
    }

    fn writable(&self, _: &NodeAlias) {}

    fn control(&self, _: Vec<u8>, _: &mut ControlStream) {}

    fn event(&self, event: &Event) {
        if matches!(event, Event::Up { id, .. } if id.alias == alias(self.name)) {
            self.held.send(()).unwrap();
            let _ = self.until.recv();
        }
    }
}

/// What needs no answer, and goes to the owner.
fn unasked() -> IridiumMessage {
    IridiumMessage::PingAck(PingAck { token: 7, reached: true })
}

#[test]
fn what_waits_for_the_owner_holds_up_the_link_on_which_it_came_alone() {
    let ((held, is_held), (go_on, until), (came, inbox)) = (bounded(1), bounded(0), unbounded());
    let holds_up = HoldsUp { name: "m3", held, until, came };
    let node = Manager::start_with(patient("a"), Arc::new(holds_up)).unwrap();
    let (mut flood, mut quiet) = (member(&node, 1), member(&node, 2));
    let _third = join_by_hand_as(&node, "m3", 103);
    is_held.recv_timeout(PATIENCE).unwrap();
    // More than the system takes in, if the node does not read it.
    flood.set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let unasked = encoded(&unasked()).repeat(10_000);
    let mut partly = 0;
    while let Ok(count) = flood.write(&unasked[partly..]) {
        partly = (partly + count) % unasked.len();
    }
    for number in 0..20 {
        send_messages(&mut quiet, &[IridiumMessage::Deliver(vec![number; 9])]);
        assert_eq!(inbox.recv_timeout(PATIENCE).unwrap(), (alias("m2"), vec![number; 9]));
    }
    drop(go_on);
    // The rest is read now, and what comes after it.
    flood.set_write_timeout(None).unwrap();
    flood.write_all(&unasked[partly..]).unwrap();
    send_messages(&mut flood, &[IridiumMessage::Deliver(vec![1])]);
    assert_eq!(inbox.recv_timeout(PATIENCE).unwrap(), (alias("m1"), vec![1]));
}

#[test]
fn a_flood_for_the_owner_does_not_delay_what_others_ask_of_it() {
    let node = Manager::start(patient("a")).unwrap();
    let (mut flood, mut quiet) = (member(&node, 1), member(&node, 2));
    let (flooded, stop) = (AtomicUsize::new(0), AtomicBool::new(false));
    let mut frames = Frames::new(MAX_FRAME_LINK);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let unasked = encoded(&unasked()).repeat(10_000);
            while !stop.load(Ordering::Relaxed) && flood.write_all(&unasked).is_ok() {
                flooded.fetch_add(1, Ordering::Relaxed);
            }
        });
        wait_for("the flood", || flooded.load(Ordering::Relaxed) > 10);
        let mut times: Vec<Duration> = (0..100)
            .map(|token| {
                let asked = Instant::now();
                let ping = IridiumMessage::Ping(Ping { token, digest: 0 });
                send_messages(&mut quiet, &[ping]);
                wait_for_message(
                    &mut quiet,
                    &mut frames,
                    |message| matches!(message, IridiumMessage::Pong(pong) if pong.token == token),
                );
                asked.elapsed()
            })
            .collect();
        stop.store(true, Ordering::Relaxed);
        times.sort();
        println!("heartbeats beside a flood: {:?} at most, {:?} mostly", times[99], times[50]);
        // Without shares it is a hundred times as much, when this machine has nothing else to do.
        assert!(times[50] < Duration::from_millis(100), "{times:?}");
    });
}

#[test]
fn a_member_that_does_not_read_holds_up_itself_alone() {
    let node = Manager::start(patient("a")).unwrap();
    let (stuck, mut other) = (member(&node, 1), member(&node, 2));
    let inbox = node.messages();
    let message = || vec![0; 60_000];
    let mut queued = 0;
    wait_for("a full queue", || match node.send(&alias("m1"), message()) {
        Ok(()) => {
            queued += 1;
            false
        }
        // The rest may be on its way still.
        Err(error) => {
            assert_eq!(error, SendError::WouldBlock);
            std::thread::sleep(Duration::from_millis(50));
            node.send(&alias("m1"), message()) == Err(SendError::WouldBlock)
        }
    });
    for _ in 0..20 {
        round_trip(&node, &inbox, "m2", &mut other);
    }
    // It reads at last, and gets as much as there is credit for.
    let (mut stuck, mut frames) = (stuck, Frames::new(MAX_FRAME_LINK));
    let credit = 17 * 1024 * 1024 / (60_000 + 64);
    assert!((30..credit).contains(&queued), "{queued} were queued");
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for _ in queued..credit + 50 {
                let sent = || node.send(&alias("m1"), message()) != Err(SendError::WouldBlock);
                wait_for("room for another message", sent);
            }
        });
        for _ in 0..credit {
            receive(&mut stuck, &mut frames, 60_000);
        }
        stuck.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
        let more = stuck.read(&mut [0; 1]);
        assert!(more.is_err_and(|e| e.kind() == ErrorKind::WouldBlock), "without credit");
        stuck.set_read_timeout(Some(PATIENCE)).unwrap();
        send_messages(&mut stuck, &[IridiumMessage::Credit(17 * 1024 * 1024)]);
        for _ in 0..50 {
            receive(&mut stuck, &mut frames, 60_000);
        }
    });
}

#[test]
fn a_link_is_closed_in_time_although_its_other_end_does_not_read() {
    let node = Manager::start(patient("a")).unwrap();
    let (stuck, mut other) = (member(&node, 1), member(&node, 2));
    while node.send(&alias("m1"), vec![0; 60_000]).is_ok() {}
    let begun = Instant::now();
    node.leave();
    assert!(begun.elapsed() < Duration::from_secs(3), "{:?}", begun.elapsed());
    // The other was told at once, and has the connection closed after.
    other.read_to_end(&mut Vec::new()).unwrap();
    drop(stuck);
}

#[test]
fn half_a_frame_waits_for_its_rest_and_holds_up_nobody() {
    let node = Manager::start(patient("a")).unwrap();
    let (mut half, mut other) = (member(&node, 1), member(&node, 2));
    let inbox = node.messages();
    let long = encoded(&IridiumMessage::Deliver(vec![7; 60_000]));
    // A round trip drops what has come of others.
    let (begun, rest) = long.split_at(54_000);
    for part in begun.chunks(9_000) {
        half.write_all(part).unwrap();
        round_trip(&node, &inbox, "m2", &mut other);
    }
    half.write_all(rest).unwrap();
    assert_eq!(inbox.recv_timeout(PATIENCE).unwrap().bytes, [7; 60_000]);
    let short = encoded(&IridiumMessage::Deliver(vec![8; 30]));
    for byte in short {
        half.write_all(&[byte]).unwrap();
    }
    assert_eq!(inbox.recv_timeout(PATIENCE).unwrap().bytes, [8; 30]);
    // Half a frame, and then the end.
    half.write_all(&long[..30_000]).unwrap();
    half.shutdown(Shutdown::Write).unwrap();
    wait_for("its link is gone", || node.link(&alias("m1")).is_none());
    round_trip(&node, &inbox, "m2", &mut other);
}

/// How many threads of this process have that name.
#[cfg(target_os = "linux")]
fn threads_named(name: &str) -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    // One may have ended since.
    let names =
        tasks.filter_map(|task| std::fs::read_to_string(task.unwrap().path().join("comm")).ok());
    names.filter(|comm| comm.trim() == name).count()
}

/// The other tests of this process would be counted too.
#[cfg(target_os = "linux")]
#[test]
fn forty_links_have_few_threads_and_all_end_with_the_node() {
    const ALONE: &str = "IRIDIUM_TEST_ALONE";
    if std::env::var_os(ALONE).is_none() {
        let name = std::thread::current().name().unwrap().to_string();
        let mut alone = std::process::Command::new(std::env::current_exe().unwrap());
        let outcome = alone.args([&name, "--exact", "--nocapture"]).env(ALONE, "1").output();
        let outcome = outcome.unwrap();
        let said = String::from_utf8_lossy(&outcome.stderr).into_owned();
        return assert!(outcome.status.success(), "{said}");
    }
    let before = std::fs::read_dir("/proc/self/task").unwrap().count();
    let mut config = patient("a");
    config.own_threads = 3;
    let node = Manager::start(config).unwrap();
    let mut members: Vec<TcpStream> = (0..40).map(|number| member(&node, number)).collect();
    let inbox = node.messages();
    for (number, stream) in members.iter_mut().enumerate() {
        round_trip(&node, &inbox, &format!("m{number}"), stream);
    }
    let expected = [
        ("iridium-peer", 3),
        ("iridium-writer", 3),
        ("iridium-readers", 1),
        ("iridium-writers", 1),
    ];
    for (name, count) in expected {
        wait_for(name, || threads_named(name) == count);
    }
    let all = std::fs::read_dir("/proc/self/task").unwrap().count();
    assert!(all <= before + 12, "{all} threads");
    // Whoever takes the place of one that has ended has threads of its own.
    members.truncate(20);
    wait_for("half of them are gone", || alive(&node).len() == 20);
    let mut later = member(&node, 50);
    round_trip(&node, &inbox, "m50", &mut later);
    let begun = Instant::now();
    node.shutdown();
    assert!(begun.elapsed() < Duration::from_secs(3));
    let left = || std::fs::read_dir("/proc/self/task").unwrap().count();
    wait_for("all threads have ended", || left() == before);
}
