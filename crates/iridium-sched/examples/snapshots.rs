//! Saves an idle process and restores it, so many times, and prints as a line of JSON how many of it
//! there are more now, and the seconds that it took. The module is not saved with it, as between
//! nodes that have it.
//!
//! `cargo run --release -p iridium-sched --example snapshots -- TIMES`

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use iridium_asm::Assembler;
use iridium_sched::{Config, ExitInfo, Observer, Output, Scheduler};
use iridium_vm::{Hosts, Limits, Pid, Process, Program};

const IDLE: &str = include_str!("../benches/processes/idle.iasm");

struct Quiet;

impl Output for Quiet {
    fn write(&self, _: Pid, _: &[u8]) {}
}

impl Observer for Quiet {
    fn exited(&self, _: &ExitInfo) {}
}

fn main() -> Result<(), Box<dyn Error>> {
    let times: u32 = std::env::args().nth(1).map_or(Ok(10_000), |times| times.parse())?;
    let module = Assembler::new("idle.iasm").assemble(IDLE)?.module;
    let hosts = Hosts::new();
    let program = Arc::new(Program::new(module, &hosts)?);
    let scheduler = Scheduler::start(Config::new(Arc::new(Quiet), Arc::new(Quiet), 1))?;
    scheduler.add_program(&program);
    let process = Process::at_label(&program, "wait", Limits::default()).ok_or("no such label")?;
    let pid = scheduler.spawn(process, &program)?;
    while !scheduler.is_idle() {
        std::thread::sleep(Duration::from_millis(1));
    }

    let started = Instant::now();
    for _ in 0..times {
        scheduler.restore(&scheduler.save(pid, false)?, &hosts)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let more = scheduler.process_count() - 1;
    println!(r#"{{"answer": {more}, "seconds": {seconds}}}"#);
    Ok(())
}
