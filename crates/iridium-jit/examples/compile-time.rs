//! Compiles all of some modules, a number of times, and prints what an instruction takes of time and of
//! memory. Files are assembly, or modules as they are stored.
//!
//! `cargo run --release --example compile-time -- ROUNDS FILE…`

use std::path::Path;

use iridium_asm::Assembler;
use iridium_isa::Module;
use iridium_jit::{Entries, NativeEngine};
use iridium_vm::{CompileStats, Hosts, Limits, Process, Program};

type Error = Box<dyn std::error::Error>;

fn main() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let rounds: usize = arguments.next().ok_or("how many rounds?")?.parse()?;
    for file in arguments {
        let module = read(&file)?;
        let mut least: Option<CompileStats> = None;
        for _ in 0..rounds {
            let stats = compile(module.clone())?;
            if least.is_none_or(|least| stats.took < least.took) {
                least = Some(stats);
            }
        }
        let Some(CompileStats { functions, instructions, bytes, took, refused, .. }) = least else {
            continue;
        };
        let each = |sum: f64| sum / instructions as f64;
        println!(
            "{file}: {functions} functions ({refused} refused), {instructions} instructions, {:.1} µs and {:.1} bytes each",
            each(took.as_secs_f64() * 1e6),
            each(bytes as f64),
        );
    }
    Ok(())
}

fn read(file: &str) -> Result<Module, Error> {
    let bytes = std::fs::read(file)?;
    if Path::new(file).extension().is_some_and(|extension| extension == "iasm") {
        return Ok(Assembler::new(file).assemble(&String::from_utf8(bytes)?)?.module);
    }
    Ok(Module::from_bytes(&bytes)?)
}

/// What compiling all of a module takes.
fn compile(module: Module) -> Result<CompileStats, Error> {
    let engine = NativeEngine::ahead(Entries::Usual);
    let mut hosts = Hosts::new();
    for import in module.imports() {
        hosts.add(import, |_| Ok(()));
    }
    let program = Program::new(module, &hosts)?;
    let mut process = Process::new(&program, Limits::default());
    process.run_on(&engine, &program, 1, &mut Vec::new())?;
    Ok(engine.stats())
}
