//! Runs targets: what a program that fuzzes does with its arguments.
//!
//! `run TARGET SEED RUNS SECONDS FOLDER`: so many inputs, or as many as fit in the
//! time if that is not 0; an input that fails is saved in the folder. `replay TARGET FILE` runs one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

use crate::Target;
use crate::mutate::Random;

/// No input takes nearly as much of the processor, however busy the machine is with other things.
const LONGEST: Duration = Duration::from_secs(20);
/// And none waits for so many times as long.
const MOST_WAITS: u32 = 30;
/// Of the thread that runs the inputs: as much as a program's first thread mostly has.
const STACK: usize = 8 << 20;

/// Does what the arguments of this program say with one of its targets.
pub fn main(targets: &[Target]) -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words[..] {
        ["replay", target, file] => {
            find(targets, target).and_then(|target| replay(target, Path::new(file)))
        }
        ["run", target, seed, runs, seconds, folder] => find(targets, target)
            .and_then(|target| run(target, [seed, runs, seconds], Path::new(folder))),
        _ => Err("run TARGET SEED RUNS SECONDS FOLDER | replay TARGET FILE".to_owned()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("{message}");
            ExitCode::FAILURE
        }
    }
}

fn find(targets: &[Target], name: &str) -> Result<Target, String> {
    let found = targets.iter().copied().find(|target| target.name == name);
    found.ok_or_else(|| format!("no target `{name}`"))
}

fn replay(target: Target, file: &Path) -> Result<(), String> {
    let input = std::fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    (target.run)(&input);
    println!("{}: {} does no harm", target.name, file.display());
    Ok(())
}

/// What is to be run.
struct Plan {
    target: Target,
    seed: u64,
    runs: u64,
    /// Instead of so many runs, when it is not zero.
    time: Duration,
    folder: PathBuf,
}

fn run(target: Target, numbers: [&str; 3], folder: &Path) -> Result<(), String> {
    let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
    let [seed, runs, seconds] = [number(numbers[0])?, number(numbers[1])?, number(numbers[2])?];
    let time = Duration::from_secs(seconds);
    let plan = Plan { target, seed, runs, time, folder: folder.to_owned() };
    // A thread of its own, so that an input without an end is found.
    let (begins, begun) = channel();
    let worker = thread::Builder::new().name(target.name.to_owned()).stack_size(STACK);
    let worker = worker.spawn(move || plan.run(&begins)).map_err(|error| error.to_string())?;
    if let Some(number) = never_ends(&begun) {
        return Err(format!("{}: input {number} of seed {seed} has no end", target.name));
    }
    worker.join().unwrap_or_else(|_| Err(format!("{}: the fuzzer itself fails", target.name)))
}

/// The input that takes too long, if one does before the worker ends.
fn never_ends(begun: &Receiver<u64>) -> Option<u64> {
    let mut last = 0;
    // How often it was waited for, and what this program had taken of the processor at first.
    let mut waits = 0;
    let mut taken = Duration::ZERO;
    loop {
        match begun.recv_timeout(LONGEST) {
            Ok(number) => (last, waits) = (number, 0),
            Err(RecvTimeoutError::Timeout) if waits == 0 => (waits, taken) = (1, processor_time()),
            Err(RecvTimeoutError::Timeout) => {
                waits += 1;
                if waits == MOST_WAITS || processor_time() - taken >= LONGEST {
                    return Some(last);
                }
            }
            Err(RecvTimeoutError::Disconnected) => return None,
        }
    }
}

/// What this program has taken of the processor.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().unwrap_or_default()
}

impl Plan {
    fn run(&self, begins: &Sender<u64>) -> Result<(), String> {
        let Self { target, seed, .. } = self;
        let inputs = (target.inputs)();
        let started = Instant::now();
        let mut done = 0;
        while if self.time.is_zero() { done < self.runs } else { started.elapsed() < self.time } {
            // Nobody listens when it is over anyway.
            let _ = begins.send(done);
            let input = inputs(&mut Random::new(*seed, done));
            if catch_unwind(AssertUnwindSafe(|| (target.run)(&input))).is_err() {
                let path = self.folder.join(format!("{}-{seed}-{done}", target.name));
                std::fs::write(&path, &input)
                    .map_err(|error| format!("cannot save it: {error}"))?;
                let (name, path) = (target.name, path.display());
                return Err(format!("{name}: input {done} of seed {seed} fails; saved as {path}"));
            }
            done += 1;
        }
        println!("{}: {done} inputs, seed {seed}, {:.0?}", target.name, started.elapsed());
        Ok(())
    }
}
