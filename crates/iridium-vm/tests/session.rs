//! What a REPL needs: entering line by line, stepping, watching, listing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{assemble, program};
use iridium_asm::Session;
use iridium_vm::{Hosts, Limits, Process, Program, Register, Stop};

/// A REPL's machine.
struct Machine {
    session: Session,
    process: Process,
    output: Vec<u8>,
    /// The instructions of the last module.
    listing: Vec<String>,
}

impl Machine {
    fn new(session: Session) -> Self {
        let process = Process::new(&program("hlt"), Limits::default());
        Self { session, process, output: Vec::new(), listing: Vec::new() }
    }

    fn enter(&mut self, line: &str) -> Result<Stop, String> {
        let entered = self.session.enter(line).map_err(|errors| errors.to_string())?;
        let program = Program::new(entered.module, &Hosts::new()).unwrap();
        self.listing = (0..)
            .zip(program.module().code())
            .map(|(at, _)| program.module().instruction_text(at))
            .collect();
        self.process.continue_with(&program, entered.start);
        Ok(self.process.run(&program, 1000, &mut self.output).unwrap())
    }
}

#[test]
fn lines_run_at_once_and_see_what_came_before() {
    let mut machine = Machine::new(Session::new("repl"));
    for line in [
        "load $0 #2",
        ".data",
        "text: .asciiz 'ab'",
        "more: .byte #7",
        ".code",
        "prts @text",
        "again:",
        "muli $0 #2 $0",
        "brlt $0 #100 @again",
        "load $9 @more\nld8 $9 $8",
    ] {
        assert!(matches!(machine.enter(line), Ok(Stop::Halted(_))), "{line}");
    }
    assert_eq!(machine.process.register(0).int, 128);
    assert_eq!(machine.process.register(8).int, 7);
    assert_eq!(machine.output, b"ab");
    assert_eq!(
        machine.session.symbols(),
        [("again", 2), ("more", (1 << 32) + 3), ("text", 1 << 32)]
    );
    assert_eq!(machine.listing[2], "muli $0 #2 $0");
}

#[test]
fn a_bad_line_changes_nothing() {
    let mut machine = Machine::new(Session::new("repl"));
    machine.enter("x: load $0 #1").unwrap();
    let before = (format!("{:?}", machine.session), machine.process.clone());
    for line in ["laod $0 #2", "y: djmp @nowhere", "x: hlt", "z: load $0 #1\nadd", ".data\nnop"] {
        let errors = machine.enter(line).unwrap_err();
        assert!(errors.starts_with("repl:"), "{errors}");
    }
    let after = (format!("{:?}", machine.session), machine.process.clone());
    assert_eq!(before, after);
    machine.enter("y: addi $0 #1 $0").unwrap();
    assert_eq!(machine.process.register(0).int, 2);
}

#[test]
fn a_trap_says_the_line_and_the_next_line_runs() {
    let mut machine = Machine::new(Session::new("repl"));
    machine.enter("load $0 #1").unwrap();
    let Stop::Trapped(trap) = machine.enter("div $0 $1 $2").unwrap() else { panic!("a trap") };
    assert!(trap.to_string().contains("repl:2:1"), "{trap}");
    machine.enter("addi $0 #4 $0").unwrap();
    assert_eq!(machine.process.register(0).int, 5);
}

#[test]
fn a_wider_window_can_come_later() {
    let mut machine = Machine::new(Session::new("repl"));
    machine.enter("load $0 #1").unwrap();
    machine.enter("load $200 #5").unwrap();
    machine.enter("callw @f $100\nf: load $255 #9").unwrap();
    assert_eq!(machine.process.register(100).int, 5);
}

#[test]
fn calls_that_a_trap_cut_short_can_be_forgotten() {
    let mut machine = Machine::new(Session::new("repl"));
    machine.enter("djmp @on\nf: callw @g $3\nret\ng: trap #1\non: load $0 #7").unwrap();
    assert!(matches!(machine.enter("callw @f $2"), Ok(Stop::Trapped(_))));
    assert_eq!((machine.process.window(), machine.process.call_depth()), (5, 2));
    machine.process.unwind(1);
    assert_eq!((machine.process.window(), machine.process.call_depth()), (2, 1));
    machine.process.unwind(0);
    assert_eq!((machine.process.window(), machine.process.call_depth()), (0, 0));
    machine.process.unwind(9);
    machine.enter("addi $0 #1 $0").unwrap();
    assert_eq!(machine.process.register(0).int, 8);
}

#[test]
fn a_session_goes_on_from_a_file() {
    let module = assemble(".data\nn: .i64 #5\n.code\nload $0 #1\nhlt\ntwice: add $0 $0 $0\nret");
    let mut machine = Machine::new(Session::from_module("repl", &module));
    machine.enter("load $1 @n\nld64 $1 $0").unwrap();
    machine.enter("call @twice").unwrap();
    assert_eq!(machine.process.register(0).int, 10);
    let Stop::Trapped(trap) = machine.enter("igl").unwrap() else { panic!("a trap") };
    assert!(trap.to_string().contains("repl:4:1"), "{trap}");

    // What the file brought keeps its place there, also in a session that goes on from the first.
    let grown = machine.session.enter("zero: div $0 $30 $0").unwrap().module;
    let mut machine = Machine::new(Session::from_module("repl", &grown));
    machine.enter("load $5 #1").unwrap();
    let Stop::Trapped(trap) = machine.enter("call @zero").unwrap() else { panic!("a trap") };
    assert!(trap.to_string().contains("repl:5:7 (zero): div"), "{trap}");
    assert!(trap.to_string().contains("repl:7:1"), "the call: {trap}");
    let first = machine.session.enter("hlt").unwrap().module;
    let lines = first.lines().unwrap();
    assert_eq!(lines.files(), ["test.iasm", "repl"]);
    assert_eq!(lines.location(0).map(|at| (at.file.0, at.line)), Some((0, 4)));
}

#[test]
fn steps_breakpoints_and_traces() {
    let program = program("load $0 #0\nnext: addi $0 #1 $0\nbrlt $0 #3 @next\nhlt");
    let mut process = Process::new(&program, Limits::default());
    assert_eq!(process.step(&program, &mut Vec::new()).unwrap(), None);
    assert_eq!(process.pc(), 1);
    assert_eq!(
        process.backtrace(program.module())[0].to_string(),
        "test.iasm:2:7 (next): addi $0 #1 $0"
    );

    let label = program.module().find("next").unwrap();
    let mut seen = 0;
    let stop = process.run_watched(&program, &mut Vec::new(), &mut |process| {
        seen += usize::from(process.pc() == label);
        seen < 3
    });
    assert_eq!((stop.unwrap(), process.register(0).int), (None, 2), "third time at the label");

    let mut trace = Vec::new();
    let stop = process.run_watched(&program, &mut Vec::new(), &mut |process| {
        trace.push(program.module().instruction_text(process.pc()));
        true
    });
    assert_eq!(stop.unwrap(), Some(Stop::Halted(3)));
    assert_eq!(trace, ["addi $0 #1 $0", "brlt $0 #3 @next", "hlt"]);
}

#[test]
fn arguments_go_into_registers_that_the_code_does_not_reach() {
    let program = program("load $0 #0\nhlt");
    let mut process = Process::new(&program, Limits::default());
    process.set_register(31, Register { int: 4, float: 0.5 });
    process.run(&program, 10, &mut Vec::new()).unwrap();
    assert_eq!(process.register(31), Register { int: 4, float: 0.5 });
    assert_eq!(process.register(32), Register::default());
}
