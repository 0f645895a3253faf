//! Native code does what the interpreter and the oracle do, wherever programs are stopped.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../iridium-vm/tests/common/mod.rs"]
mod common;
#[path = "../../iridium-vm/tests/common/differential.rs"]
mod differential;

use std::sync::Arc;
use std::time::{Duration, Instant};

use common::{assemble, program};
use differential::{block_sources, call_sources, compare, sources};
use iridium_jit::{Entries, NativeEngine};
use iridium_vm::{Engine, Hosts, Interpreter, Limits, Process, Program, Register, Stop};
use proptest::prelude::*;

const KERNELS: [(&str, i64); 6] = [
    (include_str!("../../iridium-vm/benches/kernels/collatz.iasm"), 60),
    (include_str!("../../iridium-vm/benches/kernels/fib.iasm"), 12),
    (include_str!("../../iridium-vm/benches/kernels/intloop.iasm"), 500),
    (include_str!("../../iridium-vm/benches/kernels/mandel.iasm"), 6),
    (include_str!("../../iridium-vm/benches/kernels/matmul.iasm"), 7),
    (include_str!("../../iridium-vm/benches/kernels/sieve.iasm"), 300),
];

fn start(program: &Program, argument: i64) -> Process {
    let mut process = Process::new(program, Limits::default());
    process.set_register(0, Register { int: argument, float: 0.0 });
    process
}

/// Runs a kernel in slices on an engine and on the interpreter, and compares all of the process at
/// each stop.
fn compare_kernel(native: &Program, argument: i64, engine: &dyn Engine, slice: u64) {
    let interpreted = Program::new(Arc::clone(native.module()), &Hosts::new()).unwrap();
    let mut expected = start(&interpreted, argument);
    let mut process = start(native, argument);
    loop {
        let stop = expected.run(&interpreted, slice, &mut Vec::new()).unwrap();
        assert_eq!(process.run_on(engine, native, slice, &mut Vec::new()).unwrap(), stop);
        // Windows that were not needed yet may be there or not.
        assert_eq!(process.pc(), expected.pc());
        assert_eq!(process.fuel_spent(), expected.fuel_spent());
        assert_eq!(process.save(None).unwrap(), expected.save(None).unwrap());
        if stop != Stop::OutOfFuel {
            return;
        }
    }
}

#[test]
fn kernels_are_the_same_at_every_stop() {
    for (source, argument) in KERNELS {
        for (entries, slices) in
            [(Entries::All, [1, 2, 3, 64]), (Entries::Usual, [5, 17, 100, 1 << 40])]
        {
            let engine = NativeEngine::ahead(entries);
            let native = program(source);
            for slice in slices {
                compare_kernel(&native, argument, &engine, slice);
            }
            let compiles = NativeEngine::is_supported();
            assert_eq!(engine.stats().functions > 0, compiles, "{:?}", engine.stats());
        }
    }
}

/// What only the second loop reads is loaded on the way from one to the other.
#[test]
fn a_loop_may_lead_into_another() {
    let source = "
            load $2 #5
        a:  addi $0 #1 $0
            brlt $0 #3 @a
        b:  addi $1 #1 $1
            brlt $1 $2 @b
            hlt";
    let engine = NativeEngine::ahead(Entries::Usual);
    for slice in [1, 2, 3, 64] {
        compare(&assemble(source), &engine, slice, false, source);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(debug_assertions) { 40 } else { 1_000 }, ..ProptestConfig::default() })]

    #[test]
    fn generated_programs_do_what_the_oracle_does(
        source in sources(),
        slice in 1u64..65,
        save in any::<bool>(),
        all in any::<bool>(),
    ) {
        let entries = if all { Entries::All } else { Entries::Usual };
        compare(&assemble(&source), &NativeEngine::ahead(entries), slice, save, &source);
    }

    #[test]
    fn blocks_are_those_of_the_oracle(source in block_sources(), slice in 1u64..300) {
        compare(&assemble(&source), &NativeEngine::ahead(Entries::All), slice, false, &source);
    }

    #[test]
    fn calls_are_those_of_the_oracle(
        source in call_sources(),
        slice in 1u64..65,
        all in any::<bool>(),
    ) {
        let entries = if all { Entries::All } else { Entries::Usual };
        compare(&assemble(&source), &NativeEngine::ahead(entries), slice, false, &source);
    }
}

