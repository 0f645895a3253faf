//! Times a program of processes: `cargo run --release --example scheduler -- FILE N [WORKERS]`.
use iridium_vm::process::{Pid, Register};
use iridium_vm::sched::{Config, Ending, Observer, Output, Scheduler};
use iridium_vm::{Hosts, Limits, Process, Program, asm::Assembler};
use std::sync::Arc;
struct Stdout;
impl Output for Stdout {
    fn write(&self, _: Pid, text: &[u8]) {
        print!("{}", String::from_utf8_lossy(text));
    }
}
impl Observer for Stdout {
    fn ended(&self, e: &Ending) {
        eprintln!("{} {} {:?}", e.pid, e.reason, e.trap.as_ref().map(|t| t.to_string()));
    }
}
fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("file")?;
    let n: i64 = arguments.next().ok_or("n")?.parse()?;
    let workers: usize = arguments.next().map_or(Ok(2), |w| w.parse())?;
    let more: i64 = arguments.next().map_or(Ok(0), |w| w.parse())?;
    let module = Assembler::new(&path).assemble(&std::fs::read_to_string(&path)?)?.module;
    let program = Arc::new(Program::new(module, &Hosts::new())?);
    let mut config = Config::new(Arc::new(Stdout), Arc::new(Stdout), 1);
    config.workers = workers;
    let scheduler = Scheduler::start(config)?;
    let mut process = Process::new(&program, Limits::default());
    process.set_register(0, Register { int: n, float: 0.0 });
    process.set_register(1, Register { int: more, float: 0.0 });
    let (_, ending) = scheduler.spawn_watched(process, &program)?;
    let _ = ending.recv()?;
    println!(
        " ns, {} left; {}",
        scheduler.process_count(),
        std::fs::read_to_string("/proc/self/status")?
            .lines()
            .filter(|l| l.starts_with("VmRSS"))
            .collect::<String>()
    );
    Ok(())
}
