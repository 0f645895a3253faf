//! Every trap has a program that causes it, and limits bound what a program can use.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{BACKENDS, program, run, run_with};
use iridium_isa::{LineTable, Location, Module};
use iridium_vm::{Completion, HostError, Hosts, Limits, Process, Program, Status, Stop, TrapKind};

fn small() -> Limits {
    Limits {
        heap: 1024,
        stack: 10,
        call_depth: 10,
        registers: 100,
        fuel: 1000,
        ..Limits::default()
    }
}

/// A program for every trap that a program alone can cause.
const PROGRAMS: &[(&str, &str)] = &[
    ("divide-by-zero", "div $0 $1 $2\nhlt"),
    ("divide-by-zero", "rem $0 $1 $2\nhlt"),
    ("divide-by-zero", "divu $0 $1 $2\nhlt"),
    ("divide-by-zero", "remu $0 $1 $2\nhlt"),
    ("integer-overflow", "load $0 #0x8000000000000000\nload $1 #-1\ndiv $0 $1 $2\nhlt"),
    ("integer-overflow", "load $0 #0x8000000000000000\nload $1 #-1\nrem $0 $1 $2\nhlt"),
    ("heap-out-of-bounds", "ld8 $0 $1\nhlt"),
    ("heap-out-of-bounds", "load $0 #-1\nst64 $0 $1\nhlt"),
    ("heap-out-of-bounds", "load $0 #8\naloc $0\nld64 $0 #-7 $1\nhlt"),
    ("heap-out-of-bounds", "load $0 #0x7fffffffffffffff\nld64 $0 #2147483647 $1\nhlt"),
    ("heap-out-of-bounds", "load $0 #4\naloc $0\nload $1 #1\nloadm $1 $2\nhlt"),
    ("heap-out-of-bounds", "load $0 #4294967296\nld8 $0 $1\nhlt"),
    ("heap-out-of-bounds", "load $2 #-1\nmemset $0 $1 $2\nhlt"),
    ("heap-out-of-bounds", "load $1 #1\nprtm $0 $1\nhlt"),
    ("heap-limit", "load $0 #1025\naloc $0\nhlt"),
    ("heap-limit", "load $0 #-1\naloc $0\nhlt"),
    ("read-only-write", ".data\nx: .i64 #1\n.code\nload $0 @x\nst8 $0 $1\nhlt"),
    ("read-only-write", ".data\nx: .i64 #1\n.code\nload $0 @x\nload $2 #1\nmemset $0 $1 $2\nhlt"),
    ("data-stack-underflow", "pop $0\nhlt"),
    ("data-stack-limit", "l: push $0\ndjmp @l"),
    ("call-depth-limit", "l: call @l\nhlt"),
    ("register-limit", "l: callw @l $60\nhlt"),
    ("bad-jump-target", "load $0 #99\njmp $0"),
    ("bad-jump-target", "load $0 #-9\njmpf $0"),
    ("bad-jump-target", "load $0 #99\njmpb $0"),
    ("bad-jump-target", "eq $0 $0\nload $0 #99\njmpe $0\nhlt"),
    ("bad-jump-target", "load $0 #99\ncallr $0\nhlt"),
    ("bad-jump-target", "load $0 #-1\ncallwr $0 $1\nhlt"),
    ("illegal-instruction", "igl"),
    ("bad-message", "msgi $0\nhlt"),
    ("bad-message", "msgf64 $0\nhlt"),
    ("bad-message", "msgm $0 $1\nhlt"),
    ("bad-string", ".data\n.ascii 'no end'\n.code\nprts #0\nhlt"),
    ("bad-string", ".data\n.asciiz '\\xff'\n.code\nprts #0\nhlt"),
    ("bad-string", "load $0 #0xD800\nprtc $0\nhlt"),
    ("fuel-limit", "l: djmp @l"),
    ("integer-overflow", "load $0 #0x7fffffffffffffff\naddc $0 #1 $1\nhlt"),
    ("integer-overflow", "load $0 #0x7fffffffffffffff\naddc $0 $0 $1\nhlt"),
    ("integer-overflow", "load $0 #0x8000000000000000\nsubc $0 #1 $1\nhlt"),
    ("integer-overflow", "load $0 #0x8000000000000000\nsubc $1 $0 $1\nhlt"),
    ("integer-overflow", "load $0 #0x4000000000000000\nmulc $0 #2 $1\nhlt"),
    ("integer-overflow", "load $0 #0x4000000000000000\nmulc $0 $0 $1\nhlt"),
    ("integer-overflow", "load $0 #0x8000000000000000\nnegc $0 $1\nhlt"),
    ("index-out-of-bounds", "new $0 #24 #0\nld64 $0 #8 $2\nldx64 $0 $2 $1\nhlt"),
    ("index-out-of-bounds", "new $0 #24 #0\nload $2 #-1\nstx8 $0 $2 $1\nhlt"),
    ("heap-limit", "newv $0 $1\nhlt"),
    ("heap-limit", "new $0 #65535 #0\nhlt"),
    ("heap-limit", "l: new $0 #16 #0\ndjmp @l"),
    ("read-only-write", "load $0 #4294967296\nfree $0\nhlt"),
    ("read-only-write", ".data\nx: .i64 #1 #1 #1\n.code\nload $0 @x\nstx8 $0 $1 $1\nhlt"),
    ("panic", "trapm #0 $0 $0"),
    ("assert", "trapm #1 $0 $0"),
    ("unwrap", "trapm #2 $0 $0"),
    ("missing-key", "trapm #3 $0 $0"),
    ("bad-slice", "trapm #4 $0 $0"),
    ("error", "trapm #5 $0 $0"),
    ("heap-out-of-bounds", "load $1 #1\ntrapm #0 $0 $1"),
    ("user", "trap #7"),
];

