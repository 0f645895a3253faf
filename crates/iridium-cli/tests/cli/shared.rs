//! REPLs whose processes are reached from other nodes.

use nix::sys::signal::Signal;

use crate::operate::{PRINTER, processes};
use crate::support::{User, wait_until};

#[test]
fn processes_keep_their_pids_when_the_cluster_is_started() {
    let user = User::new();
    let file = user.file("printer.iasm", PRINTER);
    let mut a = user.repl(&["--node-alias", "a", "-P", "0"]);
    let pid = a.ask(&format!("!spawn {file}"), "process ");
    let pid = pid.rsplit(' ').next().unwrap().to_string();
    a.say("self $100");
    let me = a.ask("!registers", "$100 = ");
    let me = me.split("$100 = ").nth(1).unwrap().split_whitespace().next().unwrap().to_string();
    a.ask("!nodes", "this node, in no cluster");
    let at = a.ask("!start_cluster", "a listens on ");
    let at = at.rsplit(' ').next().unwrap().to_string();
    let mut b = user.repl(&["--node-alias", "b", "-P", "0"]);
    b.ask(&format!("!join_cluster {at}"), "joined the cluster");
    // Typed as instructions, and by command.
    b.say(&format!("load $9 #{pid}\nload $8 #1\nload $7 #33\nsendi $9 $8 $7"));
    a.process.wait_for("33");
    b.say(&format!("!send {pid} 1 #34"));
    a.process.wait_for("34");
    b.say(&format!("!send {me} 7 #35"));
    a.say("load $0 #7\nload $1 #-1\nrecv $0 $2\nmsgi $6");
    a.ask("!registers", "$6 = 35");
    // A name of the other node.
    a.say(".data\nname: .asciiz 'me'\n.code\nself $9\nregister @name $9");
    a.ask("!help quit", "!quit:");
    b.say("!send me@a 8 #36");
    a.say("load $0 #8\nrecv $0 $2\nmsgi $6");
    a.ask("!registers", "$6 = 36");
    // Numbers of nodes are what pids begin with.
    let line = a.ask("!nodes", "this node");
    let number: i64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    assert_eq!(number, pid.parse::<i64>().unwrap() >> 40);
    // What a line spawns on the other node gets its code from here.
    let far = user.file("far.iasm", "hlt\nchild: prti $0\nload $1 #10\nprtc $1\nhlt");
    b.say(&format!("!load_file {far}\nload $1 #{number}\nload $10 #31337"));
    b.say("spawnat $1 @child $10 $2");
    a.process.wait_for("31337");
    // They are processes of a node as any others.
    assert_eq!(processes(&user, &at, "a")[0]["pid"], pid.as_str());
    // A monitor across the two; a killed node fires it.
    a.say("!leave_cluster");
    a.process.wait_for("left the cluster");
    let listens = a.ask("!start_cluster", "a listens on ");
    let at = listens.rsplit(' ').next().unwrap();
    b.ask(&format!("!join_cluster {at}"), "joined the cluster");
    b.say(&format!("load $9 #{pid}\nmonitor $9 $20\nlink $9\ntrapexit #1"));
    b.ask("!help quit", "!quit:");
    a.process.signal(Signal::SIGKILL);
    b.say("load $0 #-3\nload $1 #-1\nrecv $0 $2\nload $0 #-2\nrecv $0 $12\nmsgi $6");
    b.ask("!registers", "$6 = -3");
    assert_eq!(b.close().code, Some(0));
}

#[test]
fn leaving_keeps_processes_and_ends_their_links_to_other_nodes() {
    let user = User::new();
    let file = user.file("printer.iasm", PRINTER);
    let node = user.node("n", &["--run", &file]);
    node.process.wait_for("0 0");
    let there = processes(&user, &node.at, "n")[0]["pid"].as_str().unwrap().to_string();
    let mut a = user.repl(&["--node-alias", "a", "-P", "0"]);
    a.ask(&format!("!spawn {file}"), "process ");
    a.ask(&format!("!join_cluster {}", node.at), "joined the cluster");
    user.wait_for_members(&node.at, &[("a", "alive"), ("n", "self")]);
    a.say(&format!("load $9 #{there}\ntrapexit #1\nlink $9\nmonitor $9 $20\n!restore nowhere"));
    a.ask("!leave_cluster", "left the cluster");
    a.say("load $0 #-2\nload $1 #-1\nrecv $0 $2\nmsgi $6\nload $0 #-3\nrecv $0 $2");
    a.ask("!registers", "$6 = -3");
    // The one beside it is there still, and a deadlock is one again.
    a.ask("!ps", "printer.iasm");
    a.say("load $0 #9\nrecv $0 $2");
    wait_until("it is reported", || {
        let report = a.process.complained();
        if report.contains("nobody can send") { Ok(()) } else { Err(report) }
    });
    let outcome = a.close();
    assert!(outcome.stderr.contains("!leave_cluster first"), "{outcome:?}");
    assert_eq!(outcome.code, Some(0));
}
