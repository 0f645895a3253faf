//! Supervisors are out of reach of programs: they can be watched, and neither ended, nor filled, nor
//! charged.

use iridium_sched::supervisor::{Child, ChildBody, Restart, Shutdown, Spec};
use iridium_sched::{Reason, Signal, Spawned};
use iridium_vm::{Limits, Payload, Pid};

use crate::stage::{PATIENCE, Stage, until};

/// A child that waits, and what programs do to the supervisor whose pid is in `$0`.
const SOURCE: &str = "
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt
        ; a megabyte each time
writes: load $1 #1000000
        aloc $1
        load $4 #0
        mov $1 $5
        load $3 #1
        load $6 #300
more:   send $0 $3 $4
        dec $6
        brgt $6 #0 @more
        hlt
        ; with every reason that there is
kills:  load $1 #-300
again:  kill $0 $1
        inc $1
        brlt $1 #300 @again
        hlt
        ; ends with $1 while it is linked
linked: link $0
        exit $1
        ; links and monitors, over and over again
hangs:  load $1 #50000
on:     link $0
        unlink $0
        monitor $0 $2
        demonitor $2
        monitor $0 $2
        dec $1
        brgt $1 #0 @on
        hlt
        ; names
names:  register @name $0
        unregister @top $0
        hlt
        ; is told of its end
follows:
        trapexit #1
        link $0
        monitor $0 $1
        load $1 #-2
        load $2 #-1
        recv $1 $3
        load $1 #-3
        recv $1 $3
        load $5 #'t'
        prtc $5
        hlt
.data
name:   .asciiz 'name'
top:    .asciiz 'top'
";

fn child(name: &str, body: ChildBody) -> Child {
    let shutdown = Shutdown::Timeout(1_000);
    let registered = Some(name.to_string());
    Child { name: name.into(), registered, restart: Restart::Permanent, shutdown, body }
}

/// A supervisor with one below it, each with a child; and the pids of both.
fn tree(stage: &Stage) -> (Spawned, [Pid; 2]) {
    stage.scheduler.add_program(&stage.program);
    let waiting = || ChildBody::Program {
        module: stage.program.module().id(),
        debug: None,
        entry: Some("wait".into()),
        arguments: Vec::new(),
        first: None,
        limits: Limits::default(),
    };
    let below = Spec { children: vec![child("low", waiting())], ..Spec::default() };
    let children = vec![child("high", waiting()), child("inner", ChildBody::Supervisor(below))];
    let spec = Spec { children, ..Spec::default() };
    let spawned = stage.scheduler.start_supervisor(spec, Some("top")).unwrap();
    let mut pids = None;
    until("all live", || {
        let found = ["inner", "high", "low"].map(|name| stage.scheduler.find(name));
        pids = found[0];
        found.iter().all(Option::is_some)
    });
    let pids = [spawned.pid, pids.unwrap()];
    (spawned, pids)
}

/// What a process takes, and how many messages wait for it.
fn usage(stage: &Stage, pid: Pid) -> (u64, usize) {
    let infos = stage.scheduler.processes();
    infos.iter().find(|info| info.pid == pid).map(|info| (info.memory, info.messages)).unwrap()
}

#[test]
fn programs_cannot_end_fill_or_rename_a_supervisor() {
    for memory in [u64::MAX, 20_000_000] {
        let stage = Stage::with(SOURCE, |config| config.memory = memory);
        let (_top, supervisors) = tree(&stage);
        let children = ["high", "low"].map(|name| stage.scheduler.find(name));
        for pid in supervisors {
            let before = usage(&stage, pid);
            let letters = stage.scheduler.dead_letters();
            for (label, argument) in [
                ("writes", 0),
                ("kills", 0),
                ("linked", 7),
                ("linked", -1),
                ("hangs", 0),
                ("names", 0),
            ] {
                stage.start_at(label, &[pid.bits(), argument]);
                stage.await_rest();
                assert!(stage.scheduler.is_alive(pid), "{label}, {memory}: {:?}", stage.reports());
            }
            assert_eq!(usage(&stage, pid), before, "nothing of it is left");
            assert_eq!(stage.scheduler.dead_letters() - letters, 300);
        }
        assert_eq!(["high", "low"].map(|name| stage.scheduler.find(name)), children);
        assert_eq!(stage.scheduler.find("top"), Some(supervisors[0]));
        assert_eq!(stage.scheduler.find("name"), None);
        assert_eq!(stage.reports(), Vec::<String>::new(), "none was restarted");
        assert_eq!(stage.scheduler.process_count(), 4);
    }
}

