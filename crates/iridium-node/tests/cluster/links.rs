//! Links, monitors and ends across nodes.

use iridium_isa::Module;

use crate::harness::{Lab, assemble, end_of, mesh, wait_until};

/// Each test starts at a label of its own, with the number of another node in $0. Where a number is
/// not as it should be, the process exits with the line's own code.
fn program() -> Module {
    assemble(
        "
        .data
        ready:  .asciiz 'READY '
        .code
        sleeper: load $1 #1000000
                sleep $1
                hlt
        ender:  exit $0                 ; at once
        told:   load $2 #-1             ; ends with the number in the message it gets
                load $3 #-1
                recv $2 $4
                msgi $7
                exit $7

        linked: spawnat $0 @told $8 $1
                link $1
                load $2 #1
                load $3 #77
                sendi $1 $2 $3
                load $2 #1000000
                sleep $2
                hlt

        trapping: trapexit #1
                spawnat $0 @told $8 $1
                link $1
                load $2 #1
                load $3 #77
                sendi $1 $2 $3
                load $2 #-2             ; an exit signal
                load $3 #-1
                recv $2 $4
                brne $5 $1 @bad
                msgi $7
                exit $7

        monitors: spawnat $0 @told $8 $1
                monitor $1 $9
                load $2 #1
                load $3 #-55
                sendi $1 $2 $3
                callw @down $20
                brne $21 $1 @bad
                brne $22 $9 @bad
                load $2 #-3             ; it does not come again
                load $3 #300
                recv $2 $4
                djmpe @bad
                exit $23

        dead:   spawnat $0 @ender $8 $1 ; a monitor of a process that is gone
                load $2 #50
                sleep $2
                monitor $1 $9
                callw @down $20
                exit $23

        unlinks: spawnat $0 @told $8 $1
                link $1
                unlink $1
                monitor $1 $9
                load $2 #1
                load $3 #77
                sendi $1 $2 $3
                callw @down $20         ; it has ended, and this has not
                exit $23

        kills:  spawnat $0 @sleeper $8 $1
                monitor $1 $9
                load $2 #-1
                kill $1 $2
                callw @down $20
                exit $23

        lost:   trapexit #1             ; linked to and monitoring a node that goes
                spawnat $0 @sleeper $8 $1
                link $1
                monitor $1 $9
                prts @ready
                load $2 #-2
                load $3 #-1
                recv $2 $4
                msgi $7
                brne $7 #-3 @bad
                callw @down $20
                brne $23 #-3 @bad
                load $2 #-1             ; nothing else comes
                load $3 #300
                recv $2 $4
                djmpe @bad
                exit $23

        ; Waits for the end of a monitored process: $1 is who, $2 the reference, $3 why.
        down:   load $10 #-3
                load $11 #-1
                recv $10 $12
                addi $13 #0 $1
                heap $14
                load $15 #16
                aloc $15
                msgm $14 $15
                ld64 $14 $2
                ld64 $14 #8 $3
                ret

        bad:    load $20 #1
                exit $20
        ",
    )
}

fn run(label: &str) -> i64 {
    let labs = mesh(&["a", "b"]);
    labs[0].run(&program(), label, &[labs[1].number()])
}

#[test]
fn a_linked_process_ends_with_the_reason_of_the_other() {
    assert_eq!(run("linked"), 77);
}

#[test]
fn who_traps_exits_is_told_instead() {
    assert_eq!(run("trapping"), 77);
}

#[test]
fn a_monitor_fires_once() {
    assert_eq!(run("monitors"), -55);
}

#[test]
fn a_monitor_of_a_process_that_is_gone_fires_too() {
    assert_eq!(run("dead"), -2);
}

#[test]
fn who_is_not_linked_any_more_lives_on() {
    assert_eq!(run("unlinks"), 77);
}

#[test]
fn a_process_of_another_node_can_be_killed() {
    assert_eq!(run("kills"), -1);
}

/// Hundreds are linked to a node and monitor it when it goes: each is told of each once.
#[test]
fn the_loss_of_a_node_is_told_once_to_all_who_link_or_monitor() {
    let mut labs = mesh(&["a", "b", "c"]);
    let module = program();
    let number = labs[2].number();
    let mut exits = Vec::new();
    for lab in &labs[..2] {
        for _ in 0..200 {
            exits.push(lab.spawn(&module, "lost", &[number]).1);
        }
    }
    for lab in &labs[..2] {
        wait_until("all have linked", || lab.output.text().matches("READY").count() == 200);
    }
    let Lab { node, .. } = labs.remove(2);
    node.shutdown();
    for exit in &exits {
        assert_eq!(end_of(exit), -3);
    }
}

#[test]
fn nobody_is_told_of_a_node_that_was_never_there() {
    let labs = mesh(&["a"]);
    let module = assemble(
        "
        main:   monitor $0 $1
                load $2 #-3
                load $3 #-1
                recv $2 $4
                load $6 #16
                aloc $6
                load $6 #0
                msgm $6 $7
                ld64 $6 #8 $8
                exit $8
        at:     spawnat $0 @main $8 $1
                exit $1
        ",
    );
    let unknown = iridium_vm::Pid::new(77, 1).bits();
    assert_eq!(labs[0].run(&module, "main", &[unknown]), -3);
    assert_eq!(labs[0].run(&module, "at", &[77]), 0, "no process starts there");
}
