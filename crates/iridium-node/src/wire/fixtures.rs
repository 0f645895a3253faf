//! Golden bytes of everything that nodes and clients say to each other: `tests/fixtures/v1` holds
//! those of format version 1, which every build has to write and read.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::fs;
use std::path::PathBuf;

use iridium_isa::ModuleId;
use iridium_proto::{NodeAlias, NodeInfo, NodeIp, NodePort};
use iridium_sched::supervisor::Supervision;
use iridium_sched::{Progress, Reason, RemoteRequest, Signal};
use iridium_vm::{
    Completion, Effect, Limits, Message, Payload, Pid, Register, SpawnKind, Start, TrapKind,
};

use super::form::{Wire, from_bytes, to_bytes};
use super::{NodeMessage, Query, Response, message_bytes};
use crate::control::protocol::{Act, Answer, AppRow, Call, ChildRow, SpawnOrder, Target};
use crate::{EventKind, Inbox, NodeEvent, NodeLoad, NodeProcesses, NodeReport, ProcessRow};

/// Compares values with their fixtures, in a folder for each enum.
struct Fixtures {
    folder: PathBuf,
    seen: BTreeSet<String>,
}

impl Fixtures {
    fn new(folder: &str) -> Self {
        let all = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/v1");
        Self { folder: all.join(folder), seen: BTreeSet::new() }
    }

    fn check<T: Wire + PartialEq + Debug>(&mut self, name: &str, value: &T) {
        let now = to_bytes(value).unwrap();
        let golden = self.golden(name, &now);
        let read: T = from_bytes(&golden).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(&read, value, "{name} is read as something else");
    }

    /// The bytes of a fixture, which have to be those of this build.
    fn golden(&mut self, name: &str, now: &[u8]) -> Vec<u8> {
        let file = format!("{name}.hex");
        let path = self.folder.join(&file);
        self.seen.insert(file);
        let Ok(text) = fs::read_to_string(&path) else {
            panic!(
                "{name} has no fixture. If it is new, and has a number of its own, save this as \
                 {}:\n{}",
                path.display(),
                to_hex(now)
            );
        };
        let golden = from_hex(&text);
        let at = now.iter().zip(&golden).take_while(|(a, b)| a == b).count();
        assert!(
            now == golden,
            "the bytes of {name} are no longer those of version 1; they differ from byte {at} on. A \
             field was added, removed, moved, or changed its type, or a number was given to another \
             variant. Nodes and clients of other builds would misread it: undo that, or give what is \
             new a variant with a number of its own.\nversion 1:\n{}this build:\n{}",
            to_hex(&golden),
            to_hex(now)
        );
        golden
    }

    /// Each fixture has to have been compared.
    fn finish(self) {
        let files = fs::read_dir(&self.folder).unwrap();
        let files: BTreeSet<String> =
            files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect();
        assert_eq!(files, self.seen, "in {}", self.folder.display());
    }
}

fn to_hex(bytes: &[u8]) -> String {
    let line = |part: &[u8]| part.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    bytes.chunks(32).map(|part| line(part) + "\n").collect()
}

fn from_hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    digits.chunks(2).map(byte).collect()
}

fn inbox() -> Inbox {
    Inbox { function: Some("f".into()), protocols: [1, 2, 3].into() }
}

const PID: Pid = Pid::new(7, 3);
const OTHER: Pid = Pid::new(8, 4);
const MODULE: ModuleId = ModuleId([0xAB; 32]);
const REASON: Reason = Reason(-101);

fn alias(name: &str) -> NodeAlias {
    NodeAlias::new(name).unwrap()
}

fn start() -> Start {
    let register = |number| Register { int: number, float: number as f64 / 2.0 };
    Start { entry: 5, arguments: Box::new([0, 1, 2, 3, 4, 5, 6, 7].map(register)) }
}

fn limits() -> Limits {
    Limits {
        heap: 1,
        stack: 2,
        call_depth: 3,
        registers: 4,
        messages: 5,
        message_bytes: 6,
        fuel: 7,
    }
}

fn message(payload: Payload) -> Message {
    Message { tag: 2, sender: PID.bits(), payload }
}

fn bytes() -> Payload {
    Payload::Bytes([1, 2, 3].into())
}

