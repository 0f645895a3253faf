//! What operators ask of a node and tell it, over a socket.

use std::time::{Duration, Instant};

use iridium_isa::Module;
use iridium_net::Security;
use iridium_node::control::{Client, SpawnOrder, Target};
use iridium_node::{EventKind, Node};
use iridium_sched::{Progress, Reason};
use iridium_vm::{Completion, Effect, Hosts, Limits, Payload, Pid, Program, Register, TrapKind};

use crate::harness::{PATIENCE, alias, assemble, mesh, wait_until};

fn client(node: &Node) -> Client {
    let at = node.manager().local_addr().into();
    Client::connect(&at, &Security::Insecure, PATIENCE).unwrap()
}

fn order(module: &Module) -> SpawnOrder {
    SpawnOrder {
        module: module.id(),
        entry: None,
        arguments: vec![Register { int: 7, float: 0.0 }],
        limits: Limits::default(),
        on: None,
        name: Some("worker".into()),
        link_app: false,
    }
}

/// Prints its argument, then the number in each message it gets.
fn worker() -> Module {
    assemble(
        "
        main:   prti $0
                load $2 #-1
                load $3 #-1
                recv $2 $4
                msgi $0
                djmp @main
        ",
    )
}

#[test]
fn an_operator_starts_tells_sees_and_ends_a_process_of_any_node() {
    let labs = mesh(&["a", "b"]);
    let module = worker();
    for (on, runs_at) in [(None, 0), (Some(alias("b")), 1)] {
        let lab = &labs[runs_at];
        let pid = client(&labs[0].node)
            .spawn(SpawnOrder { on: on.clone(), ..order(&module) }, &module)
            .unwrap();
        assert_eq!(i64::from(pid.node()), lab.number());
        lab.output.wait_for("7");
        let mut client = client(&labs[0].node);
        let target = Target::Name("worker".into(), on);
        let word = Payload::Word(12345_i64.to_le_bytes());
        assert_eq!(client.send(target.clone(), 1, word).unwrap(), pid);
        lab.output.wait_for("12345");
        let nodes = client.processes(true).unwrap();
        let rows = nodes.iter().find(|node| node.alias == lab.node.alias()).unwrap();
        let rows = rows.processes.as_ref().unwrap();
        assert_eq!(rows.len(), 1);
        assert_eq!((rows[0].pid, &rows[0].names[..]), (pid, &["worker".to_string()][..]));
        assert_eq!(rows[0].module, Some(module.id()));
        client.kill(target.clone(), Reason::KILLED).unwrap();
        wait_until("it is gone", || lab.node.scheduler().process_count() == 0);
        let error = client.kill(target, Reason::KILLED).unwrap_err();
        assert!(error.to_string().contains("there is no process worker"), "{error}");
    }
}

#[test]
fn all_nodes_tell_how_they_do() {
    let labs = mesh(&["a", "b", "c"]);
    let module = worker();
    let (pid, _) = labs[1].spawn(&module, "main", &[5]);
    labs[1].output.wait_for("5");
    let mut client = client(&labs[0].node);
    // Workers tell what was spent when they rest.
    wait_until("fuel was counted", || labs[1].node.scheduler().fuel_spent() > 0);
    let loads = client.loads().unwrap();
    let aliases: Vec<&str> = loads.iter().map(|load| load.alias.as_str()).collect();
    assert_eq!(aliases, ["a", "b", "c"]);
    let reports: Vec<_> = loads.into_iter().map(|load| load.report.unwrap()).collect();
    assert_eq!(reports.iter().map(|report| report.processes).collect::<Vec<_>>(), [0, 1, 0]);
    assert!(reports[1].fuel > 0);
    labs[1].node.scheduler().kill(pid, Reason(9));
}

#[test]
fn events_are_told_as_they_happen() {
    let labs = mesh(&["a"]);
    let mut events = client(&labs[0].node).events().unwrap();
    let mut next = || events.next(Instant::now() + PATIENCE).unwrap().unwrap().kind;
    let module = assemble("main: div $1 $2 $3\nhlt");
    labs[0].run(&module, "main", &[]);
    match next() {
        EventKind::Ended { trap: Some(trap), .. } => assert!(trap.contains("divide-by-zero")),
        other => panic!("{other:?}"),
    }
    let b = crate::harness::start("b");
    b.node.join(labs[0].node.manager().local_addr().into()).unwrap();
    match next() {
        EventKind::Up { info } => assert_eq!(info.alias.as_str(), "b"),
        other => panic!("{other:?}"),
    }
    b.node.leave();
    assert_eq!(next(), EventKind::Left { alias: alias("b") });
}

