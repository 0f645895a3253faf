//! What processes are told when a node is killed.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::operate::processes;
use crate::support::{Node, User};

/// Waits at a node under a name.
const HOME: &str = "
.data
home: .asciiz 'home'
.code
        self $9
        register @home $9
        load $0 #-1
        load $1 #-1
        recv $0 $2
        hlt
";

/// Starts 1,000 processes, each of which starts one at the node of `home@c`, links
/// to it, monitors it, and hears from it. Says so when all have; then counts what
/// each is told of an end for the reason -3, and all else that comes.
const WORKERS: &str = "
.data
home:   .asciiz 'home@c'
ready:  .asciiz 'all are ready'
links:  .asciiz 'links '
monitors: .asciiz ' monitors '
others: .asciiz ' others '
.code
main:   whereis @home $0
        djmpe @found
        load $1 #20
        sleep $1
        djmp @main
found:  srli $0 #40 $11         ; the node
        self $10
        load $13 #0
more:   spawn @worker $10 $12
        addi $13 #1 $13
        brlt $13 #1000 @more
        load $15 #5
        call @sum
        prts @ready
        load $9 #10
        prtc $9
        load $15 #7
        call @sum
        prts @links
        prti $24
        load $15 #8
        call @sum
        prts @monitors
        prti $24
        load $15 #9
        call @sum
        prts @others
        prti $24
        prtc $9
        hlt

sum:    load $24 #0             ; of what is in 1,000 messages with the tag in $15
        load $25 #0
        mov $15 $26
        load $27 #-1
add:    recv $26 $28
        msgi $31
        add $24 $31 $24
        addi $25 #1 $25
        brlt $25 #1000 @add
        ret

worker: trapexit #1             ; $0: who wants to know, $1: the node
        self $10
        spawnat $1 @target $10 $2
        link $2
        monitor $2 $3
        load $4 #1
        sendi $2 $4 $4
        load $5 #6
        load $6 #-1
        recv $5 $20             ; its answer
        load $4 #5
        load $11 #0             ; ends told to links
        load $12 #0             ; to monitors
        load $13 #0             ; all else
        sendi $0 $4 $11
        load $17 #16
        aloc $17
        load $18 #0
wait:   load $5 #-1
        load $6 #-1
        add $11 $12 $14
        brlt $14 #2 @long
        load $6 #500            ; nothing more is to come
long:   recv $5 $20
        djmpn @told
        breq $20 #-2 @link
        breq $20 #-3 @down
other:  addi $13 #1 $13
        djmp @wait
link:   msgi $7
        brne $7 #-3 @other
        addi $11 #1 $11
        djmp @wait
down:   msgm $18 $19
        ld64 $18 #8 $7
        brne $7 #-3 @other
        addi $12 #1 $12
        djmp @wait
told:   load $4 #7
        sendi $0 $4 $11
        load $4 #8
        sendi $0 $4 $12
        load $4 #9
        sendi $0 $4 $13
        hlt

target: load $1 #-1
        load $2 #-1
        recv $1 $3
        load $1 #6
        sendi $4 $1 $1
        load $1 #-1
        recv $1 $3
        hlt
";

/// The pid of a process with a name.
fn named(all: &[Value], name: &str) -> i64 {
    let found = all.iter().find(|process| process["names"][0] == name).unwrap();
    found["pid"].as_str().unwrap().parse().unwrap()
}

#[test]
fn each_of_thousands_of_links_and_monitors_fires_once() {
    let user = User::new();
    let (home, workers) = (user.file("home.iasm", HOME), user.file("workers.iasm", WORKERS));
    let c = user.node("c", &["--run", &home]);
    let a = user.node("a", &["--run", &workers, "--join", &c.at]);
    let b = user.node("b", &["--run", &workers, "--join", &c.at]);
    for node in [&a, &b] {
        node.process.wait_for("all are ready");
    }
    let before = processes(&user, &a.at, "c");
    assert_eq!(before.len(), 2001, "home, and one for each worker");
    let home_before = named(&before, "home");

    c.process.signal(Signal::SIGKILL);
    for node in [&a, &b] {
        assert_eq!(node.process.wait_for("links"), "links 1000 monitors 1000 others 0");
    }
    drop(c);
    for node in [&a, &b] {
        assert_eq!(processes(&user, &node.at, &node.alias).len(), 0, "nobody hangs");
    }

    // It comes back by itself, as another.
    let c = user.node("c", &["--run", &home]);
    for node in [&a, &b, &c] {
        let states = ["a", "b", "c"].map(|alias| (alias, state(node, alias)));
        user.wait_for_members(&node.at, &states);
    }
    let home_after = named(&processes(&user, &a.at, "c"), "home");
    assert_ne!(home_before >> 40, home_after >> 40, "its pids begin with another number");
    let outcome = user.run(&["kill", &home_before.to_string(), "--at", &a.at]);
    outcome.fails(1, &["there is no process"]);
}

fn state(node: &Node, alias: &str) -> &'static str {
    if node.alias == alias { "self" } else { "alive" }
}
