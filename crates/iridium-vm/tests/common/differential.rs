//! Generated programs, run a few units of fuel at a time on an engine and on the oracle, which must
//! agree at every stop. For the tests of all engines.

use iridium_isa::{Module, Opcode};
use iridium_vm::{Engine, Hosts, Limits, Process, Program, Stop};
use proptest::prelude::*;

use crate::common::oracle::{End, Oracle, bits};

pub(crate) const LIMITS: Limits = Limits {
    heap: 4096,
    stack: 5,
    call_depth: 6,
    registers: 16,
    messages: 10,
    message_bytes: 1000,
    fuel: u64::MAX,
};

/// What no generated program uses: it wants something from the world.
pub(crate) fn is_effect(opcode: Opcode) -> bool {
    (Opcode::SelfPid..=Opcode::Host).contains(&opcode)
        || (Opcode::Monitort..=Opcode::Whereism).contains(&opcode)
}

/// A line of source for an opcode, with operands from a stream of numbers.
pub(crate) fn line(
    opcode: Opcode,
    numbers: &mut impl Iterator<Item = u32>,
    lines: usize,
) -> String {
    let mut next = || numbers.next().unwrap_or(0);
    let mut text = opcode.mnemonic().to_owned();
    for operand in opcode.operands() {
        let expected = operand.expected;
        let number = next();
        let value = if expected.contains("register") {
            format!("${}", number % 6)
        } else if expected.contains("code labels") {
            format!("@l{} @l{}", number as usize % lines, next() as usize % lines)
        } else if expected.contains("code label") {
            format!("@l{}", number as usize % lines)
        } else if expected.contains("data label") {
            format!("#{}", number % 25)
        } else if expected.contains("block's size") {
            format!("#{}", 16 + number % 200)
        } else if expected.contains("variant") || expected.contains("failure") {
            format!("#{}", number % 5)
        } else if expected.contains("`#0` or `#1`") {
            format!("#{}", number % 2)
        } else if expected.contains("shift") {
            format!("#{}", number % 64)
        } else if expected.contains("byte") {
            format!("#{}", number % 256)
        } else if expected.contains("float") {
            ["#0", "#1.5", "#-2.25", "#nan", "#inf", "#1e300", "#-0.0", "#3"][number as usize % 8]
                .to_owned()
        } else if expected.contains("offset") {
            format!("#{}", number % 24)
        } else if expected.contains("number such") {
            format!("#{}", number % 4)
        } else if expected.contains("32-bit") {
            format!("#{}", i64::from(number % 16) - 3)
        } else {
            let wide =
                [-1, 0, 1, 2, 3, 7, 8, 40, 64, 200, i64::MIN, i64::MAX, 1 << 32, (1 << 32) + 9];
            format!("#{}", wide[number as usize % wide.len()])
        };
        text.push(' ');
        text.push_str(&value);
    }
    text
}

pub(crate) fn sources() -> impl Strategy<Value = String> {
    // Arithmetic is drawn more often than what ends a program.
    let opcodes: Vec<Opcode> = Opcode::ALL.iter().copied().filter(|o| !is_effect(*o)).collect();
    let ends = |o: &Opcode| {
        matches!(
            o,
            Opcode::Hlt | Opcode::Igl | Opcode::Trap | Opcode::Trapm | Opcode::Exit | Opcode::Ret
        )
    };
    let common: Vec<Opcode> = opcodes.iter().copied().filter(|o| !ends(o)).collect();
    let instruction = prop_oneof![
        12 => prop::sample::select(common),
        1 => prop::sample::select(opcodes),
        6 => prop::sample::select(vec![
            Opcode::Load, Opcode::Addi, Opcode::LoadF64, Opcode::Aloc, Opcode::Brlti, Opcode::Brlt, Opcode::Mul,
            Opcode::Add, Opcode::Srli, Opcode::Xor, Opcode::Ld8, Opcode::MulF64, Opcode::AddF64, Opcode::LdF64,
        ]),
    ];
    let drawn = (instruction, prop::collection::vec(any::<u32>(), 5));
    // Some are so long that straight lines pay.
    let lines = prop_oneof![
        3 => prop::collection::vec(drawn.clone(), 1..40),
        1 => prop::collection::vec(drawn, 70..100),
    ];
    lines.prop_map(|lines| {
        let mut source = String::from(
            ".data\n.asciiz 'hey'\n.ascii 'a\\xff'\n.asciiz 'ü'\n.i64 #-2\n.f64 #2.5\n.code\n\
                 load $4 #64\naloc $4\n",
        );
        let count = lines.len();
        for (index, (opcode, numbers)) in lines.into_iter().enumerate() {
            let mut numbers = numbers.into_iter();
            source += &format!("l{index}: {}\n", line(opcode, &mut numbers, count));
        }
        source
    })
}

