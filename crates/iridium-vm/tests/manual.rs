//! The manual says what the machine does: its table is the generated one, and its examples run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use common::{assemble, run};
use iridium_vm::isa::reference::{explain, manual_table, mnemonics};
use iridium_vm::process::Pid;
use iridium_vm::sched::{Config, Ending, Observer, Output, Scheduler};
use iridium_vm::{Completion, Hosts, Limits, Process, Program, Status, Stop};

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

#[test]
fn the_table_is_the_generated_one() {
    let manual = fs::read_to_string(path("manual.md")).unwrap();
    let (head, rest) = manual.split_once("<!-- instructions").unwrap();
    let (note, rest) = rest.split_once("-->\n").unwrap();
    let (table, tail) = rest.split_once("<!-- end of instructions").unwrap();
    if std::env::var_os("UPDATE").is_some() {
        let table = manual_table();
        let new =
            format!("{head}<!-- instructions{note}-->\n{table}<!-- end of instructions{tail}");
        fs::write(path("manual.md"), new).unwrap();
    } else {
        assert_eq!(table, manual_table());
    }
}

/// The programs of a document, each with the heading it stands under.
fn programs(name: &str) -> Vec<(String, String)> {
    let text = fs::read_to_string(path(name)).unwrap();
    let mut heading = String::new();
    let mut program: Option<String> = None;
    let mut found = Vec::new();
    for line in text.lines() {
        match (&mut program, line) {
            (None, "```iasm") => program = Some(String::new()),
            (Some(source), "```") => {
                found.push((heading.clone(), std::mem::take(source)));
                program = None;
            }
            (Some(source), _) => {
                source.push_str(line);
                source.push('\n');
            }
            (None, _) => {
                if let Some(title) = line.strip_prefix("## ") {
                    heading = title.trim_matches('`').to_owned();
                }
            }
        }
    }
    found
}

/// Runs a program and compares its end with its `; =>` comments.
fn check(source: &str) {
    let expectations: Vec<&str> =
        source.lines().filter_map(|line| line.strip_prefix("; => ")).collect();
    assert!(!expectations.is_empty(), "nothing is said of\n{source}");
    if expectations == ["effect"] {
        assert!(wants_something(source), "{source}");
        return;
    }
    let ran = if source.contains(".import double") { run_doubling(source) } else { run(source) };
    compare(source, &ran);
}

/// Compares how a program ended with its `; =>` comments.
fn compare(source: &str, ran: &common::Ran) {
    let expectations = source.lines().filter_map(|line| line.strip_prefix("; => "));
    for expectation in expectations {
        let holds = match expectation.split_once(' ').unwrap() {
            ("output", text) => ran.output == text,
            ("trap", name) => ran.trap() == Some(name),
            ("exit", code) => ran.stop == Stop::Exited(code.parse().unwrap()),
            ("flag", value) => format!("= {}", ran.process.flag()) == value,
            (register, value) => {
                let (lane, number) = register.split_at(1);
                let number = number.parse().unwrap();
                let found = match lane {
                    "$" => ran.int(number).to_string(),
                    _ => format!("{:?}", ran.float(number)),
                };
                format!("= {found}") == value
            }
        };
        assert!(holds, "{expectation}: {:?} {:?}\n{source}", ran.stop, ran.output);
    }
}

/// Whether the program asks for something before it ends.
fn wants_something(source: &str) -> bool {
    let program = common::program(source);
    let mut process = Process::new(&program, Limits::default());
    matches!(process.run(&program, 1000, &mut Vec::new()), Ok(Stop::Effect(_)))
        && process.complete(Completion::Failed(iridium_vm::TrapKind::HostError)).is_ok()
}

fn run_doubling(source: &str) -> common::Ran {
    let mut hosts = Hosts::new();
    hosts.add("double", |call| {
        call.registers[0].int *= 2;
        Ok(())
    });
    let program = Program::new(assemble(source), &hosts).unwrap();
    let mut process = Process::new(&program, Limits::default());
    let stop = process.run(&program, 1000, &mut Vec::new()).unwrap();
    common::Ran { process, stop, output: String::new() }
}

#[test]
fn every_instruction_has_an_example_that_runs() {
    let programs = programs("instructions.md");
    for (mnemonic, source) in &programs {
        let uses = source.split_whitespace().any(|word| word == mnemonic);
        assert!(uses, "the example of `{mnemonic}` does not use it");
        check(source);
    }
    let described: BTreeSet<&str> = programs.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(described, mnemonics().collect());
}

#[test]
fn the_tutorial_runs() {
    let programs = programs("tutorial.md");
    assert!(programs.len() >= 6);
    programs.iter().for_each(|(_, source)| check(source));
}

/// What the processes of a program have written.
#[derive(Default)]
struct Written(Mutex<Vec<u8>>);

impl Output for Written {
    fn write(&self, _: Pid, text: &[u8]) {
        self.0.lock().unwrap().extend_from_slice(text);
    }
}

impl Observer for Written {
    fn ended(&self, _: &Ending) {}
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
    let (_, followed) = scheduler.spawn_followed(process, &program).unwrap();
    let ending = followed.ending.recv_timeout(PATIENCE).unwrap();
    let all = followed.all.recv_timeout(PATIENCE);
    assert!(all.unwrap_err().is_disconnected(), "others do not end\n{source}");
    let process = *ending.process.unwrap();
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
    let programs = programs("processes.md");
    assert!(programs.len() >= 7);
    for (_, source) in &programs {
        assert!(source.contains("; => "), "nothing is said of\n{source}");
        compare(source, &run_whole(source));
    }
}

#[test]
fn every_mnemonic_is_explained() {
    for mnemonic in mnemonics() {
        let text = explain(mnemonic).unwrap();
        assert!(text.starts_with(mnemonic) && text.contains("fuel: "), "{text}");
    }
    assert_eq!(explain("laod"), None);
    assert!(explain("BREQ").unwrap().contains("breq $a #n @l"));
}