#[test]
fn several_clients_drive_processes_of_a_node_at_a_time() {
    let labs = mesh(&["a", "b"]);
    let program = Program::new(worker(), &Hosts::new()).unwrap();
    let mut first = client(&labs[0].node).attach().unwrap();
    let mut second = client(&labs[1].node).attach().unwrap();
    assert_ne!(first.pid(), second.pid());
    let limits = Limits::default();
    // Across nodes, one to the other.
    let receive = Effect::Receive { tag: 4, timeout: -1 };
    assert_eq!(second.perform(receive.clone(), &program, limits).unwrap(), Progress::Waits);
    let payload = Payload::Word(99_i64.to_le_bytes());
    let send = Effect::Send { to: second.pid().bits(), tag: 4, payload: payload.clone() };
    let sent = first.perform(send, &program, limits).unwrap();
    assert_eq!(sent, Progress::Done(Completion::Done));
    let got = loop {
        // It may also wake for what is known already.
        second.wakes().recv_timeout(PATIENCE).unwrap();
        match second.poll().unwrap() {
            Progress::Waits => {}
            got => break got,
        }
    };
    let Progress::Done(Completion::Received(Some(message))) = got else { panic!("{got:?}") };
    assert_eq!((message.sender, message.payload), (first.pid().bits(), payload));
    // A wait is given up.
    assert_eq!(second.perform(receive, &program, limits).unwrap(), Progress::Waits);
    assert_eq!(second.give_up().unwrap(), Completion::Received(None));
    // A child gets the code of the client.
    let start = iridium_vm::Start { entry: 0, arguments: Box::default() };
    let spawn = Effect::Spawn { kind: iridium_vm::SpawnKind::Linked, start };
    let spawned = first.perform(spawn, &program, limits).unwrap();
    let Progress::Done(Completion::Value(pid)) = spawned else { panic!("{spawned:?}") };
    labs[0].output.wait_for("0");
    assert_eq!(labs[0].node.scheduler().process_count(), 2);
    assert_eq!(i64::from(Pid::from_bits(pid).node()), labs[0].number());
    // It ends with its client: normally, so what is linked to it lives on.
    drop(first);
    wait_until("one is left", || labs[0].node.scheduler().process_count() == 1);
}

#[test]
fn a_client_is_told_of_the_end_of_its_process_also_while_that_does_not_wait() {
    let labs = mesh(&["a"]);
    let mut attached = client(&labs[0].node).attach().unwrap();
    // What does not end it is no news: it looks when it wants a message.
    labs[0].node.scheduler().send(Pid::NOBODY, attached.pid(), 1, Payload::Word([0; 8]));
    labs[0].node.scheduler().kill(attached.pid(), Reason(9));
    attached.wakes().recv_timeout(PATIENCE).unwrap();
    assert_eq!(attached.poll().unwrap(), Progress::Ended(Reason(9)));
}

#[test]
fn a_pid_that_nobody_has_is_told() {
    let labs = mesh(&["a"]);
    let number = labs[0].node.scheduler().node();
    for pid in [Pid::new(number, 999), Pid::new(number ^ 1, 1)] {
        let error = client(&labs[0].node).kill(Target::Pid(pid), Reason::KILLED).unwrap_err();
        assert!(error.to_string().contains(&format!("there is no process {pid}")), "{error}");
    }
}

#[test]
fn a_client_that_speaks_of_something_else_is_told_so() {
    let labs = mesh(&["a"]);
    let at = labs[0].node.manager().local_addr().into();
    let connect =
        || iridium_net::ControlClient::connect(&at, &Security::Insecure, Duration::from_secs(5));
    let answer = connect().unwrap().ask(vec![250; 40]).unwrap();
    assert_eq!(answer, [11, 0, 0, 0], "it is not understood");
    assert!(client(&labs[0].node).processes(false).is_ok(), "others are answered");
}

#[test]
fn subscribers_that_go_leave_their_place_to_others() {
    let labs = mesh(&["a"]);
    // As many as may be connected at a time. Nothing happens at the node meanwhile.
    for _ in 0..64 {
        drop(client(&labs[0].node).events().unwrap());
    }
    let at = labs[0].node.manager().local_addr().into();
    wait_until("another client is answered", || {
        let client = Client::connect(&at, &Security::Insecure, PATIENCE);
        client.is_ok_and(|mut client| client.processes(false).is_ok())
    });
}