/// What is deeper than native calls go, and deeper than calls may.
#[test]
fn deep_calls_return_and_too_deep_ones_trap() {
    let source = "
            callw @down $0
            hlt
    down:   brle $0 #0 @bottom
            subi $0 #1 $1
            callw @down $1
            addi $1 #1 $0
    bottom: ret";
    for (depth, slice) in [(90_000, u64::MAX), (90_000, 50_001), (100_001, u64::MAX)] {
        let (interpreted, native) = (program(source), program(source));
        let engine = NativeEngine::ahead(Entries::Usual);
        let (mut expected, mut process) = (start(&interpreted, depth), start(&native, depth));
        loop {
            let stop = expected.run(&interpreted, slice, &mut Vec::new()).unwrap();
            let found = process.run_on(&engine, &native, slice, &mut Vec::new()).unwrap();
            assert_eq!(found, stop, "with place and backtrace");
            assert_eq!(process.fuel_spent(), expected.fuel_spent());
            assert_eq!(process.call_depth(), expected.call_depth());
            if stop != Stop::OutOfFuel {
                break;
            }
        }
    }
}

/// Native calls have frames when a trap ends them, also one of an instruction that native code has the
/// interpreter do, and are never more than calls may be.
#[test]
fn calls_that_a_trap_ends_are_in_its_backtrace() {
    let source = "
            callw @down $0
            hlt
    down:   brle $0 #0 @bottom
            subi $0 #1 $1
            callw @down $1
            ret
    bottom: load $1 #-1
            memcpy $1 $1 $1
            ret";
    let (interpreted, native) = (program(source), program(source));
    let engine = NativeEngine::ahead(Entries::Usual);
    for call_depth in 0..60 {
        for depth in [0, 1, 7, 40, 57] {
            let limits = Limits { call_depth, ..Limits::default() };
            let [mut expected, mut process] = [&interpreted, &native].map(|program| {
                let mut process = Process::new(program, limits);
                process.set_register(0, Register { int: depth, float: 0.0 });
                process
            });
            let stop = expected.run(&interpreted, u64::MAX, &mut Vec::new()).unwrap();
            assert!(matches!(stop, Stop::Trapped(_)), "{stop:?}");
            let found = process.run_on(&engine, &native, u64::MAX, &mut Vec::new()).unwrap();
            assert_eq!(found, stop, "with backtrace");
            assert_eq!(process.save(None).unwrap(), expected.save(None).unwrap());
        }
    }
}

/// A function may begin where it also goes on after a call: there it looks at its fuel, as its callers have
/// looked only for what comes before.
#[test]
fn fuel_ends_after_a_call_before_the_start_of_a_function() {
    let source = "
            callw @f $0
            hlt
    again:  callw @g $0
    f:      brlt $0 #3 @again
            ret
    g:      addi $0 #1 $0
            ret";
    let native = program(source);
    let engine = NativeEngine::ahead(Entries::Usual);
    for slice in 1..20 {
        compare_kernel(&native, 0, &engine, slice);
    }
}

/// From turn to turn on another engine, through a snapshot.
#[test]
fn a_process_goes_on_in_any_engine() {
    let source = KERNELS[1].0;
    let [one, other] = [program(source), program(source)];
    let native = NativeEngine::ahead(Entries::Usual);
    let mut process = start(&one, 13);
    for turn in 0.. {
        let stop = if turn % 2 == 0 {
            process.run_on(&native, &one, 37, &mut Vec::new()).unwrap()
        } else {
            process.run_on(&Interpreter::default(), &other, 41, &mut Vec::new()).unwrap()
        };
        if stop != Stop::OutOfFuel {
            assert_eq!(stop, Stop::Halted(233));
            break;
        }
        process = Process::restore(&process.save(None).unwrap()).unwrap().0;
    }
}

/// A loop that is hot is compiled while it runs, and the process is none the wiser.
#[test]
fn what_is_hot_is_compiled_in_the_background() {
    let native = program("l: addi $0 #1 $0\nbrlt $0 $1 @l\nhlt");
    let engine = NativeEngine::new();
    let mut process = Process::new(&native, Limits::default());
    process.set_register(1, Register { int: i64::MAX, float: 0.0 });
    let deadline = Instant::now() + Duration::from_secs(60);
    let mut turns = 0;
    while engine.stats().functions == 0 && NativeEngine::is_supported() {
        process.run_on(&engine, &native, 1000, &mut Vec::new()).unwrap();
        turns += 1;
        assert!(Instant::now() < deadline, "nothing was compiled");
    }
    for _ in 0..10 {
        process.run_on(&engine, &native, 1000, &mut Vec::new()).unwrap();
        turns += 1;
    }
    assert_eq!(process.fuel_spent(), turns * 1000);
    assert_eq!(process.register(0).int, turns as i64 * 1000 + 1);
}

