//! Many processes that start each other, send, link, monitor, crash and are started again, at random;
//! and a ledger that shows that no message was lost, no process is left, and no memory either.
//!
//! `cargo run --release -p iridium-vm --example stress -- [--processes N] [--seconds S]
//! [--workers W] [--seed X] [--rounds R]`
//!
//! `--workers 1` runs in virtual time, where S is that time; the digest of such a run is the same
//! whenever the seed and the other numbers are. The exit code is 1 when something is wrong.
//!
//! Each process counts in its heap what it has sent and received, and how often it was told of an
//! end; when it ends, however it does, the observer adds that up. Processes are of two kinds. Mortals
//! crash and are killed at random: what was sent to them and not received went to one that had ended,
//! or was in its mailbox then. Eternals live to the end, and there the books must balance to a
//! message: what was sent to them is what they have received plus what is left in their mailboxes.

use std::collections::HashMap;
use std::error::Error;
use std::process::ExitCode;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use iridium_vm::asm::Assembler;
use iridium_vm::process::{Payload, Pid, Reason, Register};
use iridium_vm::sched::{Config, Ending, Observer, Output, Scheduler, Time};
use iridium_vm::supervisor::{Child, ChildBody, Restart, Spec, Strategy, Supervision};
use iridium_vm::{Hosts, Limits, Program};

const SOURCE: &str = include_str!("../benches/processes/stress.iasm");
/// How many of the processes are eternal: one of so many.
const ETERNAL: u64 = 10;
/// How many are supervised: one of so many.
const SUPERVISED: u64 = 20;
/// Children of a supervisor.
const CHILDREN: u64 = 10;
/// The longest that the end may take.
const PATIENCE: Duration = Duration::from_secs(120);
/// How much larger than after the first round the process may be after later ones, in percent. The
/// allocator of the system keeps memory for each thread, and more of it from round to round, until
/// all threads have met all sizes.
const GROWTH: u64 = 50;
/// The same where it does not: with `MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=65536` in the
/// environment.
const GROWTH_OF_ONE: u64 = 5;

struct Flags {
    processes: u64,
    seconds: u64,
    workers: usize,
    seed: u64,
    rounds: u64,
}

impl Flags {
    fn parse() -> Result<Self, Box<dyn Error>> {
        let workers = std::thread::available_parallelism().map_or(2, usize::from).max(2);
        let mut flags = Self { processes: 100_000, seconds: 60, workers, seed: 1, rounds: 3 };
        let mut arguments = std::env::args().skip(1);
        while let Some(flag) = arguments.next() {
            let value: u64 = arguments.next().ok_or(format!("{flag} wants a number"))?.parse()?;
            match flag.as_str() {
                "--processes" => flags.processes = value.max(100),
                "--seconds" => flags.seconds = value,
                "--workers" => flags.workers = usize::try_from(value)?.max(1),
                "--seed" => flags.seed = value,
                "--rounds" => flags.rounds = value.max(1),
                _ => return Err(format!("there is no flag {flag}").into()),
            }
        }
        Ok(flags)
    }
}

/// What all processes have counted.
#[derive(Default)]
struct Books {
    /// By the columns of [`COLUMNS`].
    sums: [AtomicI64; COLUMNS.len()],
    crashes: AtomicU64,
    killed: AtomicU64,
    trapped: AtomicU64,
    restarts: AtomicU64,
    gave_up: AtomicU64,
    digest: AtomicU64,
    /// Traps that nobody wanted.
    unwanted: Mutex<Vec<String>>,
}

/// What a process counts, in the order of its heap.
const COLUMNS: [&str; 9] = [
    "sent to mortals",
    "sent to eternals",
    "received by mortals",
    "received by eternals",
    "processes started",
    "links made",
    "monitors made",
    "monitors fired",
    "exit signals received",
];
const SENT_TO_MORTALS: usize = 0;
const SENT_TO_ETERNALS: usize = 1;
const RECEIVED_BY_MORTALS: usize = 2;
const RECEIVED_BY_ETERNALS: usize = 3;
const MADE: usize = 6;
const FIRED: usize = 7;

impl Books {
    fn sum(&self, column: usize) -> i64 {
        self.sums[column].load(Ordering::SeqCst)
    }
}

/// The observer, which adds up.
struct Clerk(Arc<Books>);

