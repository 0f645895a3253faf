//! However long a program runs, the interpreter takes no more of the system's stack. Optimised builds go
//! from instruction to instruction by tail calls, which are jumps only while no handler keeps anything
//! on the stack; so this is for `cargo test --release`, and holds in any other build too.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::VecDeque;
use std::thread;

use common::assemble;
use iridium_vm::{
    Engine as _, Environment, Hosts, Interpreter, Limits, Message, Payload, Process, Program,
    Register, Stop,
};

/// Enough for the interpreter, in a debug build too, and for few of its handlers in one another.
const STACK: usize = 256 << 10;
const ROUNDS: i64 = 200_000;

/// Messages that come back to their sender.
#[derive(Default)]
struct Echo(VecDeque<Message>);

impl Environment for Echo {
    fn write(&mut self, _bytes: &[u8]) {}

    fn send(&mut self, to: i64, tag: i64, payload: Payload) -> Result<(), Payload> {
        self.0.push_back(Message { tag, sender: to, payload });
        Ok(())
    }

    fn receive(&mut self, _tag: i64) -> Option<Message> {
        self.0.pop_front()
    }
}

/// Runs a program with a number in `$0` on a small stack.
fn run(source: &str, argument: i64) {
    let program = Program::new(assemble(source), &Hosts::new()).unwrap();
    let run = move || {
        let mut process = Process::new(&program, Limits::default());
        process.set_register(0, Register { int: argument, ..Register::default() });
        let engine = Interpreter::default();
        engine.run(&mut process, &program, u64::MAX, &mut Echo::default()).unwrap()
    };
    let stop = thread::Builder::new().stack_size(STACK).spawn(run).unwrap().join().unwrap();
    assert!(matches!(stop, Stop::Halted(_)), "{stop:?}");
}

/// A loop around these lines.
fn round(lines: &str) -> String {
    format!(
        "load $1 #1\nload $3 #8\nload $4 #-1\nload $5 #-1\naloc $3\nload $2 #0\nl: {lines}\ndec $0\nbrgt $0 #0 @l\nhlt"
    )
}

#[test]
fn messages_take_no_stack() {
    let all = "sendi $1 $1 $0\nrecv $4 $6\nmsgi $9\nsendf64 $1 $1 $0\nrecv $4 $6\nmsgf64 $9\n\
               send $1 $1 $2\nrecv $4 $6\nmsgm $2 $9";
    run(&round(all), ROUNDS);
}

#[test]
fn kernels_take_no_stack() {
    const KERNELS: [(&str, i64); 5] = [
        (include_str!("../benches/kernels/collatz.iasm"), 2_000),
        (include_str!("../benches/kernels/fib.iasm"), 20),
        (include_str!("../benches/kernels/mandel.iasm"), 40),
        (include_str!("../benches/kernels/matmul.iasm"), 60),
        (include_str!("../benches/kernels/sieve.iasm"), 100_000),
    ];
    for (source, argument) in KERNELS {
        run(source, argument);
    }
}
