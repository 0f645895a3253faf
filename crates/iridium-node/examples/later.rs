//! A host function that answers later: ten thousand processes wait in it as data, and one thread, its
//! own, answers them all after a second.
//!
//! `cargo run --release -p iridium-node --example later`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::unbounded;
use iridium_asm::Assembler;
use iridium_sched::{Config, ExitInfo, Observer, Output, Scheduler};
use iridium_vm::{Hosts, Limits, Pid, Process, Program, Register, Reply};

/// How many processes wait.
pub(crate) const PROCESSES: u64 = 10_000;
/// How long each waits.
pub(crate) const DELAY: Duration = Duration::from_secs(1);

/// Calls the function with what is in `$0`, and exits with what it gives.
const SOURCE: &str = "
.import later.double
        host @later.double $0
        exit $0
";

/// Adds up the exit codes.
#[derive(Default)]
struct Sum {
    codes: AtomicU64,
    exits: AtomicU64,
}

impl Output for Sum {
    fn write(&self, _: Pid, _: &[u8]) {}
}

impl Observer for Sum {
    fn exited(&self, exit: &ExitInfo) {
        self.codes.fetch_add(u64::try_from(exit.reason.0).unwrap_or(0), Ordering::SeqCst);
        self.exits.fetch_add(1, Ordering::SeqCst);
    }
}

/// What there is to see.
#[derive(Debug)]
pub(crate) struct Seen {
    /// All answers together: twice the sum of 1 to [`PROCESSES`].
    pub(crate) sum: u64,
    /// Threads of this program before the processes were started, and while all of them waited.
    pub(crate) threads: (usize, usize),
    /// From the first start to the last exit.
    pub(crate) time: Duration,
}

/// Runs it.
///
/// # Errors
/// When the system has no threads.
pub(crate) fn run() -> Result<Seen, Box<dyn std::error::Error>> {
    let (calls, called) = unbounded::<(Instant, i64, Reply)>();
    // The calls come in the order of their deadlines, so one thread can wait for one after the other.
    let answering = thread::Builder::new().name("later".into()).spawn(move || {
        for (since, number, reply) in called {
            thread::sleep((since + DELAY).saturating_duration_since(Instant::now()));
            reply.answer(move |caller| {
                caller.registers[0].int = 2 * number;
                Ok(())
            });
        }
    })?;
    let mut hosts = Hosts::new();
    hosts.add_deferred("later.double", move |caller, reply| {
        // Without a receiver the reply is dropped, which lets the call fail.
        let _ = calls.send((Instant::now(), caller.registers[0].int, reply));
    });
    let module = Assembler::new("later.iasm").assemble(SOURCE)?.module;
    let program = Arc::new(Program::new(module, &hosts)?);
    drop(hosts);
    let sum = Arc::new(Sum::default());
    let scheduler = Scheduler::start(Config::new(Arc::clone(&sum) as _, Arc::clone(&sum) as _, 1))?;
    let before = threads();
    let started = Instant::now();
    for number in 1..=PROCESSES {
        let mut process = Process::new(&program, Limits::default());
        process.set_register(0, Register { int: number.cast_signed(), float: 0.0 });
        scheduler.spawn(process, &program)?;
    }
    let mut most = 0;
    while sum.exits.load(Ordering::SeqCst) == 0 {
        most = most.max(threads());
        thread::sleep(Duration::from_millis(10));
    }
    while sum.exits.load(Ordering::SeqCst) < PROCESSES {
        thread::sleep(Duration::from_millis(10));
    }
    let time = started.elapsed();
    scheduler.shutdown();
    // The function is dropped with the last program that imports it, and with it the channel.
    drop((scheduler, program));
    answering.join().map_err(|_| "the answering thread panicked")?;
    Ok(Seen { sum: sum.codes.load(Ordering::SeqCst), threads: (before, most), time })
}

/// Threads of this program; 0 where the system does not tell.
fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").map_or(0, Iterator::count)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let Seen { sum, threads: (before, while_waiting), time } = run()?;
    println!("{PROCESSES} answers after {time:.2?}, {sum} together");
    println!("{before} threads before, {while_waiting} while all waited");
    Ok(())
}
