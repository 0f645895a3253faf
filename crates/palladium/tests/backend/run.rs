//! Running programs of the middle, in all ways that must agree.

use iridium_isa::{Module, Sources};
use iridium_vm::{Hosts, Interpreter, Limits, Process, Program as Loaded, Stop, TrapKind};
use palladium::mir::Program;
use palladium::{emit, rc};

#[derive(Debug, PartialEq)]
pub(crate) enum End {
    Exited(i64),
    Trapped(TrapKind),
    Other(String),
}

/// How a run ended.
#[derive(Debug, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) output: String,
    /// Blocks that are not given back.
    pub(crate) live: u64,
    pub(crate) fuel: u64,
}

pub(crate) fn module(program: &Program, mode: rc::Mode) -> Module {
    module_within(program, mode, 256)
}

/// With at most so many values in registers at once.
pub(crate) fn module_within(program: &Program, mode: rc::Mode, registers: usize) -> Module {
    let mut counted = program.clone();
    rc::insert(&mut counted, mode);
    let mut sources = Sources::new();
    let text = "x".repeat(1000);
    sources.add("test.pd", &text);
    emit::module_within(&counted, &sources, registers).unwrap()
}

pub(crate) fn run_module(module: Module, engine: &Interpreter) -> Outcome {
    let loaded = Loaded::new(module, &Hosts::new()).unwrap();
    let limits = Limits { heap: 1 << 28, ..Limits::default() };
    let mut process = Process::new(&loaded, limits);
    let mut output = Vec::new();
    let stop = process.run_on(engine, &loaded, 1 << 32, &mut output).unwrap();
    let output = String::from_utf8(output).unwrap();
    let end = match stop {
        Stop::Exited(code) => End::Exited(code),
        Stop::Trapped(trap) => End::Trapped(trap.kind),
        other => End::Other(format!("{other:?}")),
    };
    Outcome { end, output, live: process.live_blocks(), fuel: process.fuel_spent() }
}

/// How a program ends in both modes, on both dispatchers.
pub(crate) fn run(program: &Program) -> Outcome {
    let mut outcomes = Vec::new();
    for mode in [rc::Mode::Plain, rc::Mode::Optimised] {
        let module = module(program, mode);
        let looped = run_module(module.clone(), &Interpreter::LOOPED);
        let threaded = run_module(module, &Interpreter::THREADED);
        assert_eq!(looped, threaded, "{mode:?}");
        outcomes.push(looped);
    }
    let (optimised, plain) = (outcomes.pop().unwrap(), outcomes.pop().unwrap());
    assert_eq!((&plain.end, &plain.output), (&optimised.end, &optimised.output));
    for registers in [1, 6] {
        let module = module_within(program, rc::Mode::Optimised, registers);
        let few = run_module(module, &Interpreter::THREADED);
        assert_eq!((&few.end, &few.output), (&optimised.end, &optimised.output), "{registers}");
        if let End::Exited(_) = few.end {
            assert_eq!(few.live, 0, "{registers}");
        }
    }
    // What a trap leaves is not the same, since blocks are given back at other places.
    if let End::Exited(_) = optimised.end {
        assert_eq!((plain.live, optimised.live), (0, 0));
    }
    optimised
}

/// The text of a function's code in one line each, as a listing has it.
pub(crate) fn listing(program: &Program, name: &str) -> Vec<String> {
    let module = module(program, rc::Mode::Optimised);
    let begin = module.find(name).or_else(|| {
        module.code_labels().iter().find(|(label, _)| label == name).map(|(_, at)| *at)
    });
    let begin = begin.unwrap_or_else(|| panic!("no {name}"));
    let later = module.code_labels().iter().map(|(_, at)| *at).filter(|at| *at > begin);
    let end = later.min().unwrap_or(module.code().len() as u32);
    (begin..end).map(|at| module.instruction_text(at)).collect()
}