#[test]
fn messages_between_processes() {
    let mut fixtures = Fixtures::new("message");
    for (name, payload) in [("word", Payload::Word(*b"12345678")), ("bytes", bytes())] {
        let (bytes, tail) = message_bytes(OTHER, message(payload.clone()));
        let golden = fixtures.golden(name, &[&bytes[..], &tail].concat());
        let read = super::read(golden, |_| true).unwrap();
        assert_eq!(read, super::Delivery::Message { to: OTHER, message: message(payload) });
    }
    fixtures.finish();
}

#[test]
fn node_messages() {
    let mut fixtures = Fixtures::new("node-message");
    let reply = Completion::Done;
    let request = RemoteRequest::WhereIs { name: "n".into(), alias: "a".into() };
    let signal = Signal::Link { from: PID };
    for (name, value) in [
        ("signal", NodeMessage::Signal { from: PID, to: OTHER, signal }),
        ("request", NodeMessage::Request { asker: PID, number: 9, request }),
        ("reply", NodeMessage::Reply { asker: PID, number: 9, reply }),
        ("code-wanted", NodeMessage::CodeWanted { module: MODULE }),
        ("code", NodeMessage::Code { module: MODULE, file: Some([1, 2].into()) }),
        ("code-absent", NodeMessage::Code { module: MODULE, file: None }),
        ("query", NodeMessage::Query { number: 9, query: Query::Load }),
        ("response", NodeMessage::Response { number: 9, response: Response::Found(Some(PID)) }),
        ("not-understood", NodeMessage::NotUnderstood { asker: PID, number: 9 }),
    ] {
        fixtures.check(name, &value);
    }
    fixtures.finish();
}

#[test]
fn signals() {
    let mut fixtures = Fixtures::new("signal");
    let (from, reference, reason) = (PID, 5, REASON);
    for (name, value) in [
        ("message-word", Signal::Message(message(Payload::Word([1; 8])))),
        ("message-bytes", Signal::Message(message(bytes()))),
        ("link", Signal::Link { from }),
        ("unlink", Signal::Unlink { from }),
        ("exit", Signal::Exit { from, reason }),
        ("kill", Signal::Kill { from, reason }),
        ("monitor", Signal::Monitor { from, reference }),
        ("demonitor", Signal::Demonitor { from, reference }),
        ("down", Signal::Down { from, reference, reason }),
        ("node-lost", Signal::NodeLost { node: 7 }),
    ] {
        fixtures.check(name, &value);
    }
    fixtures.finish();
}

#[test]
fn requests_and_replies_of_processes() {
    let mut fixtures = Fixtures::new("request");
    let spawn = RemoteRequest::Spawn { node: 7, module: MODULE, start: start(), limits: limits() };
    fixtures.check("spawn", &spawn);
    let where_is = RemoteRequest::WhereIs { name: "n".into(), alias: "a".into() };
    fixtures.check("where-is", &where_is);
    fixtures.finish();

    let mut fixtures = Fixtures::new("completion");
    for (name, value) in [
        ("done", Completion::Done),
        ("value", Completion::Value(-1)),
        ("pair", Completion::Pair(1, 2)),
        ("found", Completion::Found(Some(1))),
        ("found-nothing", Completion::Found(None)),
        ("received", Completion::Received(Some(message(bytes())))),
        ("received-nothing", Completion::Received(None)),
        ("failed", Completion::Failed(TrapKind::HostError)),
        ("failed-user", Completion::Failed(TrapKind::User(5))),
    ] {
        fixtures.check(name, &value);
    }
    fixtures.finish();
}

#[test]
fn traps() {
    let mut fixtures = Fixtures::new("trap");
    for kind in TrapKind::ALL {
        fixtures.check(kind.name(), kind);
    }
    fixtures.check("user", &TrapKind::User(u32::MAX));
    fixtures.finish();
    for unknown in [0, -1, 99, i64::MIN, i64::MAX] {
        assert!(from_bytes::<TrapKind>(&to_bytes(&unknown).unwrap()).is_err(), "{unknown}");
    }
}

fn row() -> ProcessRow {
    ProcessRow {
        pid: PID,
        names: vec!["n".into()],
        module: Some(MODULE),
        state: "running".into(),
        place: Some("a.iasm:1:1".into()),
        fuel: 1,
        heap: 2,
        memory: 3,
        messages: 4,
        links: 5,
    }
}