/// A program that ends at once, however often.
#[test]
fn what_is_not_hot_is_not_compiled() {
    let native = program("load $0 #0\nl: addi $0 #1 $0\nbrlt $0 #100 @l\nhlt");
    let engine = NativeEngine::new();
    for _ in 0..100 {
        let mut process = Process::new(&native, Limits::default());
        let stop = process.run_on(&engine, &native, 16_384, &mut Vec::new()).unwrap();
        assert_eq!(stop, Stop::Halted(100));
    }
    let stats = engine.stats();
    assert_eq!(
        (stats.functions, stats.waiting, stats.memory, stats.took),
        (0, 0, 0, Duration::ZERO)
    );
}

/// Code goes with its program.
#[cfg(target_os = "linux")]
#[test]
fn code_of_programs_that_have_gone_is_unmapped() {
    let mapped = || {
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        maps.lines().filter(|line| line.contains("r-xp")).count()
    };
    let engine = NativeEngine::ahead(Entries::Usual);
    let before = mapped();
    for _ in 0..200 {
        let native = program("l: addi $0 #1 $0\nbrlt $0 $1 @l\nhlt\n");
        start(&native, 0).run_on(&engine, &native, 10, &mut Vec::new()).unwrap();
    }
    // Other tests map code meanwhile.
    assert!(mapped() < before + 100, "{before} {}", mapped());
}

/// Runs come to the loop's code and leave it each round, until they no longer come to it.
#[test]
fn what_is_left_at_once_each_time_is_interpreted_again() {
    let source = "load $1 #3000\nload $3 #5\nload $4 #-1\n\
                  l: addi $0 #1 $0\nrem $3 $4 $2\nbrlt $0 $1 @l\nhlt";
    compare_kernel(&program(source), 0, &NativeEngine::ahead(Entries::Usual), 100);
}

/// The interpreter does instructions of functions that native code has called, in other windows than
/// the one in which it began, and of functions whose callers were interpreted.
#[test]
fn what_the_interpreter_does_in_the_midst_of_calls_is_the_same_at_every_stop() {
    let source = "
            callw @down $0
            callw @down $3
            hlt
    down:   brle $0 #0 @bottom
            subi $0 #1 $5
            callw @down $5
            load $7 #40
            newv $7 $6
            add $5 $6 $0
            newv $7 $8
            free $6
            free $8
    bottom: heap $1
            add $0 $1 $2
            ret";
    for entries in [Entries::All, Entries::Usual] {
        for slice in [1, 2, 3, 4, 5, 7, 17, 1 << 40] {
            compare_kernel(&program(source), 9, &NativeEngine::ahead(entries), slice);
        }
    }
}

/// Loads of constants and of elements of them, to the last byte and beyond.
#[test]
fn read_only_data_is_read_as_by_the_interpreter() {
    for access in ["ld8", "ld16s", "ld32", "ld64", "ldx8", "ldx64"] {
        let indexed = access.starts_with("ldx");
        let operand = if indexed { "$0" } else { "#0" };
        let step = if indexed { "addi $0 #1 $0" } else { "addi $1 #1 $1" };
        let source = format!(
            ".data\nd: .i64 #7\n.i64 #3\n.i64 #1000\n.i64 #-2\n.i64 #5\n.code\n\
             load $0 #0\nload $1 @d\nl: {access} $1 {operand} $2\nadd $3 $2 $3\n{step}\ndjmp @l"
        );
        for slice in [1, 3, 1 << 40] {
            compare_kernel(&program(&source), 0, &NativeEngine::ahead(Entries::Usual), slice);
        }
    }
}

/// Calls through registers, native and into what is not there; blocks of sizes that are computed; and
/// what has no native code.
#[test]
fn computed_calls_and_sizes_are_the_same_at_every_stop() {
    let source = include_str!("programs/mixed.iasm");
    for entries in [Entries::All, Entries::Usual] {
        for slice in [1, 2, 3, 17, 1 << 40] {
            compare_kernel(&program(source), 5, &NativeEngine::ahead(entries), slice);
        }
    }
}

/// The interpreter does `jmpe` for native code, which goes on where that has jumped to.
#[test]
fn a_jump_that_the_interpreter_does_is_gone_along_with() {
    let source = "
            load $2 #9
            load $1 @back
    back:   addi $0 #1 $0
            lt $0 $2
            jmpe $1
            eq $0 $0
            load $3 @end
            jmpe $3
            load $0 #0
    end:    hlt";
    for entries in [Entries::All, Entries::Usual] {
        for slice in [1, 2, 3, 1 << 40] {
            compare_kernel(&program(source), 0, &NativeEngine::ahead(entries), slice);
        }
    }
}
