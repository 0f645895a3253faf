//! Compiles programs and runs them on the machine, in every way in which they must do the same.
#![allow(dead_code, reason = "every test file uses a part of it")]

pub(crate) mod expected;
pub(crate) mod one_file;
pub(crate) mod programs;

use iridium_host::{Input, Outside, Policy, World};
use iridium_isa::Module;
use iridium_vm::{Effect, Hosts, Interpreter, Limits, Pid, Process, Program, Register, Stop};

const BACKENDS: [Interpreter; 2] = [Interpreter::LOOPED, Interpreter::THREADED];
/// What no program of the tests uses up.
const FUEL: u64 = 1 << 34;

/// What can be seen of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ran {
    pub(crate) output: String,
    pub(crate) end: End,
    pub(crate) fuel: u64,
    /// Blocks of the heap that nobody has given back.
    pub(crate) live_blocks: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    Normal,
    Trapped {
        kind: &'static str,
        message: Option<String>,
        /// The innermost place.
        at: Option<String>,
    },
    /// It wants something that only a scheduler can give.
    Effect,
    Other(String),
}

/// Host functions that print on the same output as everything else would: nothing here.
fn hosts() -> Hosts {
    let mut policy = Policy::default();
    policy.allow("env=CARGO_PKG_NAME").unwrap();
    // The fuzzer, which uses this too, has no such folder.
    let files = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/files");
    if std::path::Path::new(files).is_dir() {
        policy.allow(&format!("fs.read={files}")).unwrap();
    }
    // What is not there, so that programs change nothing and can run at the same time.
    for group in ["fs.read", "fs.write"] {
        policy.allow(&format!("{group}={}/nothing", env!("CARGO_MANIFEST_DIR"))).unwrap();
    }
    // Reserved for documentation (RFC 5737): nobody is there.
    for group in ["net.connect", "net.listen"] {
        policy.allow(&format!("{group}=192.0.2.1:1")).unwrap();
    }
    let mut hosts =
        World { policy: &policy, words: &[], input: Input::None, outside: &Outside::new() }.hosts();
    hosts.add("eprint", |_| Ok(()));
    hosts.add("log", |_| Ok(()));
    // An input that is over.
    for name in ["stdin.read_line", "stdin.read"] {
        hosts.add(name, |caller| {
            let [copied, size, ..] = caller.registers;
            (copied.int, size.int) = (0, -1);
            Ok(())
        });
    }
    hosts
}

/// Runs a module to its end, on one backend; saved and restored after each `every` fuel, if given.
pub(crate) fn run_on(module: &Module, backend: Interpreter, every: Option<u64>) -> Ran {
    run_with(module, backend, every, 0)
}

/// The same, beginning with an integer in `$0`.
pub(crate) fn run_with(
    module: &Module,
    backend: Interpreter,
    every: Option<u64>,
    first: i64,
) -> Ran {
    let program = Program::new(module.clone(), &hosts()).unwrap();
    let mut process = Process::new(&program, Limits { heap: 1 << 30, ..Limits::default() });
    process.set_register(0, Register { int: first, ..Register::default() });
    let mut output = Vec::new();
    let stop = loop {
        let fuel = every.unwrap_or(FUEL);
        match process.run_on(&backend, &program, fuel, &mut output).unwrap() {
            Stop::OutOfFuel if process.fuel_spent() < FUEL => {
                let saved = process.save(None).unwrap();
                process = Process::restore(&saved).unwrap().0;
            }
            Stop::Effect(Effect::Host { import, window }) => {
                // What fails is a trap of the process.
                let called = program.call_host(&mut process, Pid::NOBODY, import, window);
                let _ = called.unwrap();
            }
            stop => break stop,
        }
    };
    let end = match stop {
        Stop::Halted(0) | Stop::Exited(0) => End::Normal,
        Stop::Trapped(trap) => {
            let at = trap.backtrace.first().map(ToString::to_string);
            End::Trapped { kind: trap.kind.name(), message: trap.message, at }
        }
        Stop::Effect(_) => End::Effect,
        other => End::Other(format!("{other:?}")),
    };
    Ran {
        output: String::from_utf8(output).unwrap(),
        end,
        fuel: process.fuel_spent(),
        live_blocks: process.live_blocks(),
    }
}

/// Runs a module on both backends, and with stops, and checks that all that does the same.
pub(crate) fn run(name: &str, module: &Module) -> Ran {
    let [looped, threaded] = BACKENDS.map(|backend| run_on(module, backend, None));
    assert_eq!(looped, threaded, "{name}: the backends differ");
    // Long runs have large heaps, which take their time to be saved.
    let stops = if looped.fuel > 1_000_000 { 2 } else { 40 };
    let every = (looped.fuel / stops).max(1);
    for every in [every, every + 7] {
        let stopped = run_on(module, Interpreter::THREADED, Some(every));
        assert_eq!(stopped, threaded, "{name}: it differs when it is stopped after {every} fuel");
    }
    if looped.end == End::Normal {
        assert_eq!(looped.live_blocks, 0, "{name}: it has leaked");
    }
    looped
}
