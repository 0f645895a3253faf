//! Messages are copied. Between two processes order is kept. `recv` by tag leaves the others in the
//! mailbox in order; scanning is not repeated over messages already refused.

use iridium_sched::MESSAGE_OVERHEAD;
use iridium_vm::{Payload, Pid};

use crate::stage::{Stage, output, run};

#[test]
fn messages_are_copied() {
    let source = "
        self $0
        spawn @child $0 $1
        load $10 #8
        aloc $10
        load $11 #0
        load $12 #41
        st64 $11 $12            ; the heap holds 41
        load $2 #1
        mov $11 $3
        load $4 #8
        send $1 $2 $3
        inc $12
        st64 $11 $12            ; and now 42, which the message does not
        load $2 #2
        sendi $1 $2 $2
        load $1 #-1
        load $2 #-1
        recv $1 $3
        msgi $5
        prti $5
        ld64 $11 $12
        prti $12
        hlt
child:  load $1 #2              ; looks only when the sender has changed its heap
        load $2 #-1
        recv $1 $3
        load $1 #1
        recv $1 $3
        msgi $5
        sendi $0 $1 $5
        hlt";
    assert_eq!(output(source), "4142");
}

#[test]
fn between_two_processes_order_is_kept() {
    // Four senders with 2,000 messages each; the receiver has a counter for each of them.
    let source = "
        self $0
        load $1 #0
start:  spawn @sender $0 $10
        inc $1
        brlt $1 #4 @start
        load $20 #256
        aloc $20
        load $21 #0             ; how many have come
        load $1 #-1
        load $2 #-1
take:   recv $1 $3              ; the tag is the sender's number
        msgi $6
        slli $3 #3 $7
        ld64 $7 $8
        brne $6 $8 @wrong
        inc $8
        st64 $7 $8
        inc $21
        brlt $21 #8000 @take
        hlt
wrong:  trap #1
sender: load $2 #0
next:   sendi $0 $1 $2
        inc $2
        brlt $2 #2000 @next
        hlt";
    assert_eq!(output(source), "");
}

#[test]
fn order_holds_between_messages_and_other_signals() {
    // The last word of a linked process comes before its exit signal.
    let source = "
        trapexit #1
        self $0
        load $20 #0
again:  spawnlink @child $0 $10
        load $1 #-1
        load $2 #-1
        recv $1 $3
        brne $3 #1 @wrong
        recv $1 $3
        brne $3 #2 @wrong
        recv $1 $3
        brne $3 #-2 @wrong
        brne $4 $10 @wrong
        inc $20
        brlt $20 #300 @again
        hlt
wrong:  trap #1
child:  load $1 #1
        sendi $0 $1 $1
        load $1 #2
        sendi $0 $1 $1
        load $1 #3
        exit $1";
    assert_eq!(output(source), "");
}

#[test]
fn messages_in_a_row_come_before_what_their_sender_does_next() {
    // Three messages to the one who counts, then one to another, who tells it of that.
    let source = "
        self $0
        spawn @teller $0 $6
        spawn @sender $0 $7
        load $20 #0             ; messages of rows
        load $21 #0             ; words of the teller
        load $1 #-1
        load $2 #-1
take:   recv $1 $3
        breq $3 #2 @told
        inc $20
        djmp @take
told:   inc $21
        muli $21 #3 $5
        brlt $20 $5 @wrong
        brlt $21 #500 @take
        hlt
wrong:  trap #1
sender: load $1 #1
        load $10 #0
row:    sendi $0 $1 $10
        sendi $0 $1 $10
        sendi $0 $1 $10
        sendi $6 $1 $10
        inc $10
        brlt $10 #500 @row
        hlt
teller: load $7 #2
        load $1 #-1
        load $2 #-1
next:   recv $1 $3
        sendi $0 $7 $7
        djmp @next";
    assert_eq!(output(source), "");
}

#[test]
fn messages_in_a_row_need_not_wait_for_the_end_of_their_sender() {
    let source = "
        self $0
        spawn @sender $0 $9
        load $10 #0
        load $1 #-1
        load $2 #-1
take:   recv $1 $3
        inc $10
        brlt $10 #3 @take
        kill $9 $10
        hlt
sender: load $1 #1
        sendi $0 $1 $1
        sendi $0 $1 $1
        sendi $0 $1 $1
busy:   djmp @busy";
    assert_eq!(output(source), "");
}

