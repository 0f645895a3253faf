//! Runs one assembly program with an argument in `$0`. Prints the `$0` it ends with and the seconds it
//! took, and on standard error the fuel and the backend.
//!
//! `cargo run --release --example kernel -- FILE ARGUMENT [looped|threaded]`

use std::time::Instant;

use iridium_asm::Assembler;
use iridium_vm::{Hosts, Interpreter, Limits, Process, Program, Register, Stop};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which file?")?;
    let argument: i64 = arguments.next().ok_or("which argument?")?.parse()?;
    let engine = match arguments.next().as_deref() {
        None => Interpreter::default(),
        Some("looped") => Interpreter::LOOPED,
        Some("threaded") => Interpreter::THREADED,
        Some(other) => return Err(format!("no engine `{other}`").into()),
    };
    let source = std::fs::read_to_string(&file)?;
    let module = Assembler::new(&file).assemble(&source)?.module;
    let program = Program::new(module, &Hosts::new())?;
    let limits = Limits { heap: 1 << 30, ..Limits::default() };
    let mut process = Process::new(&program, limits);
    process.set_register(0, Register { int: argument, float: 0.0 });
    let started = Instant::now();
    let stop = process.run_on(&engine, &program, u64::MAX, &mut Vec::new())?;
    let seconds = started.elapsed().as_secs_f64();
    let Stop::Halted(answer) = stop else { return Err(format!("it ended as {stop:?}").into()) };
    println!("{answer} {seconds:.6}");
    eprintln!("{} fuel, {engine:?}", process.fuel_spent());
    Ok(())
}
