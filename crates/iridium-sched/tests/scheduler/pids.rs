//! Pid: one i64, positive: 23 bits node number, 40 bits serial.

use std::collections::HashSet;

use iridium_sched::{SpawnOptions, Spawned};
use iridium_vm::{MAX_NODE, Payload, Pid};

use crate::stage::{Stage, output};

#[test]
fn a_pid_is_one_positive_integer_of_node_number_and_serial() {
    let source = "self $0\nprti $0\nprtc $9\nnode $1\nprti $1\nhlt";
    for node in [1, 77, MAX_NODE] {
        let stage = Stage::with(source, |config| config.node = node);
        let ended = stage.run(None, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 32]);
        let pid = Pid::from_bits(ended.result);
        assert!(ended.result > 0);
        assert_eq!(pid.node(), node);
        assert_eq!(ended.result, i64::from(node) << 40 | pid.serial() as i64);
        assert_eq!(ended.output, format!("{} {node}", ended.result));
    }
}

#[test]
fn spawn_gives_the_pid_that_the_child_has_itself() {
    let source = "
        load $1 #-1
        load $2 #-1
        self $10
        spawn @child $10 $11
        recv $1 $3
        msgi $12
        breq $11 $12 @same
        trap #1
same:   brne $4 $11 @other      ; the sender of the message is the child
        hlt
other:  trap #2
child:  self $1
        load $2 #1
        sendi $0 $2 $1
        hlt";
    assert_eq!(output(source), "");
}

#[test]
fn serials_are_never_reused() {
    let stage = Stage::with("hlt", |config| config.processes = 3);
    let mut seen = HashSet::new();
    for _ in 0..2_000 {
        let process = stage.process(None, &[]);
        let Spawned { pid, exit: ending, .. } =
            stage.scheduler.spawn_with(process, &stage.program, SpawnOptions::default()).unwrap();
        assert!(seen.insert(pid), "{pid} was there before");
        ending.recv().unwrap();
    }
}

/// The place of a process is taken by another one at once. What is meant for the first one, be it a
/// message, a kill, a link or a name, must not reach the second one.
#[test]
fn a_pid_of_an_earlier_life_reaches_nobody() {
    let source = "
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt
once:   hlt";
    let stage = Stage::with(source, |config| config.processes = 1);
    let old = stage.start_at("once", &[]);
    stage.await_left(0);
    let new = stage.start_at("wait", &[]);
    assert_ne!(old, new);
    stage.scheduler.send(Pid::NOBODY, old, 1, Payload::Word([0; 8]));
    stage.scheduler.kill(old, iridium_sched::Reason::KILLED);
    assert!(!stage.scheduler.register("name", old));
    stage.await_rest();
    assert_eq!(stage.scheduler.process_count(), 1, "the new one has got nothing");
    stage.scheduler.send(Pid::NOBODY, new, 1, Payload::Word([0; 8]));
    stage.await_left(0);
}

/// An integer without a node number, or a negative one, is no pid, whatever its lower bits.
#[test]
fn what_is_no_pid_reaches_nobody() {
    let source = "
        load $1 #-1
        load $2 #-1
        self $0
        load $10 #0xFFFFFFFFFF
        and $0 $10 $10          ; own serial without the node
        spawn @send $10 $11
        sub $20 $10 $10         ; the same, negative
        spawn @send $10 $11
        load $2 #50
        recv $1 $3
        breq $3 #1 @wrong
        hlt
wrong:  trap #1
send:   load $1 #1
        load $2 #-1
        sendi $0 $1 $1
        kill $0 $2
        link $0
        sleep $1
        hlt";
    assert_eq!(output(source), "");
}

#[test]
fn a_node_takes_another_number_only_while_no_process_runs() {
    let stage = Stage::new("load $1 #-1\nload $2 #-1\nrecv $1 $3\nhlt");
    assert!(stage.scheduler.renumber(9));
    let pid = stage.start(&[]);
    assert_eq!(pid.node(), 9);
    assert!(!stage.scheduler.renumber(10));
    assert_eq!(stage.scheduler.node(), 9);
}