fn report() -> NodeReport {
    NodeReport {
        number: 1,
        uptime: 2,
        workers: 3,
        processes: 4,
        failures: 5,
        traps: 6,
        restarts: 7,
        fuel: 8,
        messages: 9,
        dead_letters: 10,
        memory: 11,
        sent: 12,
        received: 13,
        sent_bytes: 14,
        received_bytes: 15,
        modules_sent: 16,
        queued_bytes: 17,
        native_functions: 18,
        native_instructions: 19,
        compile_us: 20,
        not_compiled: 21,
        compile_queue: 22,
        compile_queue_limit: 23,
        native_memory: 24,
        native_memory_limit: 25,
    }
}

#[test]
fn queries_and_responses() {
    let mut fixtures = Fixtures::new("query");
    let name = Some("n".into());
    let spawn = Query::Spawn { module: MODULE, start: start(), limits: limits(), name };
    for (name, value) in [
        ("processes", Query::Processes),
        ("load", Query::Load),
        ("spawn", spawn),
        ("where-is", Query::WhereIs("n".into())),
        ("understands", Query::Understands(PID)),
    ] {
        fixtures.check(name, &value);
    }
    fixtures.finish();

    let mut fixtures = Fixtures::new("response");
    for (name, value) in [
        ("processes", Response::Processes { rows: vec![row()], more: 1 }),
        ("load", Response::Load(Box::new(report()))),
        ("spawned", Response::Spawned(Ok(PID))),
        ("not-spawned", Response::Spawned(Err("no".into()))),
        ("found", Response::Found(Some(PID))),
        ("found-nothing", Response::Found(None)),
        ("not-understood", Response::NotUnderstood),
        ("understands", Response::Understands(Ok(inbox()))),
        ("understands-nothing", Response::Understands(Err("no".into()))),
    ] {
        fixtures.check(name, &value);
    }
    fixtures.finish();
}

#[test]
fn a_report_of_a_later_build_is_read_without_its_new_counters() {
    let later = iridium_proto::to_bytes(&vec![(4_u32, 40_u64), (1000, 5), (8, 80)]).unwrap();
    let expected = NodeReport { processes: 40, fuel: 80, ..NodeReport::default() };
    assert_eq!(from_bytes::<NodeReport>(&later).unwrap(), expected);
}

#[test]
fn calls() {
    let mut fixtures = Fixtures::new("call");
    let order = |on, name| SpawnOrder {
        module: MODULE,
        entry: Some(3),
        arguments: vec![Register { int: 1, float: 0.5 }],
        limits: limits(),
        on,
        name,
        link_app: true,
    };
    let named = |alias| Target::Name("n".into(), alias);
    for (name, value) in [
        ("processes", Call::Processes { all: true }),
        ("loads", Call::Loads),
        ("apps", Call::Apps),
        ("spawn", Call::Spawn(Box::new(order(Some(alias("a")), Some("n".into()))))),
        ("spawn-here", Call::Spawn(Box::new(order(None, None)))),
        ("send", Call::Send { to: Target::Pid(PID), tag: 1, payload: bytes() }),
        ("kill", Call::Kill { to: named(Some(alias("a"))), reason: REASON }),
        ("kill-here", Call::Kill { to: named(None), reason: REASON }),
        ("events", Call::Events),
        ("attach", Call::Attach),
        ("understands", Call::Understands { of: Target::Pid(PID) }),
    ] {
        fixtures.check(name, &value);
    }
    fixtures.finish();
}

#[test]
fn answers() {
    let mut fixtures = Fixtures::new("answer");
    let nodes = vec![NodeProcesses { alias: alias("a"), processes: Some(vec![row()]), more: 2 }];
    let child = ChildRow { depth: 1, name: "c".into(), pid: Some(OTHER), supervises: true };
    let app = AppRow { name: "app".into(), pid: PID, children: Some(vec![child]) };
    let event = NodeEvent { time: 5, kind: EventKind::Down { alias: alias("a") } };
    for (name, value) in [
        ("processes", Answer::Processes(nodes)),
        ("loads", Answer::Loads(vec![NodeLoad { alias: alias("a"), report: Some(report()) }])),
        ("apps", Answer::Apps(vec![app])),
        ("code-wanted", Answer::CodeWanted),
        ("understands", Answer::Understands { pid: PID, inbox: inbox() }),
        ("spawned", Answer::Spawned(PID)),
        ("done", Answer::Done(PID)),
        ("subscribed", Answer::Subscribed),
        ("event", Answer::Event(event)),
        ("attached", Answer::Attached(PID)),
        ("progress", Answer::Progress(Progress::Waits)),
        ("completion", Answer::Completion(Completion::Done)),
        ("not-understood", Answer::NotUnderstood),
    ] {
        fixtures.check(name, &value);
    }
    fixtures.finish();
}

