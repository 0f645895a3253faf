//! Many processes that start each other, send, link, monitor, crash and are started again, at random;
//! and books that show that no message was lost, no process is left, and no memory either.
//!
//! `cargo run --release -p iridium-sched --example stress -- [--processes N] [--seconds S]
//! [--workers W] [--seed X] [--rounds R]`
//!
//! `--workers 1` runs in virtual time, where S is that time; the digest of such a run is the same
//! whenever the seed and the other numbers are. The exit code is 1 when something is wrong.
//!
//! Each process counts in its heap what it has sent and received, and how often it was told of an
//! end; when it ends, however it does, the observer adds that up. At the end the books must balance
//! to a message. Processes are of two kinds. Eternals live to the end: what was sent to them is what
//! they have received plus what they find in their mailboxes then. Mortals crash and are killed at
//! random: what was sent to them is what they have received plus the dead letters.

mod books;
mod memory;
mod round;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use self::memory::Memory;
use self::round::Stress;

pub(crate) struct Flags {
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

fn run() -> Result<bool, Box<dyn Error>> {
    let flags = Flags::parse()?;
    let (rounds, seconds) = (flags.rounds, flags.seconds);
    let mut memory = Memory::start();
    let stress = Stress::start(&flags)?;
    let started = Instant::now();
    let mut left = 0;
    for round in 0..rounds {
        // The time is shared among the rounds; at least a second each.
        left += stress.round((seconds / rounds).max(1))?;
        memory.round_is_over();
        eprintln!("round {} done after {:.1?}", round + 1, started.elapsed());
    }
    let dead_letters = stress.scheduler.dead_letters() as i64;
    let say = |name: &str, number: &dyn std::fmt::Display| println!("{name:24} {number:>14}");
    stress.books.lines().iter().for_each(|(name, number)| say(name, number));
    say("left in mailboxes", &left);
    say("dead letters", &dead_letters);
    say("fuel", &stress.scheduler.fuel_spent());
    say("seconds", &started.elapsed().as_secs());
    memory.lines().iter().for_each(|(name, numbers)| say(name, numbers));
    if flags.workers == 1 {
        say("digest", &format!("{:x}", stress.books.digest()));
    }
    let mut wrong = stress.books.faults(left, dead_letters);
    wrong.extend(memory.faults());
    wrong.iter().for_each(|what| println!("WRONG: {what}"));
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
