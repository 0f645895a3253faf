//! Other nodes, as a scheduler sees them: here one that a test plays.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use iridium_sched::{
    Config, Distribution, NodeUnreachable, RemoteRequest, RestoreOptions, SendRefused, Signal,
    SpawnOptions, Spawned, Time,
};
use iridium_vm::{Completion, Hosts, Message, Payload, Pid};

use crate::stage::{PATIENCE, Stage, until};

/// The node that is played: what it was sent, and what it does.
#[derive(Default)]
struct Far {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// How many messages there is room for; the others are refused.
    room: usize,
    refused: usize,
    messages: Vec<(Pid, i64, Vec<u8>)>,
    signals: Vec<(Pid, Pid, Signal)>,
    questions: Vec<(Pid, u64, RemoteRequest)>,
    unreachable: bool,
    nodes: BTreeSet<u32>,
}

impl Far {
    fn new() -> Arc<Self> {
        let nodes = BTreeSet::from([1, 2, 9]);
        let state = State { room: usize::MAX, nodes, ..State::default() };
        Arc::new(Self { state: Mutex::new(state) })
    }

    fn change<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        change(&mut self.state.lock().unwrap())
    }
}

struct Way(Arc<Far>);

impl Distribution for Way {
    fn message(&self, from: Pid, to: Pid, message: Message) -> Result<(), SendRefused> {
        assert_eq!(to.node(), 2, "only to the node that it is for");
        self.0.change(|state| {
            if state.room == 0 {
                state.refused += 1;
                return Err(SendRefused::NoCredit(message));
            }
            state.room -= 1;
            state.messages.push((from, message.tag, message.payload.bytes().to_vec()));
            Ok(())
        })
    }

    fn signal(&self, from: Pid, to: Pid, signal: Signal) -> Result<(), Signal> {
        self.0.change(|state| {
            if state.unreachable {
                return Err(signal);
            }
            state.signals.push((from, to, signal));
            Ok(())
        })
    }

    fn request(
        &self,
        from: Pid,
        number: u64,
        question: &RemoteRequest,
    ) -> Result<(), NodeUnreachable> {
        self.0.change(|state| {
            if state.unreachable {
                return Err(NodeUnreachable);
            }
            state.questions.push((from, number, question.clone()));
            Ok(())
        })
    }

    fn nodes(&self) -> Vec<u32> {
        self.0.change(|state| state.nodes.iter().copied().collect())
    }

    fn alias(&self) -> &str {
        "here"
    }
}

fn stage(source: &str, workers: usize) -> (Stage, Arc<Far>) {
    stage_with(source, |config| {
        if workers > 0 {
            (config.workers, config.time) = (workers, Time::Real);
        }
    })
}

fn stage_with(source: &str, change: impl FnOnce(&mut Config)) -> (Stage, Arc<Far>) {
    let far = Far::new();
    let way = Arc::new(Way(Arc::clone(&far)));
    let stage = Stage::with(source, |config| {
        config.distribution = way;
        change(config);
    });
    (stage, far)
}

/// A process of the other node.
const THERE: Pid = Pid::new(2, 5);

fn word(number: i64) -> Vec<u8> {
    number.to_le_bytes().to_vec()
}

#[test]
fn messages_go_out_in_order_and_a_sender_waits_for_room() {
    // $0 is there; sends $1 numbers.
    let source = "
        load $3 #1
        load $4 #0
next:   sendi $0 $3 $4
        inc $4
        brlt $4 $1 @next
        hlt";
    for workers in [0, 3] {
        let (stage, far) = stage(source, workers);
        far.change(|state| state.room = 0);
        let pids: Vec<_> = (0..3).map(|_| stage.start(&[THERE.bits(), 500])).collect();
        until("all are refused", || far.change(|state| state.refused >= 3));
        assert_eq!(stage.scheduler.process_count(), 3, "suspended");
        // Room for a few, and again, till all is through.
        until("all have sent all", || {
            far.change(|state| state.room = 7);
            stage.scheduler.credit_available(2);
            stage.scheduler.process_count() == 0
        });
        let messages = far.change(|state| state.messages.clone());
        for pid in pids {
            let sent: Vec<_> = messages.iter().filter(|(from, ..)| *from == pid).collect();
            let expected: Vec<_> = (0..500).map(word).collect();
            assert!(sent.iter().map(|(.., bytes)| bytes).eq(&expected), "in order, each once");
        }
        assert_eq!(messages.len(), 1_500);
    }
}

