//! Criterion benches of the machine: `cargo bench --manifest-path xtask/peers/Cargo.toml`.
//!
//! They compare a change with the state before it. Ratios to the peers are `cargo xtask bench`'s.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use iridium_asm::Assembler;
use iridium_isa::Module;
use iridium_vm::{Hosts, Limits, Process, Program, Register};

const KERNELS: [(&str, &str, i64); 6] = [
    ("fib", include_str!("../../../crates/iridium-vm/benches/kernels/fib.iasm"), 20),
    ("intloop", include_str!("../../../crates/iridium-vm/benches/kernels/intloop.iasm"), 100_000),
    ("sieve", include_str!("../../../crates/iridium-vm/benches/kernels/sieve.iasm"), 50_000),
    ("matmul", include_str!("../../../crates/iridium-vm/benches/kernels/matmul.iasm"), 40),
    ("mandel", include_str!("../../../crates/iridium-vm/benches/kernels/mandel.iasm"), 40),
    ("collatz", include_str!("../../../crates/iridium-vm/benches/kernels/collatz.iasm"), 2_000),
];

fn assemble(source: &str) -> Module {
    Assembler::new("bench.iasm").assemble(source).expect("the source is right").module
}

fn program(source: &str) -> Program {
    Program::new(assemble(source), &Hosts::new()).expect("nothing is imported")
}

fn kernels(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("kernel");
    for (name, source, argument) in KERNELS {
        let program = program(source);
        let start = || {
            let mut process = Process::new(&program, Limits::default());
            process.set_register(0, Register { int: argument, float: 0.0 });
            process
        };
        let run = |mut process: Process| process.run(&program, u64::MAX, &mut Vec::new());
        group.bench_function(name, |b| b.iter_batched(start, run, BatchSize::SmallInput));
    }
}

fn files(criterion: &mut Criterion) {
    let lines = 10_000;
    let mut source = String::new();
    for line in 0..lines {
        writeln!(source, "l{line}: addi $1 #{line} $1").expect("a string takes all");
    }
    let bytes = assemble(&source).to_bytes();
    let mut group = criterion.benchmark_group("files");
    group.throughput(Throughput::Elements(lines));
    group.bench_function("assemble", |b| b.iter(|| assemble(black_box(&source))));
    group.bench_function("load", |b| {
        b.iter(|| {
            let module = Module::from_bytes(black_box(&bytes)).expect("it is intact");
            Program::new(module, &Hosts::new())
        });
    });
}

fn snapshots(criterion: &mut Criterion) {
    let program = program("load $31 #1\nhlt");
    let process = Process::new(&program, Limits::default());
    criterion.bench_function("snapshot/save and restore", |b| {
        b.iter(|| Process::restore(&black_box(&process).save(None).expect("it can be saved")));
    });
}

criterion_group!(benches, kernels, files, snapshots);
criterion_main!(benches);
