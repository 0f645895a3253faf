//! Snapshots of this version as they lie in files, byte for byte.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::saved::{Saved, SavedBody, SavedProcess, SavedSlotMessage};
use super::{RestoreOptions, SNAPSHOT_VERSION};
use crate::process::actor::Wait;
use crate::supervisor::{Child, ChildBody, Entry, Restart, Shutdown, Spec, Strategy, Supervisor};
use crate::sync::lock;
use crate::{Config, ExitInfo, Observer, Output, Reason, RemoteRequest, Scheduler, Signal, Time};
use iridium_asm::Assembler;
use iridium_isa::protocol::FirstMessage;
use iridium_isa::{DebugId, ModuleId};
use iridium_vm::{
    Completion, Hosts, Limits, Message, Payload, Pid, Process, Program, Register, Start, TrapKind,
};

/// The first process waits for a message with tag 5 and ends with what is in it; `child` waits for
/// ever.
const SOURCE: &str = "
main:   self $0
        load $1 #5
        load $2 #-1
        callw @wait $1
        msgi $9
        exit $9
child:  load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt
wait:   recv $0 $2
        msgi $8
        ret";

#[derive(Default)]
struct Exits(Mutex<Vec<ExitInfo>>);

impl Output for Exits {
    fn write(&self, _: Pid, _: &[u8]) {}
}

impl Observer for Exits {
    fn exited(&self, exit: &ExitInfo) {
        lock(&self.0).push(exit.clone());
    }
}

fn scheduler() -> (Scheduler, Arc<Exits>) {
    let exits = Arc::new(Exits::default());
    let mut config = Config::new(exits.clone(), exits.clone(), 1);
    (config.time, config.processes) = (Time::Virtual, 1_000);
    (Scheduler::start(config).unwrap(), exits)
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// The bytes of a fixture, after they were decoded and encoded again.
fn golden(name: &str, fresh: impl FnOnce() -> Saved) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    let bytes: Vec<u8> = digits.chunks(2).map(byte).collect();
    let again = Saved::from_bytes(&bytes).map(|saved| saved.to_bytes().unwrap());
    if again.as_ref() != Ok(&bytes) {
        let hex: Vec<String> =
            fresh().to_bytes().unwrap().iter().map(|byte| format!("{byte:02x}")).collect();
        let lines: Vec<String> = hex.chunks(32).map(<[_]>::concat).collect();
        let new = std::env::temp_dir().join(name);
        std::fs::write(&new, lines.join("\n") + "\n").unwrap();
        panic!(
            "{} is not read and written as it was ({:?}). Snapshots of users lie in files, which \
             version {SNAPSHOT_VERSION} must go on reading: was a field or a number of an enum moved, \
             added or removed? If that is meant, raise SNAPSHOT_VERSION and replace the fixture by \
             {}.",
            path.display(),
            again.map(|again| again.len()),
            new.display(),
        );
    }
    bytes
}

fn child(name: &str, restart: Restart, body: ChildBody) -> Child {
    let (name, registered) = (name.to_string(), Some(name.to_string()));
    Child { name, registered, restart, shutdown: Shutdown::Timeout(1_000), body }
}

/// A process that waits, and a supervisor of a supervisor of another one.
fn processes() -> Saved {
    let (scheduler, _) = scheduler();
    let module = Assembler::new("golden.iasm").assemble(SOURCE).unwrap().module;
    let id = module.id();
    let program = Arc::new(Program::new(module, &Hosts::new()).unwrap());
    scheduler.add_program(&program);
    scheduler.spawn(Process::new(&program, Limits::default()), &program).unwrap();
    let body = ChildBody::Program {
        module: id,
        debug: None,
        entry: Some("child".into()),
        arguments: vec![Register { int: 7, float: 0.5 }],
        first: None,
        limits: Limits::default(),
    };
    let children = vec![child("worker", Restart::Permanent, body)];
    let below = Spec { strategy: Strategy::RestForOne, children, ..Spec::default() };
    let children = vec![child("below", Restart::Transient, ChildBody::Supervisor(below))];
    let _ = scheduler.start_supervisor(Spec { children, ..Spec::default() }, Some("top")).unwrap();
    until("all wait", || scheduler.is_idle() && scheduler.process_count() == 4);
    Saved::from_bytes(&scheduler.save_all(Duration::from_secs(5)).unwrap()).unwrap()
}

