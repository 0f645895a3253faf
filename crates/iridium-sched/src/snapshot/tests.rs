//! Snapshots whose contents contradict each other: each is refused, or its process ends by a trap.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crossbeam_channel::bounded;

use super::saved::{Saved, SavedBody};
use super::*;
use crate::process::actor::Wait;
use crate::supervisor::{Spec, Supervisor};
use crate::sync::lock;
use crate::{Config, ExitInfo, Observer, Output, Scheduler, Time};
use iridium_asm::Assembler;
use iridium_vm::{Hosts, Message, Payload, Pid, Process, Program, TrapKind};

#[derive(Default)]
struct Log(std::sync::Mutex<Vec<ExitInfo>>);

impl Output for Log {
    fn write(&self, _: Pid, _: &[u8]) {}
}

impl Observer for Log {
    fn exited(&self, ending: &ExitInfo) {
        lock(&self.0).push(ending.clone());
    }
}

fn scheduler() -> (Scheduler, Arc<Log>) {
    let log = Arc::new(Log::default());
    let mut config = Config::new(log.clone(), log.clone(), 1);
    (config.time, config.processes) = (Time::Virtual, 5_000);
    (Scheduler::start(config).unwrap(), log)
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

const SOURCE: &str = "
        load $1 #5
        load $2 #-1
        callw @wait $1
wait:   recv $0 $2
        hlt";

/// Two processes that wait for a message, within a call.
fn saved() -> Vec<u8> {
    let (scheduler, _) = scheduler();
    let module = Assembler::new("test.iasm").assemble(SOURCE).unwrap().module;
    let program = Arc::new(Program::new(module, &Hosts::new()).unwrap());
    for _ in 0..2 {
        let process = Process::new(&program, iridium_vm::Limits::default());
        scheduler.spawn(process, &program).unwrap();
    }
    until("they wait", || scheduler.is_idle());
    scheduler.save_all(Duration::from_secs(5)).unwrap()
}

fn tampered(change: impl FnOnce(&mut Saved)) -> Vec<u8> {
    let mut saved = Saved::from_bytes(&saved()).unwrap();
    change(&mut saved);
    saved.to_bytes().unwrap()
}

fn refused(change: impl FnOnce(&mut Saved)) -> RestoreError {
    let (scheduler, _) = scheduler();
    let error = scheduler
        .restore_all(&tampered(change), &Hosts::new(), RestoreOptions::default())
        .unwrap_err();
    assert_eq!(scheduler.process_count(), 0, "nothing has changed");
    assert_eq!(scheduler.node(), 1);
    error
}

fn process(saved: &mut Saved) -> &mut Process {
    match &mut saved.processes[0].body {
        SavedBody::Program(process) => process,
        _ => panic!("it is a program"),
    }
}

#[test]
fn what_nobody_changed_is_restored() {
    let (scheduler, _) = scheduler();
    let options = RestoreOptions::default();
    let restored = scheduler.restore_all(&tampered(|_| {}), &Hosts::new(), options).unwrap();
    for pid in restored.pids {
        scheduler.send(Pid::NOBODY, pid, 5, Payload::Word([0; 8]));
    }
    until("both go on", || scheduler.process_count() == 0);
}

#[test]
fn pids_are_distinct_and_of_the_node_and_of_lives_that_were() {
    let pid = |pid: Pid| refused(move |saved| saved.processes[0].actor.pid = pid);
    let second = Saved::from_bytes(&saved()).unwrap().processes[1].actor.pid;
    assert_eq!(pid(second), RestoreError::Damaged, "twice");
    let same_slot = Pid::new(1, second.serial() + (1 << 13));
    assert_eq!(pid(same_slot), RestoreError::Damaged, "two lives of one slot");
    for wrong in [
        Pid::NOBODY,
        Pid::from_bits(-1),
        Pid::from_bits(i64::MIN),
        Pid::new(2, 0),
        Pid::new(1, 0),
        Pid::new(1, 4_000),
        Pid::new(1, iridium_vm::MAX_SERIAL),
    ] {
        assert_eq!(pid(wrong), RestoreError::Damaged, "{wrong}");
    }
}

#[test]
fn the_node_is_one_that_there_can_be() {
    for node in [0, iridium_vm::MAX_NODE + 1, u32::MAX] {
        let error = refused(|saved| {
            saved.processes.clear();
            if let Some(serials) = &mut saved.serials {
                serials.node = node;
            }
        });
        assert_eq!(error, RestoreError::Damaged);
    }
}

#[test]
fn the_clock_is_one_that_can_go_on() {
    assert_eq!(refused(|saved| saved.mono = u64::MAX), RestoreError::Damaged);
}

/// What states a module can be in is tested where that is checked, in `iridium-vm`.
#[test]
fn the_state_of_a_process_goes_with_its_module() {
    let program = |source| {
        let module = Assembler::new("test.iasm").assemble(source).unwrap().module;
        Program::new(module, &Hosts::new()).unwrap()
    };
    let error = refused(|saved| process(saved).continue_with(&program(SOURCE), u32::MAX));
    assert!(matches!(error, RestoreError::InvalidState(_)), "{error}");
    let error = refused(|saved| process(saved).continue_with(&program("hlt"), 0));
    assert!(matches!(error, RestoreError::MissingModule(_)), "{error}");
}

/// A process that waits for what its program does not ask for.
#[test]
fn waits_of_the_wrong_kind_end_by_a_trap() {
    let message = Message { tag: 1, sender: 0, payload: Payload::Word([0; 8]) };
    let waits = [
        None,
        Some(Wait::Sleep { until: 0 }),
        Some(Wait::Sleep { until: 1 << 40 }),
        Some(Wait::Credit { to: Pid::NOBODY, message }),
        Some(Wait::Host { import: 7, window: 250 }),
        Some(Wait::Reply {
            number: 3,
            request: Box::new(crate::RemoteRequest::WhereIs {
                name: "x".into(),
                alias: "y".into(),
            }),
        }),
    ];
    for wait in waits {
        let (scheduler, log) = scheduler();
        let bytes = tampered(|saved| saved.processes[0].actor.wait = wait.clone());
        let _ = scheduler.restore_all(&bytes, &Hosts::new(), RestoreOptions::default()).unwrap();
        until("it ends", || scheduler.process_count() == 1);
        assert!(lock(&log.0)[0].trap.is_some(), "{wait:?}");
    }
    let ready = tampered(|saved| process(saved).fail(TrapKind::User(1)));
    let (scheduler, log) = scheduler();
    let options = RestoreOptions::default();
    let pids = scheduler.restore_all(&ready, &Hosts::new(), options).unwrap().pids;
    scheduler.send(Pid::NOBODY, pids[0], 5, Payload::Word([0; 8]));
    until("it ends, or waits as before", || scheduler.is_idle());
    assert!(lock(&log.0).iter().all(|ending| ending.trap.is_some()));
}

#[test]
fn a_message_of_the_system_is_sent_by_nobody_else() {
    let exit = Message { tag: Message::EXIT, sender: 0, payload: Payload::Word([0; 8]) };
    let error = refused(|saved| {
        let to = saved.processes[1].actor.pid;
        saved.processes[0].actor.wait = Some(Wait::Credit { to, message: exit });
    });
    assert_eq!(error, RestoreError::Damaged);
}

/// Numbers that count something go on from the largest one without a panic.
#[test]
fn counters_at_their_ends_do_no_harm() {
    let (scheduler, _) = scheduler();
    let bytes = tampered(|saved| {
        for entry in &mut saved.processes {
            (entry.fuel_debt, entry.requests) = (u64::MAX, u64::MAX);
        }
    });
    let _ = scheduler.restore_all(&bytes, &Hosts::new(), RestoreOptions::default()).unwrap();
    until("what is behind with its fuel pays it off", || scheduler.is_idle());
}

#[test]
fn a_supervisor_has_as_many_states_as_children() {
    // A list of children that is longer than what is known of them.
    let mut bytes = iridium_vm::codec::encode(&Supervisor::new(Spec::default())).unwrap();
    let good: Supervisor = iridium_vm::codec::decode(&bytes).unwrap();
    assert!(good.is_consistent());
    // `Stopping`, from 0, below 2^64 - 1, no victim, for a restart: where `Fresh` was.
    let spec = iridium_vm::codec::encode(&Spec::default()).unwrap().len();
    let (slots, mode) = (spec..spec + 8, spec + 8..spec + 12);
    assert_eq!((&bytes[slots], &bytes[mode.clone()]), (&[0; 8][..], &[0; 4][..]));
    let stopping = [&2u32.to_le_bytes()[..], &[0; 8], &[255; 8], &[0], &[0; 4]].concat();
    bytes.splice(mode, stopping);
    let bad: Supervisor = iridium_vm::codec::decode(&bytes).unwrap();
    assert!(!bad.is_consistent(), "it would look for a child for ages");
    let error = refused(|saved| saved.processes[0].body = SavedBody::Supervisor(bad));
    assert_eq!(error, RestoreError::Damaged);
}

/// A process that ends in the turn after which it was to be saved would only trap elsewhere.
#[test]
fn what_ends_before_it_can_be_saved_is_not_saved() {
    let (go, gate) = bounded::<()>(0);
    let mut hosts = Hosts::new();
    hosts.add("hold", move |_| {
        let _ = gate.recv();
        Ok(())
    });
    let module = Assembler::new("test.iasm").assemble(".import hold\nhost @hold $0\nhlt");
    let program = Arc::new(Program::new(module.unwrap().module, &hosts).unwrap());
    let (scheduler, _) = scheduler();
    let process = Process::new(&program, iridium_vm::Limits::default());
    let pid = scheduler.spawn(process, &program).unwrap();
    std::thread::scope(|scope| {
        let saving = scope.spawn(|| scheduler.save(pid, true));
        let slot = scheduler.shared().table.slot(pid.serial()).unwrap();
        until("it is asked for", || slot.inspect(|_, _, messages| messages.len() == 1));
        go.send(()).unwrap();
        assert_eq!(saving.join().unwrap(), Err(SaveError::NoProcess));
    });
}
