//! The manual says what the machine does: its table is the generated one, and its examples run.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use common::document::{compare, programs};
use common::{assemble, run};
use iridium_isa::reference::{explain, manual_table, mnemonics};
use iridium_vm::{Completion, Hosts, Limits, Process, Program, Stop};

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
    let programs = programs(&path("instructions.md"));
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
    let programs = programs(&path("tutorial.md"));
    assert!(programs.len() >= 6);
    programs.iter().for_each(|(_, source)| check(source));
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
