//! Limits per process, all with defaults, all enforced with a trap and a clear name; and per node.

use std::time::Duration;

use iridium_sched::{Activity, MESSAGE_OVERHEAD, Progress, Reason, Signal};
use iridium_vm::{Effect, Limits, Payload, Pid, TrapKind};

use crate::stage::{PATIENCE, Stage, until};

fn trap(source: &str, limits: Limits) -> String {
    let mut stage = Stage::new(source);
    stage.limits = limits;
    stage.run(None, &[]).trap.unwrap_or_default()
}

#[test]
fn the_defaults_are_those_of_the_manual() {
    let limits = Limits::default();
    assert_eq!(limits.heap, 64 << 20);
    assert_eq!(limits.stack, 1 << 20);
    assert_eq!(limits.call_depth, 100_000);
    assert_eq!((limits.messages, limits.message_bytes), (1 << 20, 64 << 20));
    assert_eq!(limits.fuel, u64::MAX);
}

#[test]
fn the_heap() {
    let source = "load $1 #100\naloc $1\naloc $1\nheap $2\nhlt";
    assert_eq!(trap(source, Limits { heap: 200, ..Limits::default() }), "");
    assert_eq!(trap(source, Limits { heap: 199, ..Limits::default() }), "heap-limit");
}

#[test]
fn the_data_stack() {
    let source = "push $0\npush $0\npush $0\nhlt";
    assert_eq!(trap(source, Limits { stack: 3, ..Limits::default() }), "");
    assert_eq!(trap(source, Limits { stack: 2, ..Limits::default() }), "data-stack-limit");
}

#[test]
fn the_call_depth() {
    let source = "call @a\nhlt\na: call @b\nret\nb: ret";
    assert_eq!(trap(source, Limits { call_depth: 2, ..Limits::default() }), "");
    assert_eq!(trap(source, Limits { call_depth: 1, ..Limits::default() }), "call-depth-limit");
    let endless = trap("l: call @l", Limits::default());
    assert_eq!(endless, "call-depth-limit");
}

#[test]
fn the_registers() {
    let source = "l: callw @l $100";
    assert_eq!(trap(source, Limits { registers: 2_000, ..Limits::default() }), "register-limit");
}

#[test]
fn fuel() {
    assert_eq!(trap("l: djmp @l", Limits { fuel: 1_000_000, ..Limits::default() }), "fuel-limit");
}

/// In its own mailbox, in its mailbox while it waits for another message, and while it runs.
#[test]
fn the_number_of_messages() {
    let source = "
main:   self $0
        load $1 #1
again:  sendi $0 $1 $1
        inc $2
        brlt $2 #11 @again
        hlt
waits:  load $1 #2
        load $2 #-1
        recv $1 $3
        hlt
spins:  djmp @spins";
    let mut stage = Stage::new(source);
    stage.limits.messages = 10;
    assert_eq!(stage.run(Some("main"), &[]).trap.as_deref(), Some("mailbox-limit"));
    for label in ["waits", "spins"] {
        let pid = stage.start_at(label, &[]);
        let before = stage.endings().len();
        until("it has begun", || stage.scheduler.processes().iter().any(|info| info.fuel > 0));
        for sent in 1..=11 {
            assert_eq!(stage.endings().len(), before, "after {sent} messages");
            stage.scheduler.send(Pid::NOBODY, pid, 1, Payload::Word([0; 8]));
        }
        stage.await_left(0);
        let ending = stage.endings().pop().unwrap();
        assert_eq!(ending.trap.unwrap().kind, TrapKind::MailboxLimit);
    }
}

#[test]
fn the_memory_of_messages() {
    let source = "
waits:  load $1 #2
        load $2 #-1
        recv $1 $3
        hlt
spins:  djmp @spins";
    let mut stage = Stage::new(source);
    stage.limits.message_bytes = 3 * (MESSAGE_OVERHEAD + 1_000);
    for label in ["waits", "spins"] {
        let pid = stage.start_at(label, &[]);
        let before = stage.endings().len();
        until("it has begun", || stage.scheduler.processes().iter().any(|info| info.fuel > 0));
        for _ in 0..3 {
            assert_eq!(stage.endings().len(), before);
            stage.scheduler.send(Pid::NOBODY, pid, 1, Payload::Bytes(vec![0; 1_000].into()));
        }
        // It has room for all of them.
        until("it has them", || stage.scheduler.processes().iter().any(|info| info.messages == 3));
        for _ in 0..2 {
            stage.scheduler.send(Pid::NOBODY, pid, 1, Payload::Bytes(vec![0; 1_000].into()));
        }
        stage.await_left(0);
        let ending = stage.endings().pop().unwrap();
        assert_eq!(ending.trap.unwrap().kind, TrapKind::MailboxLimit);
    }
}

/// Nor in the mailbox of a native process that polls all the time.
#[test]
fn messages_that_a_native_process_does_not_want_do_not_pile_up() {
    let stage = Stage::new("hlt");
    let mut native = stage.scheduler.spawn_native().unwrap();
    let effect = Effect::Receive { tag: 5, timeout: -1 };
    assert_eq!(native.perform(effect, &stage.program, stage.limits), Progress::Waits);
    let megabyte = || Payload::Bytes(vec![0; 1 << 20].into());
    let ended = (0..100).find_map(|_| {
        stage.scheduler.send(Pid::NOBODY, native.pid(), 6, megabyte());
        Some(native.poll()).filter(|progress| *progress != Progress::Waits)
    });
    let reason = Reason::of_trap(TrapKind::MailboxLimit);
    assert_eq!(ended, Some(Progress::Ended(reason)));
}

