//! Names: per node, one pid a name, gone when the process ends.

use iridium_sched::Reason;
use iridium_vm::Pid;

use crate::stage::{Stage, output};

const DATA: &str = "
        .data
a:      .asciiz 'a'
b:      .asciiz 'b'
";

#[test]
fn a_name_leads_to_its_pid() {
    let source = format!(
        ".code
        self $0
        whereis @a $1
        djmpe @wrong
        register @a $0
        whereis @a $1
        djmpn @wrong
        brne $1 $0 @wrong
        register @b $0          ; a process may have several
        whereis @b $1
        brne $1 $0 @wrong
        whereis @a $1
        brne $1 $0 @wrong
        hlt
wrong:  trap #1
{DATA}"
    );
    assert_eq!(output(&source), "");
}

#[test]
fn a_name_has_one_pid() {
    let source = format!(
        ".code
        self $0
        register @a $0
        spawn @wait $0 $10
        register @a $10         ; taken: stays where it is
        whereis @a $1
        brne $1 $0 @wrong
        unregister @a $10       ; not its name
        whereis @a $1
        brne $1 $0 @wrong
        unregister @a $0
        whereis @a $1
        djmpe @wrong
        register @a $10         ; now it is free, and others may be named
        whereis @a $1
        brne $1 $10 @wrong
        load $2 #1
        sendi $1 $2 $2
        hlt
wrong:  trap #1
wait:   load $1 #-1
        load $2 #-1
        recv $1 $3
        hlt
{DATA}"
    );
    assert_eq!(output(&source), "");
}

#[test]
fn a_name_is_gone_when_its_process_ends() {
    // Whoever is told of the end finds the name free.
    let source = format!(
        ".code
        load $20 #0
again:  spawnmon @child $0 $10
        load $1 #-1
        load $2 #-1
        recv $1 $3
        whereis @a $5
        djmpe @wrong
        inc $20
        brlt $20 #300 @again
        hlt
wrong:  trap #1
child:  self $0
        register @a $0
        register @b $0
        hlt
{DATA}"
    );
    assert_eq!(output(&source), "");
}

#[test]
fn nobody_without_a_process_is_named() {
    let source = format!(
        ".code
        spawnmon @child $0 $10
        load $1 #-3
        load $2 #-1
        recv $1 $3
        register @a $10         ; it has ended
        whereis @a $5
        djmpe @wrong
        load $10 #0
        register @a $10
        whereis @a $5
        djmpe @wrong
        load $10 #0x20000000001 ; of another node
        register @a $10
        whereis @a $5
        djmpe @wrong
child:  hlt
wrong:  trap #1
{DATA}"
    );
    assert_eq!(output(&source), "");
}

#[test]
fn an_embedder_gives_and_finds_names() {
    let stage = Stage::new("load $1 #-1\nload $2 #-1\nrecv $1 $3\nhlt");
    let (first, second) = (stage.start(&[]), stage.start(&[]));
    assert_eq!(stage.scheduler.find("x"), None);
    assert!(stage.scheduler.register("x", first));
    assert!(!stage.scheduler.register("x", second));
    assert!(!stage.scheduler.register("y", Pid::NOBODY));
    assert_eq!(stage.scheduler.find("x"), Some(first));
    stage.await_rest();
    let named: Vec<_> = stage.scheduler.processes().into_iter().map(|info| info.names).collect();
    assert_eq!(named, [vec!["x".to_string()], vec![]]);
    stage.scheduler.kill(first, Reason::KILLED);
    stage.await_left(1);
    assert_eq!(stage.scheduler.find("x"), None);
    assert!(stage.scheduler.register("x", second));
}
