//! What a limit on memory says holds for the resident memory of the operating system's process too,
//! within one and a half times, whatever programs spend it on. Alone in its test binary, because others
//! would take memory beside it.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use iridium_asm::Assembler;
use iridium_sched::{Config, ExitInfo, Observer, Output, Scheduler};
use iridium_vm::{Hosts, Limits, Pid, Process, Program, TrapKind};

/// What the processes may take together, in bytes.
const LIMIT: u64 = 30_000_000;
/// How long a program may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is spent, and a program that spends more of it than there may be.
const PROGRAMS: [(&str, &str); 7] = [
    (
        "messages that were passed over",
        "       load $9 #10
                load $10 #1
                aloc $10
        more:   spawn @wait $20 $21
                load $11 #40000
                load $12 #0
                load $13 #1
                load $2 #1
        next:   send $21 $2 $12
                dec $11
                brgt $11 #0 @next
                dec $9
                brgt $9 #0 @more
                hlt
        wait:   load $9 #1000
                load $0 #2
                load $1 #1
        again:  recv $0 $2
                dec $9
                brgt $9 #0 @again
                load $1 #-1
                recv $0 $2
                hlt",
    ),
    (
        "a few messages for each of many processes",
        "       load $10 #15000
        more:   spawn @wait $20 $11
                brne $13 #0 @have
                mov $11 $13
        have:   dec $10
                brgt $10 #0 @more
                yield
                load $14 #0
                load $15 #40
        round:  mov $13 $1
                load $2 #15000
        each:   sendi $1 $14 $14
                addi $1 #1 $1
                dec $2
                brgt $2 #0 @each
                dec $15
                brgt $15 #0 @round
                hlt
        wait:   load $0 #77
                load $1 #-1
                recv $0 $2
                hlt",
    ),
    (
        "a large message for each of many processes that want it",
        "       load $9 #200
                load $10 #1000000
                aloc $10
        more:   spawn @wait $20 $21
                yield
                load $12 #0
                load $13 #1000000
                load $2 #1
                send $21 $2 $12
                dec $9
                brgt $9 #0 @more
                hlt
        wait:   load $0 #-1
                load $1 #-1
                recv $0 $2
                load $0 #2
                recv $0 $20
                hlt",
    ),
    (
        "monitors",
        "       spawn @wait $0 $1
        more:   monitor $1 $2
                djmp @more
        wait:   load $0 #77
                load $1 #-1
                recv $0 $2
                hlt",
    ),
    (
        "links",
        "       load $8 #4000           ; each is linked to those before it
        more:   spawn @joins $0 $1
                brne $2 #0 @have
                mov $1 $2
        have:   dec $8
                brgt $8 #0 @more
                hlt
        joins:  trapexit #1             ; should one not be there
                breq $2 #0 @wait
                self $1
        next:   brge $2 $1 @wait
                link $2
                addi $2 #1 $2
                djmp @next
        wait:   load $3 #77
                load $4 #-1
                recv $3 $5
                hlt",
    ),
    (
        "processes",
        "more:  spawn @wait $0 $1
                djmp @more
        wait:   load $0 #77
                load $1 #-1
                recv $0 $2
                hlt",
    ),
    (
        "heaps",
        "more:  spawn @fills $0 $1
                yield
                djmp @more
        fills:  load $1 #3000
                aloc $1
                aloc $1
                load $0 #77
                load $1 #-1
                recv $0 $2
                hlt",
    ),
];

/// Counts the ends for want of memory.
#[derive(Default)]
struct Traps(AtomicUsize);

impl Output for Traps {
    fn write(&self, _: Pid, _: &[u8]) {}
}

impl Observer for Traps {
    fn exited(&self, exit: &ExitInfo) {
        if exit.trap.as_ref().is_some_and(|trap| trap.kind == TrapKind::MemoryLimit) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }
}

/// Resident memory of this process, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// Runs a program until nothing goes on or it has met the limit several times, and gives the largest
/// resident memory meanwhile.
fn peak(source: &str) -> u64 {
    let module = Assembler::new("test.iasm").assemble(source).unwrap().module;
    let program = Arc::new(Program::new(module, &Hosts::new()).unwrap());
    let traps = Arc::new(Traps::default());
    let config = Config::new(traps.clone(), traps.clone(), 1);
    let scheduler = Scheduler::start(Config { workers: 2, memory: LIMIT, ..config }).unwrap();
    scheduler.spawn(Process::new(&program, Limits::default()), &program).unwrap();
    let mut peak = 0;
    let deadline = Instant::now() + PATIENCE;
    while !scheduler.is_idle() && traps.0.load(Ordering::SeqCst) < 100 {
        peak = peak.max(resident());
        assert!(Instant::now() < deadline, "{:?}", scheduler.processes().len());
        std::thread::sleep(Duration::from_millis(1));
    }
    assert!(traps.0.load(Ordering::SeqCst) > 0, "the limit was not met\n{source}");
    peak.max(resident())
}

/// Names a program for a run of this test binary that is for it alone: memory that was freed by one
/// is there for the next one.
const WHICH: &str = "IRIDIUM_TEST_RESIDENT";

#[test]
fn resident_memory_is_within_one_and_a_half_times_the_limit() {
    if let Ok(which) = std::env::var(WHICH) {
        let (what, source) = PROGRAMS[which.parse::<usize>().unwrap()];
        let before = resident();
        let taken = peak(source).saturating_sub(before);
        println!("{what}: {} kB", taken / 1000);
        assert!(taken <= LIMIT * 3 / 2, "{what}: {taken} bytes under a limit of {LIMIT}");
        return;
    }
    for (which, (what, _)) in PROGRAMS.iter().enumerate() {
        let mut alone = Command::new(std::env::current_exe().unwrap());
        alone.args(["--nocapture", "--test-threads=1"]).env(WHICH, which.to_string());
        assert!(alone.status().unwrap().success(), "{what}");
    }
}