#[test]
fn saved_processes_go_on() {
    let bytes = golden("processes.hex", processes);
    let (scheduler, exits) = scheduler();
    let main = Saved::from_bytes(&bytes).unwrap().processes[0].actor.pid;
    let options = RestoreOptions { exit_of: Some(main), ..RestoreOptions::default() };
    let restored = scheduler.restore_all(&bytes, &Hosts::new(), options).unwrap();
    assert_eq!(restored.pids.len(), 4);
    scheduler.send(Pid::NOBODY, main, 5, Payload::Word(42_i64.to_le_bytes()));
    let exit = restored.exit.recv_timeout(Duration::from_secs(30)).unwrap();
    assert_eq!((exit.reason, exit.trap), (Reason(42), None));
    let worker = scheduler.find("worker").unwrap();
    scheduler.kill(worker, Reason(3));
    until("it is restarted", || scheduler.find("worker").is_some_and(|pid| pid != worker));
    scheduler.kill(scheduler.find("top").unwrap(), Reason::SHUTDOWN);
    until("all have ended", || scheduler.process_count() == 0);
    assert!(lock(&exits.0).iter().all(|exit| exit.trap.is_none()));
}

/// Every variant of what a snapshot may hold. That has no meaning as a whole.
fn everything() -> Saved {
    let mut saved = processes();
    let pid = Pid::new(2, 9);
    let reason = Reason(4);
    let message =
        || Message { tag: 1, sender: pid.bits(), payload: Payload::Bytes([1, 2, 3].into()) };
    let word = || Message { tag: -1, sender: 0, payload: Payload::Word([7; 8]) };
    let signals = [
        Signal::Message(message()),
        Signal::Link { from: pid },
        Signal::Unlink { from: pid },
        Signal::Exit { from: pid, reason },
        Signal::Kill { from: pid, reason },
        Signal::Monitor { from: pid, reference: 1 },
        Signal::Demonitor { from: pid, reference: 2 },
        Signal::Down { from: pid, reference: 3, reason },
        Signal::NodeLost { node: 2 },
    ];
    let completions = [
        Completion::Done,
        Completion::Value(1),
        Completion::Pair(1, 2),
        Completion::Found(None),
        Completion::Found(Some(3)),
        Completion::Received(Some(word())),
        Completion::Failed(TrapKind::MailboxLimit),
    ];
    let first = &mut saved.processes[0];
    first.slot_messages.extend(signals.map(SavedSlotMessage::Signal));
    first.slot_messages.extend(completions.map(|reply| SavedSlotMessage::Reply(6, reply)));
    first.slot_messages.push(SavedSlotMessage::Overflow);
    (first.fuel_debt, first.requests, first.in_group) = (11, 12, true);
    first.actor.mailbox.push(message());
    let relations = first.actor.relations_mut();
    relations.links.insert(pid);
    relations.monitored_by.insert((pid, 13));
    relations.monitor(pid);
    (relations.traps_exits, relations.monitors_nodes) = (true, true);

    let arguments = Box::new([Register { int: 1, float: 1.5 }; Start::ARGUMENTS]);
    let module = match &first.body {
        SavedBody::Program(process) => process.module(),
        _ => panic!("it is a program"),
    };
    let spawn = RemoteRequest::Spawn {
        node: 2,
        module,
        start: Start { entry: 3, arguments },
        limits: Limits::default(),
    };
    let where_is = RemoteRequest::WhereIs { name: "x".into(), alias: "y".into() };
    let waits = [
        Wait::Message { tag: 1, until: Some(2) },
        Wait::Sleep { until: 3 },
        Wait::Reply { number: 4, request: Box::new(spawn) },
        Wait::Reply { number: 5, request: Box::new(where_is) },
        Wait::Credit { to: pid, message: message() },
        Wait::Host { import: 6, window: 7 },
    ];
    saved.processes.extend(waits.map(|wait| other(SavedBody::Native, Some(wait))));
    let supervisors = supervisors().into_iter();
    let supervisors = supervisors.map(|body| other(SavedBody::Supervisor(body), None));
    saved.processes.extend(supervisors);
    saved
}

