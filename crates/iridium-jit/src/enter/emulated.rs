//! Code for aarch64 does what the interpreter does, in an emulator: `emulated.c` has the process's
//! registers, frames and heap while it runs, and asks here for what the interpreter is to do.

use std::io::{self, Read, Write};
use std::mem::offset_of;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use cranelift_codegen::isa;
use iridium_asm::Assembler;
use iridium_vm::{
    Completion, EntryHook, Hosts, Limits, Message, Payload, Process, Program, Register, Resume,
    Stop,
};

use super::*;
use crate::code_memory::Budget;
use crate::compile::{Compiler, flags};
use crate::compiled::lock;
use crate::region::Entries;
use crate::stats::Counters;

const ENTER: u64 = 1;
const DONE: u64 = 2;
const LEFT: u64 = 3;
const STEPS: u64 = 4;
const BESIDES: u64 = 5;

/// The numbers that a message begins with, in the order of `emulated.c`.
const NUMBERS: usize = 21;

/// Which of them says how many frames there are.
const FRAMES: usize = 15;

/// The parts of a context, in the order of `emulated.c`.
const PARTS: [usize; 21] = [
    offset_of!(Context, window),
    offset_of!(Context, last_window),
    offset_of!(Context, registers),
    offset_of!(Context, heap),
    offset_of!(Context, heap_length),
    offset_of!(Context, heap_room),
    offset_of!(Context, data),
    offset_of!(Context, data_rooms),
    offset_of!(Context, block_places),
    offset_of!(Context, table),
    offset_of!(Context, sizes),
    offset_of!(Context, fuel),
    offset_of!(Context, unwound),
    offset_of!(Context, entries),
    offset_of!(Context, stack_limit),
    offset_of!(Context, pc),
    offset_of!(Context, flag),
    offset_of!(Context, remainder),
    offset_of!(Context, counter),
    offset_of!(Context, step),
    offset_of!(Context, beside),
];

/// At so many stops a comparison ends.
const MOST_STOPS: usize = 5_000;

/// Calls through registers, blocks of sizes that are computed, and what has no native code.
const MIXED: &str = include_str!("../../tests/programs/mixed.iasm");

/// Loads of constants, to the last byte and beyond.
const CONSTANTS: &str = "
        .data
d:      .i64 #7
        .i64 #3
        .i64 #-2
        .code
        load $0 #0
        load $1 @d
l:      ld8 $1 #0 $2
        add $3 $2 $3
        ld16s $1 #1 $2
        add $3 $2 $3
        addi $1 #1 $1
        djmp @l";

/// What an emulator says.
struct Told {
    numbers: [u64; NUMBERS],
    registers: Vec<u8>,
    frames: Vec<u8>,
    heap: Vec<u8>,
}

/// An emulator that has the code of a program.
#[derive(Debug)]
struct Emulator {
    child: Child,
    to: ChildStdin,
    from: ChildStdout,
}

/// Takes over from the interpreter where there is code.
#[derive(Debug)]
struct Hook {
    entries: EntryTable,
    emulator: Mutex<Emulator>,
    entered: Arc<AtomicUsize>,
}

impl EntryHook for Hook {
    fn enter(&self, state: &mut EntryState<'_, '_>) -> Resume {
        let native = Native { entries: &self.entries, trampoline: std::ptr::null() };
        self.entered.fetch_add(1, Ordering::Relaxed);
        native.enter_by(state, |context, entry| lock(&self.emulator).call(context, entry).unwrap())
    }
}

impl Emulator {
    fn call(&mut self, context: &mut Context, entry: Entry) -> io::Result<i64> {
        self.tell([ENTER, entry.address(), entry.number()], context)?;
        loop {
            let message = self.hear()?;
            let [kind, a, b] = [0, 1, 2].map(|at| message.numbers[at]);
            match kind {
                LEFT => {
                    take_over(&message, context);
                    return Ok(a as i64);
                }
                STEPS => {
                    take_over(&message, context);
                    // SAFETY: the context is that of a process, with all lanes at home.
                    let why = unsafe { step(context) };
                    self.tell([DONE, why as u64, 0], context)?;
                }
                BESIDES => {
                    take_memory(&message, context);
                    context.flag = message.numbers[18];
                    let window = context.registers.wrapping_add(b as usize);
                    let fuel = message.numbers[14] as i64;
                    // SAFETY: the same.
                    let left = unsafe { beside(context, a, window, fuel) };
                    self.tell([DONE, left as u64, 0], context)?;
                }
                kind => panic!("message {kind}"),
            }
        }
    }