#[test]
fn one_that_waits_for_room_can_be_killed_and_is_shown_as_remote() {
    let (stage, far) = stage("sendi $0 $0 $0\nhlt", 0);
    far.change(|state| state.room = 0);
    let pid = stage.start(&[THERE.bits()]);
    stage.await_rest();
    assert_eq!(stage.scheduler.processes()[0].activity, iridium_sched::Activity::Remote);
    stage.scheduler.kill(pid, iridium_sched::Reason::KILLED);
    stage.await_left(0);
    far.change(|state| state.room = 1);
    stage.scheduler.credit_available(2);
    stage.await_rest();
    assert!(far.change(|state| state.messages.is_empty()), "its message has gone with it");
}

/// Waits for exit signals and fired monitors, and prints tag and reason of each.
const TOLD: &str = "
told:   load $30 #16
        aloc $30
        load $1 #-1
        load $2 #-1
        load $31 #0
again:  recv $1 $3
        prti $3
        msgm $31 $32
        subi $32 #8 $32         ; the reason comes last
        ld64 $32 $33
        prti $33
        load $34 #' '
        prtc $34
        djmp @again
";

#[test]
fn links_and_monitors_of_a_lost_node_fire_once_with_minus_three() {
    for workers in [0, 2] {
        let source = format!("trapexit #1\nlink $0\nmonitor $0 $9\nmonitor $0 $9\n{TOLD}");
        let (stage, far) = stage(&source, workers);
        let pid = stage.start(&[THERE.bits()]);
        until("it is linked", || far.change(|state| state.signals.len() == 3));
        let signals = far.change(|state| state.signals.clone());
        assert_eq!(signals[0], (pid, THERE, Signal::Link { from: pid }));
        assert_eq!(signals[1], (pid, THERE, Signal::Monitor { from: pid, reference: 1 }));
        stage.scheduler.node_down(3);
        stage.await_rest();
        assert_eq!(stage.output(pid), "", "of another node");
        stage.scheduler.node_down(2);
        stage.scheduler.node_down(2);
        until("it is told", || stage.output(pid).len() >= 15);
        // What the node had sent before it was lost, and which comes late, fires nothing.
        let down = Signal::Down { from: THERE, reference: 1, reason: iridium_sched::Reason(0) };
        stage.scheduler.deliver(THERE, pid, down);
        let exit = Signal::Exit { from: THERE, reason: iridium_sched::Reason(4) };
        stage.scheduler.deliver(THERE, pid, exit);
        stage.await_rest();
        assert_eq!(stage.output(pid), "-2-3 -3-3 -3-3 ");
    }
}

#[test]
fn a_link_to_a_lost_node_ends_one_that_does_not_trap() {
    let (stage, far) = stage(&format!("link $0\n{TOLD}"), 0);
    stage.start(&[THERE.bits()]);
    until("it is linked", || far.change(|state| state.signals.len() == 1));
    stage.scheduler.node_down(2);
    stage.await_left(0);
    assert_eq!(stage.reasons(), [-3]);
}

#[test]
fn ties_to_a_node_out_of_reach_fire_at_once() {
    let (stage, far) = stage(&format!("trapexit #1\nlink $0\nmonitor $0 $9\n{TOLD}"), 0);
    far.change(|state| state.unreachable = true);
    let pid = stage.start(&[THERE.bits()]);
    stage.await_rest();
    assert_eq!(stage.output(pid), "-2-3 -3-3 ");
    stage.scheduler.node_down(2);
    stage.await_rest();
    assert_eq!(stage.output(pid), "-2-3 -3-3 ");
}

#[test]
fn signals_from_another_node_reach_processes_here() {
    let (stage, far) = stage(TOLD, 0);
    let pid = stage.start(&[]);
    stage.scheduler.deliver(THERE, pid, Signal::Link { from: THERE });
    stage.scheduler.deliver(THERE, pid, Signal::Monitor { from: THERE, reference: 44 });
    let payload = Payload::Word([0; 8]);
    stage.scheduler.send(THERE, pid, 6, payload);
    stage.await_rest();
    assert_eq!(stage.output(pid), "60 ");
    stage.scheduler.kill(pid, iridium_sched::Reason(5));
    stage.await_left(0);
    let reason = iridium_sched::Reason(5);
    let mut signals = far.change(|state| std::mem::take(&mut state.signals));
    signals.sort_by_key(|(.., signal)| matches!(signal, Signal::Down { .. }));
    assert_eq!(
        signals,
        [
            (pid, THERE, Signal::Exit { from: pid, reason }),
            (pid, THERE, Signal::Down { from: pid, reference: 44, reason }),
        ]
    );
    // To one that has ended they are answered.
    stage.scheduler.deliver(THERE, pid, Signal::Link { from: THERE });
    stage.scheduler.deliver(THERE, pid, Signal::Monitor { from: THERE, reference: 45 });
    let reason = iridium_sched::Reason::NO_PROCESS;
    assert_eq!(
        far.change(|state| std::mem::take(&mut state.signals)),
        [
            (pid, THERE, Signal::Exit { from: pid, reason }),
            (pid, THERE, Signal::Down { from: pid, reference: 45, reason }),
        ]
    );
}

