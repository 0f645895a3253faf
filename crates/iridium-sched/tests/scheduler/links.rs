//! Links are two-way: a non-normal end ends the linked process with the same reason unless it traps
//! exits. And what `kill` does.

use iridium_sched::{Reason, Time};

use crate::stage::{Stage, output, until};

/// Waits for a message and ends.
const WAIT: &str = "
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt
";

fn sorted(mut reasons: Vec<i64>) -> Vec<i64> {
    reasons.sort_unstable();
    reasons
}

#[test]
fn a_crash_ends_the_linked_process_with_the_same_reason() {
    for end in ["load $0 #7\nexit $0", "load $0 #0\ndiv $0 $0 $0\nhlt", "trap #3"] {
        let stage = Stage::new(&format!("spawnlink @child $0 $9\n{WAIT}child: {end}"));
        stage.start(&[]);
        stage.await_left(0);
        let reasons = stage.reasons();
        assert_eq!(reasons.len(), 2, "{end}: {reasons:?}");
        assert_eq!(reasons[0], reasons[1]);
    }
}

#[test]
fn links_are_two_way() {
    // The one that made the link ends; the other one follows.
    for link in ["link $9", "link $9\nlink $9"] {
        let source = format!("spawn @wait $0 $9\n{link}\nload $0 #8\nexit $0\n{WAIT}");
        let stage = Stage::new(&source);
        stage.start(&[]);
        stage.await_left(0);
        assert_eq!(stage.reasons(), [8, 8]);
    }
}

#[test]
fn a_normal_end_leaves_the_linked_process_alone() {
    let source = format!("spawnlink @wait $0 $9\nhlt\n{WAIT}");
    let stage = Stage::new(&source);
    stage.start(&[]);
    stage.await_rest();
    assert_eq!((stage.scheduler.process_count(), stage.reasons()), (1, vec![]));
}

#[test]
fn one_that_traps_exits_is_told_instead() {
    // The payload is the reason, 8 bytes; the sender is who has ended.
    let source = "
        trapexit #1
        load $10 #5
        spawnlink @exits $10 $9
        call @told
        load $10 #0
        spawnlink @exits $10 $9
        call @told
        spawnlink @traps $10 $9
        call @told
        trapexit #0
        load $10 #6
        spawnlink @exits $10 $9
        call @told
told:   load $1 #-2
        load $2 #-1
        recv $1 $3
        brne $5 #8 @wrong
        brne $4 $9 @wrong
        msgi $6
        prti $6
        load $7 #' '
        prtc $7
        ret
exits:  exit $0
traps:  igl
wrong:  trap #1";
    let stage = Stage::new(source);
    let ended = stage.run(None, &[]);
    assert_eq!((ended.output.as_str(), ended.reason), ("5 0 -111 ", 6));
}

/// A ring of processes, each linked to the next one; and one in which each is linked to all.
#[test]
fn links_in_cycles_end_all_and_end() {
    for count in [2, 3, 100] {
        let source = "
        ; $0 processes, the last one linked to the first one
main:   self $10
        mov $10 $11
        load $1 #1
next:   brge $1 $0 @close
        spawn @link $11 $12     ; its $0: the one before
        mov $12 $11
        inc $1
        djmp @next
close:  link $11
        load $2 #20
        sleep $2
        load $3 #9
        exit $3
link:   link $0
        load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt";
        for workers in [1, 4] {
            let stage = Stage::with(source, |config| {
                let time = if workers == 1 { Time::Virtual } else { Time::Real };
                (config.workers, config.time) = (workers, time);
            });
            stage.start(&[count]);
            stage.await_left(0);
            assert_eq!(stage.reasons(), vec![9; count as usize]);
        }
    }
}

#[test]
fn what_is_unlinked_is_left_alone() {
    let source = format!(
        "spawnlink @wait $0 $9\nunlink $9\nload $1 #5\nsleep $1\nload $0 #8\nexit $0\n{WAIT}"
    );
    let stage = Stage::new(&source);
    stage.start(&[]);
    stage.await_rest();
    assert_eq!((stage.scheduler.process_count(), stage.reasons()), (1, vec![8]));
}

#[test]
fn a_link_to_one_that_is_gone_is_an_exit_with_minus_two() {
    let source = format!("load $9 #0x10000001000\nlink $9\n{WAIT}");
    let stage = Stage::new(&source);
    assert_eq!(stage.run(None, &[]).reason, -2);
    let trapping = "
        trapexit #1
        load $9 #0x10000001000
        link $9
        load $1 #-1
        load $2 #-1
        recv $1 $3
        brne $3 #-2 @wrong
        brne $4 $9 @wrong
        msgi $5
        prti $5
        hlt
wrong:  trap #1";
    assert_eq!(output(trapping), "-2");
}

