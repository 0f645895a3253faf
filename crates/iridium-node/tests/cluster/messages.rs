//! What processes of different nodes send each other.

use iridium_sched::Reason;
use iridium_vm::{Pid, TrapKind};

use crate::harness::{assemble, end_of, mesh};

/// Main starts a process on the node in $0, which sends what it gets back to main.
const ECHO: &str = "
echo:   load $2 #-1
        load $3 #-1
        recv $2 $4
        load $8 #0
        aloc $6             ; as long as the message
        msgm $8 $9
        send $0 $4 $8       ; with the tag that it had
        djmp @echo

main:   self $8
        spawnat $0 @echo $8 $1
        hlt
";

#[test]
fn messages_of_every_length_arrive_as_they_were_sent() {
    let labs = mesh(&["a", "b"]);
    let longest = iridium_node::MAX_PAYLOAD;
    for len in [0, 1, 7, 8, 9, 65_535, 65_536, 65_537, 1 << 20, longest] {
        let module = assemble(&format!(
            "{ECHO}
            test:   self $8
                    spawnat $0 @echo $8 $1
                    load $2 #{len}
                    aloc $2
                    load $4 #0              ; fill: byte i is i mod 251
                    load $5 #251
            fill:   breq $4 $2 @filled
                    rem $4 $5 $6
                    st8 $4 $6
                    addi $4 #1 $4
                    djmp @fill
            filled: load $4 #5
                    load $6 #0
                    load $7 #{len}
                    send $1 $4 $6
                    load $10 #5
                    load $11 #-1
                    recv $10 $12
                    brne $13 $1 @bad        ; the sender
                    brne $14 $7 @bad        ; the length
                    load $2 #{len}
                    aloc $2
                    load $4 #{len}
                    msgm $4 $5
                    load $20 #0
                    memcmp $20 $4 $2 $21
                    brne $21 #0 @bad
                    exit $20
            bad:    load $20 #1
                    exit $20
            "
        ));
        assert_eq!(labs[0].run(&module, "test", &[labs[1].number()]), 0, "{len} bytes");
    }
}

#[test]
fn a_message_too_long_for_the_mesh_traps_at_its_sender() {
    let labs = mesh(&["a", "b"]);
    let module = assemble(&format!(
        "{ECHO}
        test:   self $8
                spawnat $0 @echo $8 $1
                load $3 #{}
                aloc $3
                load $2 #0
                load $4 #5
                send $1 $4 $2
                hlt
        ",
        iridium_node::MAX_PAYLOAD + 1
    ));
    let reason = Reason::of_trap(TrapKind::BadMessage).0;
    assert_eq!(labs[0].run(&module, "test", &[labs[1].number()]), reason);
}

/// A thousand short and long messages in turn, then one last: in this order they arrive.
#[test]
fn what_one_process_sends_another_keeps_its_order() {
    let labs = mesh(&["a", "b"]);
    let module = assemble(
        "
        main:   self $8
                spawnat $0 @sink $8 $1
                load $3 #100000
                aloc $3
                load $4 #0              ; the number, and the tag
        more:   load $2 #0
                st64 $2 $4
                load $3 #8
                andi $4 #7 $5
                brne $5 #0 @short
                load $3 #100000
        short:  send $1 $4 $2
                addi $4 #1 $4
                brlt $4 #1000 @more
                load $10 #7777
                load $11 #-1
                recv $10 $12
                msgi $13
                exit $13

        sink:   load $1 #0              ; the number that is next
                load $2 #-1
                load $3 #-1
        next:   recv $2 $4
                brne $4 $1 @wrong
                load $8 #0
                aloc $6
                msgm $8 $9
                ld64 $8 $10
                brne $10 $1 @wrong
                addi $1 #1 $1
                brlt $1 #1000 @next
                load $1 #0
        wrong:  load $2 #7777
                sendi $0 $2 $1
                hlt
        ",
    );
    assert_eq!(labs[0].run(&module, "main", &[labs[1].number()]), 0);
}

/// The receiver sleeps before it reads, and by then the sender has been suspended: its queue and the
/// receiver's mailbox hold less than what it sends. All of it arrives.
#[test]
fn a_sender_that_is_faster_than_the_mesh_waits_and_loses_nothing() {
    let labs = mesh(&["a", "b"]);
    let module = assemble(
        "
        main:   self $8
                spawnat $0 @sink $8 $1
                load $3 #60000
                aloc $3
                load $4 #0
        more:   load $2 #0
                load $3 #60000
                send $1 $4 $2
                addi $4 #1 $4
                brlt $4 #3000 @more     ; 180 MB
                load $10 #7777
                load $11 #-1
                recv $10 $12
                msgi $13
                exit $13

        sink:   load $1 #0
                load $2 #-1
                load $3 #-1
        next:   recv $2 $4
                brne $4 $1 @wrong
                addi $1 #1 $1
                brlt $1 #3000 @next
                load $1 #0
        wrong:  load $2 #7777
                sendi $0 $2 $1
                hlt
        ",
    );
    assert_eq!(labs[0].run(&module, "main", &[labs[1].number()]), 0);
}

#[test]
fn sending_to_nobody_on_another_node_is_no_error() {
    let labs = mesh(&["a", "b"]);
    let module = assemble("main: load $1 #1\nsendi $0 $1 $1\nhlt");
    let nobody = Pid::new(labs[1].number() as u32, 999_999).bits();
    let unknown = Pid::new(77, 1).bits();
    for pid in [nobody, unknown] {
        assert_eq!(labs[0].run(&module, "main", &[pid]), 0);
    }
}

#[test]
fn a_hundred_pairs_talk_at_the_same_time() {
    let labs = mesh(&["a", "b", "c"]);
    let module = assemble(&format!(
        "{ECHO}
        test:   self $8
                spawnat $0 @echo $8 $1
                load $4 #0
                load $5 #3
        again:  sendi $1 $5 $4
                load $10 #3
                load $11 #-1
                recv $10 $12
                msgi $13
                brne $13 $4 @bad
                addi $4 #1 $4
                brlt $4 #50 @again
                load $20 #-1
                load $21 #-1
                hlt
        bad:    load $20 #1
                exit $20
        "
    ));
    let mut exits = Vec::new();
    for pair in 0..100 {
        let (here, there) = (&labs[pair % 3], &labs[(pair + 1) % 3]);
        exits.push(here.spawn(&module, "test", &[there.number()]).1);
    }
    for exit in &exits {
        assert_eq!(end_of(exit), 0);
    }
}
