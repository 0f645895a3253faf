//! Snapshot: any process that is not running on a worker at that instant can be serialised, with all
//! that is its own. Restoring continues exactly there.

use std::collections::BTreeMap;
use std::time::Duration;

use iridium_sched::supervisor::{Child, ChildBody, Restart, Shutdown, Spec};
use iridium_sched::{Activity, Progress, Reason, RestoreError, RestoreOptions, SaveError, Time};
use iridium_vm::{Hosts, Limits, Pid};

use crate::programs::PROGRAMS;
use crate::stage::{PATIENCE, Stage, until};

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
            until("it is stopped", || first.scheduler.is_idle());
            let saved = first.scheduler.save_all(PATIENCE).unwrap();
            let second = Stage::with("hlt", |config| config.seed = 99);
            let _ = second
                .scheduler
                .restore_all(&saved, &Hosts::new(), RestoreOptions::default())
                .unwrap();
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
            until("it is stopped", || before.scheduler.is_idle());
            let saved = before.scheduler.save_all(PATIENCE).unwrap();
            let next = Stage::with("hlt", |config| {
                config.fuel = if step == 9 { u64::MAX } else { 40 };
            });
            let _ = next
                .scheduler
                .restore_all(&saved, &Hosts::new(), RestoreOptions::default())
                .unwrap();
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
    let _ = again.scheduler.restore_all(&before, &Hosts::new(), RestoreOptions::default()).unwrap();
    until("it waits", || again.scheduler.processes()[0].activity == Activity::Receiving);
}

#[test]
fn a_name_is_saved_and_taken_again_when_it_is_free() {
    let stage = Stage::real(WAIT, 1);
    let old = stage.start(&[]);
    until("it waits", || {
        stage.scheduler.find("main") == Some(old) && stage.scheduler.is_idle()
            || stage.scheduler.processes()[0].activity == Activity::Receiving
    });
    let saved = stage.scheduler.save(old, false).unwrap();
    assert_eq!(
        stage.scheduler.restore(&saved, &Hosts::new()),
        Err(RestoreError::MissingModule(stage.program.module().id()))
    );
    stage.scheduler.add_program(&stage.program);
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

/// It does not run, so it is not busy either.
#[test]
fn one_that_has_no_fuel_is_saved_and_seen() {
    let stage = Stage::with("load $0 #3\nl: djmp @l", |config| config.fuel = 1_000);
    let pid = stage.start(&[]);
    until("there is no fuel", || stage.scheduler.is_out_of_fuel());
    let infos = stage.scheduler.processes();
    assert_eq!(infos.iter().map(|info| (info.pid, info.fuel)).collect::<Vec<_>>(), [(pid, 1_000)]);
    let saved = stage.scheduler.save(pid, true).unwrap();
    let other = Stage::new("hlt");
    let copy = other.scheduler.restore(&saved, &Hosts::new()).unwrap();
    let process = other.scheduler.stop(copy, false, PATIENCE).unwrap().process.unwrap();
    assert_eq!(process.register(0).int, 3);
    assert!(process.fuel_spent() >= 1_000);
}

#[test]
fn patience_has_no_limit() {
    let stage = Stage::new("hlt");
    assert!(stage.scheduler.save_all(Duration::MAX).is_ok());
    assert!(stage.scheduler.stop(Pid::NOBODY, true, Duration::MAX).is_ok());
}

/// A native process is not saved with those that are linked to it: for them it has ended.
#[test]
fn who_was_not_saved_is_gone_for_those_who_were() {
    let source = "
        monitor $0 $1
        load $2 #-3
        load $3 #-1
        recv $2 $4
        hlt
linked: link $0
        load $2 #-1
        load $3 #-1
        recv $2 $4
        hlt";
    let stage = Stage::new(source);
    let mut native = stage.scheduler.spawn_native().unwrap();
    let monitors = stage.start(&[native.pid().bits()]);
    let linked = stage.start_at("linked", &[native.pid().bits()]);
    stage.await_rest();
    // It takes in the link and the monitor, so that its end is a normal one for both.
    assert_eq!(native.poll(), Progress::Waits);
    let saved = stage.scheduler.save_all(PATIENCE).unwrap();
    let other = Stage::new("hlt");
    let _ = other.scheduler.restore_all(&saved, &Hosts::new(), RestoreOptions::default()).unwrap();
    other.await_rest();
    assert_eq!((other.reasons(), other.scheduler.is_alive(linked)), (vec![-2], false));
    assert!(!other.scheduler.is_alive(monitors));
    // With it, nothing has happened.
    let saved = stage.scheduler.save_with(&native, PATIENCE).unwrap();
    let other = Stage::new("hlt");
    let options = RestoreOptions { native: true, ..RestoreOptions::default() };
    let native = other.scheduler.restore_all(&saved, &Hosts::new(), options).unwrap().native;
    other.await_rest();
    assert!(other.scheduler.is_alive(monitors) && other.scheduler.is_alive(linked));
    drop(native);
    other.await_left(1);
    assert!(other.scheduler.is_alive(linked));
}

#[test]
fn supervisors_are_saved_with_their_children() {
    let source = "wait: load $1 #-1\nload $2 #-1\nrecv $1 $3\nexit $3";
    let stage = Stage::with(source, |config| config.time = Time::Real);
    stage.scheduler.add_program(&stage.program);
    let child = |name: &str, body| Child {
        name: name.into(),
        registered: Some(name.into()),
        restart: Restart::Permanent,
        shutdown: Shutdown::Timeout(1_000),
        body,
    };
    let worker = |name| {
        let module = stage.program.module().id();
        let (entry, limits) = (None, Limits::default());
        child(
            name,
            ChildBody::Program {
                module,
                debug: None,
                entry,
                arguments: Vec::new(),
                first: None,
                limits,
            },
        )
    };
    let below = Spec { restarts: 1, children: vec![worker("x"), worker("y")], ..Spec::default() };
    let children = vec![child("below", ChildBody::Supervisor(below)), worker("z")];
    let spec = Spec { children, ..Spec::default() };
    let _ = stage.scheduler.start_supervisor(spec, Some("top")).unwrap();
    let names = ["top", "below", "x", "y", "z"];
    until("all live", || names.iter().all(|name| stage.scheduler.find(name).is_some()));
    let saved = stage.scheduler.save_all(PATIENCE).unwrap();
    let pids = names.map(|name| stage.scheduler.find(name).unwrap());
    drop(stage);
    let next = Stage::with("hlt", |config| config.time = Time::Real);
    let _ = next.scheduler.restore_all(&saved, &Hosts::new(), RestoreOptions::default()).unwrap();
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
    let restored = stage.scheduler.restore_all(&saved, &Hosts::new(), RestoreOptions::default());
    assert_eq!(restored.unwrap_err(), RestoreError::Occupied);
    assert_eq!(stage.scheduler.process_count(), 1);
    let small = Stage::with("hlt", |config| config.processes = 1);
    assert!(matches!(
        small.scheduler.restore_all(&saved, &Hosts::new(), RestoreOptions::default()),
        Err(RestoreError::TooManyProcesses(_))
    ));
    let single = other.scheduler.save(other.scheduler.processes()[0].pid, true).unwrap();
    assert_eq!(
        small.scheduler.restore_all(&single, &Hosts::new(), RestoreOptions::default()).unwrap_err(),
        RestoreError::Damaged
    );
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
        let pids = other
            .scheduler
            .restore_all(&saved, &Hosts::new(), RestoreOptions::default())
            .unwrap()
            .pids;
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