/// They come while a supervisor waits or not, and also in the name of processes of other nodes.
#[test]
fn signals_of_processes_of_other_nodes_do_not_end_a_supervisor() {
    let stage = Stage::new(SOURCE);
    let (_top, supervisors) = tree(&stage);
    let far = Pid::new(9, 1);
    for to in supervisors {
        for reason in [0, -1, -4, -5, 8] {
            let reason = Reason(reason);
            stage.scheduler.deliver(far, to, Signal::Kill { from: far, reason });
            stage.scheduler.deliver(far, to, Signal::Link { from: far });
            stage.scheduler.deliver(far, to, Signal::Exit { from: far, reason });
        }
        stage.scheduler.send(far, to, 1, Payload::Bytes(vec![0; 1 << 20].into()));
        stage.scheduler.deliver(far, to, Signal::Link { from: far });
        stage.await_rest();
        assert!(stage.scheduler.is_alive(to));
    }
    stage.scheduler.node_down(9);
    stage.await_rest();
    assert_eq!((stage.scheduler.process_count(), stage.reasons()), (4, vec![]));
}

/// More signals than may wait for a process, from many at a time, while it is busy.
#[test]
fn a_flood_does_not_keep_a_supervisor_from_its_work() {
    let stage = Stage::real(SOURCE, 2);
    let (_top, supervisors) = tree(&stage);
    let mut low = stage.scheduler.find("low");
    for _ in 0..5 {
        stage.start_at("hangs", &[supervisors[1].bits(), 0]);
    }
    for _ in 0..3 {
        stage.scheduler.kill(low.unwrap(), Reason(7));
        until("it runs again", || {
            stage.scheduler.find("low").is_some_and(|found| Some(found) != low)
        });
        low = stage.scheduler.find("low");
    }
    stage.await_left(4);
    assert!(supervisors.into_iter().all(|pid| stage.scheduler.is_alive(pid)));
}

#[test]
fn whoever_is_linked_to_a_supervisor_or_monitors_it_is_told_of_its_end() {
    let stage = Stage::new(SOURCE);
    let (top, [pid, _]) = tree(&stage);
    stage.start_at("follows", &[pid.bits()]);
    stage.await_rest();
    stage.scheduler.kill(pid, Reason(5));
    assert_eq!(top.exit.recv_timeout(PATIENCE).unwrap().reason, Reason(5));
    stage.await_left(0);
    assert_eq!(stage.all_output(), "t");
}

/// A process that does not trap exits ends with a supervisor that it is linked to.
#[test]
fn a_link_to_a_supervisor_goes_one_way() {
    let stage = Stage::new(&format!("{SOURCE}.code\nends: link $0\ndjmp @wait"));
    let (_top, [pid, _]) = tree(&stage);
    stage.start_at("ends", &[pid.bits()]);
    stage.await_rest();
    assert_eq!(stage.scheduler.process_count(), 5);
    stage.scheduler.kill(pid, Reason(5));
    stage.await_left(0);
    assert_eq!(stage.reasons().iter().filter(|reason| **reason == 5).count(), 2);
}

/// Its own memory counts, but it is never a supervisor that there is no room for.
#[test]
fn a_supervisor_does_not_end_for_want_of_memory() {
    let source = &SOURCE.replace("wait:", "fills: load $1 #1000000\naloc $1\ndjmp @wait\nwait:");
    let stage = Stage::with(source, |config| config.memory = 2_500_000);
    let (_top, supervisors) = tree(&stage);
    for _ in 0..5 {
        stage.start_at("fills", &[]);
    }
    stage.await_rest();
    let low = stage.scheduler.find("low");
    stage.scheduler.kill(low.unwrap(), Reason(7));
    stage.await_rest();
    assert!(stage.scheduler.find("low").is_some_and(|found| Some(found) != low));
    assert!(supervisors.into_iter().all(|pid| stage.scheduler.is_alive(pid)));
}
