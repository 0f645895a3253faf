//! Supervision: child specs, strategies, and at most R restarts in S seconds, then give up upwards.
//! What a supervisor decides is tested where it is written; here its processes are real ones.

use std::sync::Arc;

use iridium_sched::supervisor::app::App;
use iridium_sched::supervisor::{Child, ChildBody, MAX_DEPTH, Restart, Shutdown, Spec, Strategy};
use iridium_sched::{Activity, Reason, Spawned, Time};
use iridium_vm::{Limits, Payload, Pid, Register};

use crate::stage::{PATIENCE, Stage, until};

const SOURCE: &str = "
        ; waits, and ends with the tag of a message; tag 0 is a normal end
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        exit $3
        ; as a child should that has to tidy up, and takes its time
tidy:   trapexit #1
        load $1 #-2
        load $2 #-1
        recv $1 $3
        msgi $6
        load $7 #20
        sleep $7
        load $8 #'t'
        prtc $8
        exit $6
        ; does not end when asked
deaf:   trapexit #1
        load $1 #1000
        load $2 #-1
        recv $1 $3
        hlt
        ; crashes at once, with $0
crash:  exit $0
";

fn child(stage: &Stage, name: &str, entry: &str) -> Child {
    Child {
        name: name.into(),
        registered: Some(name.into()),
        restart: Restart::Permanent,
        shutdown: Shutdown::Timeout(1_000),
        body: ChildBody::Program {
            module: stage.program.module().id(),
            debug: None,
            entry: Some(entry.into()),
            arguments: vec![Register { int: 9, float: 0.0 }],
            first: None,
            limits: Limits::default(),
        },
    }
}

fn stage() -> Stage {
    let stage = Stage::with(SOURCE, |config| (config.workers, config.time) = (2, Time::Real));
    stage.scheduler.add_program(&stage.program);
    stage
}

/// The process of a child, once it lives and is not this one.
fn pid(stage: &Stage, name: &str, but: Option<Pid>) -> Pid {
    let mut found = None;
    until(&format!("{name} lives"), || {
        found = stage.scheduler.find(name).filter(|pid| Some(*pid) != but);
        found.is_some()
    });
    found.unwrap()
}

fn stop(stage: &Stage, pid: Pid, reason: i64) {
    stage.scheduler.kill(pid, Reason(reason));
}

#[test]
fn each_strategy_restarts_those_that_it_says() {
    for (strategy, restarted) in [
        (Strategy::OneForOne, [false, true, false]),
        (Strategy::OneForAll, [true, true, true]),
        (Strategy::RestForOne, [false, true, true]),
    ] {
        let stage = stage();
        let children = ["a", "b", "c"].map(|name| child(&stage, name, "wait"));
        let spec = Spec { strategy, children: children.into(), ..Spec::default() };
        let _ = stage.scheduler.start_supervisor(spec, None).unwrap();
        let before = ["a", "b", "c"].map(|name| pid(&stage, name, None));
        stop(&stage, before[1], 7);
        for ((name, before), restarted) in ["a", "b", "c"].into_iter().zip(before).zip(restarted) {
            match restarted {
                true => drop(pid(&stage, name, Some(before))),
                false => assert_eq!(stage.scheduler.find(name), Some(before), "{strategy:?}"),
            }
        }
        until("the restart is reported with its reason", || {
            stage.reports().iter().any(|report| report.ends_with("it had ended: exit code 7"))
        });
    }
}

#[test]
fn permanent_transient_and_temporary_children() {
    for (restart, after_normal, after_crash) in [
        (Restart::Permanent, true, true),
        (Restart::Transient, false, true),
        (Restart::Temporary, false, false),
    ] {
        for (reason, restarts) in [(0, after_normal), (3, after_crash)] {
            let stage = stage();
            let one = Child { restart, ..child(&stage, "one", "wait") };
            let spec = Spec { children: vec![one], ..Spec::default() };
            let _ = stage.scheduler.start_supervisor(spec, None).unwrap();
            let before = pid(&stage, "one", None);
            stop(&stage, before, reason);
            if restarts {
                pid(&stage, "one", Some(before));
            } else {
                stage.await_left(1);
                stage.await_rest();
                assert_eq!(stage.scheduler.find("one"), None, "{restart:?} after {reason}");
            }
        }
    }
}

