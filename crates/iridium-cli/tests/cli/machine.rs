//! The default VM of the REPL, over a pipe.

use nix::sys::signal::Signal;

use crate::support::{Outcome, User, example};

/// What the REPL answers to these lines. It goes on after every error.
fn converse(user: &User, lines: &str) -> Outcome {
    let outcome = user.repl(&[]).converse(lines);
    assert_eq!(outcome.code, Some(0), "{outcome:?}");
    outcome
}

#[test]
fn lines_run_at_once_and_see_what_came_before() {
    let user = User::new();
    let outcome = converse(
        &user,
        "load $0 #20
         .data
         text: .asciiz 'again'
         .code
         add $0 $0 $0
         twice: addi $0 #1 $0
         prts @text
         prti $0
         !registers
         !symbols",
    );
    assert_eq!(outcome.stderr, "");
    assert_eq!(
        outcome.stdout,
        "again\n41\n$0 = 41\nflag clear, pc 5, fuel 2\n\
         text   data at 4294967296\ntwice  instruction 2\n"
    );
}

#[test]
fn a_line_with_an_error_is_reported_and_changes_nothing() {
    let user = User::new();
    let state = "!registers\n!symbols\n!program\n";
    let lines = format!("x: load $0 #5\n{state}laod $0 #1\nx: hlt\ny: djmp @nowhere\n{state}");
    let outcome = converse(&user, &lines);
    let (before, after) = outcome.stdout.split_at(outcome.stdout.len() / 2);
    assert_eq!(before, after);
    for text in ["no mnemonic `laod`", "did you mean `load`?", "^^^^", "`nowhere`"] {
        assert!(outcome.stderr.contains(text), "{text}: {}", outcome.stderr);
    }
}

#[test]
fn after_a_trap_the_next_line_runs_normally() {
    let user = User::new();
    let outcome = converse(
        &user,
        "load $0 #5
         f: igl
         callw @f $7
         !registers
         addi $0 #1 $0
         load $20 #-1
         load $21 #-1
         recv $20 $30
         recv $20 $30
         addi $0 #1 $0
         !registers",
    );
    assert!(outcome.stderr.contains("trap: illegal-instruction\n  at repl:2:4 (f): igl"));
    assert!(outcome.stderr.contains("called from repl:3:1"), "{}", outcome.stderr);
    let given_up = "recv $20 $30 waits for a message that nobody can send";
    // The second time all rested already.
    assert_eq!(outcome.stderr.matches(given_up).count(), 2, "{}", outcome.stderr);
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert!(lines[0].ends_with("window slid up by 7"), "{lines:?}");
    assert_eq!(lines[1], "$0 = 7     $20 = -1   $21 = -1");
    assert!(!lines[2].contains("window"), "{lines:?}");
}

#[test]
fn a_loaded_file_is_stepped_and_stopped() {
    let user = User::new();
    let file = user.file(
        "count.iasm",
        "load $0 #0\nnext: addi $0 #1 $0\ncallw @show $4\nbrlt $0 #3 @next\nhlt\n\
         show: prtc $9\nret",
    );
    let outcome = converse(
        &user,
        &format!(
            "!load_file {file}
             !step
             !step 2
             !break next
             !continue
             !registers
             load $0 #2
             !continue
             !break next
             !break
             !load_file
             !program"
        ),
    );
    assert_eq!(outcome.stderr, "");
    let stops: Vec<_> = outcome.stdout.lines().filter(|line| line.starts_with("stopped")).collect();
    let next = format!("stopped at {file}:2:7 (next): addi $0 #1 $0");
    let show = format!("stopped at {file}:6:7 (show): prtc $9");
    assert_eq!(stops, [&next, &show, &next]);
    for text in [
        "7 instructions; run it with !continue or !step\n",
        "breakpoint set at next (instruction 1)\n",
        "$0 = 1\nflag clear, pc 1,",
        "the program ended with $0 = 3\n",
        "breakpoint removed at next (instruction 1)\n",
        ">    0  load $0 #0\nnext:\n     1  addi $0 #1 $0\n",
    ] {
        assert!(outcome.stdout.contains(text), "{text}: {}", outcome.stdout);
    }
    let outcome = converse(&user, "!step\n!continue\n!step 0\n!break nowhere\n!load_file");
    assert_eq!(outcome.stderr.lines().count(), 5, "{outcome:?}");
}

#[test]
fn a_line_typed_at_a_breakpoint_runs_there_and_comes_back() {
    let user = User::new();
    let file = user.file("a.iasm", "callw @f $5\nhlt\nf: addi $0 #1 $0\ng: addi $0 #10 $0\nret");
    let outcome = converse(
        &user,
        &format!(
            "!load_file {file}
             !break g
             !continue
             load $0 #100
             igl
             call @f
             load $1 #1
             !continue
             !continue
             !registers"
        ),
    );
    // The call stops at the breakpoint within the breakpoint; both go on.
    let stops = outcome.stdout.matches("(g): addi $0 #10 $0").count();
    assert_eq!(stops, 2, "{outcome:?}");
    assert!(
        outcome.stdout.contains("the program ended with $0 = 0\n$5 = 121   $6 = 1\n"),
        "{outcome:?}"
    );
    assert!(outcome.stderr.contains("trap: illegal-instruction"), "{outcome:?}");
}

