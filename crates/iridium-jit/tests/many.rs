//! Many programs, and hostile ones: native code takes nothing beside them that it does not give back, and
//! keeps its bounds. What is measured has an operating system process of its own.
//!
//! `cargo test --release -p iridium-jit --test many -- --ignored --nocapture` does the long versions.
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::fmt::Write as _;
use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use iridium_asm::Assembler;
use iridium_jit::{Entries, NativeEngine};
use iridium_sched::{Config, ExitInfo, Observer, Output, Scheduler, SpawnOptions};
use iridium_vm::{
    CompileStats, Engine, Hosts, Interpreter, Limits, Payload, Pid, Process, Program, Stop,
};

/// Says what [`measured`] is to do.
const WHAT: &str = "IRIDIUM_MEASURED";
/// Of the loop of a process that computes: far more than its code needs to become hot.
const ROUNDS: u64 = 400_000;
const PATIENCE: Duration = Duration::from_secs(300);

fn program(source: &str) -> Program {
    let module = Assembler::new("test.iasm").assemble(source).unwrap().module;
    Program::new(module, &Hosts::new()).unwrap()
}

/// What this operating system process has in memory, in KiB.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

/// Does something in an operating system process of its own, and gives the numbers that it prints.
fn measure(what: &str) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "measured", "--ignored", "--nocapture"])
        .env(WHAT, what)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{what}: {text}{error}");
    let line = text.lines().find_map(|line| line.strip_prefix("measured: ")).unwrap();
    println!("{what}: {line}");
    line.split(' ').map(|number| number.parse().unwrap()).collect()
}

#[test]
#[ignore = "the other tests run it"]
fn measured() {
    let Ok(what) = std::env::var(WHAT) else { return };
    let words: Vec<&str> = what.split(' ').collect();
    let number = |at: usize| words[at].parse::<usize>().unwrap();
    let numbers = match words[0] {
        "dropped" => dropped(number(1)),
        "interpreter" => processes(Arc::new(Interpreter::default()), number(1), number(2)),
        "native" => processes(Arc::new(NativeEngine::new()), number(1), number(2)),
        other => panic!("{other}"),
    };
    let numbers: Vec<String> = numbers.iter().map(|number| format!("{number:.3}")).collect();
    println!("\nmeasured: {}", numbers.join(" "));
}

/// Compiles programs, runs them and drops them. Gives the resident memory after the first tenth, and at
/// the end.
fn dropped(count: usize) -> Vec<f64> {
    let engine = NativeEngine::ahead(Entries::Usual);
    let empty = engine.stats().memory;
    let mut early = 0.0;
    for number in 0..count {
        let source = format!("l: addi $0 #1 $0\nbrlt $0 #10 @l\naddi $0 #{number} $0\nhlt\n");
        let program = program(&source);
        let mut process = Process::new(&program, Limits::default());
        let stop = process.run_on(&engine, &program, 1_000, &mut Vec::new()).unwrap();
        assert_eq!(stop, Stop::Halted(10 + number as i64));
        if number == count / 10 {
            early = resident();
        }
    }
    let stats = engine.stats();
    assert_eq!(stats.functions, count as u64, "{stats:?}");
    assert_eq!(stats.memory, empty, "{stats:?}");
    vec![early, resident()]
}

fn assert_flat(count: usize) {
    let [early, late] = measure(&format!("dropped {count}"))[..] else { panic!() };
    // What an allocator holds may move by some pages.
    assert!(late < early + 1024.0, "{early} KiB became {late} KiB");
}

#[test]
fn what_was_compiled_for_programs_that_have_gone_takes_no_memory() {
    assert_flat(300);
}

#[test]
#[ignore = "long"]
fn what_was_compiled_for_ten_thousand_programs_that_have_gone_takes_no_memory() {
    assert_flat(10_000);
}

struct Nobody;

impl Output for Nobody {
    fn write(&self, _: Pid, _: &[u8]) {}
}

impl Observer for Nobody {
    fn exited(&self, exit: &ExitInfo) {
        panic!("{exit:?}");
    }
}

