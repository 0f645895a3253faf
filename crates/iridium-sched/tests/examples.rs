//! The example programs, those of the machine too, end as the text next to them says, whatever the
//! number of workers.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

#[path = "../../iridium-vm/tests/common/mod.rs"]
mod common;
#[path = "../examples/embed.rs"]
#[allow(dead_code, reason = "its main only prints what the test looks at")]
mod embed;
#[path = "../examples/engines.rs"]
#[allow(dead_code, reason = "its main only prints what the test looks at")]
mod engines;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use common::assemble;
use iridium_isa::Module;
use iridium_sched::supervisor::Supervision;
use iridium_sched::supervisor::app::App;
use iridium_sched::{
    Config, ExitInfo, Observer, Output, Reason, RestoreOptions, Scheduler, SpawnOptions, Spawned,
};
use iridium_vm::{Hosts, Limits, Pid, Process, Program};

/// How long a program may take; it takes a moment.
const DEADLINE: Duration = Duration::from_secs(60);
const WORKERS: [usize; 3] = [1, 2, 5];

/// The example of this name, here or in the crate of the machine.
fn example(name: &str) -> PathBuf {
    folders().map(|folder| folder.join(name)).into_iter().find(|path| path.exists()).unwrap()
}

fn folders() -> [PathBuf; 2] {
    ["examples", "../iridium-vm/examples"]
        .map(|folder| Path::new(env!("CARGO_MANIFEST_DIR")).join(folder))
}

fn source(name: &str) -> String {
    fs::read_to_string(example(name)).unwrap()
}

/// The examples, by name.
fn programs() -> Vec<String> {
    let entries = folders().into_iter().flat_map(|folder| fs::read_dir(folder).unwrap());
    let files = entries.map(|entry| entry.unwrap().path());
    let sources = files.filter(|path| path.extension().is_some_and(|end| end == "iasm"));
    sources.map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned()).collect()
}

/// What processes have written, and how often a supervisor has started one again.
#[derive(Default)]
struct Seen {
    output: Mutex<Vec<u8>>,
    restarts: Mutex<usize>,
}

impl Seen {
    fn output(&self) -> String {
        String::from_utf8(self.output.lock().unwrap().clone()).unwrap()
    }
}

impl Output for Seen {
    fn write(&self, _: Pid, text: &[u8]) {
        self.output.lock().unwrap().extend_from_slice(text);
    }
}

impl Observer for Seen {
    fn exited(&self, _: &ExitInfo) {}

    fn supervised(&self, _: Pid, what: &Supervision) {
        if matches!(what, Supervision::Restarted { .. }) {
            *self.restarts.lock().unwrap() += 1;
        }
    }
}

fn scheduler(workers: usize, fuel: u64) -> (Scheduler, Arc<Seen>) {
    let seen = Arc::new(Seen::default());
    let config = Config::new(Arc::clone(&seen) as _, Arc::clone(&seen) as _, 1);
    (Scheduler::start(Config { workers, fuel, ..config }).unwrap(), seen)
}

fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let deadline = Instant::now() + DEADLINE;
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Runs an example on a scheduler. Gives the registers that are not 0, then a line `--`, then the
/// output. The registers of a program that starts processes may hold their pids, which are of no
/// interest, and are left out.
fn run_scheduled(name: &str, workers: usize) -> String {
    let text = source(&format!("{name}.iasm"));
    let program = Arc::new(Program::new(assemble(&text), &Hosts::new()).unwrap());
    let (scheduler, seen) = scheduler(workers, u64::MAX);
    let process = Process::new(&program, Limits::default());
    let Spawned { exit: ending, .. } =
        scheduler.spawn_with(process, &program, SpawnOptions::default()).unwrap();
    let ending = ending.recv_timeout(DEADLINE).unwrap();
    assert_eq!(ending.reason, Reason::NORMAL, "{name}: {:?}", ending.trap);
    until(&format!("{name}: a process is left"), || scheduler.process_count() == 0);
    let process = ending.process.unwrap();
    let alone = !text.contains("spawn");
    let registers = (0..32).filter(|number| alone && process.register(*number).int != 0);
    let mut found: String =
        registers.map(|number| format!("${number} = {}\n", process.register(number).int)).collect();
    found += "--\n";
    found + &seen.output()
}

