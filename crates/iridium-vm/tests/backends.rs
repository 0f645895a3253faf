//! The oracle and both backends agree on generated programs: result, registers, flag, remainder,
//! loop counter, stack, heap, output and fuel, wherever the programs are stopped.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(unsafe_code, reason = "one of the engines here works on registers as native code would")]

mod common;
#[path = "common/differential.rs"]
mod differential;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::oracle::{End, Oracle};
use common::{BACKENDS, assemble};
use differential::{
    LIMITS, assert_same, block_sources, call_sources, compare, compare_on, end_of, is_effect, line,
    sources,
};
use iridium_isa::{FREE_RUN, Fuel, Instruction, Module, Opcode, tolls};
use iridium_vm::{
    EntryHook, EntryState, Frame, Hosts, Interpreter, Limits, Process, Program, Register, Resume,
};
use proptest::prelude::*;

proptest! {
    #![proptest_config(ProptestConfig { cases: if cfg!(debug_assertions) { 2500 } else { 30_000 }, ..ProptestConfig::default() })]

    #[test]
    fn backends_agree_with_the_oracle(source in sources(), slice in 1u64..200) {
        let module = assemble(&source);
        for engine in BACKENDS {
            compare(&module, &engine, slice, false, &source);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn stopping_saving_and_restoring_at_every_fuel_value_changes_nothing(source in sources()) {
        let module = assemble(&source);
        for engine in BACKENDS {
            compare(&module, &engine, 1, true, &source);
        }
    }

    #[test]
    fn blocks_are_those_of_the_oracle(
        source in block_sources(),
        slice in 1u64..300,
        save in any::<bool>(),
    ) {
        let module = assemble(&source);
        for engine in BACKENDS {
            compare(&module, &engine, slice, save, &source);
        }
    }

    #[test]
    fn calls_are_those_of_the_oracle(
        source in call_sources(),
        slice in 1u64..65,
        save in any::<bool>(),
    ) {
        let module = assemble(&source);
        for engine in BACKENDS {
            compare(&module, &engine, slice, save, &source);
        }
    }

    #[test]
    fn engines_that_take_over_at_any_instructions_change_nothing(
        source in sources(),
        slice in 1u64..50,
        hooked in any::<u64>(),
    ) {
        let module = assemble(&source);
        for engine in BACKENDS {
            let program = Program::new(module.clone(), &Hosts::new()).unwrap();
            assert!(!program.hook_entry(0), "there is no hook yet");
            let entered = Arc::new(AtomicU64::new(0));
            assert!(program.set_entry_hook(Arc::new(Takes(Arc::clone(&entered)))));
            assert!(!program.set_entry_hook(Arc::new(Takes(Arc::clone(&entered)))), "one at most");
            for index in 0..module.code().len() as u32 {
                // Some are hooked, some were, some never are.
                if hooked.rotate_right(index) & 3 != 0 {
                    assert!(program.hook_entry(index));
                }
                if hooked.rotate_right(index) & 3 == 3 {
                    program.unhook_entry(index);
                }
            }
            assert!(!program.hook_entry(module.code().len() as u32));
            compare_on(&program, &engine, slice, false, &source);
            if matches!(hooked & 3, 1 | 2) {
                assert!(entered.load(Ordering::Relaxed) > 0, "the first instruction is hooked");
            }
        }
    }

    #[test]
    fn stepping_does_the_same(source in sources()) {
        let module = assemble(&source);
        let program = Program::new(module.clone(), &Hosts::new()).unwrap();
        let mut oracle = Oracle::new(&module);
        let limits = Limits { fuel: 50, ..LIMITS };
        let mut process = Process::new(&program, limits);
        let mut output = Vec::new();
        let mut stop = None;
        for _ in 0..10_000 {
            stop = process.step(&program, &mut output).unwrap();
            if stop.is_some() {
                break;
            }
        }
        let expected = match oracle.run(&module, &limits, limits.fuel) {
            End::OutOfFuel => End::Trapped(iridium_vm::TrapKind::FuelLimit),
            end => end,
        };
        prop_assert_eq!(expected, end_of(&stop.unwrap()));
        assert_same(&oracle, &process, &output, &source);
    }

    #[test]
    fn disassembly_keeps_the_identity(source in sources()) {
        let module = assemble(&source);
        let again = assemble(&iridium_asm::disassemble(&module).to_string());
        prop_assert_eq!(module.id(), again.id());
        let read = Module::from_bytes(&module.to_bytes()).unwrap();
        prop_assert_eq!(&module, &read);
        let mut stripped = module.clone();
        stripped.strip();
        prop_assert_eq!(module.id(), assemble(&iridium_asm::disassemble(&stripped).to_string()).id());
    }
}

/// Values that are handed on are right where control comes from elsewhere: after an instruction that
/// ran out of line, by a computed jump, or into a loop.
#[test]
fn the_register_cache_is_right_on_every_path() {
    let programs = [
        // The last bytes of the heap are read out of line; the branch then writes nothing.
        "load $2 #8\naloc $2\nload $1 #41\nload $2 #7\nst8 $2 $1\nld8 $2 $3\nbreq $5 #1 @x\n\
         addi $3 #1 $0\nx: hlt",
        // A computed jump to a branch that is not taken.
        "load $1 @to\njmp $1\naddi $3 #7 $3\nto: breq $5 #1 @x\naddi $3 #1 $0\nx: hlt",
        // Ways into a loop with other values at hand than the way round, and loops within loops.
        "load $3 #3\nload $4 #9\nouter: load $2 #5\nload $7 #100\n\
         inner: mul $0 $3 $0\nadd $0 $1 $0\nsrli $0 #13 $4\nxor $0 $4 $0\naddi $1 #1 $1\n\
         brlt $1 $2 @inner\nadd $0 $7 $0\nload $1 #0\nsubi $3 #1 $3\nbrgt $3 #0 @outer\nhlt",
        // A loop that is entered in the middle, by a branch and by a call.
        "load $1 #4\nload $2 #9\nbrlt $1 $2 @in\nround: add $1 $2 $3\nin: mul $3 $1 $2\n\
         addi $5 #1 $5\nbrlt $5 #6 @round\nmov $2 $0\nbrgt $5 #9 @x\nload $5 #7\ncall @in\nx: hlt",
        // A jump table into a loop.
        "load $1 #1\nround: jtab $6 @a @b\nhlt\na: addi $1 #3 $1\naddi $6 #1 $6\ndjmp @round\n\
         b: mul $1 $1 $0\nxor $0 $1 $1\naddi $7 #1 $7\nbrlt $7 #4 @b\nload $6 #2\ndjmp @round",
        // Floats over a back edge, with the sum of before at hand.
        "loadf64 $1 #1.5\nloadf64 $2 #2\nround: addf64 $1 $2 $3\nsubf64 $3 $2 $1\n\
         mulf64 $1 $3 $2\nmulf64 $2 $2 $3\naddi $1 #1 $1\nbrlt $1 #7 @round\nhlt",
    ];
    for source in programs {
        let module = assemble(source);
        for engine in BACKENDS {
            for slice in [1, 2, 3, 1000] {
                compare(&module, &engine, slice, slice == 1, source);
            }
            compare_after_steps(&module, engine, source);
        }
    }
}

/// Every pair of instructions, after others that leave values at hand and round a loop, with
/// operands that now are those values and now are not. This takes every superinstruction.
#[test]
fn every_pair_of_instructions_agrees_with_the_oracle() {
    let ends = |o: &Opcode| {
        matches!(o, Opcode::Hlt | Opcode::Igl | Opcode::Trap | Opcode::Trapm | Opcode::Exit)
    };
    let opcodes: Vec<Opcode> =
        Opcode::ALL.iter().copied().filter(|o| !is_effect(*o) && !ends(o)).collect();
    // Knuth's 64-bit generator; the high bits are the good ones.
    let mut state = 1u64;
    let mut numbers = std::iter::repeat_with(move || {
        state =
            state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as u32
    });
    let writers = [Opcode::Addi, Opcode::Xor, Opcode::MulF64, Opcode::AddF64, Opcode::Itof];
    for (index, first) in opcodes.iter().enumerate() {
        for (other, second) in opcodes.iter().enumerate() {
            // The debug build is slow, and takes another part of the pairs for each first.
            if cfg!(debug_assertions) && (index + other) % 8 != 0 {
                continue;
            }
            let mut writer = || writers[numbers.next().unwrap_or(0) as usize % writers.len()];
            let body = [writer(), writer(), *first, *second, writer()];
            let mut source = String::from(
                ".data\n.asciiz 'hey'\n.i64 #-2\n.asciiz 'more than twenty-four bytes'\n.code\n\
                 load $4 #30\naloc $4\nload $1 #5\nitof $1 $2\nload $5 #3\n",
            );
            for (at, opcode) in body.into_iter().enumerate() {
                source += &format!("l{at}: {}\n", line(opcode, &mut numbers, body.len()));
            }
            source += "inc $5\nbrlt $5 #6 @l0\nhlt\n";
            let module = assemble(&source);
            for slice in [2, 50] {
                compare(&module, &Interpreter::THREADED, slice, false, &source);
            }
        }
    }
}

/// Does some instructions itself, through safe code and through the raw layout, and leaves the others
/// to the interpreter.
#[derive(Debug)]
struct Takes(Arc<AtomicU64>);

impl EntryHook for Takes {
    fn enter(&self, state: &mut EntryState<'_, '_>) -> Resume {
        self.0.fetch_add(1, Ordering::Relaxed);
        let pc = state.pc();
        if tolls(state.module().code())[pc as usize] {
            return Resume::Interpret;
        }
        match state.module().code()[pc as usize].clone() {
            Instruction::Mov { a, d } => {
                let int = state.register(a.0).int;
                let float = state.register(d.0).float;
                state.set_register(d.0, Register { int, float });
                assert!(state.set_pc(pc + 1));
                Resume::Continue
            }
            Instruction::Djmp { l } => {
                assert!(!state.set_pc(u32::MAX), "there is no such instruction");
                if !state.pay(1) {
                    return Resume::OutOfFuel;
                }
                assert!(state.set_pc(l.0));
                Resume::Continue
            }
            Instruction::Inc { d } => {
                let layout = state.layout();
                let window = state.process().window();
                // SAFETY: the instruction names a register of the window, and all of a window are there.
                unsafe {
                    let register = &mut *layout.window.add(usize::from(d.0));
                    register.int = register.int.wrapping_add(1);
                    state.resume_at(pc + 1, window, &[]);
                }
                Resume::Continue
            }
            Instruction::Call { l } if state.calls_left() > 0 => {
                if !state.pay(1) {
                    return Resume::OutOfFuel;
                }
                let (frame, window) =
                    (Frame { return_to: pc + 1, slide: 0 }, state.process().window());
                // SAFETY: the module's labels are instructions, and the window stays.
                unsafe { state.resume_at(l.0, window, &[frame]) };
                Resume::Continue
            }
            Instruction::Ret {} if state.process().call_depth() > 0 => {
                if !state.pay(1) {
                    return Resume::OutOfFuel;
                }
                let frame = state.pop_frame().unwrap();
                let window = state.process().window() - frame.slide;
                // SAFETY: the frame is that of a call.
                unsafe { state.resume_at(frame.return_to, window, &[]) };
                Resume::Continue
            }
            Instruction::Eq { a, b } => {
                let equal = state.register(a.0).int == state.register(b.0).int;
                *state.flag() = equal;
                assert!(state.set_pc(pc + 1));
                Resume::Continue
            }
            // It has done nothing, so this is for the interpreter.
            Instruction::Nop {} => Resume::Continue,
            _ => Resume::Interpret,
        }
    }
}

/// Runs on a backend from every place that single steps lead to.
fn compare_after_steps(module: &Module, engine: Interpreter, source: &str) {
    let program = Program::new(module.clone(), &Hosts::new()).unwrap();
    let mut oracle = Oracle::new(module);
    oracle.run(module, &LIMITS, 10_000);
    for steps in 0..60 {
        let mut process = Process::new(&program, LIMITS);
        let mut output = Vec::new();
        for _ in 0..steps {
            if process.step(&program, &mut output).unwrap().is_some() {
                return;
            }
        }
        process.run_on(&engine, &program, 10_000, &mut output).unwrap();
        assert_same(&oracle, &process, &output, source);
    }
}

/// However long a straight line is, a process in it can be stopped soon.
#[test]
fn a_straight_line_is_stopped_within_a_bounded_number_of_instructions() {
    let mut source = String::from("again: load $1 #0\n");
    for _ in 0..1000 {
        source += "addi $1 #1 $1\nbreq $2 #1 @again\nst8 $3 $1\npush $1\npop $4\n";
    }
    let source = format!("load $3 #8\naloc $3\nload $3 #0\n{source}djmp @again");
    let module = assemble(&source);
    let program = Program::new(module.clone(), &Hosts::new()).unwrap();
    for engine in BACKENDS {
        compare(&module, &engine, 1, true, &source);
        let mut process = Process::new(&program, LIMITS);
        process.run_on(&engine, &program, 1, &mut Vec::new()).unwrap();
        for _ in 0..70 {
            let before = process.pc() as usize;
            process.run_on(&engine, &program, 1, &mut Vec::new()).unwrap();
            assert!(process.pc() as usize - before <= FREE_RUN, "{before} {}", process.pc());
        }
    }
}

/// What an instruction costs is what the table, and so the manual, says.
#[test]
fn costs_are_those_of_the_table() {
    for opcode in Opcode::ALL {
        let source = format!(
            ".data\nx: .asciiz 'x'\n.code\nl0: {}\nhlt",
            line(*opcode, &mut std::iter::empty(), 1)
        );
        let Ok(assembled) = iridium_asm::Assembler::new("t").assemble(&source) else {
            assert_eq!(*opcode, Opcode::Host, "{source}");
            continue;
        };
        let program = Program::new(assembled.module, &Hosts::new()).unwrap();
        let mut process = Process::new(&program, LIMITS);
        let _ = process.step(&program, &mut Vec::new());
        let moved = process.pc() != 1;
        let expected = match opcode.fuel() {
            Fuel::Free => 0,
            // Its first block makes the heap grow.
            Fuel::Fixed(cost) if *opcode == Opcode::New => {
                u64::from(cost) + process.heap().len() as u64 / 64
            }
            Fuel::Fixed(cost) => u64::from(cost),
            Fuel::Bulk => 1,
            Fuel::Taken => u64::from(moved),
        };
        assert_eq!(process.fuel_spent(), expected, "{source}");
    }
}

/// A process that was just spawned is small.
#[test]
fn an_idle_process_takes_less_than_a_kibibyte() {
    let program = common::program("load $31 #1\nhlt");
    let process = Process::new(&program, Limits::default());
    let registers = 32 * size_of::<Register>();
    assert!(size_of_val(&process) + registers <= 1024, "{}", size_of_val(&process));
}

/// Programs are generated from all instructions but those that want something from the world.
#[test]
fn effects_are_the_end_of_the_table() {
    assert_eq!(Opcode::Host, *Opcode::ALL.last().unwrap());
    assert!(!is_effect(Opcode::Prtm));
}
