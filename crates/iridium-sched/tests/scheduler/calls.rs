//! A call is a message whose reply is waited for under a tag of its own: the reply comes once, or
//! instead of it the end of the process that was called, and nothing else ever has such a tag.

use crate::stage::{Stage, output, run};

/// Subroutines. `ask` calls `$20` with the tag in `$21` and waits for at most `$24` ms; `tell`
/// answers the call in `$3`…. What came is printed: the reply, or `down` with the reason.
const CALLS: &str = "
ask:    monitort $20 $21
        load $22 #1
        sendi $20 $22 $21
wait:   mov $21 $23
        recv $23 $25
        djmpe @came
        demonitor $21
        prts @late
        ret
came:   brne $25 $21 @wrong
        brne $27 #8 @down
        msgi $28
        prti $28
        ret
down:   prts @downed
        load $30 #64
        aloc $30
        load $30 #0
        msgm $30 $31
        brne $31 #9 @wrong
        ld64 $30 #0 $32
        prti $32
        ret
wrong:  trap #1
        .data
late:   .asciiz 'late '
downed: .asciiz 'down '
        .code
";

/// Waits for calls, and answers each with the number in `$0`, as often as `$1` says.
const SERVER: &str = "
server: load $4 #1
        load $5 #-1
        recv $4 $6              ; $7 is who asks
        msgi $9                 ; the tag of the reply
        mov $1 $10
again:  breq $10 #0 @server
        sendi $7 $9 $0
        dec $10
        djmp @again
";

fn with_calls(main: &str) -> String {
    let begin = "load $21 #1\nshl $21 #62\nload $24 #-1\nload $0 #42\nload $1 #1\n";
    format!("{begin}{main}{CALLS}{SERVER}")
}

#[test]
fn a_reply_comes_under_the_tag_that_was_asked_for() {
    let source = "spawn @server $0 $20\ncall @ask\ninc $21\ncall @ask\nhlt\n";
    assert_eq!(output(&with_calls(source)), "4242");
}

#[test]
fn a_reply_comes_once() {
    let source = "
        load $1 #3              ; it answers three times
        spawn @server $0 $20
        call @ask
        inc $21
        call @ask
        load $23 #-1
        load $24 #20
        recv $23 $25            ; nothing else is there
        djmpe @wrong
        hlt
";
    assert_eq!(output(&with_calls(source)), "4242");
}

#[test]
fn a_reply_that_comes_too_late_is_never_seen() {
    let source = "
        load $24 #5
        spawn @slow $0 $20
        call @ask
        load $24 #200
        load $23 #-1
        recv $23 $25
        djmpe @wrong
        hlt
slow:   load $4 #1
        load $5 #-1
        recv $4 $6
        msgi $9
        load $10 #30
        sleep $10
        sendi $7 $9 $0
        hlt
";
    assert_eq!(output(&with_calls(source)), "late ");
}

#[test]
fn the_end_of_the_callee_comes_in_place_of_its_reply() {
    let source = "
        spawn @ends $0 $20
        call @ask
        inc $21
        call @ask               ; it is gone by now
        load $20 #0x10000001000
        inc $21
        call @ask               ; there has never been such a one
        hlt
ends:   load $4 #1
        load $5 #-1
        recv $4 $6
        load $0 #7
        exit $0
";
    assert_eq!(output(&with_calls(source)), "down 7down -2down -2");
}

/// Also when it ends at once after its reply, on another worker.
#[test]
fn who_has_its_reply_does_not_hear_of_the_end() {
    let source = "
        load $40 #300
next:   spawn @once $0 $20
        call @ask
        inc $21
        dec $40
        brgt $40 #0 @next
        load $23 #-1
        load $24 #20
        recv $23 $25
        djmpe @wrong
        hlt
once:   load $4 #1
        load $5 #-1
        recv $4 $6
        msgi $9
        sendi $7 $9 $0
        hlt
";
    assert_eq!(output(&with_calls(source)), "42".repeat(300));
}

#[test]
fn what_nobody_asked_for_takes_no_memory() {
    let source = "
        self $2
        mov $21 $3
        load $4 #1000000
        spawn @flood $2 $9
        load $23 #1             ; the flood tells of its end
        load $24 #-1
        recv $23 $25
        hlt
flood:  sendi $0 $1 $2
        inc $1
        dec $2
        brgt $2 #0 @flood
        load $1 #1
        sendi $0 $1 $1
        hlt
";
    let mut stage = Stage::new(&with_calls(source));
    stage.limits.messages = 100;
    assert_eq!(stage.run(None, &[]).trap, None);
}

#[test]
fn a_process_may_have_many_calls_under_way() {
    let source = "
        load $50 #100           ; 100 servers, each answers with its number
hire:   mov $50 $0
        spawn @server $0 $20
        add $21 $50 $51
        monitort $20 $51
        load $22 #1
        sendi $20 $22 $51
        dec $50
        brgt $50 #0 @hire
        load $52 #0
        load $50 #1
take:   add $21 $50 $23         ; in the other order
        recv $23 $25
        msgi $28
        brne $28 $50 @wrong
        inc $50
        brlt $50 #101 @take
        hlt
";
    assert_eq!(output(&with_calls(source)), "");
}

#[test]
fn a_tag_below_those_of_replies_is_refused() {
    let ended = run("self $1\nload $2 #5\nmonitort $1 $2\nhlt");
    assert_eq!(ended.trap.as_deref(), Some("bad-message"));
}

/// A second call with the tag of the first one takes its place.
#[test]
fn a_tag_waits_for_one_process() {
    let source = "
        spawn @server $0 $20
        monitort $20 $21
        mov $20 $19
        load $0 #43
        spawn @server $0 $20
        call @ask
        load $18 #-1
        kill $19 $18            ; its end is of no interest
        load $23 #-1
        load $24 #20
        recv $23 $25
        djmpe @wrong
        hlt
";
    assert_eq!(output(&with_calls(source)), "43");
}

/// The caller's monitor ends with the reply, at both of them.
#[test]
fn a_server_keeps_nothing_of_those_it_has_answered() {
    let source = "
        spawn @server $0 $20
        load $40 #2000
next:   call @ask
        inc $21
        dec $40
        brgt $40 #0 @next
        hlt
";
    let stage = Stage::new(&with_calls(source));
    assert_eq!(stage.run(None, &[]).output, "42".repeat(2_000));
    let infos = stage.scheduler.processes();
    let [server] = infos.as_slice() else { panic!("{infos:?}") };
    assert!(server.memory < 4_096, "{} bytes after 2,000 calls", server.memory);
}

/// It is answered by one that was not called, and the end of the one that was is of no interest then.
#[test]
fn a_call_can_be_passed_on() {
    let source = "
        spawn @front $0 $20
        call @ask
        load $18 #-1
        kill $20 $18
        load $23 #-1
        load $24 #20
        recv $23 $25
        djmpe @wrong
        hlt
front:  load $4 #1
        load $5 #-1
        recv $4 $6
        msgi $9
        mov $7 $0               ; whom to answer,
        mov $9 $1               ; under which tag
        spawn @deputy $0 $12
        djmp @front
deputy: load $2 #42
        sendi $0 $1 $2
        hlt
";
    assert_eq!(output(&with_calls(source)), "42");
}