/// With `UPDATE=1` in the environment what is expected is written anew.
fn compare(name: &str, found: &str) {
    let path = example(&format!("{name}.expected"));
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, found).unwrap();
    } else {
        assert_eq!(fs::read_to_string(path).unwrap(), found, "{name}");
    }
}

#[test]
fn examples_end_as_expected_on_any_number_of_workers() {
    for name in programs() {
        // It has no entry of its own; `an_app_survives_the_crashes_of_its_workers` runs it.
        if name != "pool" {
            for workers in WORKERS {
                compare(&name, &run_scheduled(&name, workers));
            }
        }
    }
}

/// Starts the pool; gives its top supervisor.
fn start_app(scheduler: &Scheduler) -> Pid {
    let app = App::parse(&source("pool.toml")).unwrap();
    let load = |path: &str| -> Result<Arc<Module>, String> {
        let module = Arc::new(assemble(&source(path)));
        let program = Program::new(Arc::clone(&module), &Hosts::new()).unwrap();
        scheduler.add_program(&Arc::new(program));
        Ok(module)
    };
    scheduler.start_supervisor(app.spec(load).unwrap(), None).unwrap().pid
}

/// Where the other process finds what was saved.
const SAVED: &str = "IRIDIUM_TEST_SAVED_APP";

#[test]
fn an_app_goes_on_in_another_process_of_the_system() {
    let expected = source("pool.expected");
    let file = std::env::temp_dir().join(format!("iridium-pool-{}", std::process::id()));
    for fuel in [100, 200, 400, 600] {
        let (scheduler, seen) = scheduler(2, fuel);
        start_app(&scheduler);
        until("the fuel is not spent", || scheduler.is_out_of_fuel());
        fs::write(&file, scheduler.save_all(DEADLINE).unwrap()).unwrap();
        scheduler.shutdown();
        let other = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "what_was_saved_goes_on", "--ignored", "--nocapture"])
            .env(SAVED, &file)
            .output()
            .unwrap();
        let told = String::from_utf8(other.stdout).unwrap();
        let (_, rest) = told.split_once("<<").unwrap();
        let (rest, _) = rest.split_once(">>").unwrap();
        assert_eq!(format!("--\n{}{rest}", seen.output()), expected, "{fuel}");
    }
    fs::remove_file(file).unwrap();
}

/// The other process of the test above.
#[test]
#[ignore = "goes on with what the test above has saved"]
fn what_was_saved_goes_on() {
    let (scheduler, seen) = scheduler(2, u64::MAX);
    let saved = fs::read(std::env::var_os(SAVED).unwrap()).unwrap();
    let _ = scheduler.restore_all(&saved, &Hosts::new(), RestoreOptions::default()).unwrap();
    until("the work is not done", || seen.output().ends_with("done\n"));
    println!("<<{}>>", seen.output());
}

#[test]
fn an_app_survives_the_crashes_of_its_workers() {
    for workers in WORKERS {
        let (scheduler, seen) = scheduler(workers, u64::MAX);
        let top = start_app(&scheduler);
        until("the work is not done", || seen.output().ends_with("done\n"));
        // What is left when all have ended normally: the two supervisors.
        until("a worker is left", || scheduler.process_count() == 2);
        assert_eq!(*seen.restarts.lock().unwrap(), 4);
        compare("pool", &format!("--\n{}", seen.output()));
        scheduler.kill(top, Reason::SHUTDOWN);
        until("a supervisor is left", || scheduler.process_count() == 0);
    }
}

#[test]
fn ten_thousand_processes_are_embedded() {
    let expected = "10000 numbers read\nmost steps: 261, from 6171\n\
        10 processes ended by fuel-limit\n10 processes ended by heap-limit\n\
        1 processes ended by host-error\n";
    assert_eq!(embed::run().unwrap(), expected);
}

#[test]
fn engines_from_outside_give_the_results_of_the_interpreter() {
    let interpreted = engines::run(false).unwrap();
    assert_eq!(interpreted.result, 3_i64.pow(30));
    assert_eq!(
        (interpreted.fuel, interpreted.taken),
        (30, 0),
        "a jump for each round but the last, and `prti`"
    );
    assert_eq!(interpreted.counted.1, interpreted.fuel);
    let hooked = engines::run(true).unwrap();
    assert_eq!((hooked.result, hooked.fuel), (interpreted.result, interpreted.fuel));
    assert_eq!(hooked.taken, 1, "the hook does the whole loop");
}
