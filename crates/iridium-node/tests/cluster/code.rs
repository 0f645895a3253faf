//! Code that travels by its identity.

use std::fs;

use iridium_isa::Module;

use crate::harness::{Lab, alias, assemble, end_of, join, mesh, start, start_in, wait_until};

/// Main starts $1 processes on the node in $0 and waits until they have answered.
fn spread() -> Module {
    assemble(
        "
        main:   self $8
                load $2 #0
        more:   spawnat $0 @work $8 $3
                breq $3 #0 @failed
                addi $2 #1 $2
                brlt $2 $1 @more
                load $10 #5
                load $11 #-1
        next:   recv $10 $12
                subi $2 #1 $2
                brgt $2 #0 @next
                exit $2
        failed: load $0 #1
                exit $0
        work:   load $1 #5
                sendi $0 $1 $1
                hlt
        ",
    )
}

/// How many modules a node has sent to others; it counts each a moment after it has gone.
fn assert_sent(lab: &Lab, expected: u64) {
    let sent = || {
        let loads = lab.node.client().loads().unwrap();
        let own = loads.into_iter().find(|load| load.alias == lab.node.alias()).unwrap();
        own.report.unwrap().modules_sent
    };
    wait_until("all transfers are counted", || sent() >= expected);
    assert_eq!(sent(), expected);
}

#[test]
fn each_node_gets_a_module_once() {
    let names = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k"];
    let labs = mesh(&names);
    let module = spread();
    let exits: Vec<_> = labs[1..]
        .iter()
        .flat_map(|lab| [lab.number(); 5])
        .map(|node| labs[0].spawn(&module, "main", &[node, 10]).1)
        .collect();
    for exit in &exits {
        assert_eq!(end_of(exit), 0);
    }
    assert_sent(&labs[0], 10);
}

#[test]
fn a_node_that_starts_again_has_kept_the_code() {
    let folder = tempfile::tempdir().unwrap();
    let module = spread();
    let mut labs = vec![start("a"), start_in(folder.path(), "b")];
    join(&labs);
    assert_eq!(labs[0].run(&module, "main", &[labs[1].number(), 3]), 0);
    assert_sent(&labs[0], 1);
    labs.remove(1).node.leave();
    labs.push(start_in(folder.path(), "b"));
    join(&labs);
    assert_eq!(labs[0].run(&module, "main", &[labs[1].number(), 3]), 0);
    assert_sent(&labs[0], 1);
    // What is on disk is not trusted.
    labs.remove(1).node.leave();
    let kept = folder.path().join("b").join("modules").join(format!("{}.irb", module.id()));
    let mut bytes = fs::read(&kept).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    fs::write(&kept, bytes).unwrap();
    labs.push(start_in(folder.path(), "b"));
    join(&labs);
    assert_eq!(labs[0].run(&module, "main", &[labs[1].number(), 3]), 0);
    assert_sent(&labs[0], 2);
}

#[test]
fn a_module_whose_imports_the_other_node_lacks_starts_nothing_there() {
    let (mut config, output) = crate::harness::config("a");
    config.hosts.add("only.here", |_| Ok(()));
    let a = Lab { node: iridium_node::Node::start(config).unwrap(), output };
    let labs = [a, start("b")];
    join(&labs);
    let module = assemble(
        "
        .import only.here
        main:   spawnat $0 @work $8 $1
                muli $1 #-1 $1
                exit $1
        work:   host @only.here $0
                hlt
        ",
    );
    assert_eq!(labs[0].run(&module, "main", &[labs[1].number()]), 1, "it is refused: -1");
    let error = labs[0]
        .node
        .spawn_on(
            Some(&alias("b")),
            module.id(),
            iridium_vm::Start { entry: 0, arguments: Box::default() },
            iridium_vm::Limits::default(),
            None,
        )
        .unwrap_err();
    assert!(error.to_string().contains("only.here"), "{error}");
}

#[test]
fn a_process_can_be_started_elsewhere_under_a_name() {
    let labs = mesh(&["a", "b"]);
    let module = assemble("main: load $1 #1000000\nsleep $1\nhlt");
    labs[0].node.load(module.clone()).unwrap();
    let b = alias("b");
    let spawn = || {
        labs[0].node.spawn_on(
            Some(&b),
            module.id(),
            iridium_vm::Start { entry: 0, arguments: Box::default() },
            iridium_vm::Limits::default(),
            Some("worker".into()),
        )
    };
    let pid = spawn().unwrap();
    assert_eq!(i64::from(pid.node()), labs[1].number());
    assert_eq!(labs[0].node.find("worker", Some(&b)).unwrap(), Some(pid));
    assert_eq!(spawn().unwrap_err().to_string(), "the name worker is taken");
    labs[0].node.scheduler().kill(pid, iridium_sched::Reason::KILLED);
    wait_until("its name is free", || labs[0].node.find("worker", Some(&b)).unwrap().is_none());
}

#[test]
fn a_node_under_a_temporary_alias_leaves_no_folder_behind() {
    let folder = tempfile::tempdir().unwrap();
    let start = || {
        let (mut config, _) = crate::harness::config("unused");
        config.mesh.alias = None;
        config.mesh.data_root = Some(folder.path().into());
        iridium_node::Node::start(config).unwrap()
    };
    let count = || {
        let entries = fs::read_dir(folder.path()).unwrap();
        entries.filter(|entry| entry.as_ref().unwrap().path().is_dir()).count()
    };
    let first = start();
    assert_eq!(count(), 1, "it keeps code");
    let second = start();
    assert_ne!(first.alias(), second.alias());
    assert_eq!(count(), 1);
}

#[test]
fn a_module_of_more_code_than_a_node_takes_in_starts_nothing_there() {
    let labs = [start("a"), start("b")];
    join(&labs);
    let more = "nop\n".repeat(1 << 18);
    let module = assemble(&format!("main: hlt\n{more}hlt"));
    assert!(module.code().len() > 1 << 18);
    assert_eq!(labs[0].run(&module, "main", &[]), 0, "where it was written there is no such limit");
    let start = iridium_vm::Start { entry: 0, arguments: Box::default() };
    let limits = iridium_vm::Limits::default();
    let error =
        labs[0].node.spawn_on(Some(&alias("b")), module.id(), start, limits, None).unwrap_err();
    assert!(error.to_string().contains("instructions, more than the 262144"), "{error}");
}
