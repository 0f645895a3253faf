//! Instructions that move any number of bytes stop in between, and go on as if they had not.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{BACKENDS, program};
use iridium_isa::Opcode;
use iridium_vm::{
    Completion, Effect, Interpreter, Limits, Message, Payload, Process, Program, Stop, TrapKind,
};

/// No instruction runs on for longer than this costs, and no test pays more at once.
const LONGEST: u64 = 400;
/// What comes after a difference is paid for at once.
const COMPARED: u64 = 100_000 / 64;

/// What a run shows.
#[derive(Debug, PartialEq)]
struct Seen {
    end: Option<TrapKind>,
    fuel: u64,
    registers: Vec<i64>,
    heap: Vec<u8>,
    output: Vec<u8>,
    sent: Vec<Payload>,
}

/// Runs with so much fuel at a time, from the first `yield` on; what is sent comes back as a message.
fn run(program: &Program, engine: Interpreter, fuel: u64, save: bool) -> Seen {
    let mut process = Process::new(program, Limits::default());
    let (mut output, mut sent, mut longest) = (Vec::new(), Vec::new(), 0);
    let mut granted = u64::MAX;
    let end = loop {
        let before = process.fuel_spent();
        let stop = process.run_on(&engine, program, granted, &mut output).unwrap();
        let spent = process.fuel_spent() - before;
        longest = longest.max(spent.saturating_sub(granted));
        match stop {
            Stop::Effect(Effect::Yield) => {
                granted = fuel;
                process.complete(Completion::Done).unwrap();
            }
            Stop::OutOfFuel => {}
            Stop::Halted(_) => break None,
            Stop::Trapped(trap) => break Some(trap.kind),
            Stop::Effect(Effect::Send { payload, .. }) => {
                sent.push(payload);
                process.complete(Completion::Done).unwrap();
            }
            Stop::Effect(Effect::Receive { .. }) => {
                let message = Message { tag: 0, sender: 0, payload: sent[0].clone() };
                process.complete(Completion::Received(Some(message))).unwrap();
            }
            other => panic!("{other:?}"),
        }
        if save {
            process = Process::restore(&process.save(None).unwrap()).unwrap().0;
        }
    };
    let compares = program.module().code().iter().any(|i| i.opcode() == Opcode::Memcmp);
    assert!(longest <= if compares { LONGEST + COMPARED } else { LONGEST }, "{longest}");
    Seen {
        end,
        fuel: process.fuel_spent(),
        registers: (0..16).map(|number| process.register(number).int).collect(),
        heap: process.heap().to_vec(),
        output,
        sent,
    }
}

/// Runs in one go and in small pieces, on all engines, and returns what is the same for all.
fn undisturbed(source: &str) -> Seen {
    let program = program(source);
    let expected = run(&program, Interpreter::LOOPED, u64::MAX, false);
    for engine in BACKENDS {
        assert!(run(&program, engine, u64::MAX, false) == expected);
        for (fuel, save) in [(1, false), (1, true), (100, false), (1000, true)] {
            assert!(run(&program, engine, fuel, save) == expected, "{engine:?} {fuel} {save}");
        }
    }
    expected
}

/// Memory with bytes that differ from their neighbours.
const FILLED: &str = "
        load $1 #70001
        aloc $1
next:   muli $2 #7 $3
        srli $2 #8 $4
        add $3 $4 $3
        st8 $2 $3
        inc $2
        brlt $2 $1 @next
        yield
";

#[test]
fn memory_grows_and_is_filled_in_slices() {
    let seen = undisturbed(
        "yield\nload $1 #100000\naloc $1\nload $2 #5\nload $3 #7\nload $4 #99990\n\
         memset $2 $3 $4\naloc $1\nheap $5\nhlt",
    );
    assert_eq!(seen.registers[5], 200_000);
    assert_eq!(seen.fuel, 1 + 2 * (1 + 100_000 / 64) + 1 + 99_990 / 64);
    let wanted = |at: usize| if (5..99_995).contains(&at) { 7 } else { 0 };
    assert!(seen.heap.iter().enumerate().all(|(at, byte)| *byte == wanted(at)));
}

#[test]
fn copies_that_overlap_are_right_both_ways() {
    let before = undisturbed(&format!("{FILLED} hlt")).heap;
    for (from, to) in [(0usize, 1usize), (1, 0), (0, 10_000), (10_000, 0), (0, 35_000), (7, 7)] {
        let copy = format!("{FILLED} load $5 #{to}\nload $6 #{from}\nload $7 #35000\n");
        let seen = undisturbed(&format!("{copy} memcpy $5 $6 $7\nhlt"));
        let mut wanted = before.clone();
        wanted.copy_within(from..from + 35_000, to);
        assert!(seen.heap == wanted, "{from} {to}");
    }
}

#[test]
fn a_difference_is_found_in_any_slice_and_costs_the_same() {
    let mut costs = Vec::new();
    for (at, order) in [(0, 1), (50_000, 1), (99_999, 1), (100_000, 0)] {
        let seen = undisturbed(&format!(
            "yield\nload $1 #200000\naloc $1\nload $2 #{at}\nload $3 #1\nst8 $2 $3\nload $4 #0\n\
             load $5 #100000\nload $6 #100000\nmemcmp $4 $5 $6 $7\nhlt",
        ));
        assert_eq!(seen.registers[7], if at == 100_000 { -1 } else { order }, "{at}");
        costs.push(seen.fuel);
    }
    assert!(costs.iter().all(|cost| *cost == costs[0]), "{costs:?}");
}