/// Messages to one that is in a long turn, or in none, take no more memory than they may.
#[test]
fn messages_that_nobody_takes_do_not_pile_up() {
    let mut hosts = iridium_vm::Hosts::new();
    let (go, gate) = crossbeam_channel::bounded::<()>(0);
    hosts.add_blocking("block", move |_| {
        let _ = gate.recv();
        Ok(())
    });
    let program = crate::stage::program(".import block\nhost @block $0\nhlt", &hosts);
    let mut stage = Stage::of(program, |_| {});
    stage.limits.message_bytes = 1 << 20;
    let pid = stage.start(&[]);
    for _ in 0..1_000 {
        // A gigabyte in all.
        stage.scheduler.send(Pid::NOBODY, pid, 1, Payload::Bytes(vec![0; 1 << 20].into()));
    }
    drop(go);
    stage.await_left(0);
    assert_eq!(stage.endings()[0].trap.as_ref().unwrap().kind, TrapKind::MailboxLimit);
}

#[test]
fn the_number_of_processes_of_a_node() {
    let source = "
        load $0 #0
again:  spawn @wait $0 $3
        inc $0
        brlt $0 #100 @again
        hlt
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt";
    let stage = Stage::with(source, |config| config.processes = 50);
    let ended = stage.run(None, &[]);
    assert_eq!((ended.trap.as_deref(), ended.result), (Some("process-limit"), 49));
    assert_eq!(stage.scheduler.process_count(), 49);
    let process = stage.process(Some("wait"), &[]);
    stage.scheduler.spawn(process.clone(), &stage.program).unwrap();
    assert!(stage.scheduler.spawn(process.clone(), &stage.program).is_err());
    let pid = stage.scheduler.processes()[0].pid;
    stage.scheduler.kill(pid, Reason::KILLED);
    stage.await_left(49);
    stage.scheduler.spawn(process, &stage.program).unwrap();
}

/// Of links and monitors that a process asks for; not of those that others ask it for.
#[test]
fn the_number_of_links_and_monitors() {
    let source = "
again:  monitor $0 $2
        djmp @again
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt";
    let stage = Stage::real(source, 1);
    let watched = stage.start_at("wait", &[]);
    assert_eq!(stage.run(None, &[watched.bits()]).trap.as_deref(), Some("relation-limit"));
    assert!(stage.scheduler.is_alive(watched), "it has not asked for them");
    stage.await_left(1);
}

/// Other nodes can tell of any number of ends, also of processes that nobody was linked to.
#[test]
fn the_ends_of_which_other_nodes_tell_one_that_does_not_listen() {
    let stage = Stage::real("hlt", 1);
    let mut native = stage.scheduler.spawn_native().unwrap();
    let to = native.pid();
    let tell = |count| {
        for serial in 1..=count {
            let (from, reason) = (Pid::new(7, serial), Reason::NORMAL);
            stage.scheduler.deliver(from, to, Signal::Exit { from, reason });
        }
    };
    tell(100_000);
    assert_eq!(native.receive(None, Some(Duration::ZERO)), Ok(None));
    tell(1_000_000);
    let ended = native.receive(None, Some(Duration::ZERO)).unwrap_err();
    assert_eq!(ended.0, Reason::of_trap(TrapKind::MailboxLimit));
}

/// The fuel of all processes together: they stop, and none is lost.
#[test]
fn the_fuel_of_a_node() {
    let source = "l: djmp @l";
    let stage = Stage::with(source, |config| {
        (config.workers, config.time) = (3, iridium_sched::Time::Real);
        config.fuel = 1_000_000;
    });
    for _ in 0..5 {
        stage.start(&[]);
    }
    until("the fuel is spent", || stage.scheduler.is_out_of_fuel() && stage.scheduler.is_idle());
    until("all of it is told of", || stage.scheduler.fuel_spent() == 1_000_000);
    assert_eq!(stage.scheduler.process_count(), 5);
}

/// What an instruction costs beyond the fuel of its turn is spent all the same: a process that does
/// nothing else gets no more than others.
#[test]
fn fuel_that_is_overdrawn_is_spent() {
    let source = "
        load $1 #16777216
        aloc $1
        load $0 #0
fills:  memset $0 $0 $1
        djmp @fills";
    let stage = Stage::with(source, |config| config.fuel = 1_000_000);
    let pid = stage.start(&[]);
    until("the fuel is spent", || stage.scheduler.is_out_of_fuel());
    let process = stage.scheduler.stop(pid, false, PATIENCE).unwrap().process.unwrap();
    let price = 1 + (1 << 24) / 64;
    let spent = process.fuel_spent();
    assert!((1_000_000..=1_000_000 + price).contains(&spent), "{spent}");
    until("all of it is told of", || stage.scheduler.fuel_spent() == spent);
}

/// Fuel that one process gives back is for those who got none: with any interleaving, what is left
/// at the end is less than anybody could go on with.
#[test]
fn fuel_that_is_given_back_finds_those_who_wait_for_it() {
    let source = "
        load $1 #0
next:   spawn @child $0 $2
        inc $1
        brlt $1 #200 @next
        hlt
child:  yield
        yield
        hlt";
    for _ in 0..20 {
        let stage = Stage::with(source, |config| {
            (config.workers, config.time) = (4, iridium_sched::Time::Real);
            // More than all of them spend, but not enough for a full turn for all at a time.
            config.fuel = 20_000;
        });
        stage.start(&[]);
        stage.await_left(0);
    }
}

#[test]
fn an_idle_process_takes_at_most_a_kibibyte() {
    let stage = Stage::new("load $1 #-1\nload $2 #-1\nrecv $1 $3\nhlt");
    stage.start(&[]);
    stage.await_rest();
    let info = &stage.scheduler.processes()[0];
    assert_eq!(info.activity, Activity::Receiving);
    assert!(info.memory <= 1_024, "{} bytes", info.memory);
}
