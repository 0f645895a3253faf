//! The memory of all processes together: everything that a program can make grow is counted, on whoever
//! holds it, and the trap is that of whoever wants more.

use iridium_sched::Reason;
use iridium_vm::{Payload, Pid, TrapKind};

use crate::stage::{Stage, until};

#[test]
fn the_memory_of_a_node() {
    let source = "
        load $1 #1000000
        aloc $1
        load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt";
    let stage = Stage::with(source, |config| config.memory = 3_500_000);
    for _ in 0..3 {
        stage.start(&[]);
    }
    stage.await_rest();
    assert_eq!(stage.scheduler.process_count(), 3);
    assert_eq!(stage.run(None, &[]).trap.as_deref(), Some("memory-limit"));
    // What an ended process had is free again.
    let pid = stage.scheduler.processes()[0].pid;
    stage.scheduler.kill(pid, Reason::KILLED);
    stage.await_left(2);
    stage.start(&[]);
    stage.await_rest();
    assert_eq!(stage.scheduler.process_count(), 3);
}

/// Messages count when they come, though whoever gets them does not want them and waits on.
#[test]
fn the_memory_of_a_node_with_messages_that_nobody_takes() {
    let source = "
        load $1 #5
        load $2 #-1
        recv $1 $3
        hlt";
    let stage = Stage::with(source, |config| config.memory = 3_500_000);
    let waiting = [(); 3].map(|()| stage.start(&[]));
    stage.await_rest();
    for pid in waiting.into_iter().cycle().take(300) {
        stage.scheduler.send(Pid::NOBODY, pid, 6, Payload::Bytes(vec![0; 100_000].into()));
    }
    until("there is memory again", || stage.scheduler.process_count() < 3);
    stage.await_rest();
    let traps = stage.endings().into_iter().map(|ending| ending.trap.map(|trap| trap.kind));
    assert!(traps.into_iter().all(|trap| trap == Some(TrapKind::MemoryLimit)));
    let taken = stage.scheduler.usage().memory;
    assert!(taken <= 3_500_000, "{taken}");
}

#[test]
fn the_memory_of_a_node_with_monitors() {
    let source = "
        self $1
        load $0 #0
again:  monitor $1 $2
        inc $0
        brlt $0 #100000 @again
        hlt";
    let stage = Stage::with(source, |config| config.memory = 1_000_000);
    let ended = stage.run(None, &[]);
    assert_eq!(ended.trap.as_deref(), Some("memory-limit"));
    assert!(ended.result > 8_000, "{ended:?}");
}

/// Runs a program with several processes in a memory of four megabytes, which is too little for it, and
/// gives the kinds of the traps. Without that limit it ends without a trap.
fn traps(source: &str) -> Vec<TrapKind> {
    let endless = Stage::new(source);
    endless.start(&[]);
    endless.await_rest();
    assert_eq!(endless.reasons(), Vec::<i64>::new(), "without a limit");
    let stage = Stage::with(source, |config| config.memory = 4_000_000);
    stage.start(&[]);
    stage.await_rest();
    let counted = stage.scheduler.usage().memory;
    // A waiting process may take an eighth more than is counted.
    assert!(counted <= 4_500_000, "{counted} bytes are more than there may be");
    stage.endings().into_iter().filter_map(|ending| ending.trap.map(|trap| trap.kind)).collect()
}

fn assert_traps(source: &str) {
    let traps = traps(source);
    assert!(!traps.is_empty(), "no trap");
    assert!(traps.iter().all(|kind| *kind == TrapKind::MemoryLimit), "{traps:?}");
}

/// What a receive has passed over costs more to keep than what it has not looked at.
#[test]
fn mail_that_was_passed_over_counts() {
    assert_traps(
        "
        self $1
        load $2 #1
        load $3 #40000
next:   sendi $1 $2 $3
        dec $3
        brgt $3 #0 @next
        load $5 #2
        load $6 #0
        recv $5 $7
        load $5 #3
        load $6 #-1
        recv $5 $7
        hlt",
    );
}

