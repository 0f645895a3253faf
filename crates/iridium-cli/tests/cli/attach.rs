//! `iridium attach`: a REPL that acts as a process of a running node.

use nix::sys::signal::Signal;

use crate::operate::{PRINTER, pair, processes};
use crate::support::{Repl, User, wait_until};

/// Says a line and waits until it was carried out.
fn say(repl: &mut Repl, line: &str) {
    repl.say(line);
    repl.ask("!help quit", "!quit:");
}

/// The pid of the process that a REPL acts as.
fn pid(repl: &mut Repl) -> String {
    repl.say("self $100");
    let line = repl.ask("!registers", "$100 = ");
    line.split("$100 = ").nth(1).unwrap().split_whitespace().next().unwrap().to_string()
}

#[test]
fn its_process_belongs_to_the_node_and_its_output_is_printed_here() {
    let user = User::new();
    let [a, b] = pair(&user, &[]);
    let file = user.file("printer.iasm", PRINTER);
    let mut repl = user.repl(&["attach", &a.at]);
    // The machine runs here ...
    repl.ask("load $0 #6\nmuli $0 #7 $0\nprti $0\nload $1 #10\nprtc $1", "42");
    // ... and what it starts runs there.
    let line = repl.ask(&format!("!spawn {file}"), "process ");
    let printer = line.rsplit(' ').next().unwrap().to_string();
    a.process.wait_for("0 0");
    repl.say(&format!("load $9 #{printer}\nload $8 #1\nload $7 #123\nsendi $9 $8 $7"));
    a.process.wait_for("123");
    repl.ask("!ps", "pid ");
    let rows = [repl.process.wait_for("this VM"), repl.process.wait_for("printer.iasm")];
    assert!(rows[1].contains(&printer), "{rows:?}");
    // A monitor tells of an end.
    repl.say("monitor $9 $20\nload $0 #-3\nload $1 #-1");
    say(&mut repl, &format!("!kill {printer}"));
    repl.say("recv $0 $2");
    repl.ask("!registers", &format!("$3 = {printer}"));
    // Other nodes, by name and by number.
    user.run(&["spawn", &file, "--name", "p", "--at", &b.at]);
    b.process.wait_for("0 0");
    repl.say("!send p@b 1 #55");
    b.process.wait_for("55");
    repl.ask("!cluster_members", "alias");
    assert!(repl.process.wait_for("127.0.0.1").starts_with("a "), "all by alias");
    repl.ask("!nodes", "alias");
    assert!(repl.process.wait_for("this node").starts_with("a "));
    // Children that lines spawn get their code from here.
    let hello = "hlt\nchild: load $1 #31337\nprti $1\nload $1 #10\nprtc $1\nhlt";
    let hello = user.file("hello.iasm", hello);
    repl.say(&format!("!load_file {hello}\nspawn @child $0 $1"));
    a.process.wait_for("31337");
    let outcome = repl.close();
    assert_eq!((outcome.code, outcome.stderr.as_str()), (Some(0), ""));
    assert!(!outcome.stdout.contains("31337"), "{outcome:?}");
    // With it goes its process.
    wait_until("nothing is left", || match processes(&user, &a.at, "a") {
        left if left.is_empty() => Ok(()),
        left => Err(left),
    });
}

#[test]
fn several_repls_are_attached_and_send_each_other_messages() {
    let user = User::new();
    let [a, b] = pair(&user, &[]);
    let mut first = user.repl(&["attach", "--at", &a.at]);
    let mut second = user.repl(&["attach", &a.at]);
    let mut third = user.repl(&["attach", &b.at]);
    let pids = [pid(&mut first), pid(&mut second), pid(&mut third)];
    assert!(pids[0] != pids[1] && pids[1] != pids[2]);
    // One waits before anything was sent, one after.
    third.say("load $0 #4\nload $1 #-1\nrecv $0 $2\nmsgi $6");
    first.say(&format!("!send {} 4 #71", pids[2]));
    third.ask("!registers", "$6 = 71");
    third.say(&format!("!send {} 4 #72", pids[1]));
    second.say("load $0 #4\nload $1 #-1\nrecv $0 $2\nmsgi $6");
    second.ask("!registers", "$6 = 72");
    // One that is killed goes on as another process.
    user.run(&["kill", &pids[0], "--at", &b.at]);
    wait_until("it is another process", || match pid(&mut first) {
        now if now != pids[0] => Ok(()),
        now => Err(now),
    });
    // A signal stops a wait.
    let waits = "load $0 #4\nload $1 #-1\nload $6 #31337\nprti $6\nload $5 #10\nprtc $5\n\
                 recv $0 $2\nhlt";
    let waits = user.file("waits.iasm", waits);
    second.say(&format!("!load_file {waits}\n!continue"));
    second.process.wait_for("31337");
    second.process.signal(Signal::SIGINT);
    second.process.wait_for("stopped at");
    second.ask("!registers", "flag clear");
    for repl in [first, second, third] {
        assert_eq!(repl.close().code, Some(0));
    }
}

#[test]
fn commands_for_a_local_scheduler_are_refused_and_it_ends_with_the_node() {
    let user = User::new();
    let a = user.node("a", &[]);
    let mut repl = user.repl(&["attach", &a.at]);
    for line in ["!save x", "!restore x", "!start_cluster", "!join_cluster a 1", "!leave_cluster"] {
        repl.say(line);
    }
    say(&mut repl, "!send nobody 1 x");
    say(&mut repl, "!forget no-member");
    let report = wait_until("all are refused", || {
        let report = repl.process.complained();
        if report.lines().count() >= 7 { Ok(report) } else { Err(report) }
    });
    let lines: Vec<_> = report.lines().collect();
    assert_eq!(lines.len(), 7, "{report}");
    assert!(lines[..5].iter().all(|line| line.contains("attached to the node at")), "{report}");
    assert!(lines[5].contains("there is no process nobody"), "{report}");
    assert!(lines[6].contains("no member no-member is known"), "{report}");
    // While nothing runs ...
    let mut waiting = user.repl(&["attach", &a.at]);
    waiting.ask("!help quit", "!quit:");
    // ... and while something does.
    let mut busy = user.repl(&["attach", &a.at]);
    busy.ask("load $5 #10\nprti $5\nprtc $5\nl: djmp @l", "10");
    a.process.signal(Signal::SIGKILL);
    for repl in [repl, waiting, busy] {
        let outcome = repl.process.end();
        outcome.fails(1, &["the node is gone", &a.at]);
    }
}
