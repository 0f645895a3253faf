//! How a Rust program embeds the machine: it assembles a module, lends it two host functions, runs
//! ten thousand processes of it within limits, and collects how they have ended.
//!
//! `cargo run --release -p iridium-sched --example embed`

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use iridium_asm::Assembler;
use iridium_sched::{Config, ExitInfo, Observer, Output, Reason, Scheduler, SpawnOptions, Spawned};
use iridium_vm::{HostError, Hosts, Limits, Pid, Process, Program, Register};

/// Each process looks a number up and halves it, or multiplies it by 3 and adds 1, until it is 1. One
/// in a thousand never ends by itself, and another one in a thousand wants more and more memory.
const SOURCE: &str = "
        .import store.read
        .import math.halve
        host @store.read $0
        load $1 #1000
        rem $0 $1 $1
        breq $1 #998 @spin
        breq $1 #999 @more
        load $2 #0              ; steps
next:   breq $0 #1 @done
        inc $2
        andi $0 #1 $3
        breq $3 #1 @odd
        host @math.halve $0
        djmp @next
odd:    muli $0 #3 $0
        inc $0
        djmp @next
done:   mov $2 $0               ; the result
        hlt
spin:   djmp @spin
more:   aloc $0
        djmp @more
";

/// An embedder is handed what programs print, and is told of processes that do not end normally.
/// This one collects results elsewhere.
struct Quiet;

impl Output for Quiet {
    fn write(&self, _: Pid, _: &[u8]) {}
}

impl Observer for Quiet {
    fn exited(&self, _: &ExitInfo) {}
}

fn hosts(reads: &Arc<AtomicU64>) -> Hosts {
    let mut hosts = Hosts::new();
    // It returns at once, so it is called by the worker that runs the process.
    hosts.add("math.halve", |call| {
        call.registers[0].int /= 2;
        Ok(())
    });
    // It takes its time, as a database would, so it is called on a thread of its own. Other processes
    // go on meanwhile. What it returns as an error traps the process.
    let reads = Arc::clone(reads);
    hosts.add_blocking("store.read", move |call| {
        std::thread::sleep(Duration::from_micros(10));
        reads.fetch_add(1, Ordering::Relaxed);
        match call.registers[0].int {
            0 => Err(HostError("there is no record 0".into())),
            _ => Ok(()),
        }
    });
    hosts
}

fn main() -> Result<(), Box<dyn Error>> {
    print!("{}", run()?);
    Ok(())
}

/// Runs them all, and tells how it went. The scheduler's threads end when it is dropped.
pub(crate) fn run() -> Result<String, Box<dyn Error>> {
    let module = Assembler::new("embed.iasm").assemble(SOURCE)?.module;
    let reads = Arc::new(AtomicU64::new(0));
    let program = Arc::new(Program::new(module, &hosts(&reads))?);
    let scheduler = Scheduler::start(Config::new(Arc::new(Quiet), Arc::new(Quiet), 1))?;

    let limits = Limits { heap: 64 << 10, fuel: 100_000, ..Limits::default() };
    let mut watched = Vec::new();
    for number in 0..10_000 {
        let mut process = Process::new(&program, limits);
        process.set_register(0, Register { int: number, float: 0.0 });
        let Spawned { exit: ending, .. } =
            scheduler.spawn_with(process, &program, SpawnOptions::default())?;
        watched.push((number, ending));
    }

    let mut longest = (0, 0);
    let mut failures: BTreeMap<&str, u64> = BTreeMap::new();
    for (number, ending) in watched {
        let ExitInfo { reason, trap, process, .. } = ending.recv()?;
        match (trap, process) {
            (Some(trap), _) => *failures.entry(trap.kind.name()).or_default() += 1,
            (None, Some(process)) if reason == Reason::NORMAL => {
                longest = longest.max((process.register(0).int, number));
            }
            _ => return Err(format!("process {number} ended with {reason:?}").into()),
        }
    }
    let mut report = format!("{} numbers read\n", reads.load(Ordering::Relaxed));
    writeln!(report, "most steps: {}, from {}", longest.0, longest.1)?;
    for (trap, count) in failures {
        writeln!(report, "{count} processes ended by {trap}")?;
    }
    Ok(report)
}
