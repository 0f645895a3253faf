//! What peers that do not keep up, or mean no good, can make of a node.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};
use iridium_isa::{Module, ModuleId};
use iridium_net::{Manager, Security};
use iridium_node::{EventKind, Node};
use iridium_proto::to_bytes;
use iridium_sched::{Output, OutputRoom, Reason};
use iridium_vm::{Limits, Payload, Pid, Process, Start};

use crate::harness::{Lab, PATIENCE, alias, assemble, config, member, mesh, start, wait_until};

/// A member of the mesh of a node that runs no processes: it says what a test wants, and takes in
/// what it is told when the test does.
fn stranger(lab: &Lab) -> Manager {
    member(lab, "stranger")
}

/// What nodes tell each other apart from messages: what it is, then that it is such.
fn node_message(bytes: Vec<u8>) -> Vec<u8> {
    [bytes, vec![1]].concat()
}

/// A question of an operator, as nodes put it: its number, then which.
fn query(number: u64, which: u32, name: Option<&str>) -> Vec<u8> {
    let mut bytes = to_bytes(&(5_u32, number, which)).unwrap();
    bytes.extend(name.map(|name| to_bytes(&name).unwrap()).unwrap_or_default());
    node_message(bytes)
}

const PROCESSES: u32 = 0;
const WHERE_IS: u32 = 3;

/// More processes than are in a list that travels.
const CROWD: u64 = 12_000;

/// Processes that do nothing, each with a long name.
fn crowd(node: &Node) {
    let module = assemble("main: load $0 #100000000\nsleep $0\nhlt");
    let program = node.load(module).unwrap();
    for number in 0..CROWD {
        let process = Process::at_label(&program, "main", Limits::default()).unwrap();
        let name = format!("{number}{}", "x".repeat(240));
        node.spawn(process, &program, Some(&name)).unwrap();
    }
}

#[test]
fn a_peer_that_asks_for_long_lists_and_takes_none_in_keeps_its_link() {
    const ASKED: u64 = 8;
    let lab = start("a");
    let stranger = stranger(&lab);
    crowd(&lab.node);
    let link = stranger.link(&alias("a")).unwrap();
    for number in 0..ASKED {
        link.send(query(number, PROCESSES, None)).unwrap();
    }
    // As many as there is room for on the way.
    wait_until("answers wait", || {
        stranger.messages().len() >= 5
            || stranger.link(&alias("a")).is_none_or(|now| now.link_id() != link.link_id())
    });
    for _ in 0..ASKED {
        let answer = stranger.messages().recv_timeout(PATIENCE).unwrap();
        assert_eq!(answer.link().link_id(), link.link_id());
        assert_eq!(answer.bytes[0], 6, "an answer to an operator");
    }
}

#[test]
fn the_list_of_very_many_processes_says_how_many_it_leaves_out() {
    let lab = start("a");
    crowd(&lab.node);
    let at = lab.node.manager().local_addr().into();
    let client = iridium_node::control::Client::connect(&at, &Security::Insecure, PATIENCE);
    let nodes = client.unwrap().processes(false).unwrap();
    assert_eq!(nodes.len(), 1);
    let rows = nodes[0].processes.as_ref().unwrap().len() as u64;
    assert!((1..CROWD).contains(&rows), "{rows}");
    assert_eq!(rows + nodes[0].more, CROWD);
    let own = lab.node.client().processes(false).unwrap();
    assert_eq!(
        own[0].processes.as_ref().unwrap().len() as u64,
        CROWD,
        "nothing is left out at home"
    );
    let stranger = start("b");
    stranger.node.join(lab.node.manager().local_addr().into()).unwrap();
    wait_until("it is listed", || {
        let nodes = stranger.node.client().processes(true).unwrap();
        let a = nodes.iter().find(|node| node.alias == alias("a"));
        a.is_some_and(|a| {
            a.more > 0 && a.processes.as_ref().unwrap().len() as u64 + a.more == CROWD
        })
    });
}

