//! Runs programs of the middle on the machine, with their references counted.

use iridium_isa::Sources;
use iridium_vm::{Hosts, Interpreter, Limits, Process, Program as Loaded, Stop};
use palladium::mir::Program;
use palladium::{emit, rc};

use super::evaluate::End;

/// What a program prints, and how it ends, in both modes of counting. At a normal end no block is
/// left.
pub(crate) fn run(program: &Program) -> (String, End) {
    let [plain, optimised] =
        [rc::Mode::Plain, rc::Mode::Optimised].map(|mode| run_mode(program, mode));
    assert_eq!(plain, optimised);
    optimised
}

fn run_mode(program: &Program, mode: rc::Mode) -> (String, End) {
    let mut counted = program.clone();
    rc::insert(&mut counted, mode);
    let text = "x".repeat(1000);
    let mut sources = Sources::new();
    program.files.iter().for_each(|name| {
        sources.add(name, &text);
    });
    let module = emit::module(&counted, &sources).unwrap();
    let loaded = Loaded::new(module, &Hosts::new()).unwrap();
    let limits = Limits { heap: 1 << 28, ..Limits::default() };
    let mut process = Process::new(&loaded, limits);
    let mut output = Vec::new();
    let stop = process.run_on(&Interpreter::THREADED, &loaded, 1 << 32, &mut output).unwrap();
    let end = match stop {
        Stop::Halted(code) | Stop::Exited(code) => End::Exit(code),
        Stop::Trapped(trap) => End::Machine(trap.kind.name()),
        other => panic!("{other:?}"),
    };
    let output = String::from_utf8(output).unwrap();
    if let End::Exit(_) = end {
        assert_eq!(process.live_blocks(), 0, "{mode:?}: blocks are left after {output}");
    }
    (output, end)
}
