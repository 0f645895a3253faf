//! Processes beside the default VM of the REPL, over a pipe.

use nix::sys::signal::Signal;

use crate::support::User;

/// Says that it has its name, then prints what it gets and answers with one more.
const ECHO: &str = "
.data
name: .asciiz 'echo'
here: .asciiz 'here it is\\n'
.code
        self $9
        register @name $9
        prts @here
next:   load $0 #-1
        load $1 #-1
        recv $0 $3
        msgi $6
        prti $6
        load $5 #10
        prtc $5
        addi $6 #1 $6
        sendi $4 $3 $6
        djmp @next
";

#[test]
fn a_session_has_processes_beside_it() {
    let user = User::new();
    let file = user.file("echo.iasm", ECHO);
    let mut repl = user.repl(&[]);
    let pid = repl.ask(&format!("!spawn {file}"), "process ");
    let pid = pid.rsplit(' ').next().unwrap().to_string();
    // By pid, typed as an instruction; by name; by serial.
    repl.say(&format!("load $9 #{pid}\nload $8 #41\nload $7 #5\nsendi $9 $7 $8"));
    repl.process.wait_for("41");
    repl.say("load $0 #-1\nload $1 #-1\nrecv $0 $2\nmsgi $6");
    repl.ask("!registers", "$6 = 42");
    repl.ask("!send echo 5 #100", "100");
    repl.say("recv $0 $2\nmsgi $6");
    repl.ask("!registers", "$6 = 101");
    // The table is sorted by pid, with this VM in it.
    repl.ask("!ps", "pid ");
    repl.process.wait_for("this VM");
    let row = repl.process.wait_for(&pid);
    assert!(row.contains("echo") && row.contains("echo.iasm"), "{row}");
    // A monitor tells of the end that !kill brings.
    repl.say("monitor $9 $20\nload $0 #-3");
    repl.ask("!send 2 5 #7", "7");
    repl.say("!kill echo");
    repl.say("recv $0 $2");
    repl.ask("!registers", &format!("$3 = {pid}"));
    repl.say("!kill echo\n!send 2 1 x\n!send 1 -1 x\n!send 1 1\n!kill\n!spawn /no/where");
    let outcome = repl.close();
    let errors: Vec<_> = outcome.stderr.lines().collect();
    assert_eq!(
        errors[..2],
        [
            "error: there is no process echo; !ps lists them",
            "error: there is no process 2; !ps lists them"
        ]
    );
    assert!(errors[2].contains("negative tags"), "{errors:?}");
    assert!(errors[3].contains("usage: !send") && errors[4].contains("usage: !kill"));
    assert_eq!((outcome.code, errors.len()), (Some(0), 6), "{outcome:?}");
}

#[test]
fn lines_spawn_and_are_linked() {
    let user = User::new();
    let file = user.file(
        "a.iasm",
        "hlt\nchild: load $1 #9\nsendi $0 $1 $1\nhlt\nbad: div $0 $9 $0\nhlt\n\
         quits: load $0 #12\nexit $0\nhlt",
    );
    let mut repl = user.repl(&[]);
    repl.say(&format!("!load_file {file}"));
    repl.say("self $0\nspawn @child $0 $1\nload $10 #-1\nload $11 #-1\nrecv $10 $12\nmsgi $5");
    repl.ask("!registers", "$5 = 9");
    // Told as a message while exits are trapped.
    repl.say("trapexit #1\nload $10 #-2\nspawnlink @quits $0 $1\nrecv $10 $12\nmsgi $5");
    repl.ask("!registers", "$5 = 12");
    // Otherwise the VM ends with it, and goes on as another process.
    repl.say("trapexit #0\nspawnlink @bad $0 $1\nload $10 #-1\nrecv $10 $12\nnop");
    repl.ask("self $9\n!registers", "$9 = ");
    let outcome = repl.close();
    let all = outcome.stdout + &outcome.stderr;
    assert!(all.contains("was ended: trap divide-by-zero"), "{all}");
    assert!(all.contains("trap: divide-by-zero at "), "{all}");
}

#[test]
fn a_signal_stops_a_receive_that_waits() {
    let user = User::new();
    // As long as another process can run, something may come.
    let ticks = user.file("ticks.iasm", "l: load $1 #10\nsleep $1\ndjmp @l");
    let waits = "load $0 #-1\nload $1 #-1\nload $5 #10\nprti $1\nprtc $5\nrecv $0 $2\n\
                 nop\nhlt";
    let waits = user.file("waits.iasm", waits);
    let mut repl = user.repl(&[]);
    repl.say(&format!("!spawn {ticks}\n!load_file {waits}\n!continue"));
    repl.process.wait_for("-1");
    repl.process.signal(Signal::SIGINT);
    repl.process.wait_for("stopped at");
    repl.ask("!continue", "the program ended");
    repl.ask("!registers", "flag clear");
    assert_eq!(repl.close().code, Some(0));
}

#[test]
fn a_session_with_processes_is_saved_and_restored() {
    let user = User::new();
    let file = user.file("echo.iasm", ECHO);
    let state = user.path("state");
    let state = state.to_str().unwrap();
    let mut repl = user.repl(&[]);
    repl.ask(&format!("load $7 #77\nself $30\n!spawn {file}"), "here it is");
    repl.ask("!send echo 1 #5005005", "5005005");
    repl.ask(&format!("!save {state}"), "saved to ");
    // What was answered and not received is saved too.
    assert_eq!(repl.close().code, Some(0));

    let mut repl = user.repl(&["-t", "1"]);
    let line = repl.ask(&format!("!restore {state}"), "restored ");
    assert!(line.contains("this VM and 1 process"), "{line}");
    repl.say("self $31\nload $0 #-1\nload $1 #-1\nrecv $0 $2\nmsgi $6");
    repl.ask("!registers", "$6 = 5005006");
    repl.say("sub $30 $31 $30");
    let registers = repl.ask("!registers", "$6 = 5005006");
    assert!(!registers.contains("$30"), "it has the pid that it had");
    repl.ask("!send echo 1 #8008008", "8008008");
    let missing = repl.ask("!restore /no/where\n!help ps", "!ps:");
    assert!(missing.starts_with("!ps"));
    assert!(repl.close().stderr.contains("/no/where"));
}

#[test]
fn traps_of_processes_are_printed_beside_what_is_typed() {
    let user = User::new();
    let file = user.file("a.iasm", "div $0 $9 $0\nhlt");
    let mut repl = user.repl(&[]);
    repl.say(&format!("!spawn {file}"));
    crate::support::wait_until("it is reported", || {
        let complained = repl.process.complained();
        let line = format!("trap: divide-by-zero at {file}:1:1: div $0 $9 $0\n");
        if complained.ends_with(&line) { Ok(()) } else { Err(complained) }
    });
    assert_eq!(repl.close().code, Some(0));
}
