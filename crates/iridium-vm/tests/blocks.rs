//! Blocks: what compiled programs do with them, and what programs that break them get.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use common::{BACKENDS, Ran, assemble, program, run, run_with};
use iridium_vm::{Limits, Process, Stop, TrapKind};

/// Runs on both backends, which must agree.
fn both(source: &str) -> Ran {
    let program = program(source);
    let [ran, other] = BACKENDS.map(|engine| {
        let mut process = Process::new(&program, Limits::default());
        let stop = process.run_on(&engine, &program, 1 << 40, &mut Vec::new()).unwrap();
        Ran { process, stop, output: String::new() }
    });
    assert_eq!(ran.process, other.process, "{source}");
    ran
}

fn live(source: &str) -> u64 {
    both(source).process.live_blocks()
}

#[test]
fn live_blocks_are_those_that_were_not_given_back() {
    assert_eq!(live("hlt"), 0);
    assert_eq!(live("new $0 #16 #0\nhlt"), 1);
    assert_eq!(live("new $0 #16 #0\nfree $0\nhlt"), 0);
    let list = "
            load $1 #0
            load $2 #1000
    next:   new $3 #24 #0
            st64 $3 #8 $1
            mov $3 $1
            subi $2 #1 $2
            brgt $2 #0 @next";
    assert_eq!(live(&format!("{list}\nhlt")), 1000);
    let dropped = "
    more:   drop $1 @dead
            hlt
    dead:   ld64 $1 #8 $2
            free $1
            mov $2 $1
            brne $1 #0 @more
            hlt";
    assert_eq!(live(&format!("{list}{dropped}")), 0);
}

#[test]
fn blocks_that_were_given_back_are_used_again() {
    let source = "
            load $1 #100000
    next:   new $2 #40 #0
            new $3 #1000 #0
            load $4 #5000
            newv $4 $4
            free $2
            free $3
            free $4
            subi $1 #1 $1
            brgt $1 #0 @next
            heap $0
            hlt";
    assert!(both(source).int(0) < 16 << 10);
}

#[test]
fn memory_of_a_program_and_blocks_share_a_heap() {
    let source = "
            load $1 #100
            aloc $1
            load $2 #7
            load $3 #0
            st64 $3 $2
            load $5 #300
    next:   new $4 #24 #0
            st64 $4 #8 $2
            heap $6
            load $7 #24
            aloc $7
            st64 $6 $2
            st64 $6 #16 $2
            subi $5 #1 $5
            brgt $5 #0 @next
            ld64 $3 $0
            hlt";
    let ran = both(source);
    assert_eq!(ran.int(0), 7);
    assert_eq!(ran.process.live_blocks(), 300);
    assert_eq!(ran.int(4) % 16, 0);
    // What lies before the memory of the program is used for blocks too.
    assert!(
        ran.process.heap().len() < 100 + 256 + 300 * (24 + 16 + 64),
        "{}",
        ran.process.heap().len()
    );
}

#[test]
fn an_idle_process_has_no_heap_and_one_block_takes_little() {
    assert!(run("hlt").process.heap().is_empty());
    assert_eq!(run("new $0 #24 #0\nhlt").process.heap().len(), 512);
}

#[test]
fn the_limit_of_the_heap_is_for_blocks_too() {
    let limits = Limits { heap: 10_001, ..Limits::default() };
    let ran = run_with("next: new $0 #100 #0\ninc $1\ndjmp @next", &[], limits);
    assert_eq!(ran.trap(), Some("heap-limit"));
    assert!(ran.process.heap().len() <= 10_001);
    assert!(ran.int(1) >= (10_001 - 256) / 112 - 2, "nearly all of it is used: {}", ran.int(1));
    for size in ["5000000000", "-1", "0", "15", "0x7fffffffffffffff"] {
        let ran = run(&format!("load $1 #{size}\nnewv $1 $2\nhlt"));
        assert_eq!(ran.trap(), Some("heap-limit"), "{size}");
    }
}

#[test]
fn a_count_that_is_too_high_stays() {
    let source = |count: i64, then: &str| {
        format!("new $1 #16 #3\nload $2 #{count}\nst32 $1 $2\n{then}\nld32 $1 $0\nhlt\nx: hlt")
    };
    let count = |before, then| both(&source(before, then)).int(0);
    let highest = i64::from(u32::MAX) - 2;
    let stays = i64::from(u32::MAX);
    assert_eq!(count(highest - 1, "keep $1"), highest);
    assert_eq!(count(highest, "keep $1"), stays);
    assert_eq!(count(stays, "keep $1"), stays);
    assert_eq!(count(stays, "drop $1 @x"), stays);
    assert_eq!(count(highest, "drop $1 @x"), highest - 1);
    assert_eq!(both(&source(stays, "brsh $1 @x")).int(0), 0, "it is shared for ever");
    assert_eq!(both(&source(stays, "free $1")).trap(), Some("heap-out-of-bounds"));
}

