//! How fast sources are assembled and module files are loaded: prints how many lines were assembled
//! and the seconds it took, then how many instructions were read, verified and made ready to run, and
//! the seconds.
//!
//! `cargo run --release --example vm-rates -- [LINES]`

use std::fmt::Write as _;
use std::time::Instant;

use iridium_asm::Assembler;
use iridium_isa::Module;
use iridium_vm::{Hosts, Program};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let lines: u32 = std::env::args().nth(1).map_or(Ok(1_000_000), |lines| lines.parse())?;
    let mut source = String::new();
    for line in 0..lines / 4 {
        writeln!(source, "l{line}:  addi $1 #{line} $1\n        mul $1 $2 $3    ; a comment")?;
        writeln!(source, "        ld64 $3 #8 $4\n        brlt $1 $4 @l{}", line / 2)?;
    }
    source.push_str("hlt\n");

    let started = Instant::now();
    let module = Assembler::new("vm-rates.iasm").assemble(&source)?.module;
    let assembled = started.elapsed();
    let bytes = module.to_bytes();
    let started = Instant::now();
    let module = Module::from_bytes(&bytes)?;
    let instructions = module.code().len();
    let program = Program::new(module, &Hosts::new())?;
    let loaded = started.elapsed();
    drop(program);
    println!("{} {:.6}", source.lines().count(), assembled.as_secs_f64());
    println!("{instructions} {:.6}", loaded.as_secs_f64());
    Ok(())
}
