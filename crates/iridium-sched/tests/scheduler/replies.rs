//! Host functions that are answered later.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use iridium_sched::{Activity, Reason, RestoreOptions};
use iridium_vm::{HostError, Hosts, Pid, Reply};

use crate::stage::{PATIENCE, Stage, program, until};

/// Doubles `$0` by the function, writes the pid that this knows, and exits with the result.
const SOURCE: &str = "
.import later
        host @later $0
        exit $0
";

/// The replies that are owed, with the number that each is to double.
#[derive(Clone, Default)]
struct Owed(Arc<Mutex<Vec<(Pid, i64, Reply)>>>);

impl Owed {
    fn hosts(&self) -> Hosts {
        let owed = self.0.clone();
        let mut hosts = Hosts::new();
        hosts.add_deferred("later", move |caller, reply| {
            let number = caller.registers[0].int;
            owed.lock().unwrap().push((caller.pid, number, reply));
        });
        hosts
    }

    fn take(&self) -> (Pid, i64, Reply) {
        until("the function is called", || !self.0.lock().unwrap().is_empty());
        self.0.lock().unwrap().remove(0)
    }
}

fn stage(owed: &Owed) -> Stage {
    Stage::of(program(SOURCE, &owed.hosts()), |_| {})
}

fn answer(reply: Reply, result: i64) {
    reply.answer(move |caller| {
        caller.registers[0].int = result;
        Ok(())
    });
}

#[test]
fn a_process_waits_for_its_answer_and_is_seen_to() {
    let owed = Owed::default();
    let stage = stage(&owed);
    let pid = stage.start(&[21]);
    let (caller, number, reply) = owed.take();
    assert_eq!((caller, number), (pid, 21));
    until("it waits", || stage.scheduler.processes()[0].activity == Activity::Blocked);
    assert!(!stage.scheduler.is_idle(), "the answer will come");
    assert!(reply.is_wanted());
    answer(reply, 42);
    stage.await_left(0);
    assert_eq!(stage.reasons(), [42]);
    until("nothing is left to come", || stage.scheduler.is_idle());
}

#[test]
fn an_answer_that_fails_a_reply_that_is_dropped_and_a_function_that_panics_are_traps() {
    let owed = Owed::default();
    let stage = stage(&owed);
    stage.start(&[1]);
    owed.take().2.answer(|_| Err(HostError("no such thing".into())));
    stage.start(&[1]);
    drop(owed.take());
    stage.start(&[1]);
    owed.take().2.answer(|_| panic!("on purpose"));
    stage.await_left(0);
    let messages: Vec<_> =
        stage.endings().into_iter().map(|end| end.trap.unwrap().message.unwrap()).collect();
    let expected =
        ["no such thing", "the host function has given no answer", "the host function panicked"];
    assert_eq!(messages, expected);

    let mut hosts = Hosts::new();
    hosts.add_deferred("later", |_, _| panic!("on purpose"));
    let stage = Stage::of(program(SOURCE, &hosts), |_| {});
    stage.start(&[1]);
    stage.await_left(0);
    assert_eq!(stage.endings()[0].trap.as_ref().unwrap().kind.name(), "host-error");
}

#[test]
fn an_answer_may_come_before_the_function_returns() {
    let mut hosts = Hosts::new();
    hosts.add_deferred("later", |caller, reply| answer(reply, caller.registers[0].int + 1));
    for workers in [1, 3] {
        let stage = Stage::of(program(SOURCE, &hosts), |config| {
            (config.workers, config.time) = (workers, iridium_sched::Time::Real);
        });
        for number in 0..100 {
            stage.start(&[number]);
        }
        stage.await_left(0);
        let mut reasons = stage.reasons();
        reasons.sort_unstable();
        assert_eq!(reasons, (1..=100).collect::<Vec<_>>());
    }
}