    /// Sends a message with all of the process.
    fn tell(&mut self, what: [u64; 3], context: &mut Context) -> io::Result<()> {
        // SAFETY: what has changed it has returned.
        let state = unsafe { state(context) };
        let layout = state.layout();
        let (registers, count) = layout.registers;
        let (heap, length) = layout.heap;
        let index = |at: *mut Register| distance::<Register>(registers.addr(), at.addr()) as u64;
        let numbers = [
            &what[..],
            &[index(context.window), index(context.last_window), count as u64],
            &[length as u64, context.heap_room],
            &context.data_rooms,
            &[context.block_places, context.table as u64, context.fuel as u64, 0],
            &[stack(state), context.pc, context.flag],
            &[context.remainder as u64, context.counter],
        ]
        .concat();
        assert_eq!(numbers.len(), NUMBERS);
        let mut bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        let registers = (registers.cast::<u8>(), count * size_of::<Register>());
        for (from, length) in [registers, (heap, length)] {
            // SAFETY: the layout says so.
            bytes.extend(unsafe { std::slice::from_raw_parts(from, length) });
        }
        self.to.write_all(&bytes)?;
        self.to.flush()
    }

    fn hear(&mut self) -> io::Result<Told> {
        let mut take = |length: usize| {
            let mut bytes = vec![0; length];
            self.from.read_exact(&mut bytes).map(|()| bytes)
        };
        let mut numbers = [0; NUMBERS];
        for number in &mut numbers {
            *number = u64::from_le_bytes(take(8)?.try_into().unwrap());
        }
        Ok(Told {
            registers: take(numbers[5] as usize * size_of::<Register>())?,
            frames: take(numbers[FRAMES] as usize * size_of::<Frame>())?,
            heap: take(numbers[6] as usize)?,
            numbers,
        })
    }
}