/// Programs that use blocks as compiled code does, and now and then write over their heads or over the
/// table of free ones.
pub(crate) fn block_sources() -> impl Strategy<Value = String> {
    let statement = (0..20u8, 0..4u8, any::<u32>(), 0..40i64);
    prop::collection::vec(statement, 1..60).prop_map(|statements| {
        let mut source = String::from("load $7 #100\n");
        for (index, (kind, b, number, small)) in statements.into_iter().enumerate() {
            let size = 16 + number % 300;
            source += &match kind {
                0..5 => format!("new ${b} #{size} #{}\n", number % 3),
                5 => format!("load $5 #{size}\nnewv $5 ${b}\n"),
                6..8 => format!("keep ${b}\n"),
                8..12 => format!(
                    "drop ${b} @last{index}\ndjmp @over{index}\nlast{index}: free ${b}\n\
                     load ${b} #0\nover{index}: nop\n"
                ),
                12 => format!("brsh ${b} @over{index}\ninc $6\nover{index}: nop\n"),
                13 => format!("cap ${b} $4\n"),
                14 => format!("load $5 #{small}\nbreq ${b} #0 @over{index}\nst64 ${b} #8 $5\nover{index}: nop\n"),
                15 => format!("load $5 #{}\nstx8 ${b} $5 $7\nldx8 ${b} $5 $6\n", small / 4),
                16 => format!("load $5 #{}\nstx64 ${b} $5 $7\nldx64 ${b} $5 $6\n", small / 16),
                17 => format!("load $5 #{small}\naloc $5\n"),
                18 => format!("mov ${b} ${}\n", number % 4),
                // Over the head of a block, or over a cell of the table.
                _ if number % 2 == 0 => {
                    format!("load $5 #{small}\nst8 ${b} #{} $5\n", number % 17)
                }
                _ => format!("load $5 #{}\nst32 $8 #{} $5\n", small * 8, number % 64 * 4),
            };
        }
        source
    })
}

/// Programs whose functions call each other from everywhere, jump into each other, and go over into the
/// next one, which may begin right behind a call.
pub(crate) fn call_sources() -> impl Strategy<Value = String> {
    let statement = (0..9u8, 0..4usize, 0..3u8, -1..6i64);
    let function = (prop::collection::vec(statement, 1..6), any::<bool>());
    prop::collection::vec(function, 4).prop_map(|functions| {
        let mut source = String::from("callw @f0 $0\nhlt\n");
        let last = functions.len() - 1;
        for (n, (statements, goes_over)) in functions.into_iter().enumerate() {
            source += &format!("f{n}: ");
            for (kind, target, register, small) in statements {
                source += &match kind {
                    0..4 => format!("callw @f{target} ${register}\n"),
                    4 => format!("brlt $0 #{small} @f{target}\n"),
                    5 => format!("brgt $1 #{small} @f{target}\n"),
                    6 => "ret\n".to_owned(),
                    7 => format!("addi ${register} #{small} $0\n"),
                    _ => format!("subi ${register} #{small} $1\n"),
                };
            }
            if n == last || !goes_over {
                source += "ret\n";
            }
        }
        source
    })
}

pub(crate) fn end_of(stop: &Stop) -> End {
    match stop {
        Stop::OutOfFuel => End::OutOfFuel,
        Stop::Halted(result) => End::Halted(*result),
        Stop::Exited(code) => End::Exited(*code),
        Stop::Trapped(trap) => End::Trapped(trap.kind),
        stop @ (Stop::Effect(_) | Stop::OutputFull) => panic!("not expected: {stop:?}"),
    }
}

/// Everything that a program could observe is the same.
pub(crate) fn assert_same(oracle: &Oracle, process: &Process, output: &[u8], source: &str) {
    assert_eq!(oracle.pc, process.pc() as usize, "pc\n{source}");
    for number in 0..=20 {
        let register = process.register(number);
        let at = oracle.window + usize::from(number);
        let int = oracle.ints.get(&at).copied().unwrap_or(0);
        let float = oracle.floats.get(&at).copied().unwrap_or(0.0);
        assert_eq!(int, register.int, "${number}\n{source}");
        assert_eq!(bits(float), bits(register.float), "float ${number}\n{source}");
    }
    assert_eq!(oracle.flag, process.flag(), "flag\n{source}");
    assert_eq!(oracle.remainder, process.remainder(), "remainder\n{source}");
    assert_eq!(oracle.counter, process.loop_counter(), "counter\n{source}");
    assert_eq!(oracle.stack, process.stack(), "stack\n{source}");
    assert_eq!(oracle.calls.len(), process.call_depth(), "calls\n{source}");
    assert_eq!(oracle.heap, process.heap(), "heap\n{source}");
    assert_eq!(oracle.output.as_bytes(), output, "output\n{source}");
    assert_eq!(oracle.spent, process.fuel_spent(), "fuel\n{source}");
}

/// Runs on oracle and backend, a few units of fuel at a time, and compares at every stop.
pub(crate) fn compare(module: &Module, engine: &dyn Engine, slice: u64, save: bool, source: &str) {
    compare_on(&Program::new(module.clone(), &Hosts::new()).unwrap(), engine, slice, save, source);
}

pub(crate) fn compare_on(
    program: &Program,
    engine: &dyn Engine,
    slice: u64,
    save: bool,
    source: &str,
) {
    let module = &**program.module();
    let mut oracle = Oracle::new(module);
    let mut process = Process::new(program, LIMITS);
    let mut output = Vec::new();
    for _ in 0..60 {
        let expected = oracle.run(module, &LIMITS, slice);
        let stop = process.run_on(engine, program, slice, &mut output).unwrap();
        assert_eq!(expected, end_of(&stop), "{engine:?}\n{source}");
        assert_same(&oracle, &process, &output, source);
        if stop != Stop::OutOfFuel {
            return;
        }
        if save {
            process = Process::restore(&process.save(None).unwrap()).unwrap().0;
        }
    }
}