#[test]
fn children_start_with_entry_and_arguments() {
    let stage = stage();
    let one = Child { restart: Restart::Temporary, ..child(&stage, "one", "crash") };
    let spec = Spec { children: vec![one], ..Spec::default() };
    let _ = stage.scheduler.start_supervisor(spec, Some("top")).unwrap();
    until("it has ended", || stage.reasons() == [9]);
    let top = stage.scheduler.find("top").unwrap();
    let infos = stage.scheduler.processes();
    assert_eq!((infos[0].pid, infos[0].activity), (top, Activity::Supervising));
}

#[test]
fn too_many_restarts_and_a_supervisor_gives_up() {
    let stage = stage();
    let children = vec![child(&stage, "bystander", "wait"), child(&stage, "crash", "crash")];
    let spec = Spec { restarts: 3, within_ms: 60_000, children, ..Spec::default() };
    let Spawned { pid: top, .. } = stage.scheduler.start_supervisor(spec, None).unwrap();
    stage.await_left(0);
    let reasons = stage.reasons();
    assert_eq!(reasons.iter().filter(|reason| **reason == 9).count(), 4, "{reasons:?}");
    assert_eq!(reasons.last(), Some(&Reason::GAVE_UP.0));
    assert!(reasons.contains(&Reason::SHUTDOWN.0), "the bystander is stopped");
    assert_eq!(stage.endings().last().unwrap().pid, top);
    assert!(stage.reports().last().unwrap().contains("gives up"), "{:?}", stage.reports());
}

#[test]
fn what_is_given_up_is_for_the_supervisor_above() {
    let stage = stage();
    let below =
        Spec { restarts: 1, children: vec![child(&stage, "x", "crash")], ..Spec::default() };
    let below = Child {
        name: "below".into(),
        registered: None,
        restart: Restart::Permanent,
        shutdown: Shutdown::Infinity,
        body: ChildBody::Supervisor(below),
    };
    let spec = Spec { restarts: 2, children: vec![below], ..Spec::default() };
    let _ = stage.scheduler.start_supervisor(spec, None).unwrap();
    stage.await_left(0);
    let reasons = stage.reasons();
    let gave_up = reasons.iter().filter(|reason| **reason == Reason::GAVE_UP.0).count();
    assert_eq!(gave_up, 4, "three below and the one above");
    assert_eq!(reasons.iter().filter(|reason| **reason == 9).count(), 6);
}

#[test]
fn children_are_stopped_in_reverse_order_with_time_to_end() {
    let stage = stage();
    let deaf = Child { shutdown: Shutdown::Timeout(20), ..child(&stage, "deaf", "deaf") };
    let at_once = Child { shutdown: Shutdown::BrutalKill, ..child(&stage, "at_once", "tidy") };
    let children = vec![child(&stage, "tidy", "tidy"), deaf, at_once];
    let spec = Spec { children, ..Spec::default() };
    let Spawned { pid: top, .. } = stage.scheduler.start_supervisor(spec, None).unwrap();
    for name in ["tidy", "deaf", "at_once"] {
        pid(&stage, name, None);
    }
    stage.await_rest();
    stage.scheduler.kill(top, Reason::SHUTDOWN);
    stage.await_left(0);
    // Not asked; asked and killed; asked.
    assert_eq!(stage.reasons(), [-1, -1, Reason::SHUTDOWN.0, Reason::SHUTDOWN.0]);
    assert_eq!(stage.all_output(), "t", "only the patient one could tidy up");
}

