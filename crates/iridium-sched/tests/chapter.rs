//! The chapter on processes says what they do: its programs run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../iridium-vm/tests/common/mod.rs"]
mod common;

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::document::{compare, programs};
use iridium_sched::{Config, ExitInfo, Observer, Output, Scheduler, SpawnOptions};
use iridium_vm::{Limits, Pid, Process, Status, Stop};

/// What the processes of a program have written.
#[derive(Default)]
struct Written(Mutex<Vec<u8>>);

impl Output for Written {
    fn write(&self, _: Pid, text: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(text);
    }
}

impl Observer for Written {
    fn exited(&self, _: &ExitInfo) {}
}

/// Runs a program with all its processes, until the first one and those that it was linked to have
/// ended.
fn run_whole(source: &str) -> common::Ran {
    const PATIENCE: Duration = Duration::from_secs(30);
    let written = Arc::new(Written::default());
    let config = Config::new(Arc::clone(&written) as _, Arc::clone(&written) as _, 1);
    let scheduler = Scheduler::start(config).unwrap();
    let program = Arc::new(common::program(source));
    let process = Process::new(&program, Limits::default());
    let started = scheduler.spawn_with(process, &program, SpawnOptions { group: true }).unwrap();
    let ending = started.exit.recv_timeout(PATIENCE).unwrap();
    let all = started.group.recv_timeout(PATIENCE);
    assert!(all.unwrap_err().is_disconnected(), "others do not end\n{source}");
    let process = Arc::unwrap_or_clone(ending.process.unwrap());
    let stop = match (ending.trap, process.status()) {
        (Some(trap), _) => Stop::Trapped(trap),
        (None, Status::Halted(result)) => Stop::Halted(result),
        (None, Status::Exited(code)) => Stop::Exited(code),
        (None, status) => panic!("{status:?}\n{source}"),
    };
    let output = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    common::Ran { process, stop, output }
}

#[test]
fn the_chapter_on_processes_runs() {
    let programs = programs(&Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/processes.md"));
    assert!(programs.len() >= 7);
    for (_, source) in &programs {
        assert!(source.contains("; => "), "nothing is said of\n{source}");
        compare(source, &run_whole(source));
    }
}