impl Drop for Emulator {
    fn drop(&mut self) {
        // It ends when there is nothing more to read.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Makes the registers and the heap of the process those of the message.
fn take_memory(message: &Told, context: &Context) {
    // SAFETY: compiled code waits.
    let layout = unsafe { state(context) }.layout();
    assert_eq!(message.registers.len(), layout.registers.1 * size_of::<Register>());
    assert_eq!(message.heap.len(), layout.heap.1);
    // SAFETY: they have these lengths.
    unsafe {
        let (registers, heap) = (&message.registers, &message.heap);
        layout.registers.0.cast::<u8>().copy_from(registers.as_ptr(), registers.len());
        layout.heap.0.copy_from(heap.as_ptr(), heap.len());
    }
}

/// Makes all of the process that of the message.
fn take_over(message: &Told, context: &mut Context) {
    take_memory(message, context);
    let numbers = &message.numbers;
    let calls = numbers[FRAMES] as usize;
    assert!(calls <= MOST_CALLS);
    context.unwound = context.unwound.wrapping_sub(calls);
    // SAFETY: there is room for them, and for no more than once.
    unsafe {
        context.unwound.cast::<u8>().copy_from(message.frames.as_ptr(), message.frames.len())
    };
    // SAFETY: compiled code waits.
    let layout = unsafe { state(context) }.layout();
    context.window = layout.registers.0.wrapping_add(numbers[3] as usize);
    context.fuel = numbers[14] as i64;
    context.pc = numbers[17];
    context.flag = numbers[18];
    context.remainder = numbers[19] as i64;
    context.counter = numbers[20];
}

/// Has a program's code compiled for aarch64, and runs in an emulator what there is code for. Gives how
/// often that is entered.
fn emulate(program: &Program, emulator: &Path, entries: Entries) -> Arc<AtomicUsize> {
    let isa = isa::lookup_by_name("aarch64").unwrap().finish(flags().unwrap()).unwrap();
    let counters = Arc::new(Counters::new(Budget::new(1 << 30)));
    let mut compiler = Compiler::with_isa(isa, Arc::clone(&counters), Arc::default()).unwrap();
    let batch = compiler.all(program.module(), entries).unwrap();
    let refused = counters.stats().refused;
    assert_eq!(refused, 0, "{:?}", counters.stats());
    let mut code = batch.trampoline.bytes().to_vec();
    code.resize(code.len().next_multiple_of(64), 0);
    let (start, from) = (code.len(), batch.memory.bytes().as_ptr().addr());
    code.extend(batch.memory.bytes());
    let table = EntryTable::new(program.module().code().len());
    let mut words = vec![0; program.module().code().len()];
    for (index, entry) in &batch.entries {
        let offset = start + (entry.address() as usize - from);
        table.publish(*index, Entry::new(offset, entry.number() as usize).unwrap());
        words[*index as usize] = (offset as u64) << 16 | entry.number();
    }
    let mut child = Command::new("qemu-aarch64")
        .arg(emulator)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let (mut to, from) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
    let sizes: Vec<u8> = SIZES.iter().flat_map(|size| size.to_le_bytes()).collect();
    let data = program.module().data();
    let mut setup: Vec<u64> = vec![size_of::<Context>() as u64];
    setup.extend(PARTS.map(|part| part as u64));
    let number = |number: usize| (number as u64).to_le_bytes();
    let mut bytes: Vec<u8> = setup.into_iter().flat_map(u64::to_le_bytes).collect();
    bytes.extend([&number(code.len())[..], &code, &number(words.len())].concat());
    bytes.extend(words.into_iter().flat_map(u64::to_le_bytes));
    for part in [data, &sizes] {
        bytes.extend([&number(part.len())[..], part].concat());
    }
    to.write_all(&bytes).unwrap();
    let emulator = Mutex::new(Emulator { child, to, from });
    let entered = Arc::<AtomicUsize>::default();
    let hook = Hook { entries: table, emulator, entered: Arc::clone(&entered) };
    program.set_entry_hook(Arc::new(hook));
    for (index, _) in &batch.entries {
        assert!(program.hook_entry(*index));
    }
    entered
}

/// Builds `emulated.c`; `None` where what it takes is missing.
fn emulator() -> Option<PathBuf> {
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/src/enter/emulated.c");
    let program = std::env::temp_dir().join(format!("iridium-emulated-{}", std::process::id()));
    let finds = |program: &str| {
        let version = Command::new(program).arg("--version").stdout(Stdio::null()).status();
        version.is_ok_and(|status| status.success())
    };
    if !finds("qemu-aarch64") || !finds("aarch64-linux-gnu-gcc") {
        println!("skipped: needs qemu-user and aarch64-linux-gnu-gcc");
        return None;
    }
    let mut gcc = Command::new("aarch64-linux-gnu-gcc");
    let built = gcc.args(["-static", "-O1", "-o"]).arg(&program).arg(source).status().unwrap();
    assert!(built.success());
    Some(program)
}

fn program(source: &str) -> Program {
    Program::new(Assembler::new("test.iasm").assemble(source).unwrap().module, &Hosts::new())
        .unwrap()
}

/// Runs a program in slices, as code for aarch64 and as the interpreter does, and compares all of the
/// process at each stop.
fn compare(emulator: &Path, source: &str, argument: i64, entries: Entries, slice: u64) {
    let [interpreted, native] = [(); 2].map(|()| program(source));
    let entered = emulate(&native, emulator, entries);
    let limits = Limits { heap: 1 << 16, stack: 64, call_depth: 200, ..Limits::default() };
    let [mut expected, mut process] = [&interpreted, &native].map(|program| {
        let mut process = Process::new(program, limits);
        process.set_register(0, Register { int: argument, float: 0.0 });
        process
    });
    for _ in 0..MOST_STOPS {
        let stop = expected.run(&interpreted, slice, &mut Vec::new()).unwrap();
        assert_eq!(process.run(&native, slice, &mut Vec::new()).unwrap(), stop);
        assert_eq!(process.pc(), expected.pc());
        assert_eq!(process.fuel_spent(), expected.fuel_spent());
        assert_eq!(process.save(None).unwrap(), expected.save(None).unwrap());
        match stop {
            Stop::OutOfFuel => {}
            Stop::Effect(_) => {
                for process in [&mut expected, &mut process] {
                    let payload = Payload::Word([7; 8]);
                    let answers = [
                        Completion::Done,
                        Completion::Value(3),
                        Completion::Pair(4, 5),
                        Completion::Found(Some(6)),
                        Completion::Received(Some(Message { tag: 1, sender: 2, payload })),
                    ];
                    assert!(answers.into_iter().any(|answer| process.complete(answer).is_ok()));
                }
            }
            _ => break,
        }
    }
    assert_ne!(entered.load(Ordering::Relaxed), 0, "no native code ran:\n{source}");
}

#[test]
fn code_for_aarch64_does_what_the_interpreter_does() {
    let Some(emulator) = emulator() else { return };
    for (source, argument) in [
        (include_str!("../../../iridium-vm/benches/kernels/collatz.iasm"), 30),
        (include_str!("../../../iridium-vm/benches/kernels/fib.iasm"), 9),
        (include_str!("../../../iridium-vm/benches/kernels/intloop.iasm"), 200),
        (include_str!("../../../iridium-vm/benches/kernels/mandel.iasm"), 3),
        (include_str!("../../../iridium-vm/benches/kernels/matmul.iasm"), 5),
        (include_str!("../../../iridium-vm/benches/kernels/sieve.iasm"), 200),
        (include_str!("../../../iridium-vm/fuzz/seeds/control.iasm"), 3),
        (include_str!("../../../iridium-vm/fuzz/seeds/blocks.iasm"), 3),
        (include_str!("../../../iridium-vm/fuzz/seeds/effects.iasm"), 3),
        (MIXED, 5),
        (CONSTANTS, 0),
    ] {
        for (entries, slice) in
            [(Entries::Usual, 1 << 40), (Entries::Usual, 17), (Entries::All, 3), (Entries::All, 1)]
        {
            compare(&emulator, source, argument, entries, slice);
        }
    }
    std::fs::remove_file(emulator).unwrap();
}