#[test]
fn text_is_printed_in_slices_that_split_no_character() {
    // Characters of three bytes, so that they lie across the ends of slices; and bytes of no
    // character.
    let text = "é€𝄞".repeat(5000);
    let seen = undisturbed(&format!(".data\nt: .asciiz '{text}'\n.code\nyield\nprts @t\nhlt"));
    assert_eq!(seen.output, text.as_bytes());
    assert_eq!(seen.fuel, 2 + text.len() as u64 / 64);
    let seen = undisturbed(&format!("{FILLED} load $5 #3\nload $6 #60000\nprtm $5 $6\nhlt"));
    assert_eq!(seen.output, String::from_utf8_lossy(&seen.heap[3..60_003]).as_bytes());
}

#[test]
fn a_long_string_that_is_none_traps_where_that_is_seen() {
    let text = "x".repeat(40_000);
    for end in [".byte #255 #0", ".byte #195 #0", ".byte #195"] {
        let source = format!(".data\nt: .ascii '{text}'\n{end}\n.code\nyield\nprts @t\nhlt");
        let seen = undisturbed(&source);
        assert_eq!(seen.end, Some(TrapKind::BadString), "{end}");
        assert!(seen.output.len() <= text.len());
    }
}

#[test]
fn messages_are_made_and_read_in_slices() {
    let seen = undisturbed(&format!(
        "{FILLED} load $5 #1\nload $6 #35001\nload $7 #0\nsend $7 $7 $5\nload $8 #-1\n\
         load $9 #-1\nrecv $8 $10\nload $2 #35000\nmsgm $2 $13\nhlt",
    ));
    assert_eq!(seen.registers[13], 35_001);
    assert_eq!(seen.sent, [Payload::Bytes(seen.heap[35_000..].into())]);
}

#[test]
fn a_large_block_is_made_in_slices() {
    let seen = undisturbed(
        "yield\nload $1 #100000\nnewv $1 $2\nnewv $1 $3\nfree $2\nnewv $1 $4\ncap $4 $5\nhlt",
    );
    let size = 128 << 10;
    assert_eq!(seen.registers[2..6], [256, 256 + size, 256, size]);
    assert_eq!(seen.heap.len() as i64, 256 + 2 * size);
    // What was given back costs 1 when it is taken again.
    assert_eq!(seen.fuel, 1 + 3 + (256 + size as u64) / 64 + size as u64 / 64);
}

#[test]
fn valid_text_is_measured_in_slices() {
    let text = "é€𝄞".repeat(5000);
    for (end, more) in [("", 0), (".byte #255", 1), (".byte #195", 1)] {
        let length = text.len() + more;
        let seen = undisturbed(&format!(
            ".data\nt: .ascii '{text}'\n{end}\n.code\nyield\nload $1 @t\nload $2 #{length}\n\
             utf8 $1 $2 $3\nhlt",
        ));
        assert_eq!(seen.registers[3], text.len() as i64, "{end}");
        assert_eq!(seen.fuel, 2 + text.len() as u64 / 64);
    }
}

/// Looks for bytes of the filled memory in all of it.
fn found(from: usize, length: usize) -> Seen {
    undisturbed(&format!(
        "{FILLED} load $5 #0\nload $6 #70001\nload $7 #{from}\nload $8 #{length}\nfind $5 $7 $9\nhlt",
    ))
}

#[test]
fn bytes_are_found_wherever_slices_end() {
    let heap = undisturbed(&format!("{FILLED} hlt")).heap;
    for (from, length) in [
        (0, 0),
        (0, 7),
        (16_380, 9),
        (16_384, 9),
        (32_768, 3),
        (69_990, 11),
        (70_001, 0),
        (20_000, 9000),
    ] {
        let needle = &heap[from..from + length];
        let first = (0..=heap.len() - length).find(|at| heap[*at..].starts_with(needle)).unwrap();
        assert_eq!(found(from, length).registers[9], first as i64, "{from} {length}");
    }
}

/// A needle that begins everywhere is still found, and paid for each time.
#[test]
fn a_long_needle_whose_begin_is_everywhere_is_found() {
    let seen = undisturbed(
        "yield\nload $1 #6000\naloc $1\nload $2 #5999\nload $3 #1\nst8 $2 $3\nload $4 #0\n\
         load $5 #6000\nload $6 #3999\nload $7 #2001\nfind $4 $6 $8\nhlt",
    );
    assert_eq!(seen.registers[8], 3999);
}

#[test]
fn bytes_are_hashed_in_slices() {
    let hash = |length: usize, key: i64| {
        let seen = undisturbed(&format!(
            "{FILLED} load $5 #0\nload $6 #{length}\nload $7 #{key}\nhash $5 $6 $7\nhlt",
        ));
        seen.registers[7]
    };
    assert_eq!(hash(50_000, 3), hash(50_000, 3));
    assert_ne!(hash(50_000, 3), hash(50_000, 4));
    assert_ne!(hash(50_000, 3), hash(50_001, 3));
    assert_ne!(hash(16_384, 3), hash(32_768, 3));
}

#[test]
fn a_heap_can_be_given_back_piece_by_piece() {
    let mut process =
        common::run_with("load $1 #100000\naloc $1\nhlt", &[], Limits::default()).process;
    let before = process.memory();
    let mut pieces = 0;
    while process.give_heap_back(30_000) {
        pieces += 1;
        assert_eq!(process.heap().len(), 100_000 - pieces * 30_000);
        assert_eq!(process.memory(), before - pieces as u64 * 30_000);
    }
    assert_eq!((pieces, process.heap().len()), (3, 0));
}