#[test]
fn events() {
    let mut fixtures = Fixtures::new("event");
    let info = NodeInfo {
        alias: alias("a"),
        ip: NodeIp([192, 0, 2, 1].into()),
        port: NodePort::new(2254).unwrap(),
    };
    let (child, pid, reason) = ("c".to_string(), OTHER, REASON);
    let supervised = |what| EventKind::Supervised { supervisor: PID, what };
    let restarted = Supervision::Restarted { child: child.clone(), pid, reason };
    let not_started = Supervision::NotStarted { child: child.clone(), error: "no".into() };
    for (name, kind) in [
        ("up", EventKind::Up { info }),
        ("suspect", EventKind::Suspect { alias: alias("a") }),
        ("recovered", EventKind::Recovered { alias: alias("a"), reconnected: true }),
        ("down", EventKind::Down { alias: alias("a") }),
        ("left", EventKind::Left { alias: alias("a") }),
        ("skipped", EventKind::Skipped { count: 9 }),
        ("ended", EventKind::Ended { pid, reason, trap: Some("trap".into()) }),
        ("supervised-restarted", supervised(restarted)),
        ("supervised-not-started", supervised(not_started)),
        ("supervised-gave-up", supervised(Supervision::GaveUp { child, reason })),
    ] {
        fixtures.check(name, &NodeEvent { time: 5, kind });
    }
    fixtures.finish();
}

#[test]
fn acts_and_progress_of_attached_processes() {
    let mut fixtures = Fixtures::new("act");
    let effect = Effect::Yield;
    for (name, value) in [
        ("perform", Act::Perform { effect, module: Some(MODULE), limits: limits() }),
        ("code", Act::Code([1, 2].into())),
        ("give-up", Act::GiveUp),
    ] {
        fixtures.check(name, &value);
    }
    fixtures.finish();

    let mut fixtures = Fixtures::new("progress");
    for (name, value) in [
        ("done", Progress::Done(Completion::Value(5))),
        ("waits", Progress::Waits),
        ("host", Progress::Host { import: 2, window: 3 }),
        ("ended", Progress::Ended(REASON)),
    ] {
        fixtures.check(name, &value);
    }
    fixtures.finish();
}

#[test]
fn effects() {
    let mut fixtures = Fixtures::new("effect");
    let (pid, reference, on) = (PID.bits(), 5, true);
    let name = || "n".to_string();
    let spawn = |kind| Effect::Spawn { kind, start: start() };
    for (file, value) in [
        ("self-pid", Effect::SelfPid),
        ("node", Effect::Node),
        ("spawn", spawn(SpawnKind::Plain)),
        ("spawn-at", spawn(SpawnKind::At(7))),
        ("spawn-linked", spawn(SpawnKind::Linked)),
        ("spawn-monitored", spawn(SpawnKind::Monitored)),
        ("send", Effect::Send { to: pid, tag: 1, payload: bytes() }),
        ("receive", Effect::Receive { tag: 1, timeout: -1 }),
        ("link", Effect::Link { pid }),
        ("unlink", Effect::Unlink { pid }),
        ("monitor", Effect::Monitor { pid }),
        ("demonitor", Effect::Demonitor { reference }),
        ("trap-exit", Effect::TrapExit { on }),
        ("kill", Effect::Kill { pid, reason: -1 }),
        ("register", Effect::Register { name: name(), pid }),
        ("unregister", Effect::Unregister { name: name(), pid }),
        ("where-is", Effect::WhereIs { name: name() }),
        ("nodes", Effect::Nodes),
        ("node-at", Effect::NodeAt { position: 1 }),
        ("monitor-nodes", Effect::MonitorNodes { on }),
        ("sleep", Effect::Sleep { milliseconds: 10 }),
        ("yield", Effect::Yield),
        ("now", Effect::Now),
        ("mono", Effect::Mono),
        ("random", Effect::Random),
        ("host", Effect::Host { import: 2, window: 3 }),
        ("monitor-reply", Effect::MonitorReply { pid, tag: 1 << 62 }),
    ] {
        fixtures.check(file, &value);
    }
    fixtures.finish();
}