#[test]
fn what_nobody_sends_does_not_cost_a_slow_peer_its_link() {
    let lab = start("a");
    let stranger = stranger(&lab);
    let events = lab.node.events();
    let link = lab.node.manager().link(&alias("stranger")).unwrap();
    let to = Pid::new(stranger.me().0.number.number(), 1);
    for _ in 0..1000 {
        let payload = Payload::Bytes(vec![7; 60_000].into());
        lab.node.scheduler().send(Pid::NOBODY, to, 1, payload);
    }
    assert_eq!(lab.node.manager().link(&alias("stranger")).unwrap().link_id(), link.link_id());
    // An operator is told.
    let at = lab.node.manager().local_addr().into();
    let client = iridium_node::control::Client::connect(&at, &Security::Insecure, PATIENCE);
    let mut client = client.unwrap();
    let mut send = || {
        let payload = Payload::Bytes(vec![7; 50_000].into());
        client.send(iridium_node::control::Target::Pid(to), 1, payload).err()
    };
    // More than may wait here and there together.
    let error = (0..1000).find_map(|_| send()).unwrap();
    assert!(error.to_string().contains("try again later"), "{error}");
    // It is there as before.
    link.send_signal(0, vec![9]).unwrap();
    let lost = events.try_iter().find(|event| {
        matches!(
            event.kind,
            EventKind::Down { .. } | EventKind::Recovered { reconnected: true, .. }
        )
    });
    assert_eq!(lost, None);
    while stranger.messages().recv_timeout(PATIENCE).unwrap().bytes != [9] {}
}

#[test]
fn code_from_elsewhere_is_forgotten_after_its_last_process_however_long_that_lives() {
    let labs = mesh(&["a", "b"]);
    let spawn = |source: &str| {
        let module = assemble(source);
        let id = module.id();
        labs[0].node.load(module).unwrap();
        let start = Start { entry: 0, arguments: Box::default() };
        let on = alias("b");
        let pid = labs[0].node.spawn_on(Some(&on), id, start, Limits::default(), None).unwrap();
        (pid, id)
    };
    let spawn_many = |numbers: std::ops::Range<u32>| {
        for number in numbers {
            spawn(&format!("load $0 #{number}\nhlt"));
        }
    };
    let b = labs[1].node.scheduler();
    let (sleeper, code) = spawn("load $0 #100000000\nsleep $0\nhlt");
    spawn_many(0..300);
    assert!(b.program(code).is_some(), "it is in use");
    b.kill(sleeper, Reason::KILLED);
    wait_until("all have ended", || b.process_count() == 0);
    spawn_many(300..600);
    assert!(b.program(code).is_none(), "nothing uses it");
}

/// Asks for the code of a module, as nodes do.
fn code_wanted(module: ModuleId) -> Vec<u8> {
    node_message([&[3, 0, 0, 0], &module.0[..]].concat())
}

/// That code, as the answer to that.
fn code(module: &Module) -> Vec<u8> {
    node_message(to_bytes(&(4_u32, module.id(), Some(module.to_bytes()))).unwrap())
}

/// The wish for a process of that module.
fn spawn(asker: Pid, number: u64, module: ModuleId) -> Vec<u8> {
    let registers = [(0_i64, 0.0_f64); Start::ARGUMENTS];
    let limits = [u64::MAX; 7];
    let request = (0_u32, 0_u32, module, (0_u32, registers), limits);
    node_message(to_bytes(&(1_u32, asker, number, request)).unwrap())
}

/// The process, if this is the answer to that.
fn spawned(heard: &[u8], asker: Pid, number: u64) -> Option<Pid> {
    let answer = heard.strip_suffix(&[1])?;
    answer.strip_prefix(&*to_bytes(&(2_u32, asker, number)).unwrap())?;
    Some(Pid::from_bits(i64::from_le_bytes(*answer.last_chunk()?)))
}

