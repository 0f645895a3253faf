//! Runs one assembly program with an argument in `$0`, turn by turn as a scheduler does, so that it is
//! compiled when it is hot. Prints the `$0` it ends with and the seconds it took, and on standard error
//! the fuel and what was compiled.
//!
//! `cargo run --release --example native-kernel -- FILE ARGUMENT`

use std::time::Instant;

use iridium_asm::Assembler;
use iridium_jit::NativeEngine;
use iridium_vm::{Hosts, Limits, Process, Program, Register, Stop};

/// Fuel of a turn.
const TURN: u64 = 1 << 14;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().ok_or("which file?")?;
    let argument: i64 = arguments.next().ok_or("which argument?")?.parse()?;
    let source = std::fs::read_to_string(&file)?;
    let module = Assembler::new(&file).assemble(&source)?.module;
    let program = Program::new(module, &Hosts::new())?;
    let limits = Limits { heap: 1 << 30, ..Limits::default() };
    let mut process = Process::new(&program, limits);
    process.set_register(0, Register { int: argument, float: 0.0 });
    let engine = NativeEngine::new();
    let started = Instant::now();
    let stop = loop {
        match process.run_on(&engine, &program, TURN, &mut Vec::new())? {
            Stop::OutOfFuel => {}
            stop => break stop,
        }
    };
    let seconds = started.elapsed().as_secs_f64();
    let Stop::Halted(answer) = stop else { return Err(format!("it ended as {stop:?}").into()) };
    println!("{answer} {seconds:.6}");
    eprintln!("{} fuel, {:?}", process.fuel_spent(), engine.stats());
    Ok(())
}
