//! What the public API does not show: that nothing is kept of processes that have exited.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use crate::process::entry::Body;
use crate::sync::lock;
use crate::*;
use iridium_asm::Assembler;
use iridium_vm::{Hosts, Limits, Message, Payload, Pid, Process, Program, Register};

struct Nobody;

impl Output for Nobody {
    fn write(&self, _: Pid, _: &[u8]) {}
}

impl Observer for Nobody {
    fn exited(&self, _: &ExitInfo) {}
}

/// A process of another node.
const THERE: Pid = Pid::new(2, 5);

fn scheduler(change: impl FnOnce(&mut Config)) -> Scheduler {
    let mut config = Config::new(Arc::new(Nobody), Arc::new(Nobody), 1);
    (config.time, config.processes) = (Time::Virtual, 5_000);
    change(&mut config);
    Scheduler::start(config).unwrap()
}

fn program(source: &str, hosts: &Hosts) -> Arc<Program> {
    let module = Assembler::new("test.iasm").assemble(source).unwrap().module;
    Arc::new(Program::new(module, hosts).unwrap())
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::yield_now();
    }
}

/// Links and monitors that another node asks for while the process exits, which never reads of them.
#[test]
fn links_to_other_nodes_are_forgotten_with_their_process() {
    let here = Arc::new(OnceLock::<WeakScheduler>::new());
    let (mut hosts, host) = (Hosts::new(), Arc::clone(&here));
    hosts.add("tie", move |call| {
        let pid = Pid::from_bits(call.registers[0].int);
        if let Some(scheduler) = host.get().and_then(WeakScheduler::upgrade) {
            scheduler.deliver(THERE, pid, Signal::Link { from: THERE });
            scheduler.deliver(THERE, pid, Signal::Monitor { from: THERE, reference: 1 });
        }
        Ok(())
    });
    let program = program(".import tie\nself $0\nhost @tie $0\nhlt", &hosts);
    let scheduler = scheduler(|_| {});
    assert!(here.set(scheduler.downgrade()).is_ok());
    scheduler.spawn(Process::new(&program, Limits::default()), &program).unwrap();
    until("it has ended", || scheduler.process_count() == 0);
    assert!(lock(&scheduler.shared().remote_links).is_empty());
}

/// Another node, for which there is credit or not.
struct Credit(AtomicBool);

impl Distribution for Credit {
    fn message(&self, _: Pid, _: Pid, message: Message) -> Result<(), SendRefused> {
        if self.0.load(Ordering::SeqCst) { Ok(()) } else { Err(SendRefused::NoCredit(message)) }
    }

    fn signal(&self, _: Pid, _: Pid, _: Signal) -> Result<(), Signal> {
        Ok(())
    }

    fn request(&self, _: Pid, _: u64, _: &RemoteRequest) -> Result<(), NodeUnreachable> {
        Err(NodeUnreachable)
    }

    fn nodes(&self) -> Vec<u32> {
        vec![1, 2]
    }

    fn alias(&self) -> &str {
        ""
    }
}

/// Whether they were killed while they waited for credit, or have got it.
#[test]
fn those_who_wait_for_credit_are_forgotten_when_they_wait_no_longer() {
    let program = program("sendi $0 $1 $1\nhlt", &Hosts::new());
    let credit = Arc::new(Credit(AtomicBool::new(false)));
    let scheduler = scheduler(|config| config.distribution = credit.clone());
    let mut process = Process::new(&program, Limits::default());
    process.set_register(0, Register { int: THERE.bits(), float: 0.0 });
    let pids = [(); 2].map(|()| scheduler.spawn(process.clone(), &program).unwrap());
    let waiting = || lock(&scheduler.shared().awaiting_credit).get(&2).map_or(0, |pids| pids.len());
    until("they wait", || waiting() == 2 && scheduler.is_idle());
    scheduler.kill(pids[0], Reason::KILLED);
    until("one has ended", || scheduler.process_count() == 1);
    assert_eq!(waiting(), 1);
    credit.0.store(true, Ordering::SeqCst);
    scheduler.credit_available(2);
    until("the other has ended", || scheduler.process_count() == 0);
    assert!(lock(&scheduler.shared().awaiting_credit).is_empty());
}

/// A process can be reached from when it can have a name, and what reaches it is answered, also when
/// it is not spawned after all.
#[test]
fn a_process_can_be_reached_as_soon_as_it_can_be_found() {
    let program = program("yield\nhlt", &Hosts::new());
    let scheduler = scheduler(|_| {});
    let native = scheduler.spawn_native().unwrap();
    let slot = scheduler.shared().table.slot(native.pid().serial()).unwrap();
    let messages = || slot.inspect(|_, _, messages| format!("{messages:?}"));
    let context = scheduler.shared().context();
    for begins in [true, false] {
        let body = || Body::Program(Process::new(&program, Limits::default()), program.clone());
        let reference = i64::from(begins);
        let spawned = context.try_spawn(body(), |entry| {
            context.send_signal(
                native.pid(),
                entry.actor.pid,
                Signal::Monitor { from: native.pid(), reference },
            );
            assert_eq!(messages(), "[]", "it is kept");
            if begins { Ok(()) } else { Err(TooManyProcesses) }
        });
        assert_eq!(spawned.is_ok(), begins);
        until("it is answered", || messages() != "[]");
        let expected = if begins { "reason: Reason(0)" } else { "reason: Reason(-2)" };
        assert!(messages().contains(expected), "{}", messages());
        slot.collect();
        until("only the native is left", || scheduler.process_count() == 1);
    }
}

