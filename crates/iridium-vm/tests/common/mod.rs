//! The one place where the tests touch the crate's API.
#![allow(dead_code, reason = "every test file uses a part of it")]

pub(crate) mod document;
pub(crate) mod oracle;

use iridium_asm::Assembler;
use iridium_isa::Module;
use iridium_vm::{Hosts, Interpreter, Limits, Process, Program, Register, Stop};

/// Assembles a source that has no errors.
pub(crate) fn assemble(source: &str) -> Module {
    match Assembler::new("test.iasm").assemble(source) {
        Ok(assembled) => assembled.module,
        Err(errors) => panic!("{}\n{source}", errors.render(false)),
    }
}

/// A program without host functions.
pub(crate) fn program(source: &str) -> Program {
    Program::new(assemble(source), &Hosts::new()).unwrap()
}

/// The end of a run.
pub(crate) struct Ran {
    pub(crate) process: Process,
    pub(crate) stop: Stop,
    pub(crate) output: String,
}

impl Ran {
    pub(crate) fn int(&self, number: u8) -> i64 {
        self.process.register(number).int
    }

    pub(crate) fn float(&self, number: u8) -> f64 {
        self.process.register(number).float
    }

    /// The name of the trap that ended it.
    pub(crate) fn trap(&self) -> Option<&'static str> {
        match &self.stop {
            Stop::Trapped(trap) => Some(trap.kind.name()),
            _ => None,
        }
    }
}

/// Runs a source to its end, with arguments from `$0` on.
pub(crate) fn run_with(source: &str, arguments: &[i64], limits: Limits) -> Ran {
    let program = program(source);
    let mut process = Process::new(&program, limits);
    for (number, argument) in (0..).zip(arguments) {
        process.set_register(number, Register { int: *argument, float: 0.0 });
    }
    let mut output = Vec::new();
    let stop = process.run(&program, 1 << 40, &mut output).unwrap();
    Ran { process, stop, output: String::from_utf8(output).unwrap() }
}

pub(crate) fn run(source: &str) -> Ran {
    run_with(source, &[], Limits::default())
}

pub(crate) const BACKENDS: [Interpreter; 2] = [Interpreter::LOOPED, Interpreter::THREADED];
