//! Programs whose processes live on messages: each does a little and waits for the next.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use iridium_asm::Assembler;
use iridium_jit::NativeEngine;
use iridium_sched::{Config, ExitInfo, Observer, Output, Scheduler, SpawnOptions};
use iridium_vm::{Hosts, Limits, Pid, Process, Program};

/// Two processes that hand each other a word for ever, and count to 100 for each.
const SOURCE: &str = "
        spawn @work $1 $2
        load $5 #1
        sendi $2 $5 $5
work:   load $3 #-1
        load $4 #100
        load $5 #1
again:  recv $3 $6              ; and $7, the sender
        load $8 #0
count:  inc $8
        brlt $8 $4 @count
        sendi $7 $5 $8
        djmp @again
";

const PATIENCE: Duration = Duration::from_secs(60);

struct Nobody;

impl Output for Nobody {
    fn write(&self, _: Pid, _: &[u8]) {}
}

impl Observer for Nobody {
    fn exited(&self, _: &ExitInfo) {}
}

#[test]
fn what_is_done_for_many_messages_is_compiled_though_no_turn_is_long() {
    if !NativeEngine::is_supported() {
        return;
    }
    let config = Config::new(Arc::new(Nobody), Arc::new(Nobody), 1);
    let engine = Arc::new(NativeEngine::new());
    let scheduler = Scheduler::start(Config { engine, workers: 1, ..config }).unwrap();
    let module = Assembler::new("test.iasm").assemble(SOURCE).unwrap().module;
    let program = Arc::new(Program::new(module, &Hosts::new()).unwrap());
    let process = Process::new(&program, Limits::default());
    let _spawned = scheduler.spawn_with(process, &program, SpawnOptions::default()).unwrap();
    let functions = || scheduler.compile_stats().unwrap().functions;
    let deadline = Instant::now() + PATIENCE;
    while functions() == 0 {
        assert!(!scheduler.is_idle(), "they wait for each other");
        assert!(Instant::now() < deadline, "nothing was compiled");
        thread::sleep(Duration::from_millis(2));
    }
}
