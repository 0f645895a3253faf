//! Schedulers that are there before their node, and after it.

use std::sync::Arc;

use iridium_isa::Module;
use iridium_node::{LocalScheduler, Node, StartError};
use iridium_proto::NodeNumber;
use iridium_sched::{ExitInfo, Observer, Progress, SpawnOptions};
use iridium_vm::{Completion, Effect, Hosts, Limits, Payload, Pid, Process, Program};

use crate::harness::{PATIENCE, Transcript, assemble, config, end_of, start, wait_until};

struct NullObserver;

impl Observer for NullObserver {
    fn exited(&self, _: &ExitInfo) {}
}

/// A scheduler without a node, and what its processes write.
fn local(number: u32) -> (LocalScheduler, Arc<Transcript>) {
    let output = Arc::new(Transcript::default());
    let mut config =
        iridium_sched::Config::new(Arc::clone(&output) as _, Arc::new(NullObserver), 1);
    (config.workers, config.node) = (2, number);
    (LocalScheduler::start(config).unwrap(), output)
}

fn start_on(alias: &str, local: &LocalScheduler) -> Result<Node, StartError> {
    let (mut config, _) = config(alias);
    config.scheduler = Some(local.clone());
    Node::start(config)
}

/// `told` ends with what it is told; `linked` links to `$0` and ends with the reason
/// of its end.
fn program() -> Module {
    assemble(
        "
        told:   load $2 #-1
                load $3 #-1
                recv $2 $4
                msgi $7
                exit $7
        linked: trapexit #1
                link $0
                load $1 #33
                prti $1
                load $2 #-2
                load $3 #-1
                recv $2 $4
                msgi $7
                exit $7
        ",
    )
}

#[test]
fn processes_from_before_are_reached_and_live_on_when_the_node_leaves() {
    let lab = start("other");
    let (local, output) = local(77);
    let program = Arc::new(Program::new(program(), &Hosts::new()).unwrap());
    let told = Process::at_label(&program, "told", Limits::default()).unwrap();
    let spawned = local.scheduler().spawn_with(told, &program, SpawnOptions::default()).unwrap();
    let (told, exit) = (spawned.pid, spawned.exit);
    assert_eq!(told.node(), 77);

    for _ in 0..2 {
        let node = start_on("late", &local).unwrap();
        node.join(lab.node.manager().local_addr().into()).unwrap();
        assert_eq!(node.manager().me().0.number, NodeNumber::new(77).unwrap());
        wait_until("they see each other", || {
            lab.node.members().iter().any(|member| member.id.number.number() == 77)
                && node.client().loads().unwrap().iter().all(|load| load.report.is_some())
        });
        // A second node for the same processes is refused, and leaves the first alone.
        let second = start_on("second", &local);
        assert!(matches!(second, Err(StartError::SchedulerTaken)));

        // Links to the other node end when this one leaves.
        let (there, _) = lab.spawn(program.module(), "told", &[]);
        let mut linked = Process::at_label(&program, "linked", Limits::default()).unwrap();
        linked.set_register(0, iridium_vm::Register { int: there.bits(), float: 0.0 });
        let cut =
            local.scheduler().spawn_with(linked, &program, SpawnOptions::default()).unwrap().exit;
        output.wait_for("33");
        node.leave();
        assert_eq!(end_of(&cut), -3);
        assert!(local.scheduler().is_alive(told));
    }

    let node = start_on("late", &local).unwrap();
    node.join(lab.node.manager().local_addr().into()).unwrap();
    let word = Payload::Word(5_i64.to_le_bytes());
    // Until the link is up, it is lost as to a process that is not there.
    wait_until("it has arrived", || {
        lab.node.scheduler().send(Pid::NOBODY, told, 1, word.clone());
        !local.scheduler().is_alive(told)
    });
    assert_eq!(end_of(&exit), 5);
}

#[test]
fn alone_it_has_no_other_nodes() {
    let (local, _) = local(9);
    let program = Arc::new(Program::new(program(), &Hosts::new()).unwrap());
    let mut native = local.scheduler().spawn_native().unwrap();
    let mut ask = |effect| match native.perform(effect, &program, Limits::default()) {
        Progress::Done(answer) => answer,
        other => panic!("{other:?}"),
    };
    assert_eq!(ask(Effect::Nodes), Completion::Value(1));
    assert_eq!(ask(Effect::NodeAt { position: 0 }), Completion::Value(9));
    assert_eq!(ask(Effect::WhereIs { name: "x@y".into() }), Completion::Found(None));
    let far = Pid::new(8, 1).bits();
    assert!(matches!(ask(Effect::Monitor { pid: far }), Completion::Value(_)));
    let down = Effect::Receive { tag: -3, timeout: PATIENCE.as_millis() as i64 };
    assert!(matches!(ask(down), Completion::Received(Some(_))));
}