#[test]
fn a_peer_that_asks_for_code_again_and_again_and_takes_none_in_gets_it_once() {
    let lab = start("a");
    let stranger = stranger(&lab);
    let source = ".data\nmuch: .zero #2400000\n.code\nmain: hlt";
    let module = lab.node.load(assemble(source)).unwrap().module().id();
    let link = stranger.link(&alias("a")).unwrap();
    let way = lab.node.manager().link(&alias("stranger")).unwrap();
    // How much the system takes in before the way fills is its own affair.
    let mut needed = 0;
    wait_until("the way is full", || {
        link.send(code_wanted(module)).unwrap();
        needed += 1;
        way.queued_bytes() > 4 << 20
    });
    let again = 200;
    for _ in 0..again {
        link.send(code_wanted(module)).unwrap();
    }
    // Both have their turns: when another is answered who has asked as often since, all that was asked
    // before has been seen to.
    let other = member(&lab, "other");
    for _ in 0..needed + again {
        other.send(&alias("a"), code_wanted(ModuleId([7; 32]))).unwrap();
    }
    for _ in 0..needed + again {
        other.messages().recv_timeout(PATIENCE).unwrap();
    }
    let mut came = 0;
    // What is left is sent as soon as there is room.
    while let Ok(message) = stranger.messages().recv_timeout(Duration::from_secs(2)) {
        came += usize::from(message.bytes.len() > 1 << 20);
    }
    assert!((1..needed + again / 2).contains(&came), "{came} times for {needed} + {again}");
}

/// A node that takes 150 ms to see what processes there are, for as long as the sender is there.
fn busy_node() -> (Lab, Sender<()>) {
    let (mut config, output) = config("a");
    let (entered, inside) = bounded(1);
    let (leave, left) = bounded::<()>(0);
    config.hosts.add_blocking("wait", move |_| {
        let _ = entered.send(());
        let _ = left.recv();
        Ok(())
    });
    let lab = Lab { node: Node::start(config).unwrap(), output };
    let module = assemble(".import wait\nmain: host @wait $0\nhlt");
    let (_, _exit) = lab.spawn(&module, "main", &[]);
    inside.recv_timeout(PATIENCE).unwrap();
    (lab, leave)
}

#[test]
fn one_that_asks_much_waits_for_itself_alone() {
    const ASKED: u64 = 1000;
    let (lab, leave) = busy_node();
    let (stranger, other) = (stranger(&lab), member(&lab, "other"));
    let link = stranger.link(&alias("a")).unwrap();
    for number in 0..ASKED {
        link.send(query(number, PROCESSES, None)).unwrap();
    }
    stranger.messages().recv_timeout(PATIENCE).unwrap();
    other.send(&alias("a"), query(7, WHERE_IS, Some("nobody"))).unwrap();
    let answer = other.messages().recv_timeout(PATIENCE).unwrap();
    assert_eq!(answer.bytes[..12], to_bytes(&(6_u32, 7_u64)).unwrap());
    assert!(stranger.messages().len() < ASKED as usize / 2, "it was not its turn after all these");
    drop(leave);
}

#[test]
fn a_question_with_a_name_that_cannot_be_is_answered_at_once_and_does_not_wait() {
    let (lab, leave) = busy_node();
    let stranger = stranger(&lab);
    let link = stranger.link(&alias("a")).unwrap();
    let hear = || stranger.messages().recv_timeout(PATIENCE).unwrap().bytes;
    for number in 0..15 {
        link.send(query(number, PROCESSES, None)).unwrap();
    }
    let long = "x".repeat(60_000);
    link.send(query(16, WHERE_IS, Some(&long))).unwrap();
    // Code that nobody has would be waited for much longer.
    let (registers, limits) = ([(0_i64, 0.0_f64); Start::ARGUMENTS], [u64::MAX; 7]);
    let start = (ModuleId([7; 32]), (0_u32, registers), limits);
    let spawn = to_bytes(&(5_u32, 17_u64, 2_u32, start, Some(&long))).unwrap();
    link.send(node_message(spawn)).unwrap();
    let mut numbers = std::iter::repeat_with(hear)
        .map(|heard| u64::from_le_bytes(*heard[4..].first_chunk().unwrap()));
    let before = numbers.by_ref().position(|number| number == 16).unwrap();
    assert!(before < 10, "{before} lists first");
    assert!(numbers.take(5).any(|number| number == 17));
    drop(leave);
}