fn other(body: SavedBody, wait: Option<Wait>) -> SavedProcess {
    let mut actor = crate::process::actor::ActorState::new(Pid::new(1, 1_000));
    actor.wait = wait;
    let (names, slot_messages) = (vec!["name".to_string()], Vec::new());
    let (fuel_debt, requests, in_group) = (0, 0, false);
    SavedProcess { actor, body, names, slot_messages, fuel_debt, requests, in_group }
}

/// Supervisors in all states, with all actions that they may not have had the time for.
fn supervisors() -> Vec<Supervisor> {
    let pid = Pid::new(1, 7);
    let child = |name: &str, restart| {
        let body = ChildBody::Supervisor(Spec::default());
        Child { name: name.into(), registered: None, restart, shutdown: Shutdown::Timeout(5), body }
    };
    let spec = |strategy| {
        let children = vec![child("a", Restart::Permanent), child("b", Restart::Temporary)];
        Spec { strategy, restarts: 1, within_ms: 1_000, children }
    };
    let new = Supervisor::new(spec(Strategy::OneForAll));
    let mut starting = Supervisor::new(spec(Strategy::OneForOne));
    starting.start(1);
    let mut running = starting.clone();
    running.started(0, Ok(pid), 2);
    running.started(1, Err("no".into()), 3);
    let mut restarted = running.clone();
    restarted.exited(pid, Reason(1), 4);
    restarted.started(0, Ok(Pid::new(1, 8)), 5);
    let mut gives_up = restarted.clone();
    gives_up.exited(Pid::new(1, 8), Reason(1), 6);
    let mut stopping = Supervisor::new(spec(Strategy::RestForOne));
    stopping.start(1);
    stopping.started(0, Ok(pid), 2);
    stopping.started(1, Ok(Pid::new(1, 9)), 2);
    let mut restarting = stopping.clone();
    restarting.exited(pid, Reason(1), 3);
    stopping.stop(Reason(2), 3);
    vec![new, starting, running, restarted, gives_up, stopping, restarting]
}

/// What tells modules apart that behave alike: of a process, and of the child of a supervisor.
fn alike() -> Saved {
    let debug = DebugId([0xAB; 32]);
    let mut saved = processes();
    let first = saved.processes.iter_mut().find_map(|saved| match &saved.body {
        SavedBody::Program(process) => Some((process.clone(), &mut saved.body)),
        _ => None,
    });
    let (process, body) = first.unwrap();
    let child = child(
        "child",
        Restart::Permanent,
        ChildBody::Program {
            module: process.module(),
            debug: Some(debug),
            entry: None,
            arguments: Vec::new(),
            first: None,
            limits: Limits::default(),
        },
    );
    *body = SavedBody::ProgramOf(process, debug);
    let spec = Spec { children: vec![child], ..Spec::default() };
    saved.processes.push(other(SavedBody::Supervisor(Supervisor::new(spec)), None));
    saved
}

/// A child that begins at an instruction, with a message.
fn started() -> Saved {
    let mut saved = alike();
    let child = child(
        "child",
        Restart::Permanent,
        ChildBody::Program {
            module: ModuleId([0xCD; 32]),
            debug: None,
            entry: Some(Entry::At(5)),
            arguments: vec![Register { int: 7, float: 0.5 }],
            first: Some(FirstMessage { tag: 0x0102_0304, payload: vec![1, 2, 3] }),
            limits: Limits::default(),
        },
    );
    let spec = Spec { children: vec![child], ..Spec::default() };
    saved.processes = vec![other(SavedBody::Supervisor(Supervisor::new(spec)), None)];
    saved
}

#[test]
fn every_variant_has_its_number() {
    golden("everything.hex", everything);
    golden("alike.hex", alike);
    golden("started.hex", started);
}