/// Whoever waits for an end does not wait for ever: for one that waits, or that has no fuel, or that
/// is started too late.
#[test]
fn a_shutdown_is_the_end_of_all_waiting_for_ends() {
    let program =
        program("load $1 #-1\nload $2 #-1\nrecv $1 $3\nhlt\nspin: djmp @spin", &Hosts::new());
    let scheduler = scheduler(|config| config.fuel = 1_000);
    let waits = || Process::new(&program, Limits::default());
    let spins = Process::at_label(&program, "spin", Limits::default()).unwrap();
    let waiting = scheduler.spawn_with(waits(), &program, SpawnOptions { group: true }).unwrap();
    let spinning = scheduler.spawn_with(spins, &program, SpawnOptions { group: true }).unwrap();
    until("there is no fuel", || scheduler.is_out_of_fuel());
    scheduler.shutdown();
    let late = scheduler.spawn_with(waits(), &program, SpawnOptions { group: true }).unwrap();
    for spawned in [waiting, spinning, late] {
        let patience = Duration::from_secs(10);
        assert!(spawned.exit.recv_timeout(patience).is_err_and(|error| error.is_disconnected()));
        assert!(spawned.group.recv_timeout(patience).is_err_and(|error| error.is_disconnected()));
    }
}

/// Another node, which hears signals.
#[derive(Default)]
struct Hearing(std::sync::Mutex<Vec<(Pid, Signal)>>);

impl Distribution for Hearing {
    fn message(&self, _: Pid, _: Pid, _: Message) -> Result<(), SendRefused> {
        Ok(())
    }

    fn signal(&self, _: Pid, to: Pid, signal: Signal) -> Result<(), Signal> {
        lock(&self.0).push((to, signal));
        Ok(())
    }

    fn request(&self, _: Pid, _: u64, _: &RemoteRequest) -> Result<(), NodeUnreachable> {
        Err(NodeUnreachable)
    }

    fn nodes(&self) -> Vec<u32> {
        vec![1, 2]
    }

    fn alias(&self) -> &str {
        ""
    }
}

/// A node may have millions of processes, or say so.
#[test]
fn other_nodes_can_ask_for_so_many_links_and_monitors_and_those_of_the_own_for_more() {
    let program = program("load $0 #-1\nload $1 #-1\nrecv $0 $2\nhlt", &Hosts::new());
    let hearing = Arc::new(Hearing::default());
    let scheduler = scheduler(|config| config.distribution = hearing.clone());
    let pid = scheduler.spawn(Process::new(&program, Limits::default()), &program).unwrap();
    let asked = 300_000;
    for number in 0..asked {
        let from = Pid::new(2, 1 + number);
        let signal = match number % 2 {
            0 => Signal::Link { from },
            _ => Signal::Monitor { from, reference: 1 },
        };
        scheduler.deliver(from, pid, signal);
    }
    let refused = || lock(&hearing.0).len() as u64;
    until("those that are too many are told", || refused() >= asked - (1 << 18));
    until("it is idle", || scheduler.is_idle());
    assert_eq!(refused(), asked - (1 << 18));
    let reason = Reason::of_trap(iridium_vm::TrapKind::RelationLimit);
    let told = lock(&hearing.0);
    assert!(told.iter().all(|(to, signal)| to.node() == 2
        && match signal {
            Signal::Exit { from, reason: why } | Signal::Down { from, reason: why, .. } =>
                *from == pid && *why == reason,
            _ => false,
        }));
    drop(told);
    // Those of its own node are not refused for that, and it still hears messages.
    let native = scheduler.spawn_native().unwrap();
    scheduler.deliver(native.pid(), pid, Signal::Monitor { from: native.pid(), reference: 1 });
    scheduler.send(Pid::NOBODY, pid, 1, Payload::Word([0; 8]));
    until("it has ended", || scheduler.process_count() == 1);
}

/// One thread can drive many of them, by what it is called with.
#[test]
fn a_process_of_the_outside_is_woken_by_a_call_and_keeps_the_scheduler_from_being_idle() {
    let scheduler = scheduler(|_| {});
    until("nothing runs", || scheduler.is_idle());
    let woken = Arc::new(AtomicUsize::new(0));
    let wake = Arc::clone(&woken);
    let count = move || {
        wake.fetch_add(1, Ordering::SeqCst);
    };
    let mut outside = scheduler.spawn_outside(count).unwrap();
    assert!(!scheduler.is_idle());
    assert_eq!(outside.receive(None, Some(Duration::ZERO)), Ok(None));
    scheduler.send(Pid::NOBODY, outside.pid(), 7, Payload::Word([1; 8]));
    assert_eq!(woken.load(Ordering::SeqCst), 1);
    let message = outside.receive(None, Some(Duration::ZERO)).unwrap().unwrap();
    assert_eq!((message.tag, message.payload), (7, Payload::Word([1; 8])));
    scheduler.kill(outside.pid(), Reason::KILLED);
    assert_eq!(woken.load(Ordering::SeqCst), 2);
    assert_eq!(outside.receive(None, Some(Duration::ZERO)), Err(Ended(Reason::KILLED)));
    drop(outside);
    until("nothing is left", || scheduler.is_idle() && scheduler.process_count() == 0);
}
