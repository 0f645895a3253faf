//! Snapshot: any process that is not running on a worker at that instant can be serialised, with all
//! that is its own. Restoring continues exactly there.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use iridium_vm::process::{Pid, Reason};
use iridium_vm::sched::{Activity, RestoreError, SaveError, Time};
use iridium_vm::supervisor::{Child, ChildBody, Restart, Spec};
use iridium_vm::{Hosts, Limits};

use crate::stage::{Ended, PATIENCE, Stage, until};

/// Programs of several processes whose results do not depend on who runs when. Each ends with
/// `exit`, so that its end is seen.
pub(crate) const PROGRAMS: [(&str, &str); 4] = [
    (
        "messages of many tags, put aside and current",
        "
main:   self $0
        load $20 #64
        aloc $20
        spawn @child $0 $10
        load $1 #1
        load $2 #0
        spawn @child $0 $11
fill:   sendi $10 $1 $2
        sendi $11 $1 $2
        addi $1 #1 $1
        load $12 #3
        rem $1 $12 $1
        inc $2
        brlt $2 #30 @fill
        load $4 #-1
        load $5 #-1
        recv $4 $6
        recv $4 $6
        load $7 #0              ; which of them was the last one is left to chance
        msgi $13
        prti $13
        exit $13
child:  load $21 #0             ; receives by tag: 2, then 1, then 0
        load $20 #8
        aloc $20
        load $3 #2
tag:    load $4 #0
next:   mov $3 $5
        load $6 #-1
        recv $5 $7
        msgi $10
        muli $21 #31 $21
        add $21 $10 $21
        prti $10
        inc $4
        brlt $4 #10 @next
        dec $3
        brge $3 #0 @tag
        load $1 #0
        st64 $1 $21
        msgi $10                ; the current message is still there
        load $1 #9
        sendi $0 $1 $10
        load $2 #5
        exit $2",
    ),
    (
        "links, monitors and names",
        "
        .code
main:   self $0
        register @name $0
        trapexit #1
        spawnlink @crash $0 $10
        spawnmon @crash $0 $11
        spawn @named $0 $13
        load $1 #1
        sendi $10 $1 $1
        load $20 #16
        aloc $20
        load $1 #-2
        load $2 #-1
        recv $1 $3
        msgi $6
        prti $6
        load $1 #1
        sendi $11 $1 $1
        load $1 #-3
        recv $1 $3
        load $7 #0
        msgm $7 $8
        ld64 $7 #8 $9
        prti $9
        load $1 #6
        recv $1 $3
        whereis @name $14
        brne $14 $0 @wrong
        load $1 #3
        exit $1
crash:  load $1 #1
        load $2 #-1
        recv $1 $3
        load $4 #17
        exit $4
named:  whereis @name $1
        brne $1 $0 @wrong
        load $1 #6
        sendi $0 $1 $1
        load $1 #4
        exit $1
wrong:  trap #1
        .data
name:   .asciiz 'main'",
    ),
    (
        "sleeping and waiting with time left, random numbers, calls and windows",
        "
main:   self $0
        load $1 #40
        spawn @sleep $0 $5
        spawn @sleep $1 $6      ; to nobody
        mono $10
        load $1 #-1
        load $2 #25
        recv $1 $3
        djmpe @wrong
        load $2 #1000
        recv $1 $3
        djmpn @wrong
        mono $11
        sub $11 $10 $11
        prti $11
        load $2 #12
        callw @fib $2
        prti $3
        push $3
        pop $4
        exit $4
fib:    brlt $0 #2 @one
        subi $0 #1 $8
        callw @fib $8
        subi $0 #2 $9
        mov $9 $10
        mov $8 $12
        callw @fib $10
        add $12 $10 $0
        ret
one:    ret
sleep:  sleep $1
        load $2 #1
        sendi $0 $2 $1
        exit $2
wrong:  trap #1",
    ),
    (
        "a ring with a token",
        "
main:   self $0
        mov $0 $10
        load $1 #9
build:  spawn @node $0 $0
        dec $1
        brgt $1 #0 @build
        load $3 #1
        load $4 #1
        load $5 #-1
        load $10 #100
        sendi $0 $3 $10
turn:   recv $4 $7
        msgi $10
        breq $10 #0 @done
        dec $10
        sendi $0 $3 $10
        brgt $10 #0 @turn
        recv $4 $7
done:   load $0 #7
        exit $0
node:   load $3 #1
        load $4 #1
        load $5 #-1
pass:   recv $4 $7
        msgi $1
        breq $1 #0 @last
        dec $1
last:   sendi $0 $3 $1
        brgt $1 #0 @pass
        prti $1
        load $2 #6
        sleep $2
        exit $2",
    ),
];