#[test]
fn the_end_of_the_process_is_told_to_whoever_was_to_answer() {
    let owed = Owed::default();
    let stage = stage(&owed);
    let cancelled = Arc::new(AtomicUsize::new(0));
    let count = |reply: &Reply| {
        let cancelled = Arc::clone(&cancelled);
        reply.on_cancel(move || {
            cancelled.fetch_add(1, Ordering::SeqCst);
        });
    };
    let pid = stage.start(&[1]);
    let (_, _, reply) = owed.take();
    count(&reply);
    stage.scheduler.kill(pid, Reason::KILLED);
    until("it is told", || cancelled.load(Ordering::SeqCst) == 1);
    assert!(!reply.is_wanted());
    count(&reply);
    assert_eq!(cancelled.load(Ordering::SeqCst), 2, "at once, when it is late");
    answer(reply, 5);
    assert_eq!(stage.reasons(), [-1], "nobody takes the answer");

    stage.start(&[1]);
    let (_, _, reply) = owed.take();
    count(&reply);
    answer(reply, 7);
    stage.await_left(0);
    assert_eq!((stage.reasons(), cancelled.load(Ordering::SeqCst)), (vec![-1, 7], 2));

    stage.start(&[1]);
    let (_, _, reply) = owed.take();
    count(&reply);
    stage.scheduler.shutdown();
    until("a shutdown is an end", || cancelled.load(Ordering::SeqCst) == 3);
}

#[test]
fn a_restored_process_calls_again_and_the_earlier_answer_reaches_the_one_that_was_there() {
    let owed = Owed::default();
    let stage = stage(&owed);
    let pid = stage.start(&[3]);
    let (_, _, first) = owed.take();
    until("it waits", || stage.scheduler.processes()[0].activity == Activity::Blocked);
    let all = stage.scheduler.save_all(PATIENCE).unwrap();
    let one = stage.scheduler.take(pid, true).unwrap();
    assert!(!first.is_wanted(), "it was taken away");

    let other = Stage::of(program(SOURCE, &owed.hosts()), |_| {});
    let restored = other.scheduler.restore_all(&all, &owed.hosts(), RestoreOptions::default());
    assert_eq!(restored.unwrap().pids, [pid]);
    let (caller, number, second) = owed.take();
    assert_eq!((caller, number), (pid, 3));
    answer(first, 100);
    answer(second, 6);
    other.await_left(0);
    assert_eq!(other.reasons(), [6]);

    let third = Stage::of(program(SOURCE, &owed.hosts()), |config| config.node = 2);
    third.scheduler.restore_as(&one, &owed.hosts()).unwrap();
    answer(owed.take().2, 8);
    third.await_left(0);
    assert_eq!(third.reasons(), [8]);
}

#[test]
fn an_answer_sees_the_heap_and_cannot_reach_beyond_it() {
    let source = "
    .import later
            load $0 #16
            aloc $0
            host @later $0
            ld64 $1 #8 $2
            exit $2
    ";
    let mut hosts = Hosts::new();
    hosts.add_deferred("later", |_, reply| {
        reply.answer(|caller| {
            let inside = caller.bytes_mut(8, 8).ok_or(HostError("not there".into()))?;
            inside.copy_from_slice(&77_i64.to_le_bytes());
            let beyond = [(9, 8), (-1, 1), (0, 17), (i64::MAX, 1), (0, -1)];
            for (address, length) in beyond {
                if caller.bytes_mut(address, length).is_some() {
                    return Err(HostError(format!("{address} {length}")));
                }
            }
            Ok(())
        });
    });
    let stage = Stage::of(program(source, &hosts), |_| {});
    stage.start(&[]);
    stage.await_left(0);
    assert_eq!(stage.reasons(), [77]);
}

/// Messages that come meanwhile are for later, and a deadline of the clock passes by.
#[test]
fn mail_is_kept_while_a_process_waits_for_an_answer() {
    let source = "
    .import later
            host @later $0
            load $1 #-1
            load $2 #-1
            recv $1 $3
            msgi $4
            add $0 $4 $0
            exit $0
    ";
    let owed = Owed::default();
    let stage = Stage::of(program(source, &owed.hosts()), |_| {});
    let pid = stage.start(&[1]);
    let (_, _, reply) = owed.take();
    let word = iridium_vm::Payload::Word(30_i64.to_le_bytes());
    stage.scheduler.send(Pid::NOBODY, pid, 5, word);
    std::thread::sleep(Duration::from_millis(5));
    answer(reply, 12);
    stage.await_left(0);
    assert_eq!(stage.reasons(), [42]);
}