/// Whoever asks for them is not here, and cannot end for them.
#[test]
fn monitors_from_another_node_are_refused_when_there_is_no_room_for_them() {
    let (stage, far) = stage_with(TOLD, |config| config.memory = 1_000_000);
    let pid = stage.start(&[]);
    let mut asked = 0;
    until("one is refused", || {
        for _ in 0..100 {
            asked += 1;
            let monitor = Signal::Monitor { from: THERE, reference: asked };
            stage.scheduler.deliver(THERE, pid, monitor);
        }
        stage.await_rest();
        far.change(|state| !state.signals.is_empty())
    });
    let reason = iridium_sched::Reason(-118);
    let (from, to, refused) = far.change(|state| state.signals[0].clone());
    assert!(
        matches!(refused, Signal::Down { from, reason: why, .. } if (from, why) == (pid, reason))
    );
    assert_eq!((from, to), (pid, THERE));
    assert!(asked > 5_000, "{asked}");
    assert!(stage.scheduler.is_alive(pid), "it has not asked for them");
    stage.scheduler.kill(pid, reason);
    stage.await_left(0);
    // There is room again.
    let pid = stage.start(&[]);
    far.change(|state| state.signals.clear());
    stage.scheduler.deliver(THERE, pid, Signal::Link { from: THERE });
    stage.await_rest();
    assert_eq!(far.change(|state| state.signals.len()), 0);
}

#[test]
fn spawnat_asks_the_other_node_and_takes_its_answer() {
    let source = "
        load $1 #2
        load $10 #77
        spawnat $1 @there $10 $0
        hlt
there:  hlt";
    let (stage, far) = stage(source, 0);
    let process = stage.process(None, &[]);
    let Spawned { pid, exit: ending, .. } =
        stage.scheduler.spawn_with(process, &stage.program, SpawnOptions::default()).unwrap();
    until("it asks", || far.change(|state| state.questions.len() == 1));
    let (asker, number, question) = far.change(|state| state.questions[0].clone());
    assert_eq!(asker, pid);
    let RemoteRequest::Spawn { node, module, start, limits } = question else {
        panic!("{question:?}")
    };
    assert_eq!((node, module, start.entry), (2, stage.program.module().id(), 4));
    assert_eq!((start.arguments[0].int, limits), (77, stage.limits));
    // An answer to another question, and a second answer, change nothing.
    stage.scheduler.reply(asker, number + 1, Completion::Value(1));
    stage.scheduler.reply(asker, number, Completion::Value(THERE.bits()));
    stage.scheduler.reply(asker, number, Completion::Value(2));
    let ending = ending.recv().unwrap();
    assert_eq!(ending.process.unwrap().register(0).int, THERE.bits());
}

#[test]
fn spawnat_here_is_spawn_and_nowhere_is_nobody() {
    let source = "spawnat $0 @there $9 $0\nload $1 #0\nmov $0 $0\nhlt\nthere: hlt";
    let (stage, far) = stage(source, 0);
    let here = stage.run(None, &[1]);
    assert_eq!(Pid::from_bits(here.result).node(), 1);
    for nowhere in [0, -1, 1 << 23, i64::MAX] {
        assert_eq!(stage.run(None, &[nowhere]).result, 0);
    }
    far.change(|state| state.unreachable = true);
    assert_eq!(stage.run(None, &[2]).result, 0);
    assert!(far.change(|state| state.questions.is_empty()));
}

