//! Names and nodes, seen from other nodes.

use crate::harness::{Lab, assemble, end_of, mesh};

#[test]
fn a_name_is_found_at_its_node_and_only_there() {
    let labs = mesh(&["a", "b"]);
    let module = assemble(
        "
        .data
        here:   .asciiz 'server'
        there:  .asciiz 'server@b'
        nobody: .asciiz 'nobody@b'
        nowhere: .asciiz 'server@c'
        .code
        server: self $0
                register @here $0
                load $2 #-1
                load $3 #-1
                recv $2 $4
                hlt
        main:   spawnat $0 @server $8 $1
        again:  whereis @there $2           ; until it has taken its name
                djmpn @again
                brne $2 $1 @bad
                whereis @here $2
                djmpe @bad
                whereis @nobody $2
                djmpe @bad
                whereis @nowhere $2
                djmpe @bad
                monitor $1 $3
                load $4 #1
                sendi $2 $4 $4
                load $4 #-3
                load $5 #-1
                recv $4 $6                  ; with its end its name goes
                whereis @there $2
                djmpe @bad
                load $0 #0
                exit $0
        bad:    load $0 #1
                exit $0
        ",
    );
    assert_eq!(labs[0].run(&module, "main", &[labs[1].number()]), 0);
}

#[test]
fn every_node_counts_the_same_nodes_in_the_same_order() {
    let labs = mesh(&["a", "b", "c"]);
    let module = assemble(
        "
        main:   nodes $0
                prti $0
                load $1 #0
        next:   breq $1 $0 @done
                nodeat $1 $2
                load $3 #32
                prtc $3
                prti $2
                addi $1 #1 $1
                djmp @next
        done:   nodeat $1 $2                ; there is no such node
                exit $2
        ",
    );
    let mut numbers: Vec<i64> = labs.iter().map(Lab::number).collect();
    numbers.sort_unstable();
    let expected = format!("3 {} {} {}", numbers[0], numbers[1], numbers[2]);
    for lab in &labs {
        assert_eq!(lab.run(&module, "main", &[]), 0);
        assert_eq!(lab.output.text(), expected);
    }
}

#[test]
fn those_who_ask_are_told_of_nodes_that_come_and_go() {
    let mut labs = mesh(&["a"]);
    let module = assemble(
        "
        main:   monnodes #1
                load $2 #-4
                load $3 #-1
                recv $2 $4
                msgi $10
                prti $10
                load $2 #-5
                recv $2 $4
                msgi $11
                brne $10 $11 @bad
                exit $4
        bad:    load $0 #1
                exit $0
        ",
    );
    let (_, exit) = labs[0].spawn(&module, "main", &[]);
    labs.push(crate::harness::start("b"));
    crate::harness::join(&labs);
    labs[0].output.wait_for(&labs[1].number().to_string());
    labs[1].node.leave();
    assert_eq!(end_of(&exit), -5);
}
