//! Scheduler: M workers, N processes; a bounded quantum of fuel a turn, charged for sends and host
//! calls too; local queues with stealing, a global injector that cannot starve, parked workers that
//! no wake-up can miss. A process that loops for ever slows only itself.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use iridium_sched::Time;
use iridium_vm::{Hosts, Payload, Pid};

use crate::stage::{Stage, program, until};

/// Processes that spin in different ways, and a pair that talks.
const SOURCE: &str = "
        ; $0 round trips with a process of its own
ping:   self $1
        spawn @pong $1 $2
        load $3 #1
        load $4 #1
        load $5 #-1
next:   sendi $2 $3 $0
        recv $4 $7
        dec $0
        brgt $0 #0 @next
        load $6 #5
        kill $2 $6
        hlt
pong:   load $4 #1
        load $5 #-1
again:  recv $4 $7
        msgi $1
        sendi $8 $7 $1
        djmp @again

spin:   djmp @spin
        ; sends to nobody
sends:  load $1 #1
send:   sendi $0 $1 $1
        djmp @send
        ; wakes itself
talks:  self $1
        load $2 #1
        load $4 #1
        load $5 #-1
talk:   sendi $1 $2 $2
        recv $4 $7
        djmp @talk
yields: yield
        djmp @yields
        ; starts one process after the other
spawns: spawn @ends $0 $1
        djmp @spawns
ends:   hlt
        ; takes $0 turns
steps:  yield
        dec $0
        brgt $0 #0 @steps
        hlt
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        djmp @wait
";

#[test]
fn a_pair_makes_progress_beside_spinning_processes_on_every_worker() {
    for workers in [1, 2, 3] {
        let stage = Stage::real(SOURCE, workers);
        for _ in 0..4 * workers {
            stage.start_at("spin", &[]);
        }
        assert_eq!(stage.run(Some("ping"), &[100]).reason, 0);
    }
}

/// Those that only compute get one turn of sixteen, however many they are: fuel that would last for a
/// few rounds if each of them had its turn in between lasts for all.
#[test]
fn who_uses_up_its_turns_comes_behind_who_does_not() {
    let stage = Stage::with(SOURCE, |config| config.fuel = 1 << 24);
    for _ in 0..64 {
        stage.start_at("spin", &[]);
    }
    assert_eq!(stage.run(Some("ping"), &[1000]).reason, 0);
}

/// The other way round: who only computes gets its turns, though others are always ready.
#[test]
fn who_uses_up_its_turns_gets_others() {
    let stage = Stage::new(SOURCE);
    stage.start_at("ping", &[i64::MAX]);
    assert_eq!(stage.run(Some("steps"), &[100]).reason, 0);
}

/// Whatever a process spends its turn with, the turn ends.
#[test]
fn a_turn_is_charged_for_everything() {
    for busy in ["spin", "sends", "talks", "yields", "spawns"] {
        let stage = Stage::real(SOURCE, 1);
        stage.start_at(busy, &[]);
        stage.start_at(busy, &[]);
        assert_eq!(stage.run(Some("ping"), &[20]).reason, 0, "beside one that {busy}");
    }
}

/// However long a program computes between two payments, in small steps or in big ones, a sleeper
/// beside it is woken soon, and one that looks at all processes is answered soon.
#[test]
fn no_program_keeps_a_sleeper_waiting() {
    let long_line = "ld64 $6 #0 $5\n".repeat(1000);
    let unwound = "heap $5\n".repeat(300);
    let busy = [
        format!("load $6 @d\nl: {long_line} djmp @l"),
        format!(
            "again: load $0 #9000\ncall @down\ndjmp @again\n\
             down: breq $0 #0 @back\ndec $0\ncall @down\nback: {unwound} ret"
        ),
        bulk("memcpy $4 $3 $2"),
        bulk("memset $3 $3 $2"),
        bulk("memcmp $3 $3 $2 $5"),
        bulk("send $9 $1 $3\n"),
        bulk("self $10\nsend $10 $1 $3\nload $11 #-1\nload $12 #0\nrecv $11 $13"),
        "load $2 #20000000\nl: aloc $2\nspawn @next $0 $1\nhlt\nnext: djmp @l2\nl2: load $2 #20000000\ndjmp @l".to_owned(),
    ];
    for program in busy {
        let source = format!(
            ".data\nd: .i64 #7\n.code\n{program}\n\
             sleeper: load $20 #50\nmono $1\nround: load $0 #1\nsleep $0\nmono $2\n\
             sub $2 $1 $3\nmov $2 $1\nmax $3 $4 $4\ndec $20\nbrgt $20 #0 @round\n\
             mov $4 $0\nhlt"
        );
        let stage = Stage::real(&source, 1);
        for _ in 0..3 {
            stage.start(&[]);
        }
        // Another thread of the machine may have the core for a while: one good run counts.
        let gaps: Vec<_> = std::iter::repeat_with(|| stage.run(Some("sleeper"), &[]).result)
            .take(30)
            .take_while(|gap| *gap >= 20_000_000)
            .collect();
        assert!(gaps.len() < 30, "{gaps:?} ns\n{:.200}", program);
        let asked = Instant::now();
        assert!(stage.scheduler.processes().len() >= 3);
        let answered = asked.elapsed();
        assert!(answered < Duration::from_millis(200), "{answered:?}\n{:.200}", program);
    }
}

