//! Source texts, and the programs that they are.

use std::sync::Arc;

use iridium_asm::{Assembled, Assembler};
use iridium_isa::Module;
use iridium_jit::{Entries, NativeEngine};
use iridium_vm::{Completion, Effect, Engine, Hosts, Interpreter, Limits, Process, Program, Stop};

/// Small, so that every limit is met and an input takes little time.
pub(super) const LIMITS: Limits = Limits {
    heap: 4096,
    stack: 16,
    call_depth: 16,
    registers: 600,
    messages: 10,
    message_bytes: 1000,
    fuel: 2_000,
};

/// Programs of the crate, each small.
pub fn source_seeds() -> Vec<Vec<u8>> {
    [
        include_str!("../../../examples/calculator.iasm"),
        include_str!("../../../examples/fib.iasm"),
        include_str!("../../../examples/mandelbrot.iasm"),
        include_str!("../../../examples/sieve.iasm"),
        include_str!("../../../examples/hello.iasm"),
        include_str!("../../../benches/kernels/collatz.iasm"),
        include_str!("../../../benches/kernels/intloop.iasm"),
        include_str!("../../../benches/kernels/matmul.iasm"),
        include_str!("../../seeds/control.iasm"),
        include_str!("../../seeds/effects.iasm"),
        include_str!("../../seeds/blocks.iasm"),
    ]
    .map(|source| source.as_bytes().to_vec())
    .into()
}

/// A text assembles or gets diagnostics; what was assembled comes back from its disassembly.
pub fn source(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    match Assembler::new("fuzz.iasm").assemble(&text) {
        Ok(Assembled { module, warnings }) => {
            warnings.render(false);
            comes_back(&module);
        }
        Err(diagnostics) => {
            assert!(diagnostics.has_errors());
            assert!(!diagnostics.render(false).is_empty());
        }
    }
}

/// Disassembly assembles to the same identity.
pub(super) fn comes_back(module: &Module) {
    let text = iridium_asm::disassemble(module).to_string();
    match Assembler::new("again.iasm").assemble(&text) {
        Ok(again) => assert_eq!(again.module.id(), module.id(), "\n{text}"),
        Err(diagnostics) => panic!("{}\n{text}", diagnostics.render(false)),
    }
}

/// Both backends and native code do the same at every stop.
pub fn differential(input: &[u8]) {
    let text = String::from_utf8_lossy(input);
    let Ok(Assembled { module, .. }) = Assembler::new("fuzz.iasm").assemble(&text) else { return };
    let Ok(program) = Program::new(module, &Hosts::new()) else { return };
    // What the input says besides its program: how often it is stopped.
    let slice = u64::from(input.first().copied().unwrap_or(0) % 64) + 1;
    // Native code can begin at each instruction, or where it usually does.
    let entries = if slice % 2 == 0 { Entries::All } else { Entries::Usual };
    let native = NativeEngine::ahead(entries);
    // One of its own: the interpreter would come to the code, too.
    let Ok(compiled) = Program::new(Arc::clone(program.module()), &Hosts::new()) else { return };
    let process = Process::new(&program, LIMITS);
    let [looped, threaded] = INTERPRETERS;
    let engines: [(&dyn Engine, &Program); 3] =
        [(&looped, &program), (&threaded, &program), (&native, &compiled)];
    agree_on(engines, process, slice);
}

/// Runs a process on both backends and compares.
pub(super) fn agree(program: &Program, process: Process, slice: u64) {
    agree_on(INTERPRETERS.each_ref().map(|on| (on as &dyn Engine, program)), process, slice);
}

const INTERPRETERS: [Interpreter; 2] = [Interpreter::LOOPED, Interpreter::THREADED];

/// Runs a process on some engines, each with a program, and compares.
fn agree_on<const N: usize>(engines: [(&dyn Engine, &Program); N], process: Process, slice: u64) {
    let mut twins = engines.map(|on| (on, process.clone(), Vec::new()));
    for _ in 0..200 {
        let stops = twins.each_mut().map(|((engine, program), process, output)| {
            let stop = process.run_on(*engine, program, slice, output);
            if let Ok(Stop::Effect(effect)) = &stop {
                answer(process, effect);
            }
            stop
        });
        let ((_, one, output), others) = twins.split_first().unwrap();
        for (stop, (_, other, other_output)) in stops[1..].iter().zip(others) {
            // As text, in which a NaN is the same as itself.
            assert_eq!(format!("{:?}", stops[0]), format!("{stop:?}"));
            assert_eq!(one.save(None).unwrap(), other.save(None).unwrap());
            assert_eq!(output, other_output);
        }
        if !matches!(stops[0], Ok(Stop::OutOfFuel | Stop::Effect(_))) {
            return;
        }
    }
}

/// Gives a process what it wants, the same each time.
fn answer(process: &mut Process, effect: &Effect) {
    let message =
        || iridium_vm::Message { tag: 1, sender: 2, payload: iridium_vm::Payload::Word([7; 8]) };
    let answers = [
        Completion::Done,
        Completion::Value(3),
        Completion::Pair(4, 5),
        Completion::Found(Some(6)),
        Completion::Received(Some(message())),
    ];
    let taken = answers.into_iter().any(|answer| process.complete(answer).is_ok());
    assert!(taken, "no answer fits {effect:?}");
}