/// What is compared of a process: how it has ended and with what state.
#[derive(Debug, PartialEq)]
struct Outcome {
    output: String,
    reason: i64,
    registers: Vec<(i64, u64)>,
    heap: Vec<u8>,
    fuel: u64,
}

fn outcomes(stages: &[&Stage]) -> BTreeMap<Pid, Outcome> {
    let last = stages.last().unwrap();
    let endings = stages.iter().flat_map(|stage| stage.endings());
    let mut outcomes = BTreeMap::new();
    for ending in endings {
        let process = ending.process.unwrap();
        let registers = (0..=255).map(|number| process.register(number));
        let outcome = Outcome {
            output: stages.iter().map(|stage| stage.output(ending.pid)).collect(),
            reason: ending.reason.0,
            registers: registers.map(|lanes| (lanes.int, lanes.float.to_bits())).collect(),
            heap: process.heap().to_vec(),
            fuel: process.fuel_spent(),
        };
        assert!(outcomes.insert(ending.pid, outcome).is_none(), "ended twice");
    }
    assert_eq!(last.scheduler.process_count(), 0);
    outcomes
}

/// For every amount of fuel at which all of it can be stopped, what is saved there and restored goes
/// on as if nothing had happened.
#[test]
fn restoring_continues_exactly_there() {
    for (what, source) in PROGRAMS {
        let whole = Stage::new(source);
        whole.start(&[]);
        whole.await_left(0);
        let expected = outcomes(&[&whole]);
        until("all fuel is told of", || {
            let all: u64 = expected.values().map(|outcome| outcome.fuel).sum();
            whole.scheduler.fuel_spent() == all
        });
        let all = whole.scheduler.fuel_spent();
        // Each amount where there are few; about two hundred of them where there are many.
        for fuel in (0..all).step_by((all / 200).max(1) as usize) {
            let first = Stage::with(source, |config| config.fuel = fuel);
            first.start(&[]);
            until("it is stopped", || first.scheduler.is_at_rest());
            let saved = first.scheduler.save_all(PATIENCE).unwrap();
            let second = Stage::with("hlt", |config| config.seed = 99);
            second.scheduler.restore_all(&saved, &Hosts::new()).unwrap();
            second.await_left(0);
            let outcomes = outcomes(&[&first, &second]);
            assert_eq!(outcomes, expected, "{what}, stopped after {fuel} of {all}");
        }
    }
}

/// The same again and again: saved and restored at every step of the way, in ten schedulers.
#[test]
fn saving_what_was_restored_loses_nothing() {
    for (what, source) in PROGRAMS {
        let whole = Stage::new(source);
        whole.start(&[]);
        whole.await_left(0);
        let expected = outcomes(&[&whole]);
        let mut stages = vec![Stage::with(source, |config| config.fuel = 40)];
        stages[0].start(&[]);
        for step in 0..10 {
            let before = stages.last().unwrap();
            until("it is stopped", || before.scheduler.is_at_rest());
            let saved = before.scheduler.save_all(PATIENCE).unwrap();
            let next = Stage::with("hlt", |config| {
                config.fuel = if step == 9 { u64::MAX } else { 40 };
            });
            next.scheduler.restore_all(&saved, &Hosts::new()).unwrap();
            stages.push(next);
        }
        stages.last().unwrap().await_left(0);
        let stages: Vec<_> = stages.iter().collect();
        assert_eq!(outcomes(&stages), expected, "{what}");
    }
}