#[test]
fn a_supervisor_that_is_killed_takes_its_children_along() {
    let stage = stage();
    let spec = Spec { children: vec![child(&stage, "one", "wait")], ..Spec::default() };
    let Spawned { pid: top, .. } = stage.scheduler.start_supervisor(spec, None).unwrap();
    pid(&stage, "one", None);
    stage.scheduler.kill(top, Reason::KILLED);
    stage.await_left(0);
}

/// A child that has undone the link to its supervisor is a child all the same: it starts again, and
/// its supervisor does not wait for its end for ever.
#[test]
fn a_child_cannot_leave_its_supervisor() {
    let source = "
        .code
        whereis @top $1
        unlink $1
        load $1 #'u'
        prtc $1
        load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt
        .data
top:    .asciiz 'top'";
    let stage = Stage::real(source, 2);
    stage.scheduler.add_program(&stage.program);
    let mut one = child(&stage, "one", "");
    if let ChildBody::Program { entry, .. } = &mut one.body {
        *entry = None;
    }
    let spec = Spec { children: vec![one], ..Spec::default() };
    let Spawned { pid: top, .. } = stage.scheduler.start_supervisor(spec, Some("top")).unwrap();
    until("it has left", || stage.all_output() == "u");
    let first = pid(&stage, "one", None);
    stop(&stage, first, 5);
    pid(&stage, "one", Some(first));
    until("the next one has left too", || stage.all_output() == "uu");
    stop(&stage, top, 0);
    stage.await_left(0);
}

#[test]
fn a_child_that_cannot_start_counts_as_one_that_ended() {
    for what in ["module", "label", "name"] {
        let stage = stage();
        let mut one = child(&stage, "one", if what == "label" { "none" } else { "wait" });
        if let (ChildBody::Program { module, .. }, "module") = (&mut one.body, what) {
            *module = crate::stage::program("nop\nhlt", &iridium_vm::Hosts::new()).module().id();
        }
        if what == "name" {
            let other = stage.start_at("wait", &[]);
            assert!(stage.scheduler.register("one", other));
        }
        let spec = Spec { restarts: 2, children: vec![one], ..Spec::default() };
        let Spawned { pid: top, .. } = stage.scheduler.start_supervisor(spec, None).unwrap();
        until("it gives up", || stage.reasons() == [Reason::GAVE_UP.0]);
        assert_eq!(stage.endings()[0].pid, top);
        let reports = stage.reports();
        let failed = reports.iter().filter(|report| report.contains("could not be started"));
        assert_eq!(failed.count(), 3, "{reports:?}");
    }
}

#[test]
fn supervisors_that_are_nested_too_deep_are_not_started() {
    let nested = |stage: &Stage, depth: usize| {
        let leaf = Spec { children: vec![child(stage, "leaf", "wait")], ..Spec::default() };
        (1..depth).fold(leaf, |spec, level| {
            let inner = Child {
                name: format!("level {level}"),
                registered: None,
                restart: Restart::Transient,
                shutdown: Shutdown::Infinity,
                body: ChildBody::Supervisor(spec),
            };
            Spec { restarts: 0, children: vec![inner], ..Spec::default() }
        })
    };
    let deep = stage();
    let _ = deep.scheduler.start_supervisor(nested(&deep, MAX_DEPTH), None).unwrap();
    pid(&deep, "leaf", None);
    let deeper = stage();
    let _ = deeper.scheduler.start_supervisor(nested(&deeper, MAX_DEPTH + 1), None).unwrap();
    deeper.await_left(0);
    assert!(deeper.reports()[0].ends_with("nested too deep: at most 16"), "{:?}", deeper.reports());
}

