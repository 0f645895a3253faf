//! The one place where these tests touch the crate's API: a scheduler with a program, and everything
//! that is said about its processes.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use iridium_asm::Assembler;
use iridium_sched::supervisor::Supervision;
use iridium_sched::{Config, ExitInfo, Observer, Output, Scheduler, SpawnOptions, Spawned, Time};
use iridium_vm::{Hosts, Limits, Pid, Process, Program, Register};

/// How long anything may take. Nothing here takes a tenth of it, even on a machine that is busy.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What was said about processes.
#[derive(Default)]
pub(crate) struct Log {
    output: Mutex<BTreeMap<Pid, String>>,
    all: Mutex<String>,
    endings: Mutex<Vec<ExitInfo>>,
    supervised: Mutex<Vec<(Pid, Supervision)>>,
}

impl Output for Log {
    fn write(&self, from: Pid, text: &[u8]) {
        let text = std::str::from_utf8(text).unwrap();
        self.output.lock().unwrap().entry(from).or_default().push_str(text);
        self.all.lock().unwrap().push_str(text);
    }
}

impl Observer for Log {
    fn exited(&self, ending: &ExitInfo) {
        self.endings.lock().unwrap().push(ending.clone());
    }

    fn supervised(&self, supervisor: Pid, what: &Supervision) {
        self.supervised.lock().unwrap().push((supervisor, what.clone()));
    }
}

/// A scheduler with a program.
pub(crate) struct Stage {
    pub(crate) scheduler: Scheduler,
    pub(crate) program: Arc<Program>,
    pub(crate) limits: Limits,
    log: Arc<Log>,
}

/// How the process of a test has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ended {
    /// What it has written.
    pub(crate) output: String,
    pub(crate) reason: i64,
    /// The trap that ended it.
    pub(crate) trap: Option<String>,
    /// `$0`.
    pub(crate) result: i64,
}

pub(crate) fn program(source: &str, hosts: &Hosts) -> Arc<Program> {
    let module = match Assembler::new("test.iasm").assemble(source) {
        Ok(assembled) => assembled.module,
        Err(errors) => panic!("{}\n{source}", errors.render(false)),
    };
    Arc::new(Program::new(module, hosts).unwrap())
}

/// Waits until something holds.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < deadline, "not in {PATIENCE:?}: {what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

impl Stage {
    /// One worker in virtual time, where all that happens is the same each time.
    pub(crate) fn new(source: &str) -> Self {
        Self::with(source, |_| {})
    }

    /// So many workers in real time.
    pub(crate) fn real(source: &str, workers: usize) -> Self {
        Self::with(source, |config| (config.workers, config.time) = (workers, Time::Real))
    }

    pub(crate) fn with(source: &str, change: impl FnOnce(&mut Config)) -> Self {
        Self::of(program(source, &Hosts::new()), change)
    }

    pub(crate) fn of(program: Arc<Program>, change: impl FnOnce(&mut Config)) -> Self {
        let log = Arc::new(Log::default());
        let mut config = Config::new(log.clone(), log.clone(), 1);
        (config.workers, config.time) = (1, Time::Virtual);
        config.processes = 100_000;
        change(&mut config);
        let scheduler = Scheduler::start(config).unwrap();
        Self { scheduler, program, limits: Limits::default(), log }
    }

    /// Starts a process at the module's entry.
    pub(crate) fn start(&self, arguments: &[i64]) -> Pid {
        self.scheduler.spawn(self.process(None, arguments), &self.program).unwrap()
    }

    /// Starts a process at a label.
    pub(crate) fn start_at(&self, label: &str, arguments: &[i64]) -> Pid {
        self.scheduler.spawn(self.process(Some(label), arguments), &self.program).unwrap()
    }

    /// A process that has not been started.
    pub(crate) fn process(&self, label: Option<&str>, arguments: &[i64]) -> Process {
        let mut process = match label {
            None => Process::new(&self.program, self.limits),
            Some(label) => Process::at_label(&self.program, label, self.limits).unwrap(),
        };
        for (number, int) in (0..).zip(arguments) {
            process.set_register(number, Register { int: *int, float: 0.0 });
        }
        process
    }

    /// Starts a process and waits for its end.
    pub(crate) fn run(&self, label: Option<&str>, arguments: &[i64]) -> Ended {
        let process = self.process(label, arguments);
        let Spawned { pid, exit: ending, .. } =
            self.scheduler.spawn_with(process, &self.program, SpawnOptions::default()).unwrap();
        match ending.recv_timeout(PATIENCE) {
            Ok(ending) => self.exited(&ending),
            Err(_) => panic!("{pid} does not end: {:#?}", self.scheduler.processes()),
        }
    }

    fn exited(&self, ending: &ExitInfo) -> Ended {
        Ended {
            output: self.output(ending.pid),
            reason: ending.reason.0,
            trap: ending.trap.as_ref().map(|trap| trap.kind.to_string()),
            result: ending.process.as_ref().map_or(0, |process| process.register(0).int),
        }
    }

    /// Waits until so many processes are left.
    pub(crate) fn await_left(&self, left: usize) {
        until("all but some have ended", || self.scheduler.process_count() == left);
    }

    /// Waits until no process can go on.
    pub(crate) fn await_rest(&self) {
        until("all processes wait", || self.scheduler.is_idle());
    }

    /// What a process has written.
    pub(crate) fn output(&self, pid: Pid) -> String {
        self.log.output.lock().unwrap().get(&pid).cloned().unwrap_or_default()
    }

    /// What all processes have written, in the order in which they have.
    pub(crate) fn all_output(&self) -> String {
        self.log.all.lock().unwrap().clone()
    }

    /// The ends that were not normal.
    pub(crate) fn endings(&self) -> Vec<ExitInfo> {
        self.log.endings.lock().unwrap().clone()
    }

    /// The reasons of the ends that were not normal, in order.
    pub(crate) fn reasons(&self) -> Vec<i64> {
        self.endings().iter().map(|ending| ending.reason.0).collect()
    }

    /// What supervisors have reported.
    pub(crate) fn reports(&self) -> Vec<String> {
        let supervised = self.log.supervised.lock().unwrap();
        supervised.iter().map(|(_, what)| what.to_string()).collect()
    }
}

/// Runs a program in virtual time, and with several workers in real time. Both must give the same.
pub(crate) fn run(source: &str) -> Ended {
    let alone = Stage::new(source).run(None, &[]);
    let together = Stage::real(source, 4).run(None, &[]);
    assert_eq!(alone, together, "one worker in virtual time, and four in real time");
    alone
}

/// The output of a program that ends normally, wherever it runs.
pub(crate) fn output(source: &str) -> String {
    let ended = run(source);
    assert_eq!((ended.reason, &ended.trap), (0, &None), "{ended:?}");
    ended.output
}