#[test]
fn whereis_asks_the_node_of_the_alias() {
    let source = "
        .code
        whereis @far $1
        djmpe @got
        load $0 #-1
        hlt
got:    mov $1 $0
        hlt
here:   self $5
        register @near $5
        whereis @mine $1
        djmpe @got
        trap #1
        .data
far:    .asciiz 'store@there'
near:   .asciiz 'store'
mine:   .asciiz 'store@here'";
    let (stage, far) = stage(source, 0);
    for (answer, result) in [(Some(THERE.bits()), THERE.bits()), (None, -1)] {
        let process = stage.process(None, &[]);
        let Spawned { pid, exit: ending, .. } =
            stage.scheduler.spawn_with(process, &stage.program, SpawnOptions::default()).unwrap();
        until("it asks", || far.change(|state| state.questions.len() == 1));
        let (asker, number, question) = far.change(|state| state.questions.remove(0));
        let asked = RemoteRequest::WhereIs { name: "store".into(), alias: "there".into() };
        assert_eq!((asker, question), (pid, asked));
        stage.scheduler.reply(asker, number, Completion::Found(answer));
        assert_eq!(ending.recv().unwrap().process.unwrap().register(0).int, result);
    }
    far.change(|state| state.unreachable = true);
    assert_eq!(stage.run(None, &[]).result, -1);
    // The own alias needs no other node.
    assert!(stage.run(Some("here"), &[]).result > 0);
}

/// A process that is saved with its answer, which it had no fuel to read, does not ask again: there
/// would be a second process on the other node, that nobody knows of.
#[test]
fn what_is_answered_is_not_asked_again_after_a_restore() {
    let source = "load $1 #2\nspawnat $1 @child $9 $0\nhlt\nchild: hlt\nspin: djmp @spin";
    let (first, far) = stage_with(source, |config| config.fuel = 1_000);
    let asker = first.start(&[]);
    until("it asks", || far.change(|state| state.questions.len() == 1));
    first.start_at("spin", &[]);
    until("there is no fuel", || first.scheduler.is_out_of_fuel());
    let number = far.change(|state| state.questions[0].1);
    first.scheduler.reply(asker, number, Completion::Value(THERE.bits()));
    let saved = first.scheduler.save_all(PATIENCE).unwrap();
    let (second, far) = stage_with(source, |_| {});
    let _ = second.scheduler.restore_all(&saved, &Hosts::new(), RestoreOptions::default()).unwrap();
    until("the asker has ended", || !second.scheduler.is_alive(asker));
    assert!(far.change(|state| state.questions.is_empty()), "it is not asked again");
}

/// An answer of the wrong kind, which only a faulty node gives, ends the asker and nothing else.
#[test]
fn an_answer_of_another_kind_is_a_trap() {
    let (stage, far) = stage("load $1 #2\nspawnat $1 @t $9 $0\nhlt\nt: hlt", 0);
    stage.start(&[]);
    until("it asks", || far.change(|state| state.questions.len() == 1));
    let (asker, number, _) = far.change(|state| state.questions[0].clone());
    stage.scheduler.reply(asker, number, Completion::Found(None));
    stage.await_left(0);
    assert_eq!(stage.reasons(), [-111]);
}

#[test]
fn nodes_can_be_counted_and_are_numbered() {
    let source = "
        nodes $1
        prti $1
        load $2 #0
next:   nodeat $2 $3
        load $4 #' '
        prtc $4
        prti $3
        inc $2
        brle $2 $1 @next        ; and one too far
        load $2 #-1
        nodeat $2 $0
        hlt";
    let (stage, _) = stage(source, 0);
    let ended = stage.run(None, &[]);
    assert_eq!((ended.output.as_str(), ended.result), ("3 1 2 9 0", 0));
}

#[test]
fn nodes_that_come_and_go_are_told_to_those_who_want_it() {
    let source = format!(
        "
        monnodes #1
        djmp @told
stop:   monnodes #1
        monnodes #0
{TOLD}"
    );
    let (stage, _) = stage(&source, 0);
    let wants = stage.start(&[]);
    let stopped = stage.start_at("stop", &[]);
    let never = stage.start_at("told", &[]);
    stage.await_rest();
    stage.scheduler.node_up(7);
    stage.scheduler.node_down(7);
    stage.await_rest();
    assert_eq!(stage.output(wants), "-47 -57 ");
    assert_eq!((stage.output(stopped), stage.output(never)), (String::new(), String::new()));
    // One that ends is not told any more, and nothing is kept of it.
    stage.scheduler.kill(wants, iridium_sched::Reason::KILLED);
    stage.await_left(2);
    stage.scheduler.node_up(7);
    stage.await_rest();
    assert_eq!(stage.output(wants), "-47 -57 ");
}