/// Lines that are typed beside something stopped make one program too.
#[test]
fn a_program_is_typed_while_another_is_stopped() {
    let user = User::new();
    let outcome = converse(
        &user,
        "f: addi $0 #1 $0
         ret
         !break f
         call @f
         next: addi $1 #1 $1
         brlt $1 #5 @next
         !continue
         !program
         !registers",
    );
    assert!(outcome.stdout.contains("$0 = 2   $1 = 5\n"), "{outcome:?}");
}

#[test]
fn a_trace_shows_instructions_and_changes() {
    let user = User::new();
    let lines = "!trace on\nload $0 #5\neq $0 $0\nloadf64 $1 #2.5\n!trace off\nnop\n!trace\n";
    let outcome = converse(&user, lines);
    assert_eq!(
        outcome.stdout,
        "     0  load $0 #5                      ; $0 = 5\n     \
              1  eq $0 $0                        ; flag set\n     \
              2  loadf64 $1 #2.5                 ; $1 = 2.5 (float)\n"
    );
    assert_eq!(outcome.stderr, "error: usage: !trace on | off\n");
}

#[test]
fn a_saved_session_continues_in_another_repl() {
    let user = User::new();
    let state = user.path("state");
    let state = state.to_str().unwrap();
    let lines = format!("!load_file {}\n!step 2\n!save {state}\n", example("call_return"));
    converse(&user, &lines);
    let outcome = converse(&user, &format!("!restore {state}\nload $9 #4\n!continue\n!registers"));
    assert!(outcome.stdout.contains("stopped at "), "{outcome:?}");
    assert!(outcome.stdout.contains("the program ended with $0 = 500\n$0 = 500   $9 = 4\n"));
    // What the one saves the other does not take for its own.
    user.run(&["resume", state]).fails(1, &["was saved in the REPL", "!restore"]);
    let run = ["run", &example("loop"), "--fuel", "3", "--save", state];
    assert_eq!(user.run(&run).code, Some(0));
    let outcome = converse(&user, &format!("!restore {state}"));
    assert!(outcome.stderr.contains("resume it with: iridium resume"), "{outcome:?}");
    // And a state without a program that goes on.
    let outcome = converse(
        &user,
        &format!("a: load $3 #9\n!save {state}\n!clear_registers\n!restore {state}\ncall @a"),
    );
    assert!(outcome.stdout.contains("its program has ended"), "{outcome:?}");
    let outcome = converse(&user, "!restore /nowhere/at/all\n!save /nowhere/at/all\n!load_file\n");
    assert_eq!(outcome.stderr.lines().count(), 3, "{outcome:?}");
}

#[test]
fn memory_registers_and_programs_are_shown_and_cleared() {
    let user = User::new();
    let outcome = converse(
        &user,
        "load $0 #4
         aloc $0
         st8 $9 $0
         !heap 0 4
         !heap 0 5
         .data
         text: .ascii 'hey'
         .code
         !heap @text 3
         loadf64 $2 #-0.5
         !floats
         !clear_registers
         !floats
         !clear_program
         !program
         !symbols
         !registers
         !registers all
         !heap",
    );
    let lines: Vec<_> = outcome.stdout.lines().collect();
    assert_eq!(lines[0], "         0  04 00 00 00                                       ....");
    assert!(lines[1].starts_with("4294967296  68 65 79") && lines[1].ends_with("hey"));
    assert_eq!(lines[2..4], ["$2 = -0.5", "all are 0.0"]);
    assert!(lines[4].starts_with("flag clear, pc 0"), "{lines:?}");
    assert!(lines[5].starts_with("$0 = 0") && outcome.stdout.contains("$255 = 0"));
    assert_eq!(
        outcome.stderr,
        "error: the heap has the addresses 0 to 3\nerror: usage: !heap ADDR LEN\n"
    );
}

#[test]
fn help_explains_commands_and_instructions() {
    let user = User::new();
    let outcome = converse(&user, "!help brlt\n!help DIV\n!help !step\n!help lod\n!help !lod");
    for text in ["brlt $a", "fuel: 1 if taken", "div $a $b $d", "Traps on 0", "!step [N]: run one"]
    {
        assert!(outcome.stdout.contains(text), "{text}: {}", outcome.stdout);
    }
    assert_eq!(
        outcome.stderr,
        "error: there is no command and no instruction lod; did you mean load?\n\
         error: there is no command !lod; !help lists the commands\n"
    );
    assert!(converse(&user, "!help").stdout.contains("!load_file [PATH]"));
}

/// A pipe has nobody who could press Ctrl-C, but the signal does the same.
#[test]
fn a_signal_stops_a_loop_and_the_repl_and_its_node_go_on() {
    let user = User::new();
    let mut repl = user.repl(&["--node-alias", "a", "-P", "0"]);
    let at = repl.ask("!start_cluster", "a listens on ");
    let at = at.rsplit(' ').next().unwrap();
    repl.say("load $0 #33\nl: prti $0\nload $1 #10\nprtc $1\ndjmp @l");
    // One is from the line that has the label; after some more it loops.
    (0..9).for_each(|_| drop(repl.process.wait_for("33")));
    repl.process.signal(Signal::SIGINT);
    repl.process.wait_for("stopped at repl:");
    assert_eq!(user.members(at)["members"][0]["state"], "self");
    repl.ask("!registers", "$0 = 33");
    repl.say("!continue");
    repl.process.wait_for("33");
    repl.process.signal(Signal::SIGTERM);
    assert_eq!(repl.process.end().code, Some(0));
}