/// A loop around an instruction on 16 MiB of memory.
fn bulk(instruction: &str) -> String {
    format!(
        "load $3 #0\nload $2 #33554432\naloc $2\nload $2 #16777216\nmov $2 $4\n\
         l: {instruction}\ndjmp @l"
    )
}

#[test]
fn a_turn_is_charged_for_host_calls() {
    let mut hosts = Hosts::new();
    hosts.add("nothing", |_| Ok(()));
    let source = ".import nothing\nend: hlt\ncalls: host @nothing $0\ndjmp @calls";
    let stage = Stage::of(program(source, &hosts), |config| config.time = Time::Real);
    stage.start_at("calls", &[]);
    assert_eq!(stage.run(Some("end"), &[]).reason, 0);
}

/// Two that wake each other could keep their worker for themselves; what comes from outside has its
/// turn all the same.
#[test]
fn the_injector_does_not_starve() {
    let stage = Stage::real(SOURCE, 1);
    stage.start_at("ping", &[i64::MAX]);
    for _ in 0..20 {
        assert_eq!(stage.run(Some("ends"), &[]).reason, 0);
    }
}

/// The other way round: things that come from outside all the time do not keep the queue waiting.
#[test]
fn the_injector_starves_nobody() {
    let stage = Stage::real(SOURCE, 1);
    stage.start_at("ping", &[i64::MAX]);
    let waits: Vec<_> = (0..8).map(|_| stage.start_at("wait", &[])).collect();
    let over = Arc::new(AtomicBool::new(false));
    let floods = {
        let (over, scheduler) = (Arc::clone(&over), stage.scheduler.clone());
        std::thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                for pid in &waits {
                    scheduler.send(Pid::NOBODY, *pid, 1, Payload::Word([0; 8]));
                }
                std::thread::yield_now();
            }
        })
    };
    let ended = stage.run(Some("steps"), &[100]);
    over.store(true, Ordering::Relaxed);
    floods.join().unwrap();
    assert_eq!(ended.reason, 0);
}

/// Processes of one worker's queue are taken over by the others: with a worker that is kept by a
/// host function that does not return, what it has started is run elsewhere.
#[test]
fn workers_steal_from_each_other() {
    let held = Arc::new(AtomicBool::new(true));
    let (holds, mut hosts) = (Arc::clone(&held), Hosts::new());
    // Not blocking by its declaration, so that it keeps its worker.
    hosts.add("hold", move |_| {
        until("the others have run", || !holds.load(Ordering::Relaxed));
        Ok(())
    });
    let source = "
        .import hold
main:   load $1 #0
next:   spawn @child $0 $2
        inc $1
        brlt $1 #100 @next
        host @hold $0
        hlt
child:  hlt";
    let stage = Stage::of(program(source, &hosts), |config| {
        (config.workers, config.time) = (2, Time::Real);
    });
    stage.start(&[]);
    until("it has begun", || stage.scheduler.process_count() > 0);
    stage.await_left(1);
    held.store(false, Ordering::Relaxed);
    stage.await_left(0);
}

/// Each of these wakes a worker that is about to sleep, or has just done so.
#[test]
fn no_wake_up_is_missed() {
    for workers in [1, 2, 4] {
        let stage = Stage::real(SOURCE, workers);
        for _ in 0..2_000 {
            assert_eq!(stage.run(Some("ends"), &[]).reason, 0);
        }
    }
}

/// Work for many workers is done by many: all of them are there at the same time.
#[test]
fn all_workers_work() {
    let (workers, mut hosts) = (3, Hosts::new());
    let meeting = Arc::new(std::sync::Barrier::new(workers));
    hosts.add("meet", move |_| {
        meeting.wait();
        Ok(())
    });
    let stage = Stage::of(program(".import meet\nhost @meet $0\nhlt", &hosts), |config| {
        (config.workers, config.time) = (workers, Time::Real);
    });
    for _ in 0..workers {
        stage.start(&[]);
    }
    stage.await_left(0);
}

#[test]
fn one_that_yields_lets_others_go_first() {
    let source = "
        self $0
        spawn @child $0 $1
        spawn @child $0 $1
        yield
        load $5 #'p'
        prtc $5
        hlt
child:  load $5 #'c'
        prtc $5
        hlt";
    let stage = Stage::new(source);
    stage.start(&[]);
    stage.await_left(0);
    assert_eq!(stage.all_output(), "ccp");
}
