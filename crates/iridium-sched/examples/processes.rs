//! Runs a program of processes with an argument in `$0` and prints, as a line of JSON, the `$0` with
//! which it ends, the seconds that it has counted itself, and the resident memory of this operating
//! system process, in bytes: before the first process was started, and when the program has ended and
//! what it has left behind lives on.
//!
//! `cargo run --release -p iridium-sched --example processes -- FILE ARGUMENT [WORKERS]`
//!
//! The programs are in `benches/processes`. Each prints the ns that it took, and nothing else.

use std::error::Error;
use std::sync::{Arc, Mutex, PoisonError};

use iridium_asm::Assembler;
use iridium_sched::{Config, ExitInfo, Observer, Output, Scheduler, SpawnOptions, Spawned};
use iridium_vm::{Hosts, Limits, Pid, Process, Program, Register};

/// What the program has printed.
#[derive(Default)]
struct Printed(Mutex<Vec<u8>>);

impl Output for Printed {
    fn write(&self, _: Pid, text: &[u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(text);
    }
}

/// Nobody but the first process is watched; should another one trap, that is worth a word.
struct Complain;

impl Observer for Complain {
    fn exited(&self, ending: &ExitInfo) {
        if let Some(trap) = &ending.trap {
            eprintln!("{}: {trap}", ending.pid);
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which file?")?;
    let argument: i64 = arguments.next().ok_or("which argument?")?.parse()?;
    let workers: usize = arguments.next().map_or(Ok(2), |workers| workers.parse())?;

    let module = Assembler::new(&file).assemble(&std::fs::read_to_string(&file)?)?.module;
    let program = Arc::new(Program::new(module, &Hosts::new())?);
    let printed = Arc::new(Printed::default());
    let config = Config::new(Arc::clone(&printed) as _, Arc::new(Complain), 1);
    // More than a million at a time, as the peers are allowed.
    let scheduler = Scheduler::start(Config { workers, processes: 5_000_000, ..config })?;
    // A sender that is faster than its receiver is a part of what is measured.
    let limits = Limits { messages: u64::MAX, message_bytes: u64::MAX, ..Limits::default() };
    let mut process = Process::new(&program, limits);
    process.set_register(0, Register { int: argument, float: 0.0 });
    let before = resident()?;
    let Spawned { exit: ending, .. } =
        scheduler.spawn_with(process, &program, SpawnOptions::default())?;
    let ExitInfo { reason, process, .. } = ending.recv()?;
    let answer = process.ok_or("it has no registers")?.register(0).int;
    let text = std::mem::take(&mut *printed.0.lock().unwrap_or_else(PoisonError::into_inner));
    let text = String::from_utf8(text)?;
    let time: f64 =
        text.parse().map_err(|_| format!("it printed {text:?}, and ended: {reason}"))?;
    println!(
        r#"{{"answer": {answer}, "seconds": {}, "before": {before}, "resident": {}}}"#,
        time / 1e9,
        resident()?
    );
    Ok(())
}

/// Resident memory in bytes, as Linux tells it; 0 elsewhere.
fn resident() -> Result<u64, Box<dyn Error>> {
    let Ok(status) = std::fs::read_to_string("/proc/self/status") else { return Ok(0) };
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kibibytes = line.and_then(|line| line.split_whitespace().next());
    Ok(kibibytes.ok_or("no VmRSS")?.parse::<u64>()? * 1024)
}