/// Processes are saved while they run, and those that were saved go on too.
#[test]
fn saving_disturbs_nobody() {
    for (what, source) in PROGRAMS {
        for workers in [1, 4] {
            let stage = Stage::real(source, workers);
            let pid = stage.start(&[]);
            while stage.scheduler.process_count() > 0 {
                let all = stage.scheduler.save_all(PATIENCE).unwrap();
                assert!(!all.is_empty());
                match stage.scheduler.save(pid, true) {
                    Ok(_) | Err(SaveError::NoProcess) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            let trapped = stage.endings().into_iter().find(|ending| ending.trap.is_some());
            assert!(trapped.is_none(), "{what}: {trapped:?}");
        }
    }
}

const WAIT: &str = "
        .code
main:   self $0
        register @name $0
        load $1 #5
        load $2 #60000
        recv $1 $3
        msgi $0
        exit $0
child:  load $1 #-1
        load $2 #-1
        recv $1 $3
        exit $3
        .data
name:   .asciiz 'main'";

#[test]
fn time_left_stays_time_left() {
    let first = Stage::new(WAIT.replace("60000", "1").as_str());
    // In real time, so that it waits when it is saved.
    let slow = Stage::real(WAIT, 1);
    let pid = slow.start(&[]);
    until("it waits", || slow.scheduler.processes()[0].activity == Activity::Receiving);
    let saved = slow.scheduler.save(pid, true).unwrap();
    let before = slow.scheduler.save_all(PATIENCE).unwrap();
    drop(slow);
    let pid = first.scheduler.restore(&saved, &Hosts::new()).unwrap();
    // Virtual time jumps to the deadline; there is no message then.
    until("the time is over", || first.scheduler.process_count() == 0);
    assert_eq!(first.endings()[0].pid, pid);
    assert_eq!(first.endings()[0].trap.as_ref().unwrap().kind.name(), "bad-message");
    let again = Stage::real("hlt", 1);
    again.scheduler.restore_all(&before, &Hosts::new()).unwrap();
    until("it waits", || again.scheduler.processes()[0].activity == Activity::Receiving);
}

#[test]
fn a_name_is_saved_and_taken_again_when_it_is_free() {
    let stage = Stage::real(WAIT, 1);
    let old = stage.start(&[]);
    until("it waits", || stage.scheduler.find("main") == Some(old) && stage.scheduler.is_at_rest()
        || stage.scheduler.processes()[0].activity == Activity::Receiving);
    let saved = stage.scheduler.save(old, false).unwrap();
    assert_eq!(
        stage.scheduler.restore(&saved, &Hosts::new()),
        Err(RestoreError::MissingModule(stage.program.module().id()))
    );
    stage.scheduler.add_program(Arc::clone(&stage.program));
    let copy = stage.scheduler.restore(&saved, &Hosts::new()).unwrap();
    assert_ne!(old, copy);
    assert_eq!(stage.scheduler.find("main"), Some(old), "it is taken");
    for pid in [old, copy] {
        stage.scheduler.kill(pid, Reason::KILLED);
    }
    stage.await_left(0);
    let copy = stage.scheduler.restore(&saved, &Hosts::new()).unwrap();
    assert_eq!(stage.scheduler.find("main"), Some(copy));
}

/// The copy of a process is not the one that others watch.
#[test]
fn a_copy_fires_no_monitor_of_the_original() {
    let source = "
main:   spawnmon @child $0 $10
        load $1 #-3
        load $2 #-1
        recv $1 $3
        exit $4
child:  load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt";
    let stage = Stage::new(source);
    stage.start(&[]);
    stage.await_rest();
    let child = stage.scheduler.processes()[1].pid;
    let saved = stage.scheduler.save(child, true).unwrap();
    let copy = stage.scheduler.restore(&saved, &Hosts::new()).unwrap();
    stage.scheduler.kill(copy, Reason::KILLED);
    stage.await_left(2);
    stage.await_rest();
    stage.scheduler.kill(child, Reason::KILLED);
    stage.await_left(0);
    assert_eq!(stage.reasons(), [-1, -1, child.bits()]);
}

#[test]
fn supervisors_are_saved_with_their_children() {
    let source = "wait: load $1 #-1\nload $2 #-1\nrecv $1 $3\nexit $3";
    let stage = Stage::with(source, |config| config.time = Time::Real);
    stage.scheduler.add_program(Arc::clone(&stage.program));
    let child = |name: &str, body| Child {
        name: name.into(),
        registered: Some(name.into()),
        restart: Restart::Permanent,
        shutdown_ms: 1_000,
        body,
    };
    let worker = |name| {
        let module = stage.program.module().id();
        let (entry, limits) = (None, Limits::default());
        child(name, ChildBody::Program { module, entry, arguments: Vec::new(), limits })
    };
    let below = Spec { restarts: 1, children: vec![worker("x"), worker("y")], ..Spec::default() };
    let children = vec![child("below", ChildBody::Supervisor(below)), worker("z")];
    let spec = Spec { children, ..Spec::default() };
    stage.scheduler.start_supervisor(spec, Some("top")).unwrap();
    let names = ["top", "below", "x", "y", "z"];
    until("all live", || names.iter().all(|name| stage.scheduler.find(name).is_some()));
    let saved = stage.scheduler.save_all(PATIENCE).unwrap();
    let pids = names.map(|name| stage.scheduler.find(name).unwrap());
    drop(stage);
    let next = Stage::with("hlt", |config| config.time = Time::Real);
    next.scheduler.restore_all(&saved, &Hosts::new()).unwrap();
    assert_eq!(names.map(|name| next.scheduler.find(name).unwrap()), pids);
    // They are supervised as before, from the module that was saved with them.
    next.scheduler.kill(pids[2], Reason(7));
    until("x lives again", || next.scheduler.find("x").is_some_and(|pid| pid != pids[2]));
    assert_eq!(next.scheduler.find("y"), Some(pids[3]));
    next.scheduler.kill(next.scheduler.find("x").unwrap(), Reason(7));
    until("it was too often below", || {
        next.scheduler.find("below").is_some_and(|pid| pid != pids[1])
            && next.scheduler.find("y").is_some_and(|pid| pid != pids[3])
    });
    next.scheduler.kill(pids[0], Reason::SHUTDOWN);
    next.await_left(0);
}

#[test]
fn all_processes_of_one_scheduler_need_one_that_has_none() {
    let stage = Stage::new(WAIT);
    let other = Stage::new(WAIT);
    other.limits.clone_into(&mut Limits::default());
    other.start_at("child", &[]);
    other.await_rest();
    let saved = other.scheduler.save_all(PATIENCE).unwrap();
    stage.start_at("child", &[]);
    stage.await_rest();
    let restored = stage.scheduler.restore_all(&saved, &Hosts::new());
    assert_eq!(restored, Err(RestoreError::Occupied));
    assert_eq!(stage.scheduler.process_count(), 1);
    let small = Stage::with("hlt", |config| config.processes = 1);
    assert!(matches!(
        small.scheduler.restore_all(&saved, &Hosts::new()),
        Err(RestoreError::Full(_))
    ));
    let single = other.scheduler.save(other.scheduler.processes()[0].pid, true).unwrap();
    assert_eq!(small.scheduler.restore_all(&single, &Hosts::new()), Err(RestoreError::Damaged));
    assert_eq!(small.scheduler.restore(&saved, &Hosts::new()), Err(RestoreError::Damaged));
    assert_eq!(other.scheduler.save(Pid::NOBODY, true), Err(SaveError::NoProcess));
}

/// Whatever others do at that moment, timers among them, a snapshot has every process.
#[test]
fn nobody_is_forgotten_on_the_way_to_a_queue() {
    let source = "
        load $1 #1
again:  sleep $1
        djmp @again";
    let stage = Stage::real(source, 2);
    for _ in 0..50 {
        stage.start(&[]);
    }
    for _ in 0..200 {
        let saved = stage.scheduler.save_all(PATIENCE).unwrap();
        let other = Stage::with("hlt", |config| config.fuel = 0);
        let pids = other.scheduler.restore_all(&saved, &Hosts::new()).unwrap();
        assert_eq!(pids.len(), 50);
    }
}

#[test]
fn a_host_function_that_takes_long_is_waited_for() {
    let mut hosts = Hosts::new();
    let (go, gate) = crossbeam_channel::unbounded::<()>();
    let (tell, told) = crossbeam_channel::unbounded::<()>();
    hosts.add_blocking("wait", move |call| {
        tell.send(()).unwrap();
        let _ = gate.recv();
        call.registers[0].int = 5;
        Ok(())
    });
    let source = ".import wait\nhost @wait $0\nexit $0";
    let stage = Stage::of(crate::stage::program(source, &hosts), |_| {});
    let pid = stage.start(&[]);
    told.recv().unwrap();
    let saved = stage.scheduler.save_all(Duration::from_millis(20));
    assert_eq!(saved, Err(SaveError::Busy));
    go.send(()).unwrap();
    stage.await_left(0);
    assert_eq!((stage.endings()[0].pid, stage.reasons()), (pid, vec![5]));
}

/// With one worker, virtual time and a seed everything happens in the same way each time.
#[test]
fn the_same_seed_gives_the_same_run() {
    // Processes that draw lots to decide what they print, whom they tell and how long they sleep.
    let source = "
main:   load $10 #0
        self $0
start:  spawn @actor $0 $11
        inc $10
        brlt $10 #20 @start
        load $10 #0
        load $1 #-1
        load $2 #-1
take:   recv $1 $3
        msgi $6
        prti $6
        inc $10
        brlt $10 #400 @take
        hlt
actor:  load $10 #0
        self $9
next:   rand $1
        andi $1 #31 $1
        sleep $1
        rand $3
        andi $3 #7 $3
        load $4 #97
        add $3 $4 $4
        prtc $4
        load $2 #1
        sendi $0 $2 $1
        spawn @brief $3 $8
        inc $10
        brlt $10 #20 @next
        hlt
brief:  prti $0
        yield
        exit $0";
    let trace = |seed| -> (Ended, String, Vec<i64>, u64) {
        let stage = Stage::with(source, |config| config.seed = seed);
        let ended = stage.run(None, &[]);
        stage.await_left(0);
        (ended, stage.all_output(), stage.reasons(), stage.scheduler.fuel_spent())
    };
    let (first, second) = (trace(1), trace(1));
    assert_eq!((&first.0, &first.1, &first.2), (&second.0, &second.1, &second.2));
    assert_ne!(first.1, trace(2).1, "another seed, another run");
}