impl Observer for Clerk {
    fn ended(&self, ending: &Ending) {
        let books = &self.0;
        match (&ending.trap, ending.reason) {
            (Some(trap), _) if trap.kind.name() != "divide-by-zero" => {
                if let Ok(mut unwanted) = books.unwanted.lock() {
                    unwanted.push(trap.to_string());
                }
            }
            (Some(_), _) => drop(books.trapped.fetch_add(1, Ordering::Relaxed)),
            (None, Reason::KILLED) => drop(books.killed.fetch_add(1, Ordering::Relaxed)),
            _ => drop(books.crashes.fetch_add(1, Ordering::Relaxed)),
        }
        let heap = ending.process.as_ref().map_or(&[][..], |process| process.heap());
        let mut digest = ending.pid.bits() as u64 ^ ending.reason.0 as u64;
        for (sum, word) in books.sums.iter().zip(heap.chunks_exact(8)) {
            let word = word.try_into().map_or(0, i64::from_le_bytes);
            sum.fetch_add(word, Ordering::SeqCst);
            digest = (digest ^ word as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
        }
        // A sum: at the end, when all wait, the driver's orders may come sooner or later.
        books.digest.fetch_add(digest, Ordering::SeqCst);
    }

    fn supervised(&self, _: Pid, what: &Supervision) {
        match what {
            Supervision::GaveUp { .. } => self.0.gave_up.fetch_add(1, Ordering::Relaxed),
            _ => self.0.restarts.fetch_add(1, Ordering::Relaxed),
        };
    }
}

struct Silent;

impl Output for Silent {
    fn write(&self, _: Pid, _: &[u8]) {}
}

struct Stress {
    flags: Flags,
    scheduler: Scheduler,
    program: Arc<Program>,
    books: Arc<Books>,
}

impl Stress {
    fn start(flags: Flags) -> Result<Self, Box<dyn Error>> {
        let module = Assembler::new("stress.iasm").assemble(SOURCE);
        let module = module.map_err(|errors| errors.render(false))?.module;
        let program = Arc::new(Program::new(module, &Hosts::new())?);
        let books = Arc::new(Books::default());
        let mut config =
            Config::new(Arc::new(Silent), Arc::new(Clerk(Arc::clone(&books))), flags.seed);
        config.workers = flags.workers;
        if flags.workers == 1 {
            config.time = Time::Virtual;
        }
        let scheduler = Scheduler::start(config)?;
        scheduler.add_program(&program);
        Ok(Self { flags, scheduler, program, books })
    }

    /// One round: all start, live for their time, and end. Gives how many messages the eternals had
    /// not taken by then.
    ///
    /// One process starts all others, as a child of one supervisor, so that nobody from outside has a
    /// hand in their order.
    fn round(&self, seconds: u64) -> Result<i64, Box<dyn Error>> {
        let count = self.flags.processes;
        let eternals = count / ETERNAL;
        let supervisors = count / SUPERVISED / CHILDREN;
        let supervised = supervisors * (CHILDREN + 1) + 1;
        let mortals = count - eternals - supervised - 1;
        let mut children: Vec<_> = (0..supervisors).map(|number| self.supervisor(number)).collect();
        let arguments = [eternals, mortals, seconds * 1_000];
        children.push(self.child("root", Some("root"), Restart::Temporary, "root", &arguments));
        let top = self.scheduler.start_supervisor(Spec { children, ..Spec::default() }, None)?;

        // Virtual time takes as long as it takes.
        let deadline = Instant::now() + PATIENCE + Duration::from_secs(seconds * 20);
        self.wait(deadline, "all mortals have ended", || self.scheduler.find("stop").is_some())?;
        let left = (eternals + supervised + 1) as usize;
        self.wait(deadline, "the others wait", || {
            self.scheduler.is_at_rest() && self.scheduler.process_count() == left
        })?;
        let root = self.scheduler.find("root").ok_or("there is no root")?;
        let ending = self.scheduler.watch(root);
        self.scheduler.send(Pid::NOBODY, root, 2, Payload::Word([0; 8]));
        let ending = ending.recv_deadline(deadline).map_err(|_| "the root process does not end")?;
        self.wait(deadline, "the eternals have ended", || {
            self.scheduler.process_count() == supervised as usize
        })?;
        self.scheduler.kill(top, Reason::SHUTDOWN);
        self.wait(deadline, "all have ended", || self.scheduler.process_count() == 0)?;
        Ok(ending.process.map_or(0, |process| process.register(0).int))
    }