/// Loads so many modules of 2.4 MB.
fn long_modules(lab: &Lab, count: u32) -> Vec<ModuleId> {
    let load = |number| {
        let source = format!(".data\nmuch: .zero #2400000\n.code\nmain: load $0 #{number}\nhlt");
        lab.node.load(assemble(&source)).unwrap().module().id()
    };
    (0..count).map(load).collect()
}

#[test]
fn code_on_its_way_to_several_has_a_bound_and_comes_to_all_of_them_in_turn() {
    const OF_EACH: usize = 10;
    const MOST: usize = (8 << 20) + 2_500_000;
    let lab = start("a");
    let names = ["one", "two", "three"];
    let members = names.map(|name| member(&lab, name));
    let ways = names.map(|name| lab.node.manager().link(&alias(name)).unwrap());
    let queued = || ways.iter().map(|way| way.queued_bytes()).sum::<usize>();
    let modules = long_modules(&lab, 3 * OF_EACH as u32);
    for (member, modules) in members.iter().zip(modules.chunks(OF_EACH)) {
        for module in modules {
            member.send(&alias("a"), code_wanted(*module)).unwrap();
        }
    }
    // That there is none is said at once, and who asks as often as they is answered after all of them.
    let other = member(&lab, "other");
    for _ in 0..OF_EACH {
        other.send(&alias("a"), code_wanted(ModuleId([7; 32]))).unwrap();
    }
    for _ in 0..OF_EACH {
        other.messages().recv_timeout(PATIENCE).unwrap();
        assert!(queued() <= MOST, "{}", queued());
    }
    let mut came = BTreeSet::new();
    wait_until("all code comes", || {
        assert!(queued() <= MOST, "{}", queued());
        for message in members.iter().filter_map(|member| member.messages().try_recv().ok()) {
            assert!(came.insert(*message.bytes[4..].first_chunk::<32>().unwrap()), "each once");
        }
        came.len() == modules.len()
    });
}

#[test]
fn code_for_which_there_was_no_room_is_sent_when_there_is() {
    const MODULES: u32 = 12;
    let lab = start("a");
    let stranger = stranger(&lab);
    let link = stranger.link(&alias("a")).unwrap();
    let modules: BTreeSet<ModuleId> = long_modules(&lab, MODULES).into_iter().collect();
    for module in &modules {
        link.send(code_wanted(*module)).unwrap();
    }
    let mut came = BTreeSet::new();
    while came.len() < modules.len() {
        let message = stranger.messages().recv_timeout(PATIENCE).unwrap();
        if message.bytes.len() > 1 << 20 {
            let id = ModuleId(*message.bytes[4..].first_chunk().unwrap());
            assert!(modules.contains(&id) && came.insert(id), "each once");
        }
    }
}

#[test]
fn code_that_was_wanted_is_taken_in_however_much_the_node_has_to_do() {
    let lab = start("a");
    let stranger = stranger(&lab);
    let link = stranger.link(&alias("a")).unwrap();
    let asker = Pid::new(stranger.me().0.number.number(), 1);
    let spawn = |number: u64, module: ModuleId| spawn(asker, number, module);
    let say = |bytes: Vec<u8>| {
        let mut unsaid = Some(bytes);
        wait_until("it has room", || match link.send_in(0, unsaid.take().unwrap()) {
            Ok(()) => true,
            Err(refused) => {
                unsaid = Some(refused.bytes);
                false
            }
        });
    };
    let hear = || stranger.messages().recv_timeout(PATIENCE).unwrap().bytes;
    let small = assemble("hlt");
    say(spawn(0, small.id()));
    assert_eq!(hear(), code_wanted(small.id()));
    // To get this ready takes a while, in which more is wanted than the node can keep in mind.
    let large = assemble(".data\nmuch: .zero #2400000\n.code\nmain: hlt");
    let large = lab.node.load(large).unwrap().module().id();
    let much: Vec<_> = (1..6000).map(|number| spawn(number, ModuleId([7; 32]))).collect();
    (0..8).for_each(|_| say(code_wanted(large)));
    much.into_iter().for_each(&say);
    say(code(&small));
    let answer = std::iter::repeat_with(hear).find_map(|heard| spawned(&heard, asker, 0)).unwrap();
    assert_eq!(answer.node(), lab.node.scheduler().node());
}