#[test]
fn an_app_file_describes_a_tree() {
    let stage = stage();
    let app = App::parse(
        "
        name = 'shop'
        strategy = 'one-for-all'
        [[child]]
        name = 'till'
        module = 'shop.iasm'
        entry = 'wait'
        [[child]]
        name = 'back'
        [[child.child]]
        name = 'store'
        module = 'shop.iasm'
        entry = 'wait'
        ",
    )
    .unwrap();
    let spec = app.spec(|_| Ok::<_, String>(Arc::clone(stage.program.module()))).unwrap();
    let _ = stage.scheduler.start_supervisor(spec, app.name()).unwrap();
    let before = ["till", "store", "shop", "back"].map(|name| pid(&stage, name, None));
    stop(&stage, before[0], 5);
    for (name, before) in ["till", "store"].into_iter().zip(before) {
        pid(&stage, name, Some(before));
    }
    assert_eq!(stage.scheduler.find("shop"), Some(before[2]));
}

/// Also of one that ends at once.
#[test]
fn whoever_starts_a_supervisor_is_told_of_its_end() {
    let stage = stage();
    for _ in 0..200 {
        let spec =
            Spec { restarts: 0, children: vec![child(&stage, "a", "crash")], ..Spec::default() };
        let Spawned { exit: ending, .. } = stage.scheduler.start_supervisor(spec, None).unwrap();
        assert_eq!(ending.recv_timeout(PATIENCE).unwrap().reason, Reason::GAVE_UP);
    }
}

/// Prints the first byte of each message, and ends at one of tag 1.
const ECHO: &str = "
        load $8 #64
        aloc $8
        load $8 #0
next:   load $1 #-1
        load $2 #-1
        recv $1 $3
        msgm $8 $6
        ld8 $8 #0 $7
        prtc $7
        breq $3 #1 @end
        djmp @next
end:    exit $3
";

#[test]
fn the_first_message_is_there_before_any_other_at_each_start() {
    use iridium_isa::app::{self, App as ModuleApp};
    use iridium_isa::protocol::FirstMessage;

    let stage = Stage::with(ECHO, |config| (config.workers, config.time) = (2, Time::Real));
    stage.scheduler.add_program(&stage.program);
    let module = stage.program.module();
    let echo = |name: &str, tag, payload: &[u8]| app::Child {
        name: name.into(),
        registered: Some(format!("Shop.{name}")),
        restart: app::Restart::Permanent,
        shutdown_ms: 1_000,
        entry: 0,
        arguments: vec![app::Argument::Int(9)],
        first: Some(FirstMessage { tag, payload: payload.to_vec() }),
    };
    let shop = ModuleApp {
        name: "Shop".into(),
        main: false,
        strategy: app::Strategy::OneForOne,
        restarts: 3,
        within_ms: 5_000,
        children: vec![
            echo("till", 7, b"first"),
            echo("door", 8, b"a first message of more bytes"),
        ],
    };
    let spec = Spec::of_module(module, &shop, Limits::default());
    let Spawned { pid: top, up, .. } = stage.scheduler.start_supervisor(spec, None).unwrap();
    assert!(up.recv_timeout(PATIENCE).is_err_and(|error| error.is_disconnected()));
    // Now all names are there: nobody has to wait for them.
    let till = stage.scheduler.find("Shop.till").unwrap();
    assert!(stage.scheduler.find("Shop.door").is_some());
    until("both have got it", || ["fa", "af"].contains(&&*stage.all_output()));
    // It ends by this one, and begins again with its own.
    stage.scheduler.send(Pid::NOBODY, till, 1, Payload::Bytes(b"x".as_slice().into()));
    let mut again = None;
    until("it is there again", || {
        again = stage.scheduler.find("Shop.till").filter(|pid| *pid != till);
        again.is_some()
    });
    stage.scheduler.send(Pid::NOBODY, again.unwrap(), 2, Payload::Bytes(b"y".as_slice().into()));
    until("the second one too", || stage.all_output().ends_with("xfy"));
    stop(&stage, top, 0);
    stage.await_left(0);
}