#[test]
fn recv_by_tag_leaves_the_others_in_order() {
    let source = "
        self $0
        load $1 #0
fill:   load $2 #3
        rem $1 $2 $2            ; tags 0 1 2 0 1 2 …
        sendi $0 $2 $1
        inc $1
        brlt $1 #9 @fill
        load $10 #1
        call @drain
        load $10 #-1
        call @drain
        hlt
drain:  load $11 #0
next:   recv $10 $12
        djmpe @got
        ret
got:    msgi $15
        prti $15
        djmp @next";
    assert_eq!(output(source), "147023568");
}

/// Looking through all of them each time would be 10^9 looks, on top of what is done here.
#[test]
fn scanning_is_not_repeated_over_messages_already_refused() {
    let source = "
        self $0
        load $1 #1
        load $2 #0
fill:   sendi $0 $1 $2
        inc $2
        brlt $2 #30000 @fill
        load $3 #2              ; no such message
        load $4 #0
look:   recv $3 $5
        djmpe @wrong
        dec $2
        brgt $2 #0 @look
        recv $1 $5              ; and the first one is still first
        djmpe @last
wrong:  trap #1
last:   msgi $0
        hlt";
    let stage = Stage::new(source);
    assert_eq!(stage.run(None, &[]).result, 0);
}

#[test]
fn recv_tells_tag_sender_and_length_and_whether_there_was_one() {
    let source = "
        self $0
        load $1 #9
        load $2 #4294967296     ; the data
        load $3 #5
        send $0 $1 $2
        load $4 #-1
        load $5 #0
        recv $4 $6
        djmpe @got
        trap #1
got:    brne $6 #9 @wrong
        brne $7 $0 @wrong
        brne $8 #5 @wrong
        recv $4 $6              ; none any more
        djmpe @wrong
        brne $6 #9 @wrong       ; which leaves the registers
        hlt
wrong:  trap #2
        .data
text:   .ascii 'hello'";
    assert_eq!(output(source), "");
}

#[test]
fn the_current_message_stays_until_the_next() {
    let source = "
        self $0
        load $1 #1
        load $2 #77
        sendi $0 $1 $2
        loadf64 $2 #2.5
        sendf64 $0 $1 $2
        load $4 #-1
        load $5 #0
        recv $4 $6
        msgi $10
        prti $10
        msgi $10                ; it is still there
        prti $10
        recv $4 $6
        msgf64 $10
        prtf64 $10
        recv $4 $6              ; nothing comes, and it stays
        msgf64 $11
        prtf64 $11
        hlt";
    assert_eq!(output(source), "77772.52.5");
}

#[test]
fn a_message_can_be_copied_to_the_heap() {
    let source = "
        self $0
        load $1 #1
        load $2 #4294967296
        load $3 #5
        send $0 $1 $2
        load $4 #-1
        load $5 #0
        recv $4 $6
        load $10 #16
        aloc $10
        load $10 #3
        msgm $10 $11
        prtm $10 $11
        prti $11
        hlt
        .data
text:   .ascii 'hello'";
    assert_eq!(output(source), "hello5");
}

#[test]
fn a_message_of_another_length_is_no_number() {
    for read in ["msgi $1", "msgf64 $1"] {
        let ended = run(&format!(
            "self $0\nload $1 #1\nload $2 #4294967296\nload $3 #3\nsend $0 $1 $2\nload $4 #-1\n\
             load $5 #0\nrecv $4 $6\n{read}\nhlt\n.data\ntext: .ascii 'abc'"
        ));
        assert_eq!(ended.trap.as_deref(), Some("bad-message"));
    }
}

#[test]
fn recv_waits_at_most_as_long_as_it_is_told() {
    let source = "
        load $1 #-1
        load $2 #30
        mono $10
        recv $1 $3
        djmpe @wrong
        mono $11
        sub $11 $10 $11
        load $12 #30000000
        brlt $11 $12 @wrong
        load $2 #0              ; only looks
        mono $10
        recv $1 $3
        djmpe @wrong
        hlt
wrong:  trap #1";
    assert_eq!(output(source), "");
}

