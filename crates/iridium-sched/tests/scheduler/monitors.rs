//! Monitors are one-way and always fire exactly once, also for a pid that is already gone.

use crate::stage::{Stage, output};

/// A subroutine: waits for a monitor to fire, prints the reason, and leaves who has ended in `$4`
/// and the reference in `$32`. Then there must not be another one.
const DOWN: &str = "
down:   heap $30
        brge $30 #16 @enough
        load $30 #16
        aloc $30
enough: load $1 #-3
        load $2 #-1
        recv $1 $3
        brne $5 #16 @wrong
        load $30 #0
        msgm $30 $31
        ld64 $30 #0 $32
        ld64 $30 #8 $33
        prti $33
        load $34 #' '
        prtc $34
        load $2 #0
        recv $1 $60
        djmpe @wrong
        ret
wrong:  trap #1
";

#[test]
fn a_monitor_fires_with_reference_and_reason() {
    let source = format!(
        "
        load $10 #0
next:   spawnmon @child $10 $20
        call @down
        brne $4 $20 @wrong
        brne $32 $21 @wrong
        inc $10
        brlt $10 #3 @next
        hlt
child:  exit $0
{DOWN}"
    );
    assert_eq!(output(&source), "0 1 2 ");
}

#[test]
fn a_monitor_of_one_that_is_gone_fires_with_minus_two() {
    let source = format!(
        "
        load $20 #0x10000001000
        monitor $20 $21
        call @down
        brne $4 $20 @wrong
        brne $32 $21 @wrong
        load $20 #-7            ; no pid
        monitor $20 $21
        call @down
        spawnmon @child $0 $20
        call @down
        monitor $20 $21         ; once more, when it has ended
        call @down
        hlt
child:  hlt
{DOWN}"
    );
    assert_eq!(output(&source), "-2 -2 0 -2 ");
}

/// The monitored process ends at the same time on another worker.
#[test]
fn a_monitor_of_one_that_is_ending_fires_once() {
    let source = "
        load $20 #0
again:  spawn @child $0 $9
        monitor $9 $10
        load $1 #-3
        load $2 #-1
        recv $1 $3
        brne $4 $9 @wrong
        load $2 #0
        recv $1 $3
        djmpe @wrong
        inc $20
        brlt $20 #1000 @again
        load $2 #20
        recv $1 $3              ; nor do any come late
        djmpe @wrong
        hlt
wrong:  trap #1
child:  hlt";
    assert_eq!(output(source), "");
}

#[test]
fn each_monitor_fires_for_itself() {
    let source = "
        spawn @child $0 $9
        monitor $9 $10
        monitor $9 $11
        monitor $9 $12
        breq $10 $11 @wrong
        demonitor $11
        load $1 #1
        sendi $9 $1 $1
        load $1 #-3
        load $2 #-1
        recv $1 $3
        recv $1 $3
        load $2 #20
        recv $1 $3
        djmpe @wrong
        hlt
wrong:  trap #1
child:  load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt";
    assert_eq!(output(source), "");
}

#[test]
fn monitors_are_one_way() {
    // The one who monitors crashes, and the other one does not notice.
    let source = "
        spawn @wait $0 $9
        monitor $9 $10
        load $1 #7
        exit $1
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt";
    let stage = Stage::new(source);
    stage.start(&[]);
    stage.await_rest();
    assert_eq!((stage.scheduler.process_count(), stage.reasons()), (1, vec![7]));
    // Nor is the one who monitors ended by a crash.
    let source = "spawnmon @crash $0 $9\nload $1 #-3\nload $2 #-1\nrecv $1 $3\nhlt\ncrash: igl";
    assert_eq!(output(source), "");
}

#[test]
fn what_is_not_monitored_any_more_does_not_fire() {
    let source = "
        spawnmon @child $0 $9
        demonitor $10
        demonitor $10           ; nothing happens
        load $11 #12345
        demonitor $11
        load $1 #1
        sendi $9 $1 $1
        load $1 #-1
        load $2 #30
        recv $1 $3
        djmpe @wrong
        hlt
wrong:  trap #1
child:  load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt";
    assert_eq!(output(source), "");
}

#[test]
fn a_process_may_monitor_itself() {
    assert_eq!(output("self $0\nmonitor $0 $1\nyield\nhlt"), "");
}

#[test]
fn a_monitor_does_not_need_exits_to_be_trapped_and_a_kill_fires_it_too() {
    let source = format!(
        "
        spawnmon @wait $0 $20
        load $1 #-1
        kill $20 $1
        call @down
        hlt
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt
{DOWN}"
    );
    assert_eq!(output(&source), "-1 ");
}

/// Both are there when it is to read them, and it ends by the first.
#[test]
fn a_monitor_that_comes_behind_a_kill_fires() {
    let source = format!(
        "
        spawn @wait $0 $20
        load $1 #1
        sleep $1                ; until it waits
        load $1 #-1
        kill $20 $1
        monitor $20 $21
        call @down
        brne $4 $20 @wrong
        brne $32 $21 @wrong
        hlt
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt
{DOWN}"
    );
    assert_eq!(output(&source), "-1 ");
}