#[test]
fn one_that_does_not_send_code_does_not_hold_up_others_that_have_it() {
    let lab = start("a");
    let module = assemble("hlt");
    let members = ["slow", "quick"].map(|name| member(&lab, name));
    let askers = members.each_ref().map(|m| Pid::new(m.me().0.number.number(), 1));
    let links = members.each_ref().map(|m| m.link(&alias("a")).unwrap());
    let hear = |of: usize| members[of].messages().recv_timeout(PATIENCE).unwrap().bytes;
    links[0].send(spawn(askers[0], 0, module.id())).unwrap();
    assert_eq!(hear(0), code_wanted(module.id()));
    let asked = Instant::now();
    links[1].send(spawn(askers[1], 0, module.id())).unwrap();
    assert_eq!(hear(1), code_wanted(module.id()));
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
    links[1].send(code(&module)).unwrap();
    for of in [1, 0] {
        let pid = spawned(&hear(of), askers[of], 0).unwrap();
        assert_eq!(pid.node(), lab.node.scheduler().node());
    }
    // What comes too late is not taken in, and does no harm.
    links[0].send(code(&module)).unwrap();
    links[0].send(spawn(askers[0], 1, module.id())).unwrap();
    assert!(spawned(&hear(0), askers[0], 1).is_some());
}

/// A terminal that is held up.
#[derive(Default)]
struct Held {
    held: AtomicBool,
    came: AtomicBool,
    room: Mutex<Option<OutputRoom>>,
}

impl Held {
    fn free(&self) {
        self.held.store(false, Ordering::SeqCst);
        self.room.lock().unwrap().as_ref().unwrap().notify();
    }
}

impl Output for Held {
    fn write(&self, _: Pid, _: &[u8]) {
        self.came.store(true, Ordering::SeqCst);
    }

    fn has_room(&self) -> bool {
        !self.held.load(Ordering::SeqCst)
    }

    fn on_room(&self, room: OutputRoom) {
        *self.room.lock().unwrap() = Some(room);
    }
}

#[test]
fn a_terminal_that_is_held_up_holds_up_only_those_that_print() {
    let held = Arc::new(Held::default());
    let (mut config, _) = config("a");
    config.output = Arc::clone(&held) as _;
    let output = Arc::default();
    let labs = [Lab { node: Node::start(config).unwrap(), output }, start("b")];
    crate::harness::join(&labs);
    let events = labs[0].node.events();
    let module = assemble("main: load $2 #-1\nload $3 #-1\nrecv $2 $4\nprti $4\nhlt");
    held.held.store(true, Ordering::SeqCst);
    let printers: Vec<_> = (0..10).map(|_| labs[0].spawn(&module, "main", &[])).collect();
    for (printer, _) in &printers {
        labs[1].node.scheduler().send(Pid::NOBODY, *printer, 1, Payload::Word([0; 8]));
    }
    wait_until("they wait for room", || {
        let nodes = labs[0].node.client().processes(false).unwrap();
        let states = nodes[0].processes.iter().flatten().map(|row| row.state.as_str());
        states.filter(|state| *state == "output").count() == printers.len()
    });
    let (killed, end) = &printers[3];
    labs[0].node.scheduler().kill(*killed, Reason(7));
    assert_eq!(end.recv_timeout(PATIENCE).unwrap().reason, Reason(7));
    let told = events.recv_timeout(PATIENCE).unwrap();
    assert!(matches!(told.kind, EventKind::Ended { .. }), "{told:?}");
    // Longer than a node may be silent before it is suspected.
    let event = events.recv_timeout(Duration::from_secs(4));
    assert_eq!(event, Err(RecvTimeoutError::Timeout));
    assert!(!held.came.load(Ordering::SeqCst));
    held.free();
    for (at, (_, exit)) in printers.iter().enumerate().filter(|(at, _)| *at != 3) {
        assert_eq!(exit.recv_timeout(PATIENCE).unwrap().reason, Reason::NORMAL, "{at}");
    }
    assert!(held.came.load(Ordering::SeqCst));
}