#[test]
fn every_program_traps_as_it_should_on_both_backends() {
    for (name, source) in PROGRAMS {
        let program = program(source);
        for engine in BACKENDS {
            let mut process = Process::new(&program, small());
            let stop = process.run_on(&engine, &program, 1 << 40, &mut Vec::new()).unwrap();
            let Stop::Trapped(trap) = stop else { panic!("{source}: {stop:?}") };
            assert_eq!(trap.kind.name(), *name, "{source}");
            assert_eq!(process.status(), Status::Trapped(trap.kind));
            assert!(process.run(&program, 1, &mut Vec::new()).is_err(), "an end is an end");
        }
    }
}

/// Those that remain come from the world around a process.
#[test]
fn every_kind_of_trap_has_a_program() {
    let from_outside = [
        TrapKind::MailboxLimit,
        TrapKind::ProcessLimit,
        TrapKind::MemoryLimit,
        TrapKind::HostError,
        TrapKind::Internal,
        TrapKind::RelationLimit,
    ];
    for kind in TrapKind::ALL.iter().filter(|kind| !from_outside.contains(kind)) {
        assert!(PROGRAMS.iter().any(|(name, _)| *name == kind.name()), "{kind}");
    }
}

#[test]
fn a_failing_effect_traps_at_its_instruction() {
    let program = program("nop\nself $0\nhlt");
    let mut process = Process::new(&program, small());
    assert!(matches!(process.run(&program, 100, &mut Vec::new()), Ok(Stop::Effect(_))));
    process.complete(Completion::Failed(TrapKind::MailboxLimit)).unwrap();
    assert_eq!(process.status(), Status::Trapped(TrapKind::MailboxLimit));
    assert_eq!(process.pc(), 1);
}

#[test]
fn a_host_function_that_fails_traps_with_its_reason() {
    let module = common::assemble(".import bad\nhost @bad $0\nhlt");
    let mut hosts = Hosts::new();
    hosts.add("bad", |_| Err(HostError("no such thing".into())));
    let program = Program::new(module, &hosts).unwrap();
    let stop = Process::new(&program, small()).run(&program, 100, &mut Vec::new()).unwrap();
    let Stop::Trapped(trap) = stop else { panic!("{stop:?}") };
    assert_eq!(trap.kind, TrapKind::HostError);
    assert!(trap.to_string().contains("no such thing"), "{trap}");
}