/// One that has undone a link while the other side made it takes itself for linked, and the other
/// side does not. When it links again, there is a link.
#[test]
fn a_link_is_made_whatever_crossed_on_the_way() {
    let source = "
        self $0
        spawn @other $0 $1
        link $1
        unlink $1
        load $2 #10
        sleep $2
        link $1
        sendi $1 $2 $2
        load $3 #-1
        load $4 #-1
        recv $3 $5
        hlt
other:  link $0
        load $1 #-1
        load $2 #-1
        recv $1 $3
        load $0 #7
        exit $0";
    let stage = Stage::new(source);
    stage.start(&[]);
    stage.await_rest();
    assert_eq!((stage.reasons(), stage.scheduler.process_count()), (vec![7, 7], 0));
}

#[test]
fn a_link_to_oneself_means_nothing() {
    assert_eq!(output("self $0\nlink $0\nunlink $0\nlink $0\nhlt"), "");
}

/// A child that ends at once: the link is made in time or answered, and there is one exit signal.
#[test]
fn a_link_to_one_that_is_ending_is_told_of_once() {
    let source = "
        trapexit #1
        load $20 #0
again:  spawn @child $0 $9
        link $9
        load $1 #-2
        load $2 #-1
        recv $1 $3
        brne $4 $9 @wrong
        load $2 #0
        recv $1 $3
        djmpe @wrong
        inc $20
        brlt $20 #500 @again
        hlt
wrong:  trap #1
child:  load $0 #4
        exit $0";
    assert_eq!(output(source), "");
}

#[test]
fn kill_ends_a_process_whatever_it_does() {
    let source = format!(
        "{WAIT}
spin:   djmp @spin
sends:  self $0
        load $1 #1
        load $2 #0
        load $3 #0
send:   sendi $0 $1 $1
        recv $1 $4
        djmp @send
sleeps: load $0 #1000000000
        sleep $0
        hlt
timed:  load $1 #1
        load $2 #1000000000
        recv $1 $3
        hlt"
    );
    for time in [Time::Real, Time::Virtual] {
        for what in ["wait", "spin", "sends", "sleeps", "timed"] {
            // In virtual time a sleep is over before anybody can end it.
            if time == Time::Virtual && ["sleeps", "timed"].contains(&what) {
                continue;
            }
            let stage = Stage::with(&source, |config| config.time = time);
            let pid = stage.start_at(what, &[]);
            until("it has begun", || stage.scheduler.processes().iter().any(|info| info.fuel > 0));
            stage.scheduler.kill(pid, Reason::KILLED);
            stage.await_left(0);
            assert_eq!(stage.reasons(), [-1], "{what}");
        }
    }
}

/// A kill by another process while the victim runs on another worker.
#[test]
fn kill_reaches_one_that_runs_elsewhere() {
    let source = "
        load $10 #-1
        load $20 #0
again:  spawnmon @spin $0 $8
        kill $8 $10
        load $1 #-3
        load $2 #-1
        recv $1 $3
        brne $4 $8 @wrong
        inc $20
        brlt $20 #200 @again
        hlt
spin:   djmp @spin
wrong:  trap #1";
    assert_eq!(output(source), "");
}

#[test]
fn only_killed_cannot_be_trapped() {
    let source = "
        trapexit #1
        load $1 #-1
        load $2 #-1
again:  recv $1 $3
        msgi $6
        prti $6
        djmp @again";
    let stage = Stage::new(source);
    let pid = stage.start(&[]);
    for reason in [0, 9, -4] {
        stage.scheduler.kill(pid, Reason(reason));
    }
    stage.await_rest();
    assert_eq!((stage.output(pid).as_str(), stage.scheduler.process_count()), ("09-4", 1));
    stage.scheduler.kill(pid, Reason::KILLED);
    stage.await_left(0);
    assert_eq!(stage.reasons(), [-1]);
}

#[test]
fn a_process_can_end_itself_with_kill() {
    let stage = Stage::new("self $0\nload $1 #6\nkill $0 $1\ntrap #1");
    assert_eq!(stage.run(None, &[]).reason, 6);
}

#[test]
fn those_linked_to_a_killed_one_end_as_killed_and_may_trap_it() {
    let source = format!(
        "
main:   spawnlink @wait $0 $9
        spawnlink @trapping $0 $9
        load $3 #10
        sleep $3
        djmp @wait
trapping: trapexit #1
        load $1 #-1
        load $2 #-1
        recv $1 $3
        msgi $6
        prti $6
        hlt
{WAIT}"
    );
    let stage = Stage::new(&source);
    let pid = stage.start(&[]);
    stage.await_rest();
    stage.scheduler.kill(pid, Reason::KILLED);
    stage.await_left(0);
    assert_eq!((sorted(stage.reasons()), stage.all_output().as_str()), (vec![-1, -1], "-1"));
}
