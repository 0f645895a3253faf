//! The examples: that of a native process, and those of the scheduler, which place their processes on
//! all nodes in turn: on three nodes they write what they write on one.

#[allow(dead_code, reason = "it prints, which a test does not need")]
#[path = "../../examples/ticker.rs"]
mod ticker;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use iridium_sched::SpawnOptions;
use iridium_vm::{Limits, Process};

use crate::harness::{Lab, Transcript, assemble, end_of, mesh, wait_until};

/// Runs an example at the first of three nodes.
fn on_three_nodes(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../iridium-sched/examples");
    let source = fs::read_to_string(folder.join(format!("{name}.iasm"))).unwrap();
    let expected = fs::read_to_string(folder.join(format!("{name}.expected"))).unwrap();
    // The registers come first, which these programs leave open.
    let (_, expected) = expected.split_once("--\n").unwrap();
    let mut labs = mesh(&["a", "b", "c"]);
    // The program is started on the first node in the order of numbers, its process 1 is placed on
    // the second.
    labs.sort_by_key(Lab::number);
    let program = labs[0].node.load(assemble(&source)).unwrap();
    let process = Process::new(&program, Limits::default());
    let exit = labs[0]
        .node
        .scheduler()
        .spawn_with(process, &program, SpawnOptions::default())
        .unwrap()
        .exit;
    assert_eq!(end_of(&exit), 0, "{name}");
    wait_until("its output is there", || labs[0].output.text().len() >= expected.len());
    assert_eq!(labs[0].output.text(), expected, "{name}");
    for lab in &labs {
        wait_until("all processes have ended", || lab.node.scheduler().process_count() == 0);
        assert_eq!(lab.output.text().is_empty(), lab.number() != labs[0].number(), "{name}");
    }
    let elsewhere =
        labs[1..].iter().any(|lab| lab.node.scheduler().program(program.module().id()).is_some());
    assert!(elsewhere, "{name} has used other nodes");
}

#[test]
fn ping_pong() {
    on_three_nodes("ping_pong");
}

#[test]
fn thread_ring() {
    on_three_nodes("thread_ring");
}

#[test]
fn counter_server() {
    on_three_nodes("counter_server");
}

#[test]
fn prime_count() {
    on_three_nodes("prime_count");
}

#[test]
fn a_native_process_ticks_until_the_counter_has_had_enough() {
    let output = Arc::new(Transcript::default());
    assert_eq!(ticker::run(Arc::clone(&output) as _).unwrap(), 10);
    assert_eq!(output.text(), "1\n2\n3\n4\n5\n6\n7\n8\n9\n10\n");
}