#[test]
fn send_never_fails() {
    // To itself, to one that has ended, to what is no pid, to another node that is not there.
    let source = "
        self $0
        spawnmon @child $0 $10
        load $1 #-3
        load $2 #-1
        recv $1 $3              ; the child has ended
        load $2 #1
        sendi $10 $2 $2
        load $10 #0
        sendi $10 $2 $2
        load $10 #-1
        sendi $10 $2 $2
        load $10 #0x7FFFFF0000000001
        sendi $10 $2 $2
        sendi $0 $2 $2
        load $1 #-1
        load $2 #0
        recv $1 $3
        djmpe @got
        trap #1
got:    recv $1 $3
        djmpe @wrong
child:  hlt
wrong:  trap #2";
    assert_eq!(output(source), "");
}

#[test]
fn negative_tags_are_the_systems_own() {
    let source = "
        self $0
        load $1 #-2
        sendi $0 $1 $1
        load $2 #-3
        spawn @child $0 $9
        load $1 #-1
        load $2 #-1
        recv $1 $3
        brne $3 #1 @wrong
        load $2 #0
        recv $1 $3
        djmpe @wrong
        hlt
wrong:  trap #1
child:  sendi $0 $1 $1
        sendi $0 $2 $1
        load $1 #1
        sendi $0 $1 $1
        hlt";
    assert_eq!(output(source), "");
}

#[test]
fn a_child_has_copies_of_eight_registers_both_lanes() {
    let source = "
        self $10
        loadf64 $10 #0.5
        load $11 #11
        load $17 #17
        loadf64 $17 #1.5
        load $18 #18
        spawn @child $10 $0
        load $1 #-1
        load $2 #-1
        recv $1 $3
        recv $1 $3
        hlt
child:  prti $1
        prti $7
        prtf64 $7
        prtf64 $0
        prti $8                 ; the ninth is not
        load $9 #1
        sendi $0 $9 $9
        sendi $0 $9 $9
        hlt";
    let stage = Stage::new(source);
    stage.start(&[]);
    stage.await_left(0);
    assert_eq!(stage.all_output(), "11171.50.50");
}

#[test]
fn messages_that_nobody_receives_are_counted() {
    // To nobody, to one that has ended, and to one that ends with messages in its mailbox, some of
    // which it has seen and passed over. Those of the system do not count.
    let source = "
        load $1 #7
        load $9 #0
        sendi $9 $1 $1
        spawn @end $0 $9
        load $2 #1
        sleep $2
        sendi $9 $1 $1
        sendi $9 $1 $1
        monitor $9 $10
        spawn @choose $0 $9
        monitor $9 $10
        sendi $9 $1 $1
        sendi $9 $1 $1
        sendi $9 $2 $1
        sendi $9 $1 $1
        self $3
        sendi $3 $1 $1
        load $2 #2
        sleep $2
        hlt
choose: load $1 #1
        load $2 #-1
        recv $1 $3
end:    hlt";
    let stage = Stage::new(source);
    stage.start(&[]);
    stage.await_left(0);
    assert_eq!(stage.scheduler.dead_letters(), 1 + 2 + 3 + 1);
    stage.scheduler.send(Pid::NOBODY, Pid::NOBODY, 1, Payload::Word([0; 8]));
    assert_eq!(stage.scheduler.dead_letters(), 8);
}

#[test]
fn messages_that_there_is_no_room_for_are_counted() {
    // The receiver is busy, and has room for the first two of five.
    let source = "
        mov $0 $9
        load $1 #7
        load $10 #0
next:   sendi $9 $1 $1
        inc $10
        brlt $10 #5 @next
        hlt
busy:   djmp @busy";
    let mut stage = Stage::real(source, 2);
    stage.limits.message_bytes = 2 * MESSAGE_OVERHEAD;
    let busy = stage.start_at("busy", &[]);
    stage.run(None, &[busy.bits()]);
    stage.await_left(0);
    assert_eq!(stage.scheduler.dead_letters(), 5, "what it has not read counts too");
}