/// Nobody has read it, since whoever it is for has no turn meanwhile.
#[test]
fn mail_in_slots_counts() {
    let mut hosts = iridium_vm::Hosts::new();
    let (go, gate) = crossbeam_channel::bounded::<()>(0);
    hosts.add_blocking("block", move |_| {
        let _ = gate.recv();
        Ok(())
    });
    let program = crate::stage::program(".import block\nhost @block $0\nhlt", &hosts);
    let stage = Stage::of(program, |config| config.memory = 1_000_000);
    let pids = [(); 10].map(|()| stage.start(&[]));
    for pid in pids.into_iter().cycle().take(10_000) {
        stage.scheduler.send(Pid::NOBODY, pid, 1, Payload::Bytes(vec![0; 1_000].into()));
    }
    assert!(stage.scheduler.dead_letters() > 8_000, "{}", stage.scheduler.dead_letters());
    drop(go);
    stage.await_left(0);
    let kinds: Vec<_> =
        stage.endings().into_iter().filter_map(|end| Some(end.trap?.kind)).collect();
    assert!(kinds.contains(&TrapKind::MemoryLimit), "{kinds:?}");
    let after = stage.run(None, &[]);
    assert_eq!(after.trap, None, "all of it is free again");
}

/// The one who monitors ends, and not the one who is monitored.
#[test]
fn monitors_count_for_those_who_ask_for_them() {
    let source = "
        load $9 #20
more:   spawn @asks $0 $10
        dec $9
        brgt $9 #0 @more
        hlt
asks:   load $1 #10000
again:  monitor $0 $2
        dec $1
        brgt $1 #0 @again
waits:  load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt";
    let stage = Stage::with(source, |config| config.memory = 4_000_000);
    let watched = stage.start_at("waits", &[]);
    stage.start(&[watched.bits()]);
    stage.await_rest();
    assert!(stage.scheduler.is_alive(watched));
    assert!(stage.reasons().iter().all(|reason| *reason == -118), "{:?}", stage.reasons());
    let counted = stage.scheduler.usage().memory;
    assert!(counted <= 4_100_000, "{counted}");
}

/// In a single instruction, not when the turn is over.
#[test]
fn a_heap_that_is_too_large_is_never_made() {
    let source = "load $1 #60000000\naloc $1\nload $0 #1\nhlt";
    let stage = Stage::with(source, |config| config.memory = 50_000_000);
    let ended = stage.run(None, &[]);
    assert_eq!((ended.trap.as_deref(), ended.result), (Some("memory-limit"), 0));
    let heap = stage.endings()[0].process.as_ref().unwrap().heap().len();
    assert_eq!(heap, 0);
}

#[test]
fn processes_that_have_not_had_a_turn_count() {
    assert_traps(
        "
        load $10 #10000
more:   spawn @wait $20 $11
        dec $10
        brgt $10 #0 @more
        hlt
wait:   load $0 #77
        load $1 #-1
        recv $0 $2
        hlt",
    );
}

#[test]
fn names_count_for_whoever_registers_them() {
    let text = "x".repeat(250);
    let names: String = (0..500).map(|at| format!("n{at}: .asciiz '{at}{text}'\n")).collect();
    let registers: String = (0..500).map(|at| format!("register @n{at} $0\n")).collect();
    let source = format!(
        ".data\n{names}.code\n{registers}hlt\nwaits: load $1 #-1\nload $2 #-1\nrecv $1 $3\nhlt"
    );
    let stage = Stage::with(&source, |config| config.memory = 100_000);
    let holder = stage.start_at("waits", &[]);
    assert_eq!(stage.run(None, &[holder.bits()]).trap.as_deref(), Some("memory-limit"));
    assert!(stage.scheduler.is_alive(holder));
    assert!(stage.scheduler.find(&format!("100{text}")).is_some());
    stage.scheduler.kill(holder, Reason::KILLED);
    stage.await_left(0);
    // They are free again.
    let holder = stage.start_at("waits", &[]);
    assert_eq!(stage.run(None, &[holder.bits()]).trap.as_deref(), Some("memory-limit"));
    assert_eq!(stage.scheduler.find(&format!("100{text}")), Some(holder));
}