#[test]
fn a_trap_says_where_and_how_control_got_there() {
    let ran = run("start: call @work\nhlt\nwork: nop\n\tdiv $0 $1 $2 ; ü\nret");
    let Stop::Trapped(trap) = ran.stop else { panic!("{:?}", ran.stop) };
    assert_eq!(
        trap.to_string(),
        "trap: divide-by-zero\n  at test.iasm:4:2 (work+1): div $0 $1 $2\n  \
         called from test.iasm:1:8 (start): call @work"
    );
}

#[test]
fn what_has_no_place_in_the_source_is_left_out_of_a_backtrace() {
    let source = "call @work\nhlt\nwork: div $0 $1 $2\nret";
    let mut parts = common::assemble(source).into_parts();
    let mut lines = LineTable::new();
    let file = lines.add_file("made.pd");
    let place = Some(Location { file, line: 7, column: 1 });
    [None, None, place, place].into_iter().for_each(|place| lines.push(place));
    parts.lines = Some(lines);
    let program = Program::new(Module::verified(parts).unwrap(), &Hosts::new()).unwrap();
    let stop = Process::new(&program, small()).run(&program, 100, &mut Vec::new()).unwrap();
    let Stop::Trapped(trap) = stop else { panic!("{stop:?}") };
    let at = "at made.pd:7:1 (work)";
    assert_eq!(trap.to_string(), format!("trap: divide-by-zero\n  {at}"));
}

#[test]
fn an_error_that_a_program_ends_with_is_told_as_one() {
    let source =
        ".data\ngone: .byte #71 #111 #110 #101\n.code\nload $0 @gone\nload $1 #4\ntrapm #5 $0 $1";
    let ran = run(source);
    let Stop::Trapped(trap) = ran.stop else { panic!("{:?}", ran.stop) };
    assert_eq!(trap.kind, TrapKind::Error);
    assert!(trap.to_string().starts_with("error: Gone\n"), "{trap}");
}

#[test]
fn backtraces_are_bounded() {
    let ran = run("l: call @l\nhlt");
    let Stop::Trapped(trap) = ran.stop else { panic!("{:?}", ran.stop) };
    assert_eq!(trap.backtrace.len(), 32);
    assert_eq!(trap.backtrace.len() + trap.deeper, 100_001);
}

#[test]
fn a_place_is_short_and_says_nothing_to_a_terminal() {
    let mut parts = common::assemble(&format!("l: jtab $0{}", " @l".repeat(1000))).into_parts();
    let mut lines = LineTable::new();
    let file = lines.add_file("a\u{1b}[2J\nforged");
    parts.code.iter().for_each(|_| lines.push(Some(Location { file, line: 1, column: 1 })));
    parts.lines = Some(lines);
    let program = Program::new(Module::verified(parts).unwrap(), &Hosts::new()).unwrap();
    let place = Process::new(&program, small()).place(program.module());
    assert_eq!(place.instruction().len(), 4 + 3 * 1000 + 3);
    let text = place.to_string();
    assert!(text.starts_with(r"a\x1b[2J\nforged:1:1 (l): jtab $0 @l"), "{text}");
    assert!(text.len() < 300 && text.ends_with('…'), "{text}");
}

#[test]
fn names_of_processes_have_at_most_255_bytes() {
    let named = |bytes: usize, instruction: &str| {
        let name = "x".repeat(bytes);
        let source = format!(".data\nn: .asciiz '{name}'\n.code\n{instruction}\nhlt");
        run(&source).trap()
    };
    for instruction in ["register @n $0", "unregister @n $0"] {
        assert_eq!(named(256, instruction), Some("bad-string"));
        assert_eq!(named(255, instruction), None);
    }
    // With the alias of a node behind it.
    assert_eq!(named(255 + 1 + 64, "whereis @n $0"), None);
    assert_eq!(named(255 + 1 + 65, "whereis @n $0"), Some("bad-string"));
}