#[test]
fn subscribers_are_told_when_a_quiet_node_stops() {
    let labs = mesh(&["a"]);
    let mut events = client(&labs[0].node).events().unwrap();
    labs[0].node.shutdown();
    let end = events.next(Instant::now() + PATIENCE);
    assert!(end.is_err(), "{end:?}");
}

/// What an attached client says when it does not want to wait any more, in bytes: the third way to
/// act, and nothing more.
const GIVE_UP: [u8; 4] = [2, 0, 0, 0];
/// The request to be given a process to act as, in bytes: the eighth request.
const ATTACH: [u8; 4] = [7, 0, 0, 0];

#[test]
fn clients_that_drive_processes_and_go_in_the_middle_leave_their_place_to_others() {
    let labs = mesh(&["a"]);
    let at = labs[0].node.manager().local_addr().into();
    for _ in 0..64 {
        let client = iridium_net::ControlClient::connect(&at, &Security::Insecure, PATIENCE);
        let mut stream = client.unwrap().open(ATTACH.to_vec()).unwrap();
        // More than the node has answered when the client is gone.
        for _ in 0..500 {
            stream.send(&GIVE_UP).unwrap();
        }
    }
    wait_until("another client is answered", || {
        let client = Client::connect(&at, &Security::Insecure, PATIENCE);
        client.is_ok_and(|mut client| client.processes(false).is_ok())
    });
    wait_until("their processes have ended", || labs[0].node.scheduler().process_count() == 0);
}

#[test]
fn a_client_that_drives_a_process_is_told_of_a_message_that_is_too_long_for_it() {
    let labs = mesh(&["a"]);
    let program = Program::new(worker(), &Hosts::new()).unwrap();
    let mut attached = client(&labs[0].node).attach().unwrap();
    let send = |tag, len| {
        let payload = Payload::Bytes(vec![7; len].into());
        labs[0].node.scheduler().send(Pid::NOBODY, attached.pid(), tag, payload);
    };
    send(1, 17 << 20);
    send(2, 3);
    let mut receive = |tag| {
        let receive = Effect::Receive { tag, timeout: -1 };
        attached.perform(receive, &program, Limits::default()).unwrap()
    };
    assert_eq!(receive(1), Progress::Done(Completion::Failed(TrapKind::BadMessage)));
    let got = receive(2);
    assert!(matches!(got, Progress::Done(Completion::Received(Some(_)))), "{got:?}");
}

#[test]
fn the_code_that_clients_bring_is_forgotten_when_nothing_uses_it() {
    let labs = mesh(&["a"]);
    let module = |number| assemble(&format!("load $0 #{number}\nhlt"));
    for number in 0..300 {
        let module = module(number);
        let order = SpawnOrder { name: None, ..order(&module) };
        client(&labs[0].node).spawn(order, &module).unwrap();
        wait_until("it has ended", || labs[0].node.scheduler().process_count() == 0);
    }
    assert!(labs[0].node.scheduler().program(module(0).id()).is_none());
    assert!(labs[0].node.scheduler().program(module(299).id()).is_some());
}

#[test]
fn a_node_is_asked_directly_as_over_a_socket() {
    let labs = mesh(&["a", "b"]);
    let module = worker();
    let on = Some(alias("b"));
    let pid = labs[0].node.client().spawn(SpawnOrder { on: on.clone(), ..order(&module) }, &module);
    let pid = pid.unwrap();
    assert_eq!(i64::from(pid.node()), labs[1].number());
    let mut here = labs[0].node.client();
    let pids = |nodes: Vec<iridium_node::NodeProcesses>| -> Vec<Pid> {
        nodes.into_iter().flat_map(|node| node.processes.unwrap()).map(|row| row.pid).collect()
    };
    assert_eq!(pids(here.processes(true).unwrap()), [pid]);
    assert_eq!(pids(client(&labs[0].node).processes(true).unwrap()), [pid]);
    assert_eq!(here.apps().unwrap(), client(&labs[0].node).apps().unwrap());
    let target = Target::Name("worker".into(), on);
    assert_eq!(here.kill(target.clone(), Reason::KILLED).unwrap(), pid);
    wait_until("it is gone", || labs[1].node.scheduler().process_count() == 0);
    let error = here.kill(target.clone(), Reason::KILLED).unwrap_err();
    let over_a_socket = client(&labs[0].node).kill(target, Reason::KILLED).unwrap_err();
    assert!(over_a_socket.to_string().ends_with(&error.to_string()), "{over_a_socket}");
}
