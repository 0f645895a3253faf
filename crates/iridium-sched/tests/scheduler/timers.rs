//! Timers by the thousand at no scan; and what sleeping and waiting mean.

use std::time::{Duration, Instant};

use iridium_sched::RestoreOptions;
use iridium_vm::Hosts;

use crate::stage::{PATIENCE, Stage, output};

#[test]
fn thousands_sleep_and_wake_in_the_order_of_their_deadlines() {
    // 5,000 processes sleep (i * 7919) mod 5003 ms, and say so then.
    let source = "
main:   self $0
        load $10 #1
        load $11 #7919
        load $12 #5003
next:   mul $10 $11 $1
        rem $1 $12 $1
        spawn @sleep $0 $2
        inc $10
        brle $10 #5000 @next
        load $1 #-1
        load $2 #-1
        load $20 #0             ; how many have come
        load $21 #-1            ; the last one's time
take:   recv $1 $3
        msgi $6
        brlt $6 $21 @wrong
        mov $6 $21
        inc $20
        brlt $20 #5000 @take
        hlt
wrong:  trap #1
sleep:  sleep $1
        load $2 #1
        sendi $0 $2 $1
        hlt";
    let stage = Stage::new(source);
    assert_eq!(stage.run(None, &[]).trap, None);
    // In real time they wake all the same.
    let any_order = source.replace("brlt $6 $21 @wrong", "nop");
    assert_eq!(Stage::real(&any_order, 2).run(None, &[]).trap, None);
}

#[test]
fn a_sleep_takes_the_time_it_is_told() {
    let source = "
        mono $1
        load $2 #250
        sleep $2
        mono $3
        sub $3 $1 $0
        hlt";
    assert_eq!(Stage::new(source).run(None, &[]).result, 250_000_000, "virtual time is exact");
    let before = Instant::now();
    let slept = Stage::real(source, 1).run(None, &[]).result;
    assert!(slept >= 250_000_000);
    assert!(before.elapsed() >= Duration::from_millis(250));
}

#[test]
fn a_sleep_of_less_than_nothing_is_none() {
    assert_eq!(output("load $0 #-5\nsleep $0\nmov $1 $0\nsleep $0\nhlt"), "");
}

#[test]
fn a_sleeping_process_is_not_woken_by_messages() {
    let source = "
        self $0
        spawn @child $0 $1
        load $5 #100
        mono $6
        sleep $5
        mono $7
        sub $7 $6 $7
        load $8 #100000000
        brlt $7 $8 @early
        load $1 #-1
        load $2 #0
        recv $1 $3
        djmpe @got
        trap #2
got:    hlt
early:  trap #1
child:  load $1 #1
        sendi $0 $1 $1
        hlt";
    assert_eq!(output(source), "");
}

/// The first wait leaves a deadline behind, which is not to end the second one.
#[test]
fn a_deadline_that_has_lost_its_meaning_ends_no_later_wait() {
    let source = "
        self $0
        spawn @child $0 $1
        load $1 #-1
        load $2 #50
        recv $1 $3              ; comes in time
        djmpe @one
        trap #1
one:    load $2 #200
        mono $10
        recv $1 $3              ; does not
        djmpe @wrong
        mono $11
        sub $11 $10 $11
        load $12 #200000000
        brlt $11 $12 @wrong
        hlt
wrong:  trap #2
child:  load $1 #1
        sendi $0 $1 $1
        hlt";
    assert_eq!(output(source), "");
}

#[test]
fn clocks_do_not_go_back_and_now_counts_from_1970() {
    let source = "
        mono $1
        now $2
        load $3 #3
        sleep $3
        mono $4
        now $5
        sub $4 $1 $6
        brlt $6 #3000000 @wrong
        mov $5 $0
        hlt
wrong:  trap #1";
    let now = Stage::real(source, 1).run(None, &[]).result;
    let since_1970 = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_nanos();
    assert!(since_1970.abs_diff(now as u128) < 600_000_000_000, "within minutes of this clock");
    assert_eq!(Stage::new(source).run(None, &[]).result, 3_000_000, "virtual time begins there");
}

#[test]
fn random_bits_come_from_the_seed() {
    let run = |seed| {
        let stage = Stage::with("rand $1\nrand $0\nprti $1\nhlt", |config| config.seed = seed);
        let ended = stage.run(None, &[]);
        (ended.output, ended.result)
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    let (first, second) = run(7);
    assert_ne!(first, second.to_string());
}

/// Virtual time comes to its end with the longest of waits, and does not turn round there; what is
/// saved then can be restored.
#[test]
fn the_longest_wait_leaves_a_clock_that_can_go_on() {
    let source = "
        sleep $0
        mono $3
        sleep $0
        mono $4
        load $1 #5
        mov $2 $0
        recv $1 $6
        mono $5
        load $2 #-1
        recv $1 $6
        hlt";
    let stage = Stage::new(source);
    let pid = stage.start(&[i64::MAX]);
    stage.await_rest();
    let saved = stage.scheduler.save_all(PATIENCE).unwrap();
    let other = Stage::new("hlt");
    let _ = other.scheduler.restore_all(&saved, &Hosts::new(), RestoreOptions::default()).unwrap();
    other.await_rest();
    let process = other.scheduler.stop(pid, false, PATIENCE).unwrap().process.unwrap();
    let times = [3, 4, 5].map(|number| process.register(number).int);
    assert!(times[0] > 0 && times.is_sorted(), "{times:?}");
}