/// Starts processes of many programs, each of which waits, and then has one of each compute for long.
/// Gives the seconds that starting takes, the resident memory then, the most functions that wait to be
/// compiled, and how many are compiled.
fn processes(engine: Arc<dyn Engine>, programs: usize, each: usize) -> Vec<f64> {
    let config = Config::new(Arc::new(Nobody), Arc::new(Nobody), 1);
    let scheduler = Scheduler::start(Config { engine, workers: 2, ..config }).unwrap();
    let programs: Vec<_> = (0..programs).map(|number| Arc::new(waiting_program(number))).collect();
    let began = Instant::now();
    let mut firsts = Vec::new();
    for program in &programs {
        for number in 0..each {
            let process = Process::new(program, Limits::default());
            let spawned = scheduler.spawn_with(process, program, SpawnOptions::default()).unwrap();
            firsts.extend((number == 0).then_some(spawned.pid));
        }
    }
    wait_until_idle(&scheduler, |_| {});
    let (seconds, memory) = (began.elapsed().as_secs_f64(), resident());
    for pid in &firsts {
        scheduler.send(Pid::NOBODY, *pid, 1, Payload::Word([0; 8]));
    }
    let mut most = 0;
    wait_until_idle(&scheduler, |stats| {
        most = most.max(stats.waiting);
        // Of each worker one may be counted that there is no room for.
        assert!(stats.waiting <= stats.waiting_limit + 3, "{stats:?}");
        assert!(stats.memory <= stats.memory_limit, "{stats:?}");
        assert!(compile_threads() <= 1);
    });
    let computed = programs.len() as u64 * ROUNDS;
    assert!(scheduler.fuel_spent() >= computed, "{} of {computed}", scheduler.fuel_spent());
    let functions = || scheduler.compile_stats().map(|stats| stats.functions);
    let deadline = Instant::now() + PATIENCE;
    while functions() == Some(0) && NativeEngine::is_supported() {
        assert!(Instant::now() < deadline, "nothing was compiled");
        thread::sleep(Duration::from_millis(2));
    }
    vec![seconds, memory, most as f64, functions().unwrap_or(0) as f64]
}

fn waiting_program(number: usize) -> Program {
    let rounds = ROUNDS as usize + number;
    program(&format!(
        "load $1 #-1\nload $2 #-1\nrecv $1 $3\nload $0 #0\nload $9 #{rounds}\n\
         l: addi $0 #1 $0\nbrlt $0 $9 @l\nrecv $1 $3\nhlt"
    ))
}

fn wait_until_idle(scheduler: &Scheduler, mut look: impl FnMut(&CompileStats)) {
    let deadline = Instant::now() + PATIENCE;
    while !scheduler.is_idle() {
        assert!(Instant::now() < deadline);
        scheduler.compile_stats().iter().for_each(&mut look);
        thread::sleep(Duration::from_millis(2));
    }
}

/// How many threads there are that compile.
fn compile_threads() -> usize {
    let names = std::fs::read_dir("/proc/self/task").unwrap();
    // A thread that has ended meanwhile has no name.
    let name = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("comm")).ok();
    names.flatten().filter_map(name).filter(|name| name == "jit\n").count()
}

fn assert_as_with_the_interpreter(programs: usize, each: usize) {
    let [interpreted, native] =
        ["interpreter", "native"].map(|engine| measure(&format!("{engine} {programs} {each}"))[1]);
    // And what two heaps of the same use differ by.
    assert!(native < 1.03 * interpreted + 512.0, "{interpreted} KiB became {native} KiB");
}

#[test]
fn processes_of_many_programs_take_as_much_memory_as_with_the_interpreter() {
    assert_as_with_the_interpreter(20, 20);
}

#[test]
#[ignore = "long"]
fn a_hundred_thousand_processes_of_a_thousand_programs_take_as_much_memory_too() {
    assert_as_with_the_interpreter(1_000, 100);
}

/// Programs that are made to be slow to compile: as many registers as there are matter at as many places
/// as possible where native code could begin.
#[test]
fn what_would_take_long_to_compile_is_interpreted() {
    for line in ["addi ${a} #1 ${a}\nbrlt ${a} ${b} @h{head}", "brlt ${a} ${b} @h{head}"] {
        let mut source = String::new();
        for head in 0..1_000 {
            let (a, b) = (head % 250, (head + 1) % 250);
            let line = line.replace("{a}", &a.to_string()).replace("{b}", &b.to_string());
            writeln!(source, "h{head}: {}", line.replace("{head}", &head.to_string())).unwrap();
        }
        source.push_str("brlt $0 $1 @h0\nhlt");
        let engine = NativeEngine::ahead(Entries::Usual);
        let program = program(&source);
        let mut process = Process::new(&program, Limits::default());
        process.run_on(&engine, &program, 10, &mut Vec::new()).unwrap();
        let stats = engine.stats();
        assert_eq!((stats.functions, stats.refused), (0, 1), "{stats:?}");
        // Unoptimised code takes a hundred times as long.
        assert!(stats.took < Duration::from_secs(10), "{stats:?}");
    }
}