    fn wait(
        &self,
        deadline: Instant,
        what: &str,
        holds: impl Fn() -> bool,
    ) -> Result<(), Box<dyn Error>> {
        while !holds() {
            if Instant::now() > deadline {
                let mut places: HashMap<String, u64> = HashMap::new();
                for info in self.scheduler.processes() {
                    let place = info.place.map_or("a supervisor".into(), |place| place.to_string());
                    *places.entry(format!("{} {place}", info.activity.as_str())).or_default() += 1;
                }
                return Err(format!("in vain: {what}. There are {places:#?}").into());
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    fn child(
        &self,
        name: &str,
        registered: Option<&str>,
        restart: Restart,
        entry: &str,
        arguments: &[u64],
    ) -> Child {
        let arguments = arguments.iter().map(|int| Register { int: *int as i64, float: 0.0 });
        Child {
            name: name.into(),
            registered: registered.map(str::to_owned),
            restart,
            shutdown_ms: 5_000,
            body: ChildBody::Program {
                module: self.program.module().id(),
                entry: Some(entry.into()),
                arguments: arguments.collect(),
                limits: Limits::default(),
            },
        }
    }

    fn supervisor(&self, number: u64) -> Child {
        let strategies = [Strategy::OneForOne, Strategy::OneForAll, Strategy::RestForOne];
        let children = (0..CHILDREN).map(|child| {
            let name = (child == 0).then(|| format!("first of {number}"));
            let restart = if child % 2 == 0 { Restart::Permanent } else { Restart::Transient };
            self.child(&format!("child {child}"), name.as_deref(), restart, "supervised", &[])
        });
        Child {
            name: format!("supervisor {number}"),
            registered: None,
            restart: Restart::Permanent,
            shutdown_ms: Child::PATIENT,
            body: ChildBody::Supervisor(Spec {
                strategy: strategies[(number % 3) as usize],
                restarts: 1_000_000,
                within_ms: 1_000,
                children: children.collect(),
            }),
        }
    }
}

/// Resident memory in bytes; 0 where the system does not say.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok());
    pages.unwrap_or(0) * 4_096
}

/// The most memory that was ever resident, in bytes; 0 where the system does not say.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) << 10
}

fn run() -> Result<bool, Box<dyn Error>> {
    let flags = Flags::parse()?;
    let (rounds, seconds) = (flags.rounds, flags.seconds);
    let before = resident();
    let stress = Stress::start(flags)?;
    let started = Instant::now();
    let mut resident_after = Vec::new();
    let mut left = 0;
    for round in 0..rounds {
        // The time is shared among the rounds; at least a tenth of a second each.
        left += stress.round((seconds / rounds).max(1))?;
        resident_after.push(resident());
        eprintln!("round {} done after {:?}", round + 1, started.elapsed());
    }
    let books = &stress.books;
    for (column, name) in COLUMNS.iter().enumerate() {
        println!("{name:24} {:>14}", books.sum(column));
    }
    let load = |number: &AtomicU64| number.load(Ordering::Relaxed);
    println!("{:24} {:>14}", "left in mailboxes", left);
    println!("{:24} {:>14}", "ended with a code", load(&books.crashes));
    println!("{:24} {:>14}", "trapped", load(&books.trapped));
    println!("{:24} {:>14}", "killed", load(&books.killed));
    println!("{:24} {:>14}", "restarted", load(&books.restarts));
    println!("{:24} {:>14}", "supervisors gave up", load(&books.gave_up));
    println!("{:24} {:>14}", "fuel", stress.scheduler.fuel_spent());
    println!("{:24} {:>14}", "seconds", started.elapsed().as_secs());
    println!("{:24} {:>14}", "KiB resident before", before >> 10);
    let kib: Vec<_> = resident_after.iter().map(|bytes| (bytes >> 10).to_string()).collect();
    println!("{:24} {:>14}", "KiB at most", peak() >> 10);
    println!("{:24} {:>14}", "KiB after each round", kib.join(" "));
    if stress.flags.workers == 1 {
        println!("{:24} {:>14x}", "digest", load(&books.digest));
    }

    let one_arena = std::env::var("MALLOC_ARENA_MAX").is_ok_and(|arenas| arenas == "1");
    let growth = if one_arena { GROWTH_OF_ONE } else { GROWTH };
    let mut wrong = Vec::new();
    let (sent, received) = (books.sum(SENT_TO_ETERNALS), books.sum(RECEIVED_BY_ETERNALS));
    if sent != received + left {
        wrong.push(format!("{sent} messages were sent, {received} received and {left} left"));
    }
    if books.sum(RECEIVED_BY_MORTALS) > books.sum(SENT_TO_MORTALS) {
        wrong.push("mortals have received more messages than were sent to them".into());
    }
    if load(&books.gave_up) > 0 {
        wrong.push("supervisors gave up".into());
    }
    if books.sum(FIRED) > books.sum(MADE) {
        wrong.push("monitors have fired more often than once".into());
    }
    if let Some((first, later)) = resident_after.split_first()
        && later.iter().any(|bytes| *bytes > first + first * growth / 100 + (2 << 20))
    {
        wrong.push(format!("memory grows from round to round: {kib:?} KiB"));
    }
    if let Ok(unwanted) = books.unwanted.lock() {
        wrong.extend(unwanted.iter().take(3).cloned());
    }
    for what in &wrong {
        println!("WRONG: {what}");
    }
    Ok(wrong.is_empty())
}

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}