#[test]
fn what_is_no_live_block_traps() {
    let sources = [
        // Given back twice, or used after.
        "new $1 #16 #0\nfree $1\nfree $1\nhlt",
        "new $1 #16 #0\nfree $1\nkeep $1\nhlt",
        "new $1 #16 #0\nfree $1\ndrop $1 @x\nx: hlt",
        "new $1 #16 #0\nfree $1\nbrsh $1 @x\nx: hlt",
        // Still held, or dropped too often.
        "new $1 #16 #0\nkeep $1\nfree $1\nhlt",
        "new $1 #16 #0\nload $2 #0\nst32 $1 $2\ndrop $1 @x\nx: hlt",
        // No address of a block.
        "free $1\nhlt",
        "load $1 #1\nfree $1\nhlt",
        "load $1 #-16\nkeep $1\nhlt",
        "new $1 #16 #0\naddi $1 #8 $1\nkeep $1\nhlt",
        "load $1 #1024\nkeep $1\nhlt",
        "load $1 #4294967280\nbrsh $1 @x\nx: hlt",
        "load $1 #4294967280\ncap $1 $2\nhlt",
        // Without any table.
        "load $1 #64\naloc $1\nload $1 #16\nfree $1\nhlt",
        // A class that is none.
        "new $1 #16 #0\nload $2 #57\nst16 $1 #6 $2\nfree $1\nhlt",
        "new $1 #16 #0\nload $2 #0xffff\nst16 $1 #6 $2\ncap $1 $2\nhlt",
    ];
    for source in sources {
        assert_eq!(both(source).trap(), Some("heap-out-of-bounds"), "{source}");
    }
}

/// The first free block of class 1 stands in cell 8 of the table, which lies at address 0.
#[test]
fn lists_that_were_written_over_trap() {
    let freed = "new $1 #32 #0\nnew $2 #32 #0\nfree $1\nfree $2\n";
    for address in ["17", "8", "16", "1000000", "0xfffffff0", "-1"] {
        // In the table, and in the block that is free.
        for place in ["st32 $9 #32 $3", "st32 $2 #8 $3"] {
            let source = format!(
                "{freed}load $3 #{address}\n{place}\nnew $4 #32 #0\nnew $5 #32 #0\nnew $6 #32 #0\nhlt"
            );
            assert_eq!(both(&source).trap(), Some("heap-out-of-bounds"), "{source}");
        }
    }
    // The part that is not cut yet: its begin, and its end.
    for (cell, value) in [(0, "-16"), (0, "8"), (0, "0"), (0, "4096"), (4, "100000"), (4, "0")] {
        let source =
            format!("new $1 #16 #0\nload $2 #{value}\nst32 $9 #{cell} $2\nnew $3 #4000 #0\nhlt");
        assert_eq!(both(&source).trap(), Some("heap-out-of-bounds"), "{source}");
    }
}

/// A list that goes round in circles is counted all the same.
#[test]
fn counting_live_blocks_comes_to_an_end() {
    let ran =
        both("new $1 #32 #0\nnew $2 #32 #0\nfree $1\nfree $2\nst32 $1 #8 $1\nst32 $2 #8 $1\nhlt");
    assert_eq!(ran.process.live_blocks(), 0);
}

#[test]
fn blocks_survive_a_snapshot() {
    let module = assemble(
        "load $1 #40\naloc $1\nnew $1 #24 #5\nnew $2 #24 #5\nfree $1\nyield\nnew $3 #24 #6\nhlt",
    );
    let program = iridium_vm::Program::new(module, &iridium_vm::Hosts::new()).unwrap();
    let mut process = Process::new(&program, Limits::default());
    assert!(matches!(process.run(&program, 100, &mut Vec::new()), Ok(Stop::Effect(_))));
    let (mut restored, _) = Process::restore(&process.save(None).unwrap()).unwrap();
    assert_eq!(restored.live_blocks(), 1);
    restored.complete(iridium_vm::Completion::Done).unwrap();
    assert_eq!(restored.run(&program, 100, &mut Vec::new()), Ok(Stop::Halted(0)));
    assert_eq!(restored.register(3).int, restored.register(1).int, "the free one");
    assert_eq!(restored.live_blocks(), 2);
}

#[test]
fn a_freed_block_is_poisoned_in_debug_builds() {
    let ran = both("new $1 #32 #0\nload $2 #5\nst64 $1 #24 $2\nfree $1\nld64 $1 #24 $0\nhlt");
    let poison = i64::from_le_bytes([0xDB; 8]);
    assert_eq!(ran.int(0), if cfg!(debug_assertions) { poison } else { 5 });
}

#[test]
fn a_trap_says_what_the_program_says() {
    let message = |text: &str| {
        let source = format!(
            ".data\nt: .ascii '{text}'\n.code\nload $1 @t\nload $2 #{}\ntrapm #0 $1 $2",
            text.len()
        );
        let Stop::Trapped(trap) = both(&source).stop else { panic!("{source}") };
        assert_eq!(trap.kind, TrapKind::Panic);
        trap.to_string()
    };
    assert!(message("no more tea").starts_with("trap: panic (no more tea)\n"));
    let long = message(&"x".repeat(5000));
    let shown = long.lines().next().unwrap();
    assert!(shown.len() < 1100 && shown.ends_with("…)"), "{shown}");
}