#[test]
fn limits_are_reached_exactly() {
    let ran = run_with("load $0 #1024\naloc $0\nheap $1\nhlt", &[], small());
    assert_eq!((ran.trap(), ran.int(1)), (None, 1024));
    let ten = "push $0\n".repeat(10) + "hlt";
    assert_eq!(run_with(&ten, &[], small()).trap(), None);
    let deep = "load $0 #10\nl: subi $0 #1 $0\nbrlt $0 #0 @e\ncall @l\ne: hlt";
    assert_eq!(run_with(deep, &[], small()).trap(), None);
}

/// The fast path must not reach past the heap at any width or offset.
#[test]
fn every_access_at_the_edge_of_the_heap_is_exact() {
    for (load, store, width) in
        [("ld8", "st8", 1), ("ld16", "st16", 2), ("ld32", "st32", 4), ("ld64", "st64", 8)]
    {
        for heap in 0..20 {
            for address in -9i64..30 {
                let fits = address >= 0 && address + width <= heap;
                let source = format!(
                    "load $0 #{heap}\naloc $0\nload $1 #{address}\nload $2 #-2\n\
                     {store} $1 $2\n{load} $1 $3\nhlt"
                );
                let ran = run(&source);
                let expected = if fits { None } else { Some("heap-out-of-bounds") };
                assert_eq!(ran.trap(), expected, "{source}");
                if fits {
                    let value = if width == 8 { -2 } else { (1 << (8 * width)) - 2 };
                    assert_eq!(ran.int(3), value, "{source}");
                }
            }
        }
    }
}

/// A value handed on from one instruction to the next must not outlive a jump to the second.
#[test]
fn computed_jumps_into_the_middle_see_the_registers() {
    for target in [4, 5, 6, 7] {
        let source = format!(
            "load $1 #5\nload $2 #100\nload $9 #{target}\njmp $9\n\
             load $1 #1\naddi $1 #1 $1\nadd $1 $2 $3\nmul $3 $1 $0\nhlt"
        );
        let values = |start: i64| {
            let one = match start {
                4 => 2,
                5 => 6,
                _ => 5,
            };
            let sum = if start <= 6 { one + 100 } else { 0 };
            sum * one
        };
        assert_eq!(run(&source).int(0), values(target), "{source}");
    }
}

/// Deep recursion grows the register stack, and every window keeps its values.
#[test]
fn windows_keep_their_values_while_the_registers_grow() {
    let source = "
                callw @sum $0
                hlt
        sum:    brgt $0 #0 @more
                load $0 #0
                ret
        more:   mov $0 $3
                itof $0 $3
                subi $0 #1 $4
                callw @sum $4
                ftoi $3 $5
                breq $5 $3 @good
                trap #1
        good:   add $3 $4 $0
                ret";
    assert_eq!(run_with(source, &[50_000], Limits::default()).int(0), 50_000 * 50_001 / 2);
}

/// Handlers end in tail calls: a long run must not use up the native stack.
#[test]
fn a_long_run_takes_no_native_stack() {
    let source = "
        .data
        text: .asciiz ''
        .code
                load $0 #8
                aloc $0
                load $0 #0
                load $7 @text
        again:  addi $0 #1 $0
                push $0
                pop $1
                st64 $9 $0
                ld64 $9 $2
                ld8 $7 $3
                itof $0 $1
                mulf64 $1 $1 $1
                callw @sub $1
                call @leaf
                neq $0 $1
                djmpe @on
                nop
        on:     prts @text
                load $4 #200000
                brlt $0 $4 @again
                hlt
        sub:    add $0 $0 $0
        leaf:   ret";
    let thread = std::thread::Builder::new().name("small stack".into()).stack_size(128 << 10);
    let run = thread.spawn(move || run(source).trap()).unwrap();
    assert_eq!(run.join().unwrap(), None);
}
